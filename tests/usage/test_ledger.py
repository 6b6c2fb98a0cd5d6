"""The ledger is added to once an hour and never changed; a recount finds what was planted; API calls are counted and none is lost."""

from datetime import timedelta

import pytest
from psycopg import errors

from frontdesk.database import new_id
from tests.usage.ledgers import track, used
from tests.world import World, fold_received, text, webhook

ZERO = "00000000-0000-0000-0000-000000000000"


async def roll_up(world: World) -> int:
    return len(await world.database.call("select organization_id from private.roll_up_usage(%(z)s, 500)", {"z": ZERO}))


async def booked(world: World) -> list[int]:
    rows = await world.see("select amount from usage_ledger where organization_id = %s order by created_at, source_id", world.shop.organization_id)
    return [amount for (amount,) in rows]


async def pass_an_hour(world: World) -> None:
    """Let every entry be of an hour ago."""
    await world.owner.execute("alter table usage_ledger disable trigger usage_ledger_append_only")
    await world.owner.execute("update usage_ledger set source_id = source_id || ' earlier', created_at = created_at - interval '1 hour'")
    await world.owner.execute("alter table usage_ledger enable trigger usage_ledger_append_only")


async def test_each_hour_adds_what_was_counted_since(world: World) -> None:
    await track(world, world.shop, 5)
    assert await roll_up(world) == 1
    assert await booked(world) == [5]
    assert await roll_up(world) == 0
    await track(world, world.shop, 2)
    await roll_up(world)  # this hour has its entry: the rest waits for the next one, as after a clock that was set back
    assert await booked(world) == [5]
    await pass_an_hour(world)
    await roll_up(world)
    assert await booked(world) == [5, 2]
    assert await world.see("select used, rolled_up from organization_usage where metric = 'messages_received' and used > 0") == [(7, 7)]


async def test_a_counter_that_is_busy_keeps_nobody_waiting_and_has_its_turn_later(world: World) -> None:
    await track(world, world.shop, 5)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await db.run("select private.track_usage(%(o)s, 'messages_received')", {"o": world.shop.organization_id})
        assert await roll_up(world) == 0
    assert await roll_up(world) == 1
    assert await booked(world) == [6]


async def test_nobody_rewrites_the_ledger(world: World) -> None:
    await track(world, world.shop, 5)
    await roll_up(world)
    for statement in ("update usage_ledger set amount = 1", "delete from usage_ledger", "truncate usage_ledger"):
        with pytest.raises(errors.InsufficientPrivilege):
            await world.owner.execute(statement)
    with pytest.raises(errors.UniqueViolation):
        await world.owner.execute("insert into usage_ledger select * from usage_ledger")


async def test_a_job_has_one_turn_an_hour_and_one_a_day(world: World) -> None:
    ask = "select private.take_turn(%(job)s, %(unit)s) as mine"
    for unit, ago in (("hour", timedelta(hours=1)), ("day", timedelta(days=1))):
        turns = [(await world.database.call(ask, {"job": unit, "unit": unit}))[0]["mine"] for _ in range(2)]
        assert turns == [True, False]
        await world.owner.execute("update private.clock_turns set taken_at = taken_at - %s where job = %s", (ago, unit))
        assert (await world.database.call(ask, {"job": unit, "unit": unit}))[0]["mine"]
        await world.owner.execute("update private.clock_turns set taken_at = taken_at + %s where job = %s", (ago, unit))
        assert not (await world.database.call(ask, {"job": unit, "unit": unit}))[0]["mine"]  # the clock was set back


async def recount(world: World) -> list[tuple[str, int, int]]:
    rows = await world.database.call("select metric, counted, recounted from private.recount_usage(%(o)s) order by 1", {"o": world.shop.organization_id})
    return [(row["metric"], row["counted"], row["recounted"]) for row in rows]


