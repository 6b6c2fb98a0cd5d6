"""Credit: bought at Stripe, booked once whoever looks first and how often, and what goes beyond a limit goes as far as it reaches."""

import asyncio
from uuid import UUID

import pytest

from frontdesk import usage
from frontdesk.billing import NotYourCheckout
from frontdesk.billing.credit import NoCreditSold, NoSuchPack, NothingToSpendOn, finish_purchase, start_purchase
from frontdesk.billing.handling import handle_next
from frontdesk.billing.overage import bill_what_is_due
from frontdesk.billing.reconciling import keep_missed
from frontdesk.database import new_id
from frontdesk.settings import Settings
from tests.billing.till import Till, opened
from tests.usage.ledgers import age, choose, consume
from tests.world import World


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"overage_billing": "prepaid"})


async def begin(till: Till, amount: int = 1000, once: UUID | None = None) -> str:
    """Go to Stripe's page; the session's id."""
    return (await start_purchase(till.money, till.at(), amount, str(once or new_id()))).rsplit("/", 1)[1]


async def credit(till: Till) -> list[int]:
    """What was booked."""
    return [amount for (amount,) in await till.world.see("select amount from usage_credits where amount > 0 order by created_at")]


async def test_a_pack_is_booked_once_whatever_is_replayed(till: Till) -> None:
    await till.buy()
    session = await begin(till)
    assert not await finish_purchase(till.money, till.at(), session)  # nothing is paid yet
    assert await credit(till) == []
    await till.chaos(duplicate=True)
    await till.pay(session)
    await till.stage.quiet()
    await asyncio.gather(till.hear(), *(finish_purchase(till.money, till.at(), session) for _ in range(4)))
    await till.world.owner.execute("update billing_events set handled_at = null, next_try_at = now() where type like 'checkout%'")
    await till.hear()
    assert await credit(till) == [1000]
    assert [entry["amount"] for entry in await till.log("credit.bought")] == ["10.00 EUR"]
    assert [entry["amount"] for entry in await till.log("credit.checkout_started")] == ["10.00 EUR"]


async def test_a_purchase_that_was_not_heard_is_made_good(till: Till) -> None:
    await till.buy()
    session = await begin(till, 5000)
    till.gate.shut = True
    await till.pay(session)
    await till.days(4)
    assert await credit(till) == []
    assert await keep_missed(till.money) > 0  # while nothing comes by itself: Stripe tries again, too
    while await handle_next(till.money):
        pass
    assert await credit(till) == [5000]


async def test_a_form_sent_twice_opens_one_checkout_and_two_tabs_buy_two_packs(till: Till) -> None:
    await till.buy()
    form = new_id()
    assert await begin(till, once=form) == await begin(till, once=form)
    first, second = await asyncio.gather(begin(till, once=form), begin(till))
    assert first != second
    await till.pay(first)
    await till.pay(second)
    await till.hear()
    assert await credit(till) == [1000, 1000]
    assert await begin(till, once=form) not in (first, second)  # sent again after it was paid


async def test_a_direct_debit_is_credit_when_it_came_in(till: Till) -> None:
    await till.buy()
    session = await begin(till)
    await till.do(lambda world: world.put(world.get(session) | {"status": "complete", "payment_status": "unpaid", "url": None}))
    assert not await finish_purchase(till.money, till.at(), session)
    await till.do(lambda world: world.put(world.get(session) | {"payment_status": "paid"}))
    await till.do(lambda world: world.emit("checkout.session.async_payment_succeeded", world.get(session)))
    await till.hear()
    assert await credit(till) == [1000]


async def test_what_is_no_purchase_of_ours_books_nothing(till: Till) -> None:
    plan = await till.buy()
    await till.buy(shop=till.world.neighbour)
    session = await begin(till)
    await till.pay(session)
    for strange, shop in ((session, till.world.neighbour), (plan, None), ("cs_test_unknown", None), ("../customers", None)):
        with pytest.raises(NotYourCheckout):
            await finish_purchase(till.money, till.at(shop), strange)
    assert await credit(till) == []


async def test_only_what_is_sold_is_bought(till: Till) -> None:
    with pytest.raises(NoSuchPack):
        await start_purchase(till.money, till.at(), 1, "x")
    await till.world.owner.execute("update subscriptions set plan_id = 'free'")
    with pytest.raises(NothingToSpendOn):
        await start_purchase(till.money, till.at(), 1000, "x")


async def test_where_more_is_billed_afterwards_no_credit_is_sold(world: World, settings: Settings) -> None:
    async with opened(world, settings.model_copy(update={"overage_billing": "invoice_items"})) as till:
        with pytest.raises(NoCreditSold):
            await start_purchase(till.money, till.at(), 1000, "x")


async def test_credit_takes_over_where_the_plan_ends_and_pays_when_the_month_is_over(till: Till) -> None:
    shop = till.world.shop
    await usage.bill_by(till.world.database, "prepaid")
    await till.buy()
    await choose(till.world, shop, 100_00)
    assert not await consume(till.world, shop, 5001)
    await till.pay(await begin(till))
    await till.hear()
    assert await consume(till.world, shop, 5300)  # €2.70 of the €10
    await age(till.world, shop)
    await till.days(31)
    await till.hear()
    await bill_what_is_due(till.money)
    assert await till.world.see("select sum(amount)::int from usage_credits") == [(730,)]
    assert await till.world.see("select biller from usage_overage") == [("prepaid",)]
    assert await till.do(lambda world: world.find("invoiceitem")) == []


async def test_what_no_credit_covers_waits_and_lets_nothing_more_go_beyond(till: Till) -> None:
    shop = till.world.shop
    await till.buy()
    await choose(till.world, shop, 100_00)
    assert await consume(till.world, shop, 5300)  # while it was billed afterwards
    await usage.bill_by(till.world.database, "prepaid")
    await age(till.world, shop)
    assert not await bill_what_is_due(till.money)
    assert not await consume(till.world, shop, 5001)
    await usage.add_credit(till.world.database, shop.organization_id, "cs_1", 1000, "EUR")
    assert await bill_what_is_due(till.money)
    assert await consume(till.world, shop, 5001)
