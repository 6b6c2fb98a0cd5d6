"""The SQL of usage: calls of the functions that count and refuse."""

from datetime import date
from uuid import UUID

from frontdesk.database import Platform, Tenant, Tenants
from frontdesk.usage.records import Period, Standing, Usage


async def overview(db: Tenant) -> list[Usage]:
    """Every metric, in the order of its name."""
    return await db.records(
        Usage,
        "select metric, kind, used, allowed from private.usage_overview(%(organization_id)s) order by metric",
        {"organization_id": db.organization_id},
    )


async def check(db: Tenant, metric: str, amount: int) -> bool:
    """Whether the amount would still fit; it may not a moment later."""
    return bool(
        await db.value(
            "select private.check_usage_limit(%(organization_id)s, %(metric)s, %(amount)s)",
            {"organization_id": db.organization_id, "metric": metric, "amount": amount},
        )
    )


async def consume(db: Tenant | Platform, organization_id: UUID, metric: str, amount: int) -> bool:
    """Check and count in one step."""
    return bool(
        await db.value(
            "select private.consume_usage(%(organization_id)s, %(metric)s, %(amount)s)",
            {"organization_id": organization_id, "metric": metric, "amount": amount},
        )
    )


async def standing(db: Tenant) -> list[Standing]:
    """Every metric with what happens at its limit, in the order of its name."""
    return await db.records(
        Standing,
        "select metric, kind, used, allowed, unit, over_limit, cap, price, currency, over, cost, may_go_over from private.usage_standing(%(organization_id)s)",
        {"organization_id": db.organization_id},
    )


async def period(db: Tenant) -> Period | None:
    """The organization's month; None only where its subscription was removed by hand."""
    return await db.record(
        Period,
        """
        select p.starts, private.period_end(s.usage_anchor, p.starts) - 1 as ends
        from public.subscriptions s cross join private.usage_period(%(organization_id)s) as p (starts)
        where s.organization_id = %(organization_id)s
        """,
        {"organization_id": db.organization_id},
    )


async def anchor(db: Tenants, organization_id: UUID, day: date) -> date:
    """Let the organization's months begin with this day's number; returns when the present one began."""
    began: date = await db.value("select private.anchor_usage(%(organization_id)s, %(day)s)", {"organization_id": organization_id, "day": day})
    return began


async def choice(db: Tenant, metric: str) -> int | None:
    """The cap that an organization chose for a metric, locked until this transaction ends; None is to stop."""
    cap: int | None = await db.value(
        "select cap from public.usage_choices where organization_id = %(organization_id)s and metric = %(metric)s for no key update",
        {"organization_id": db.organization_id, "metric": metric},
    )
    return cap


async def choose(db: Tenant, metric: str, cap: int | None) -> None:
    """Keep what happens at a limit: to go on up to the cap, or to stop."""
    await db.run(
        """
        insert into public.usage_choices as c (organization_id, metric, over_limit, cap, chosen_by)
        values (%(organization_id)s, %(metric)s, case when %(cap)s::bigint is null then 'stop' else 'overage' end, %(cap)s, %(user_id)s)
        on conflict (organization_id, metric) do update
          set over_limit = excluded.over_limit, cap = excluded.cap, chosen_by = excluded.chosen_by
        """,
        {"organization_id": db.organization_id, "metric": metric, "cap": cap, "user_id": db.actor.user_id},
    )


async def lease(db: Tenant | Tenants, organization_id: UUID, metric: str, lease_id: UUID, wanted: int) -> int:
    """Take a block of units, or take it up again; how many it holds."""
    return int(
        await db.value(
            "select private.lease_usage(%(organization_id)s, %(metric)s, %(lease_id)s, %(wanted)s)",
            {"organization_id": organization_id, "metric": metric, "lease_id": lease_id, "wanted": wanted},
        )
    )


async def spend(db: Tenant | Tenants, organization_id: UUID, lease_id: UUID, amount: int) -> bool:
    """Spend units of a block."""
    return bool(
        await db.value(
            "select private.spend_usage(%(organization_id)s, %(lease_id)s, %(amount)s)",
            {"organization_id": organization_id, "lease_id": lease_id, "amount": amount},
        )
    )


async def give_back(db: Tenant | Tenants, organization_id: UUID, lease_id: UUID) -> int:
    """Give back what is left of a block."""
    return int(await db.value("select private.return_usage(%(organization_id)s, %(lease_id)s)", {"organization_id": organization_id, "lease_id": lease_id}))
