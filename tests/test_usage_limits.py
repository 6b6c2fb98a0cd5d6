"""Limits hold whoever asks at the same time: nothing overshoots, nothing is counted twice, nobody waits in a ring."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors

from frontdesk import auto_replies
from frontdesk.auto_replies import Proposal
from frontdesk.database import Database, batch, new_id
from frontdesk.usage import PlanLimitReached
from tests import world as world_
from tests.conftest import Urls
from tests.world import Shop, World

CALLERS = 32


@pytest.fixture
async def database(urls: Urls) -> AsyncIterator[Database]:
    """As many connections as callers."""
    opened = await Database.open(urls.app, min_size=1, max_size=CALLERS)
    yield opened
    await opened.close()


async def allow(world: World, shop: Shop, **limits: int | None) -> None:
    """Give a shop a plan of its own with these limits."""
    plan = f"of-{shop.phone_number_id}"
    await world.owner.execute(
        "insert into subscription_plans (id, name, position, monthly_price, yearly_price, limits) values (%s, 'Own', %s, 0, 0, %s)",
        (plan, int(shop.phone_number_id[-6:]), psycopg.types.json.Jsonb(limits)),
    )
    await world.owner.execute("update subscriptions set plan_id = %s where organization_id = %s", (plan, shop.organization_id))


async def used(world: World, shop: Shop, metric: str = "messages_sent") -> int:
    """What is counted for this month."""
    rows = await world.see(
        "select used from organization_usage where organization_id = %s and metric = %s and period_start = private.usage_period()",
        shop.organization_id,
        metric,
    )
    return int(rows[0][0])


async def consume(database: Database, shop: Shop, amount: int = 1, metric: str = "messages_sent") -> bool:
    """One caller, in a transaction of his own that lasts a moment longer than the call."""
    async with database.tenant(shop.organization_id, shop.actor) as db:
        granted = await db.value(
            "select private.consume_usage(%(organization_id)s, %(metric)s, %(amount)s)",
            {"organization_id": shop.organization_id, "metric": metric, "amount": amount},
        )
        await asyncio.sleep(0.002)
        return bool(granted)


async def consume_many(database: Database, wanted: dict[UUID, int]) -> dict[UUID, int]:
    """A batch of the road, over several organizations."""
    async with database.tenants(list(wanted)) as db:
        rows = [{"organization_id": one, "amount": amount} for one, amount in wanted.items()]
        granted = await db.rows("select organization_id, granted from private.consume_usage_of_many('messages_sent', %(batch)s)", {"batch": batch(rows)})
        await asyncio.sleep(0.002)
        return {row["organization_id"]: row["granted"] for row in granted}


async def all_at_once(calls: list[Callable[[], Awaitable[Any]]]) -> list[Any]:
    """Run the calls together; a ring of waiting callers would end in an error of PostgreSQL."""
    return await asyncio.gather(*(call() for call in calls))


async def test_thirty_two_callers_get_exactly_what_the_plan_allows(world: World) -> None:
    await allow(world, world.shop, messages_sent=50)
    granted = await all_at_once([lambda: consume(world.database, world.shop)] * (3 * CALLERS))
    assert sum(granted) == 50
    assert await used(world, world.shop) == 50
    assert await used(world, world.neighbour) == 0


async def test_callers_who_want_different_amounts_never_overshoot(world: World) -> None:
    await allow(world, world.shop, messages_sent=200)
    wishes = [random.Random(7).randint(1, 30) for _ in range(2 * CALLERS)]
    granted = await all_at_once([lambda wish=wish: consume(world.database, world.shop, wish) for wish in wishes])
    total = sum(wish for wish, got in zip(wishes, granted, strict=True) if got)
    assert await used(world, world.shop) == total <= 200
    assert all(total + wish > 200 for wish, got in zip(wishes, granted, strict=True) if not got and wish <= 200 - total)


async def test_batches_and_single_callers_over_the_same_organizations_count_exactly(world: World) -> None:
    shops = [world.shop, world.neighbour, await world_.open_shop(world.owner, "Third"), await world_.open_shop(world.owner, "Fourth")]
    for shop, limit in zip(shops, (40, 90, 0, None), strict=True):
        await allow(world, shop, messages_sent=limit)
    chance, given = random.Random(11), {shop.organization_id: 0 for shop in shops}

    async def single(shop: Shop) -> None:
        granted = await consume(world.database, shop)
        given[shop.organization_id] += granted

    async def several(wanted: dict[UUID, int]) -> None:
        for one, granted in (await consume_many(world.database, wanted)).items():
            assert 0 <= granted <= wanted[one]
            given[one] += granted

    calls: list[Callable[[], Awaitable[Any]]] = []
    for _ in range(2 * CALLERS):
        some = chance.sample(shops, chance.randint(1, 4))  # in any order: the function has to find one of its own
        wanted = {shop.organization_id: chance.randint(1, 5) for shop in some}
        calls.append(lambda wanted=wanted: several(wanted))
        calls.append(lambda shop=some[0]: single(shop))
    await all_at_once(calls)
    assert [await used(world, shop) for shop in shops] == [given[shop.organization_id] for shop in shops]
    assert [given[shop.organization_id] for shop in shops[:3]] == [40, 90, 0]
    assert given[shops[3].organization_id] > 90


async def test_a_batch_gets_what_still_fits(world: World) -> None:
    await allow(world, world.shop, messages_sent=10)
    await allow(world, world.neighbour, messages_sent=None)
    wanted = {world.shop.organization_id: 7, world.neighbour.organization_id: 1_000_000}
    assert await consume_many(world.database, wanted) == wanted
    assert await consume_many(world.database, wanted) == wanted | {world.shop.organization_id: 3}
    assert await consume_many(world.database, wanted) == wanted | {world.shop.organization_id: 0}


async def test_an_organization_named_twice_in_a_batch_is_refused(world: World) -> None:
    one = {"organization_id": world.shop.organization_id, "amount": 1}
    for function in ("consume_usage_of_many", "track_usage_of_many"):
        with pytest.raises(errors.InvalidParameterValue):
            async with world.database.tenants([world.shop.organization_id]) as db:
                await db.run(f"select private.{function}('messages_sent', %(batch)s)", {"batch": batch([one, one])})
    assert await used(world, world.shop) == 0


async def test_what_was_undone_is_not_counted(world: World) -> None:
    with pytest.raises(ZeroDivisionError):
        async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
            assert await db.value("select private.consume_usage(%(o)s, 'messages_sent', 3)", {"o": world.shop.organization_id})
            raise ZeroDivisionError
    assert await used(world, world.shop) == 0


async def test_what_arrives_is_counted_beyond_every_limit(world: World) -> None:
    await allow(world, world.shop, messages_received=0, messages_sent=0)

    async def track() -> None:
        async with world.database.tenants([world.shop.organization_id, world.neighbour.organization_id]) as db:
            rows = [{"organization_id": s.organization_id, "amount": 2} for s in (world.shop, world.neighbour)]
            await db.run("select private.track_usage_of_many('messages_received', %(batch)s)", {"batch": batch(rows)})

    await all_at_once([track] * CALLERS)
    assert [await used(world, shop, "messages_received") for shop in (world.shop, world.neighbour)] == [2 * CALLERS] * 2


async def test_rules_are_created_up_to_the_limit_and_no_further(world: World) -> None:
    await allow(world, world.shop, auto_replies=6)

    async def create() -> bool:
        try:
            async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
                await auto_replies.create(db, Proposal("Hours", "keyword", "contains", ("open",), "From nine to five.", 0))
        except PlanLimitReached:
            return False
        return True

    assert sum(await all_at_once([create] * CALLERS)) == 5  # the greeting of a new organization is the sixth
    assert await world.see("select count(*) from auto_replies where organization_id = %s", world.shop.organization_id) == [(6,)]


async def test_numbers_are_connected_up_to_the_limit_and_no_further(world: World) -> None:
    await allow(world, world.shop, channels=4)

    async def connect(number: int) -> bool:
        async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
            fits = await db.value("select private.consume_usage(%(o)s, 'channels')", {"o": world.shop.organization_id})
            return bool(fits and await db.value(
                "select private.connect_channel(%(o)s, %(id)s, 'cloud_api', 'More', %(number)s, '+1', '1', '1', 'sealed', null)",
                {"o": world.shop.organization_id, "id": new_id(), "number": str(777000 + number)},
            ))  # fmt: skip

    assert sum(await all_at_once([lambda n=n: connect(n) for n in range(CALLERS)])) == 3
    assert await world.see("select count(*) from channels where organization_id = %s", world.shop.organization_id) == [(4,)]


@pytest.mark.parametrize("amount", [0, -1, -(2**62), None])
@pytest.mark.parametrize("function", ["consume_usage", "track_usage", "check_usage_limit"])
async def test_an_amount_that_is_not_positive_is_refused(world: World, function: str, amount: int | None) -> None:
    with pytest.raises(errors.InvalidParameterValue):
        async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
            await db.run(f"select private.{function}(%(o)s, 'messages_sent', %(n)s::bigint)", {"o": world.shop.organization_id, "n": amount})
    assert await used(world, world.shop) == 0


@pytest.mark.parametrize("function", ["consume_usage_of_many", "track_usage_of_many"])
@pytest.mark.parametrize(("metric", "amount"), [("messages_sent", 0), ("messages_sent", -5), ("messages_sent", None), ("smiles", 1), ("contacts", 1)])
async def test_a_batch_of_nonsense_is_refused(world: World, function: str, metric: str, amount: int | None) -> None:
    rows = batch([{"organization_id": world.shop.organization_id, "amount": amount}])
    with pytest.raises(errors.InvalidParameterValue):
        async with world.database.tenants([world.shop.organization_id]) as db:
            await db.run(f"select private.{function}(%(metric)s, %(batch)s)", {"metric": metric, "batch": rows})
    assert await used(world, world.shop) == 0


@pytest.mark.parametrize("metric", ["smiles", "", "Messages_Sent"])
async def test_a_metric_that_does_not_exist_is_refused(world: World, metric: str) -> None:
    with pytest.raises(errors.InvalidParameterValue, match="there is no metric"):
        await consume(world.database, world.shop, metric=metric)


async def test_a_month_begins_with_nothing_and_leaves_the_last_one_as_it_was(world: World) -> None:
    await allow(world, world.shop, messages_sent=5)
    await world.owner.execute(
        "update organization_usage set period_start = period_start - interval '1 month', used = 5 where organization_id = %s and metric = 'messages_sent'",
        (world.shop.organization_id,),
    )
    assert [await consume(world.database, world.shop, n) for n in (4, 2, 1, 1)] == [True, False, True, False]
    rows = await world.see(
        "select used, period_start = date_trunc('month', now() at time zone 'UTC')::date from organization_usage"
        " where organization_id = %s and metric = 'messages_sent' order by period_start", world.shop.organization_id,
    )  # fmt: skip
    assert rows == [(5, False), (5, True)]


@pytest.fixture
def alone(urls: Urls) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner, who acts for the platform."""
    with psycopg.connect(urls.owner) as connection:
        connection.execute("insert into auth.users (id, email) values (gen_random_uuid(), 'somebody@example.com')")
        yield connection


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limit=st.none() | st.integers(0, 60), wishes=st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=15))
def test_any_sequence_of_calls_counts_what_was_granted(alone: psycopg.Connection[Any], limit: int | None, wishes: list[tuple[bool, int]]) -> None:
    with alone.transaction(force_rollback=True):
        ((one,),) = alone.execute("select organization_id from organization_members").fetchall()
        alone.execute("update subscription_plans set limits = jsonb_build_object('messages_sent', %s::bigint) where id = 'starter'", (limit,))
        total = 0
        for in_a_batch, wish in wishes:
            room = wish if limit is None else limit - total
            fits = min(wish, room) if in_a_batch else wish * (wish <= room)
            if in_a_batch:
                rows = batch([{"organization_id": one, "amount": wish}])
                row = alone.execute("select granted from private.consume_usage_of_many('messages_sent', %s)", (rows,)).fetchone()
            else:
                row = alone.execute("select case when private.consume_usage(%s, 'messages_sent', %s) then %s::int else 0 end", (one, wish, wish)).fetchone()
            assert row == (fits,)
            total += fits
        assert alone.execute("select used from organization_usage where metric = 'messages_sent'").fetchone() == (total,)
