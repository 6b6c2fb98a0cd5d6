"""Beyond a limit only what the organization chose, and its cap still pays for: exactly, whoever asks at the same time."""

import asyncio

import pytest
from psycopg import errors

from frontdesk.database import batch, new_id
from frontdesk.usage import owed
from tests.usage.ledgers import age, allow, choose, consume, overage, used, work
from tests.world import World

CLAIM = "select jsonb_agg(to_jsonb(c)) from private.claim_overage(%(o)s) c"
SETTLE = "select private.settle_overage(%(o)s, 'messages_sent', %(p)s::date, 'invoice_items', %(i)s, 'in_1')"


async def beyond(world: World, cap: int | None = 100, price: int = 1500, limit: int = 10, status: str = "active") -> None:
    """A plan with a price for more, and a shop that wants more."""
    await allow(world, world.shop, overage={"messages_sent": price}, status=status, messages_sent=limit)
    await choose(world, world.shop, cap)


async def test_without_a_choice_the_limit_stops(world: World) -> None:
    await allow(world, world.shop, overage={"messages_sent": 1500}, messages_sent=10)
    assert [await consume(world, world.shop, n) for n in (10, 1)] == [True, False]
    await choose(world, world.shop, None)
    assert not await consume(world, world.shop)
    assert await overage(world, world.shop) == []


async def test_a_cap_buys_what_it_pays_for_and_not_one_more(world: World) -> None:
    await beyond(world)  # 100 cents at 1.5 cents each are 66
    assert [await consume(world, world.shop, n) for n in (8, 4)] == [True, True]  # two below the limit, two beyond
    assert await overage(world, world.shop) == [(2, 3000)]
    check = "select private.check_usage_limit(%(o)s, 'messages_sent', %(n)s)"
    assert [await work(world, world.shop, check, n=n) for n in (64, 65)] == [True, False]
    assert not await consume(world, world.shop, 65)
    assert [await consume(world, world.shop, n) for n in (64, 1)] == [True, False]
    assert await overage(world, world.shop) == [(66, 99_000)]
    assert list((await used(world, world.shop)).values()) == [76]


@pytest.mark.parametrize(("status", "granted"), [("trialing", False), ("unpaid", False), ("paused", False), ("active", True)])
async def test_who_does_not_pay_goes_no_further(world: World, status: str, granted: bool) -> None:
    await beyond(world, status=status)
    assert await consume(world, world.shop, 11) is granted


async def test_who_is_late_goes_on_for_a_week(world: World) -> None:
    await beyond(world, status="past_due")
    for days, granted in ((6, True), (9, False)):
        await world.owner.execute("update subscriptions set past_due_since = now() - make_interval(days => %s)", (days,))
        assert await consume(world, world.shop, 11) is granted


async def test_a_plan_without_a_price_sells_no_more(world: World) -> None:
    await allow(world, world.shop, messages_sent=10)
    await choose(world, world.shop, 100_000)
    assert not await consume(world, world.shop, 11)


async def test_sixty_four_callers_at_the_cap_never_pass_it(world: World) -> None:
    await beyond(world, cap=30)  # 20 more

    async def single() -> int:
        return int(await consume(world, world.shop))

    async def several() -> int:
        async with world.database.tenants([world.shop.organization_id]) as db:
            rows = batch([{"organization_id": world.shop.organization_id, "amount": 2}])
            return sum(
                [row["granted"] for row in await db.rows("select granted from private.consume_usage_of_many('messages_sent', %(rows)s)", {"rows": rows})]
            )

    async def leased() -> int:
        got = await work(world, world.shop, "select private.lease_usage(%(o)s, 'messages_sent', %(l)s, 3)", l=new_id())
        return int(got)

    granted = await asyncio.gather(*(call() for _ in range(22) for call in (single, several, leased)))
    assert sum(granted) == 30
    assert list((await used(world, world.shop)).values()) == [30]
    assert await overage(world, world.shop) == [(20, 30_000)]


async def test_a_smaller_limit_or_cap_does_not_charge_for_what_was_free(world: World) -> None:
    await beyond(world)
    assert await consume(world, world.shop, 12)
    await allow(world, world.shop, overage={"messages_sent": 1500}, messages_sent=1)
    await choose(world, world.shop, 1)
    assert not await consume(world, world.shop)
    assert await overage(world, world.shop) == [(2, 3000)]


async def test_the_next_month_begins_with_the_whole_cap(world: World) -> None:
    await beyond(world, cap=15)
    assert [await consume(world, world.shop, n) for n in (20, 1)] == [True, False]
    await age(world, world.shop)
    assert [await consume(world, world.shop, n) for n in (20, 1)] == [True, False]
    assert await overage(world, world.shop) == [(10, 15_000), (10, 15_000)]


async def test_a_month_is_billed_when_it_is_over_and_settled_once(world: World) -> None:
    await beyond(world, cap=15)
    assert await consume(world, world.shop, 20)
    assert await work(world, world.shop, CLAIM) is None
    await age(world, world.shop)
    (charge,) = await work(world, world.shop, CLAIM)
    assert (charge["units"], charge["cost"], charge["currency"], charge["attempts"]) == (10, 15_000, "EUR", 0)
    ((booked,),) = await world.see("select sum(amount) from usage_ledger where organization_id = %s", world.shop.organization_id)
    assert booked == 20
    assert await work(world, world.shop, CLAIM) is None  # it is in one hand for ten minutes
    await world.owner.execute("update usage_overage set claimed_at = claimed_at - interval '11 minutes'")
    (again,) = await work(world, world.shop, CLAIM)  # whoever had it was killed
    assert again["attempts"] == 1
    assert await work(world, world.shop, SETTLE, p=charge["period_start"], i="ii_1")
    assert not await work(world, world.shop, SETTLE, p=charge["period_start"], i="ii_2")
    assert await work(world, world.shop, CLAIM) is None
    assert await world.see("select provider_item_id from usage_overage") == [("ii_1",)]


async def test_a_cap_is_an_amount_and_goes_with_overage_only(world: World) -> None:
    for over_limit, cap in (("overage", None), ("overage", 0), ("overage", -5), ("stop", 5), ("whatever", 5)):
        with pytest.raises(errors.CheckViolation):
            await world.owner.execute(
                "insert into usage_choices (organization_id, metric, over_limit, cap) values (%s, 'messages_sent', %s, %s)",
                (world.shop.organization_id, over_limit, cap),
            )


async def test_what_is_billed_before_there_is_an_invoice_is_owed_until_the_renewal(world: World) -> None:
    await beyond(world)
    bought = "update subscriptions set provider_subscription_id = 'sub_1', current_period_end = now() + interval '9 days' where organization_id = %s"
    await world.owner.execute(bought, (world.shop.organization_id,))
    await consume(world, world.shop, 12)
    await age(world, world.shop)

    async def owes() -> list[int]:
        async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
            return [one.amount for one in await owed(db)]

    assert await owes() == [3]
    ((began,),) = await world.see("select period_start from usage_overage where organization_id = %s", world.shop.organization_id)
    settle = "select private.settle_overage(%(o)s, 'messages_sent', %(p)s::date, 'invoice_items', 'ii_1', null)"
    assert await work(world, world.shop, settle, p=began)
    assert await owes() == [3]
    await world.owner.execute("update subscriptions set current_period_end = now() + interval '40 days'")
    assert await owes() == []
