"""Changing what was bought, through the official library at the simulated Stripe."""

import pytest

from frontdesk.billing.lifecycle import changes
from frontdesk.billing.lifecycle.moves import Move
from frontdesk.billing.lifecycle.previews import AmountChanged, NoChange, NothingBought, PayFirst, preview
from tests.billing.lifecycle.conftest import Buyer


async def test_an_upgrade_costs_what_was_shown_to_the_cent_and_holds_at_once(buyer: Buyer) -> None:
    await buyer.buy("starter_month_eur")
    shown = await preview(buyer.money, buyer.place, "professional_month_eur")
    assert (shown.move, shown.plan.name) == (Move.UPGRADE, "Professional")
    assert 0 < shown.amount <= 9900 - 2900
    assert sum(line.amount for line in shown.lines) == shown.amount
    done = await changes.upgrade(buyer.money, buyer.place, "professional_month_eur", shown.proration_date, shown.amount)
    assert done.pay_at is None
    has = await buyer.has()
    assert (has.plan_id, has.amount) == ("professional", 9900)
    paid = await buyer.world.see("select amount_paid from invoices where billing_reason = 'subscription_update'")
    assert paid == [(shown.amount,)]
    assert await buyer.log() == ["plan.upgraded"]


async def test_a_yearly_plan_is_an_upgrade_and_its_price_is_shown_before(buyer: Buyer) -> None:
    await buyer.buy("professional_month_eur")
    shown = await preview(buyer.money, buyer.place, "professional_year_eur")
    assert (shown.move, shown.amount <= 99000) == (Move.UPGRADE, True)
    await changes.upgrade(buyer.money, buyer.place, "professional_year_eur", shown.proration_date, shown.amount)
    assert (await buyer.has()).billing_interval == "year"


@pytest.mark.parametrize(("seconds", "cents"), [(0, -1), (-3600, 0), (3600, 0)])
async def test_an_amount_that_was_never_shown_buys_nothing(buyer: Buyer, seconds: int, cents: int) -> None:
    await buyer.buy("starter_month_eur")
    shown = await preview(buyer.money, buyer.place, "business_month_eur")
    with pytest.raises(AmountChanged):
        await changes.upgrade(buyer.money, buyer.place, "business_month_eur", shown.proration_date + seconds, shown.amount + cents)
    assert (await buyer.sync()).plan_id == "starter"


async def test_a_card_that_fails_changes_nothing_and_leads_to_the_payment(buyer: Buyer) -> None:
    await buyer.buy("starter_month_eur")
    await buyer.card("pm_card_chargeCustomerFail")
    shown = await preview(buyer.money, buyer.place, "professional_month_eur")
    done = await changes.upgrade(buyer.money, buyer.place, "professional_month_eur", shown.proration_date, shown.amount)
    assert done.pay_at is not None
    assert done.pay_at.startswith("http")
    assert (await buyer.sync()).plan_id == "starter"
    assert (await buyer.later(1)).plan_id == "starter"  # after 23 hours nothing waits any more
    assert await buyer.log() == ["plan.upgrade_begun"]


async def test_a_downgrade_waits_for_the_end_of_the_period(buyer: Buyer) -> None:
    await buyer.buy("professional_month_eur")
    shown = await preview(buyer.money, buyer.place, "starter_month_eur")
    assert (shown.move, shown.amount) == (Move.DOWNGRADE, 0)
    await changes.downgrade(buyer.money, buyer.place, "starter_month_eur")
    has = await buyer.has()
    assert (has.plan_id, has.scheduled_plan_id, has.scheduled_at) == ("professional", "starter", shown.effective_at)
    after = await buyer.later(32)
    assert (after.plan_id, after.amount, after.scheduled_plan_id) == ("starter", 2900, None)


async def test_another_downgrade_takes_the_place_of_the_first_and_both_are_taken_back(buyer: Buyer) -> None:
    await buyer.buy("business_month_eur")
    await changes.downgrade(buyer.money, buyer.place, "starter_month_eur")
    await changes.downgrade(buyer.money, buyer.place, "professional_month_eur")
    assert (await buyer.has()).scheduled_plan_id == "professional"
    await changes.keep(buyer.money, buyer.place)
    assert (await buyer.has()).scheduled_plan_id is None
    assert (await buyer.later(32)).plan_id == "business"


async def test_an_upgrade_takes_a_planned_downgrade_and_a_cancellation_back(buyer: Buyer) -> None:
    await buyer.buy("professional_month_eur")
    await changes.downgrade(buyer.money, buyer.place, "starter_month_eur")
    await changes.cancel(buyer.money, buyer.place)
    has = await buyer.has()
    assert (has.cancel_at_period_end, has.scheduled_plan_id) == (True, None)
    shown = await preview(buyer.money, buyer.place, "business_month_eur")
    await changes.upgrade(buyer.money, buyer.place, "business_month_eur", shown.proration_date, shown.amount)
    has = await buyer.has()
    assert (has.plan_id, has.cancel_at_period_end) == ("business", False)


async def test_who_cancels_keeps_everything_until_the_end_and_may_come_back(buyer: Buyer) -> None:
    bought = await buyer.buy("professional_month_eur")
    assert await changes.cancel(buyer.money, buyer.place) == bought.current_period_end
    assert (await buyer.has()).plan_id == "professional"
    await changes.keep(buyer.money, buyer.place)
    assert not (await buyer.has()).cancel_at_period_end
    await changes.cancel(buyer.money, buyer.place)
    ended = await buyer.later(32)
    assert (ended.status, ended.plan_id) == ("canceled", "free")
    assert await buyer.log() == ["plan.canceled", "plan.kept", "plan.canceled"]
    with pytest.raises(NothingBought):
        await changes.cancel(buyer.money, buyer.place)


async def test_nothing_changes_while_an_invoice_is_open_but_leaving(buyer: Buyer) -> None:
    await buyer.buy("professional_month_eur")
    await buyer.card("pm_card_chargeCustomerFail")
    assert (await buyer.later(32)).status == "past_due"
    for lookup_key in ("business_month_eur", "starter_month_eur"):
        with pytest.raises(PayFirst):
            await preview(buyer.money, buyer.place, lookup_key)
    assert await changes.cancel(buyer.money, buyer.place) is None
    assert (await buyer.has()).status == "canceled"


async def test_what_there_is_already_is_no_change(buyer: Buyer) -> None:
    with pytest.raises(NothingBought):
        await preview(buyer.money, buyer.place, "starter_month_eur")
    await buyer.buy("starter_month_eur")
    with pytest.raises(NoChange):
        await preview(buyer.money, buyer.place, "starter_month_eur")
