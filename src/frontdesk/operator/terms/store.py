"""The SQL of what an organization has beside what it bought."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.database import Console


async def give_plan(db: Console, organization_id: UUID, plan: str, paid_elsewhere: bool) -> str:
    """Another plan: "done", "bought" when the provider has its subscription, "no plan" or "nothing"."""
    given = {"id": organization_id, "plan": plan, "elsewhere": paid_elsewhere}
    return str(await db.value("select private.give_plan(%(id)s, %(plan)s, %(elsewhere)s)", given))


async def prices(db: Console, organization_id: UUID) -> list[dict[str, Any]]:
    """What a plan that was bought can be changed to: every other price in its currency."""
    return await db.rows(
        """
        select c.lookup_key, p.name as plan, c.billing_interval, c.amount, c.currency
        from public.plan_prices c
        join public.subscription_plans p on p.id = c.plan_id and p.retired_at is null
        join public.subscriptions s on s.organization_id = %(organization_id)s
          and c.currency = coalesce(s.currency, p.currency) and (c.plan_id, c.billing_interval) <> (s.plan_id, s.billing_interval)
        where c.retired_at is null order by p.position, c.billing_interval
        """,
        {"organization_id": organization_id},
    )


async def overrides(db: Console, organization_id: UUID) -> list[dict[str, Any]]:
    """The exceptions from its plan."""
    return await db.rows(
        """
        select key, value, reason, expires_at, expires_at <= now() as is_over from public.entitlement_overrides
        where organization_id = %(organization_id)s order by key
        """,
        {"organization_id": organization_id},
    )


async def entitlement_keys(db: Console) -> tuple[list[str], list[str]]:
    """What an exception may be about: features that any plan speaks of, and metrics."""
    features = await db.rows("select distinct jsonb_object_keys(features) as name from public.subscription_plans order by 1")
    metrics = await db.rows("select metric as name from public.usage_metrics order by 1")
    return [row["name"] for row in features], [row["name"] for row in metrics]


async def override(db: Console, organization_id: UUID, key: str, value: Any, reason: str, until: datetime | None) -> Any:
    """Write an exception; what it said before, if there was one."""
    return await db.value(
        "select private.override_entitlement(%(id)s, %(key)s, %(value)s, %(reason)s, %(until)s)",
        {"id": organization_id, "key": key, "value": Jsonb(value), "reason": reason, "until": until},
    )


async def restore(db: Console, organization_id: UUID, key: str) -> bool:
    """Take an exception back; False when there is none."""
    return bool(await db.value("select private.restore_entitlement(%(id)s, %(key)s)", {"id": organization_id, "key": key}))
