"""What arrives is counted by a row a batch, which is folded into the counters: exactly, in its own month, whoever is killed or goes meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

from frontdesk.database import new_id
from frontdesk.messages import store
from tests.conftest import Urls
from tests.usage.ledgers import used, work
from tests.watching import watched
from tests.world import Shop, World, text, webhook

FOLD = "select private.fold_received()"
ANCHOR = "select private.anchor_usage(%(o)s, %(a)s)"


@pytest.fixture
async def other(urls: Urls) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A second connection of the database's owner."""
    connection = await psycopg.AsyncConnection.connect(urls.owner)
    yield connection
    await connection.close()


async def count(world: World, *shops: Shop, amount: int = 1) -> None:
    """One batch."""
    async with world.database.tenants([shop.organization_id for shop in shops]) as db:
        await store.count_received(db, {shop.organization_id: amount for shop in shops})


async def counters(world: World, shop: Shop) -> dict[date, int]:
    """What stands in the counters, without what is not folded."""
    return dict(await world.see(
        "select period_start, used from organization_usage where organization_id = %s and metric = 'messages_received' and used > 0", shop.organization_id
    ))  # fmt: skip


async def shown(world: World, shop: Shop) -> int:
    """What the organization sees."""
    return int(await work(world, shop, "select used from private.usage_overview(%(o)s) where metric = 'messages_received'"))


async def drifts(world: World, shop: Shop) -> list[Any]:
    return list(await world.database.call("select * from private.recount_usage(%(o)s)", {"o": shop.organization_id}))


async def waiting(world: World) -> int:
    return int((await world.see("select count(*) from private.received_counts"))[0][0])


async def a_lock_is_waited_for(world: World) -> None:
    async with asyncio.timeout(20):
        while not await world.see("select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"):
            await asyncio.sleep(0.01)


async def test_it_is_shown_at_once_and_no_counter_is_touched_before_the_fold(world: World) -> None:
    await count(world, world.shop, world.neighbour, amount=3)
    await count(world, world.shop, amount=2)
    assert await counters(world, world.shop) == {} and (await shown(world, world.shop), await shown(world, world.neighbour)) == (5, 3)
    assert await world.see(FOLD) == [(2,)] and await world.see(FOLD) == [(0,)]
    assert list((await counters(world, world.shop)).values()) == [5] and list((await counters(world, world.neighbour)).values()) == [3]
    assert (await shown(world, world.shop), await shown(world, world.neighbour)) == (5, 3)


async def test_nothing_is_lost_or_doubled_whoever_counts_folds_and_looks_at_the_same_time(world: World) -> None:
    seen: list[int] = []

    async def arriving() -> None:
        for _ in range(15):
            await count(world, world.shop, world.neighbour, amount=2)

    async def folding() -> None:
        for _ in range(15):
            await world.database.call(FOLD)

    async def looking() -> None:
        seen.extend([await shown(world, world.shop) for _ in range(15)])

    await asyncio.gather(*(work() for work in [arriving, folding] * 4), looking())
    assert seen == sorted(seen) and seen[-1] <= 120
    assert [list((await used(world, shop, "messages_received")).values()) for shop in (world.shop, world.neighbour)] == [[120], [120]]


async def test_a_recount_finds_nothing_while_messages_arrive_and_are_folded(world: World) -> None:
    found: list[Any] = []

    async def arriving() -> None:
        for n in range(12):
            await world.arrive(world.shop, webhook(world.shop, text(f"number {n}")))

    async def folding_and_recounting() -> None:
        for _ in range(12):
            await world.database.call(FOLD)
            found.extend(await drifts(world, world.shop))

    await asyncio.gather(arriving(), folding_and_recounting())
    assert found + await drifts(world, world.shop) == []
    assert list((await used(world, world.shop, "messages_received")).values()) == [12]


@pytest.mark.parametrize("plans", ["custom", "generic"])
async def test_a_fold_looks_at_the_organizations_that_it_counts_and_no_others(world: World, plans: str) -> None:
    await world.owner.execute("insert into organizations (id, slug, name) select gen_random_uuid(), 'shop-' || n, 'Shop' from generate_series(1, 1000) n")
    await world.owner.execute(
        "insert into organization_usage (organization_id, metric, period_start, used) select o.id, m.metric, private.usage_period() - n * interval '1 month', 1"
        " from organizations o, usage_metrics m, generate_series(1, 12) n where m.kind = 'period'"
    )
    await world.owner.execute("analyze")
    some = [one for (one,) in await world.see("select id from organizations where slug like 'shop-%%' order by id limit 20")]
    async with world.database.tenants(some) as tenants:
        await store.count_received(tenants, dict.fromkeys(some, 1))
    async with watched(world.database.platform(), plans) as (db, seen):
        assert await db.value(FOLD) == 1
    assert {table: n for table, n in seen[0].read.items() if n > 40} == {}  # foreign keys look as well


async def test_what_was_undone_is_not_counted(world: World) -> None:
    with suppress(ZeroDivisionError):
        async with world.database.tenants([world.shop.organization_id]) as db:
            await store.count_received(db, {world.shop.organization_id: 1})
            raise ZeroDivisionError
    assert (await shown(world, world.shop), await waiting(world)) == (0, 0)


async def test_only_organizations_that_the_batch_named_are_counted(world: World) -> None:
    both = {world.shop.organization_id: 1, world.neighbour.organization_id: 1}
    for named, counts in (([world.shop.organization_id], both), ([], both), ([world.shop.organization_id], {new_id(): 1})):
        with pytest.raises(errors.InsufficientPrivilege):
            async with world.database.tenants(named) as db:
                await store.count_received(db, counts)
    assert await waiting(world) == 0


