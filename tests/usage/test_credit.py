"""Where credit pays, what goes beyond a limit goes exactly as far as it reaches: one credit for every metric, whoever asks at the same time."""

import asyncio

import pytest
from psycopg import errors

from frontdesk import usage
from frontdesk.usage import Credit
from tests.usage.ledgers import age, allow, choose, consume, overage, work
from tests.world import World

BUY = "select private.buy_credit(%(o)s, %(s)s, %(n)s, 'EUR')"
CHECK = "select private.check_usage_limit(%(o)s, 'messages_sent', %(n)s)"


async def prepaid(world: World, credit: int = 30, cap: int = 1000, **limits: int) -> None:
    """A plan that sells more at 1.5 cents, and a shop that paid ahead."""
    await usage.bill_by(world.database, "prepaid")
    await allow(world, world.shop, overage=dict.fromkeys(limits or {"messages_sent": 10}, 1500), **(limits or {"messages_sent": 10}))
    for metric in limits or {"messages_sent": 10}:
        await choose(world, world.shop, cap, metric)
    if credit:
        assert await work(world, world.shop, BUY, s="cs_1", n=credit)


async def test_without_credit_the_limit_stops(world: World) -> None:
    await prepaid(world, credit=0)
    assert [await consume(world, world.shop, n) for n in (10, 1)] == [True, False]


async def test_credit_buys_what_it_pays_for_and_not_one_more(world: World) -> None:
    await prepaid(world)  # 30 cents are 20
    assert [await work(world, world.shop, CHECK, n=n) for n in (30, 31)] == [True, False]
    assert [await consume(world, world.shop, n) for n in (10, 1, 1, 1, 17, 1)] == [True] * 5 + [False]
    assert await overage(world, world.shop) == [(20, 30_000)]
    await usage.bill_by(world.database, "invoice_items")
    assert await consume(world, world.shop)


async def test_the_cap_holds_however_much_credit_there_is(world: World) -> None:
    await prepaid(world, credit=10_000, cap=15)
    assert [await consume(world, world.shop, n) for n in (20, 1)] == [True, False]


async def test_two_metrics_share_one_credit_whoever_asks_at_the_same_time(world: World) -> None:
    await prepaid(world, messages_sent=1, ai_replies=1)
    granted = await asyncio.gather(*(consume(world, world.shop, 1, metric) for _ in range(20) for metric in ("messages_sent", "ai_replies")))
    assert 2 + 19 <= sum(granted) <= 2 + 20  # a charge is rounded up, so that half a cent of each may stay
    await age(world, world.shop)
    charges = await work(world, world.shop, "select jsonb_agg(to_jsonb(c)) from private.claim_overage(%(o)s) c")
    assert sum((one["cost"] + 500) // 1000 for one in charges) <= 30


async def test_a_pack_counts_once_and_only_as_credit(world: World) -> None:
    await prepaid(world, credit=0)
    bought = await asyncio.gather(*(work(world, world.shop, BUY, s="cs_9", n=1000) for _ in range(5)))
    assert sum(bought) == 1
    for amount in (0, -5, None):
        with pytest.raises(errors.InvalidParameterValue):
            await work(world, world.shop, BUY, s="cs_10", n=amount)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert await usage.credit(db, world.shop.organization_id) == Credit("EUR", sold=True, balance=1000, owed=0)
        assert await usage.credit(db, world.neighbour.organization_id) is None


async def test_the_end_of_the_credit_is_told(world: World) -> None:
    await prepaid(world)
    assert await consume(world, world.shop, 30)
    await world.database.call("select private.note_full_usage(%(o)s)", {"o": world.shop.organization_id})
    assert await world.see("select kind from billing_notices") == [("overage_cap_reached",)]


def test_what_is_left_is_never_below_nothing() -> None:
    assert [Credit("EUR", True, balance, owed).left for balance, owed in ((10, 3), (3, 10))] == [7, 0]


async def test_what_is_paid_back_is_taken_once_and_never_below_what_is_used(world: World) -> None:
    back = "select private.take_credit_back(%(o)s, %(s)s, %(n)s, 'EUR')"
    await prepaid(world)
    assert await consume(world, world.shop, 20)  # 15 of 30 cents
    taken = await asyncio.gather(*(work(world, world.shop, back, s="refund:1", n=30) for _ in range(4)))
    assert sorted(taken, key=str) == [15, None, None, None]
    assert not await consume(world, world.shop)
    assert await work(world, world.shop, back, s="refund:2", n=30) == 0
    await work(world, world.shop, BUY, s="cs_2", n=30)
    assert await work(world, world.shop, back, s="refund:2", n=30) is None  # it has taken nothing, once and for all
    await usage.bill_by(world.database, "invoice_items")
    assert await work(world, world.shop, back, s="refund:3", n=50) == 45  # where more is billed afterwards nothing is owed from it
    for amount in (0, -5, None):
        with pytest.raises(errors.InvalidParameterValue):
            await work(world, world.shop, back, s="refund:4", n=amount)
    with pytest.raises(errors.CheckViolation):
        await world.owner.execute(
            "insert into usage_credits (organization_id, source_id, amount, currency) values (%s, 'cs_3', 0, 'EUR')", (world.shop.organization_id,)
        )
