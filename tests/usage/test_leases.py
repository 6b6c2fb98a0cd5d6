"""Blocks of units: taken at once, spent with the work, given back; never an overshoot, whoever is killed."""

import asyncio
import random
from uuid import UUID

import pytest
from psycopg import errors

from frontdesk.database import new_id
from tests.usage.ledgers import age, allow, choose, consume, overage, used, work
from tests.world import World

LEASE = "select private.lease_usage(%(o)s, 'messages_sent', %(l)s, %(n)s)"
SPEND = "select private.spend_usage(%(o)s, %(l)s, %(n)s)"
RETURN = "select private.return_usage(%(o)s, %(l)s)"


async def take(world: World, lease: UUID, wanted: int) -> int:
    return int(await work(world, world.shop, LEASE, l=lease, n=wanted))


async def test_a_block_holds_what_there_is_and_gives_the_rest_back_once(world: World) -> None:
    await allow(world, world.shop, messages_sent=150)
    first, second = new_id(), new_id()
    assert [await take(world, first, 100), await take(world, second, 100)] == [100, 50]
    assert not await consume(world, world.shop)
    assert [await work(world, world.shop, SPEND, l=first, n=n) for n in (60, 41, 10)] == [True, False, True]
    assert [await work(world, world.shop, RETURN, l=first) for _ in range(2)] == [30, 0]
    assert list((await used(world, world.shop)).values()) == [120]
    assert await consume(world, world.shop, 30)
    assert not await work(world, world.shop, SPEND, l=first, n=1)


async def test_who_takes_a_block_up_again_finds_what_is_left_of_it(world: World) -> None:
    await allow(world, world.shop, messages_sent=1000)
    lease = new_id()
    assert await take(world, lease, 100) == 100
    assert await work(world, world.shop, SPEND, l=lease, n=30)
    assert await take(world, lease, 100) == 70
    assert list((await used(world, world.shop)).values()) == [100]


async def test_what_is_spent_goes_with_the_work_that_it_is_for(world: World) -> None:
    await allow(world, world.shop, messages_sent=1000)
    lease = new_id()
    await take(world, lease, 100)
    with pytest.raises(ZeroDivisionError):
        async with world.database.tenants([world.shop.organization_id]) as db:
            assert await db.value(SPEND, {"o": world.shop.organization_id, "l": lease, "n": 40})
            raise ZeroDivisionError
    assert await work(world, world.shop, RETURN, l=lease) == 100
    assert await used(world, world.shop) == {}


async def test_a_block_that_nobody_touches_for_an_hour_is_given_back(world: World) -> None:
    await allow(world, world.shop, messages_sent=100)
    forgotten, held = new_id(), new_id()
    await take(world, forgotten, 60)
    await take(world, held, 40)
    await work(world, world.shop, SPEND, l=forgotten, n=10)
    await world.owner.execute("update usage_leases set touched_at = now() - interval '61 minutes' where id = %s", (forgotten,))
    assert await world.database.call("select private.return_stale_usage() as returned") == [{"returned": 50}]
    assert list((await used(world, world.shop)).values()) == [50]


async def test_a_block_of_a_month_that_is_over_is_spent_no_more(world: World) -> None:
    await allow(world, world.shop, messages_sent=100)
    lease = new_id()
    await take(world, lease, 100)
    await age(world, world.shop)
    assert not await work(world, world.shop, SPEND, l=lease, n=1)
    assert await work(world, world.shop, RETURN, l=lease) == 100
    assert await take(world, new_id(), 100) == 100


async def test_what_a_block_had_beyond_the_limit_goes_back_first(world: World) -> None:
    await allow(world, world.shop, overage={"messages_sent": 1000}, messages_sent=10)
    await choose(world, world.shop, 20)
    lease = new_id()
    assert await take(world, lease, 100) == 30
    assert await overage(world, world.shop) == [(20, 20_000)]
    assert await work(world, world.shop, SPEND, l=lease, n=25)
    assert await work(world, world.shop, RETURN, l=lease) == 5
    assert await overage(world, world.shop) == [(15, 15_000)]
    assert [await consume(world, world.shop, n) for n in (5, 1)] == [True, False]


async def test_blocks_taken_and_returned_at_once_never_overshoot(world: World) -> None:
    await allow(world, world.shop, messages_sent=500)
    chance, spent = random.Random(3), 0

    async def campaign() -> None:
        nonlocal spent
        lease = new_id()
        got = await take(world, lease, chance.randint(1, 60))
        share = chance.randint(0, got)
        if share and await work(world, world.shop, SPEND, l=lease, n=share):
            spent += share
        await work(world, world.shop, RETURN, l=lease)

    await asyncio.gather(*(campaign() for _ in range(32)))
    assert sum((await used(world, world.shop)).values()) == spent <= 500


@pytest.mark.parametrize("amount", [0, -1, None])
async def test_an_amount_that_is_not_positive_is_refused(world: World, amount: int | None) -> None:
    lease = new_id()
    await take(world, lease, 5)
    for query in (LEASE.replace("%(n)s", "%(n)s::bigint"), SPEND.replace("%(n)s", "%(n)s::bigint")):
        with pytest.raises(errors.InvalidParameterValue):
            await work(world, world.shop, query, l=new_id() if query.startswith("select private.lease") else lease, n=amount)


@pytest.mark.parametrize("metric", ["smiles", "contacts"])
async def test_only_what_is_counted_can_be_taken_ahead(world: World, metric: str) -> None:
    with pytest.raises(errors.InvalidParameterValue, match="there is no metric"):
        await work(world, world.shop, f"select private.lease_usage(%(o)s, '{metric}', %(l)s, 1)", l=new_id())