async def test_a_recount_finds_what_was_planted_and_nothing_else(world: World) -> None:
    await world.arrive(world.shop, *[webhook(world.shop, text(f"number {n}")) for n in range(3)])  # each is answered, and greeted
    assert await recount(world) == []
    await fold_received(world.owner)
    assert await recount(world) == []
    await world.owner.execute("update organization_usage set used = used + 2 where metric = 'messages_received' and used > 0")
    await world.owner.execute("update organization_usage set used = 0 where metric = 'messages_sent'")
    ((sent,),) = await world.see("select count(*) from messages where direction = 'out'")
    assert sent > 0
    assert await recount(world) == [("messages_received", 5, 3), ("messages_sent", 0, sent)]
    told = await world.database.call("select organization, metric, counted, recounted from private.list_usage_drifts() order by 2")
    assert [(row["metric"], row["counted"], row["recounted"]) for row in told] == [("messages_received", 5, 3), ("messages_sent", 0, sent)]


async def test_what_the_plan_refused_and_what_a_gone_channel_had_is_no_drift(world: World) -> None:
    await world.owner.execute("update subscription_plans set limits = limits || '{\"messages_sent\": 0}' where id = 'starter'")
    await world.arrive(world.shop, webhook(world.shop, text("hi")))
    assert await world.see("select count(*) from messages where status = 'failed'") == [(1,)]
    assert await recount(world) == []
    await world.database.call(
        "select private.make_usage_days(%(o)s, (now() at time zone 'UTC')::date, (now() at time zone 'UTC')::date, '1 hour')", {"o": world.shop.organization_id}
    )
    await world.owner.execute("delete from channels where organization_id = %s", (world.shop.organization_id,))
    assert await recount(world) == []


async def test_units_of_a_block_that_are_not_spent_are_no_drift(world: World) -> None:
    async with world.database.tenants([world.shop.organization_id]) as db:
        await db.run("select private.lease_usage(%(o)s, 'messages_sent', %(l)s, 50)", {"o": world.shop.organization_id, "l": new_id()})
    assert await recount(world) == []


async def test_days_tell_how_much_came_by_which_channel_and_who_wrote(world: World) -> None:
    await world.arrive(world.shop, *[webhook(world.shop, text(f"number {n}")) for n in range(3)])
    ask = "select private.make_usage_days(%(o)s, (now() at time zone 'UTC')::date, (now() at time zone 'UTC')::date, '1 hour')"
    for _ in range(2):
        await world.database.call(ask, {"o": world.shop.organization_id})
        rows = await world.see("select metric, channel_id, author, amount from usage_days where organization_id = %s order by 1", world.shop.organization_id)
        assert rows[0] == ("messages_received", world.shop.channel_id, "contact", 3)
        assert [(metric, author) for metric, _, author, _ in rows[1:]] == [("messages_sent", "bot")]
    assert await world.see("select count(*) from usage_days where organization_id = %s", world.neighbour.organization_id) == [(0,)]


async def test_calls_are_counted_without_a_row_of_their_own(world: World) -> None:
    call = "select * from private.count_api_call(%s, 3, %s)"
    for _ in range(5):  # three are admitted in this minute
        await world.owner.execute(call, (bytes(32), world.shop.organization_id))
    await world.owner.execute("update private.api_calls set window_ends_at = now() - interval '1 second'")
    await world.owner.execute(call, (bytes(32), world.shop.organization_id))
    await world.owner.execute(call, (b"x" * 32, None))
    for _ in range(2):
        await world.database.call("select private.count_api_calls()")
        assert list((await used(world, world.shop, "api_requests")).values()) == [4]
    await world.owner.execute(call, (bytes(32), world.shop.organization_id))
    await world.database.call("select private.count_api_calls()")
    assert list((await used(world, world.shop, "api_requests")).values()) == [5]


async def test_a_level_is_not_tracked_and_nonsense_is_refused(world: World) -> None:
    for metric in ("contacts", "smiles", ""):
        with pytest.raises(errors.InvalidParameterValue, match="there is no metric"):
            await track(world, world.shop, 1, metric)
    for amount in (0, -1, -(2**62)):
        with pytest.raises(errors.InvalidParameterValue, match="must be positive"):
            await track(world, world.shop, amount)
    assert await used(world, world.shop, "messages_received") == {}