@pytest.mark.parametrize("amount", [0, -1, 1.5, "1", "x", None, True, [1], [], {}, 10**9 + 1, 10**30])
async def test_an_amount_that_is_no_positive_number_is_refused(world: World, amount: object) -> None:
    other = {str(world.neighbour.organization_id): 1}
    with pytest.raises(errors.InvalidParameterValue, match="positive number"):
        async with world.database.tenants([world.shop.organization_id, world.neighbour.organization_id]) as db:
            await db.run("select private.count_received(%(c)s)", {"c": Jsonb(other | {str(world.shop.organization_id): amount})})
    assert await waiting(world) == 0


async def test_what_is_no_object_is_refused(world: World) -> None:
    for nonsense in ([], [{"organization_id": str(world.shop.organization_id), "amount": 1}], 1, "x", None):
        with pytest.raises(errors.InvalidParameterValue):
            await work(world, world.shop, "select private.count_received(%(c)s)", c=Jsonb(nonsense))
    with pytest.raises(errors.InvalidParameterValue):
        await work(world, world.shop, "select private.count_received(null)")


async def test_it_belongs_to_the_month_of_the_day_on_which_it_came(world: World) -> None:
    ((today, month),) = await world.see("select (now() at time zone 'UTC')::date, private.usage_period()")
    await world.owner.execute("update subscriptions set usage_anchor = %s where organization_id = %s", (today, world.shop.organization_id))
    await count(world, world.shop, world.neighbour)
    first_of_both = max(today, month)
    await world.owner.execute("update private.received_counts set counted_at = (%s::timestamp at time zone 'UTC') - interval '1 second'", (first_of_both,))
    assert await drifts(world, world.shop) == [] and await shown(world, world.shop) == 0
    day = first_of_both - timedelta(days=1)
    ((before, calendar),) = await world.see("select private.period_start(%s::date, %s::date), date_trunc('month', %s::timestamp)::date", today, day, day)
    await count(world, world.shop, world.neighbour, amount=2)
    assert await world.see(FOLD) == [(2,)]
    assert await counters(world, world.shop) == {before: 1, today: 2}
    assert await counters(world, world.neighbour) == ({calendar: 1, month: 2} if calendar < month else {month: 3})
    assert await world.see("select updated_at::date < now()::date from organization_usage where period_start = %s and used = 1", before) == [(True,)]


async def test_an_organization_that_went_is_passed_over(world: World) -> None:
    await count(world, world.shop, world.neighbour)
    await world.owner.execute("delete from organizations where id = %s", (world.neighbour.organization_id,))
    assert await world.see(FOLD) == [(1,)]
    assert list((await counters(world, world.shop)).values()) == [1] and await counters(world, world.neighbour) == {}


async def test_an_organization_that_goes_in_that_moment_costs_nobody_his_count(world: World, other: psycopg.AsyncConnection[Any]) -> None:
    await count(world, world.shop, world.neighbour)
    await other.execute("delete from organizations where id = %s", (world.neighbour.organization_id,))
    folding = asyncio.create_task(world.database.call(FOLD))
    await a_lock_is_waited_for(world)
    await other.commit()
    assert [row["fold_received"] for row in await folding] == [0] and await shown(world, world.shop) == 1
    assert await world.see(FOLD) == [(1,)]
    assert list((await counters(world, world.shop)).values()) == [1]


async def test_who_is_killed_while_folding_leaves_all_as_it_was(world: World, other: psycopg.AsyncConnection[Any]) -> None:
    await count(world, world.shop, amount=4)
    assert await (await other.execute(FOLD)).fetchall() == [(1,)]
    assert await world.see(FOLD) == [(0,)]  # one at a time
    assert (await shown(world, world.shop), await counters(world, world.shop)) == (4, {})
    await world.owner.execute("select pg_terminate_backend(%s, 10000)", (other.info.backend_pid,))
    assert (await shown(world, world.shop), await waiting(world)) == (4, 1)
    assert await world.see(FOLD) == [(1,)] and list((await counters(world, world.shop)).values()) == [4]


async def test_months_that_begin_with_another_day_have_what_is_not_folded_once(world: World, other: psycopg.AsyncConnection[Any]) -> None:
    ((today, month),) = await world.see("select (now() at time zone 'UTC')::date, private.usage_period()")
    anchor = today - timedelta(days=3)
    await world.arrive(world.shop, *[webhook(world.shop, text(f"folded {n}")) for n in range(3)])
    await world.see(FOLD)
    await world.arrive(world.shop, *[webhook(world.shop, text(f"not folded {n}")) for n in range(2)])
    await other.execute(ANCHOR, {"o": world.shop.organization_id, "a": anchor})
    assert await world.see(FOLD) == ([(0,)] if anchor != month else [(1,)])  # months are being moved
    await other.commit()
    assert await drifts(world, world.shop) == [] and await shown(world, world.shop) == 5
    assert await used(world, world.shop, "messages_received") == {anchor: 5} and await drifts(world, world.shop) == []


async def test_months_wait_for_whoever_is_folding(world: World, other: psycopg.AsyncConnection[Any]) -> None:
    ((today, month),) = await world.see("select (now() at time zone 'UTC')::date, private.usage_period()")
    anchor = today - timedelta(days=3) if today.day != 4 else today - timedelta(days=2)
    await world.arrive(world.shop, *[webhook(world.shop, text(f"number {n}")) for n in range(2)])
    await other.execute(FOLD)
    moving = asyncio.create_task(work(world, world.shop, ANCHOR, a=anchor))
    await a_lock_is_waited_for(world)
    await other.commit()
    assert await moving == anchor != month
    assert await counters(world, world.shop) == {anchor: 2} and await drifts(world, world.shop) == []
