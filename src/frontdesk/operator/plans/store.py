"""The SQL of plans and prices."""

from typing import Any

from psycopg.types.json import Jsonb

from frontdesk.database import Console
from frontdesk.operator.plans.records import Plan


async def plans(db: Console) -> list[Plan]:
    """Every plan, the smallest first, the retired ones too."""
    return await db.records(
        Plan,
        """
        select p.id, p.name, p.description, p.currency, p.limits, p.features, p.overage, p.retired_at,
          (select coalesce(jsonb_object_agg(c.billing_interval, c.amount), '{}') from public.plan_prices c
           where c.plan_id = p.id and c.currency = p.currency and c.retired_at is null) as prices,
          (select count(*) from public.subscriptions s where s.plan_id = p.id) as organizations
        from public.subscription_plans p order by p.position
        """,
    )


async def metrics(db: Console) -> list[dict[str, Any]]:
    """What can be limited, with how it is called. kind: of what is counted by period only, more can be sold."""
    return await db.rows("select metric, description, kind from public.usage_metrics order by metric")


async def change(
    db: Console, plan_id: str, name: str, description: str, limits: dict[str, int | None], features: dict[str, bool], overage: dict[str, int]
) -> bool:
    """Write what a plan is; False when there is no such plan."""
    return bool(
        await db.value(
            "select private.change_plan(%(id)s, %(name)s, %(description)s, %(limits)s, %(features)s, %(overage)s)",
            {"id": plan_id, "name": name, "description": description, "limits": Jsonb(limits), "features": Jsonb(features), "overage": Jsonb(overage)},
        )
    )


async def change_price(db: Console, plan_id: str, interval: str, currency: str, amount: int | None) -> None:
    """Sell it for another amount from now on; None: not at all."""
    await db.run(
        "select private.change_plan_price(%(id)s, %(interval)s, %(currency)s, %(amount)s)",
        {"id": plan_id, "interval": interval, "currency": currency, "amount": amount},
    )


async def make(db: Console, plan_id: str, name: str) -> bool:
    """A new plan; False when its id is taken."""
    return bool(await db.value("select private.make_plan(%(id)s, %(name)s)", {"id": plan_id, "name": name}))


async def retire(db: Console, plan_id: str, retired: bool) -> bool:
    """Take it out of what is sold, or put it back; False when it is so already."""
    return bool(await db.value("select private.retire_plan(%(id)s, %(retired)s)", {"id": plan_id, "retired": retired}))
