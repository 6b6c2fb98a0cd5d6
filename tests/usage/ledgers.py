"""What the tests of usage do to a shop: give it a plan, count for it, let time pass."""

from datetime import date
from typing import Any

from psycopg.types.json import Jsonb

from tests.world import Shop, World, fold_received


async def allow(world: World, shop: Shop, *, overage: dict[str, int] | None = None, status: str = "active", **limits: int | None) -> None:
    """Give a shop a plan of its own with these limits. overage: cents for a thousand more of a metric."""
    plan = f"of-{shop.phone_number_id}"
    await world.owner.execute(
        "insert into subscription_plans (id, name, position, monthly_price, yearly_price, limits, overage) values (%s, 'Own', %s, 0, 0, %s, %s)"
        " on conflict (id) do update set limits = excluded.limits, overage = excluded.overage",
        (plan, int(shop.phone_number_id[-6:]), Jsonb(limits), Jsonb(overage or {})),
    )
    await world.owner.execute("update subscriptions set plan_id = %s, status = %s where organization_id = %s", (plan, status, shop.organization_id))


async def choose(world: World, shop: Shop, cap: int | None, metric: str = "messages_sent") -> None:
    """Let a shop go on up to a cap in cents, or stop."""
    await world.owner.execute(
        "insert into usage_choices (organization_id, metric, over_limit, cap) values (%s, %s, %s, %s)"
        " on conflict (organization_id, metric) do update set over_limit = excluded.over_limit, cap = excluded.cap",
        (shop.organization_id, metric, "stop" if cap is None else "overage", cap),
    )


async def consume(world: World, shop: Shop, amount: int = 1, metric: str = "messages_sent") -> bool:
    """One caller, in a transaction of his own."""
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        return bool(await db.value("select private.consume_usage(%(o)s, %(m)s, %(n)s)", {"o": shop.organization_id, "m": metric, "n": amount}))


async def track(world: World, shop: Shop, amount: int = 1, metric: str = "messages_received") -> None:
    """Count, whatever the limit."""
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        await db.run("select private.track_usage(%(o)s, %(m)s, %(n)s)", {"o": shop.organization_id, "m": metric, "n": amount})


async def work(world: World, shop: Shop, query: str, **params: Any) -> Any:
    """A value that background work asks for, in the name of the shop."""
    async with world.database.tenants([shop.organization_id]) as db:
        return await db.value(query, {"o": shop.organization_id} | params)  # type: ignore[arg-type]  # literal in every test


async def used(world: World, shop: Shop, metric: str = "messages_sent") -> dict[date, int]:
    """What is counted for each period in which anything was."""
    await fold_received(world.owner)
    rows = await world.see(
        "select period_start, used from organization_usage where organization_id = %s and metric = %s and used > 0 order by 1", shop.organization_id, metric
    )
    return dict(rows)


async def overage(world: World, shop: Shop) -> list[tuple[int, int]]:
    """Units beyond limits, and what they cost in thousandths of a cent."""
    return list(await world.see("select units, cost from usage_overage where organization_id = %s order by period_start", shop.organization_id))


async def age(world: World, shop: Shop, months: int = 1) -> None:
    """Let everything counted be of earlier months."""
    for table in ("organization_usage", "usage_overage", "usage_leases"):
        await world.owner.execute(
            f"update {table} set period_start = (period_start - make_interval(months => %s))::date where organization_id = %s",  # type: ignore[arg-type]  # literal above
            (months, shop.organization_id),
        )
