"""Buying a plan: one customer, one checkout at a time, one subscription."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from frontdesk import users
from frontdesk.billing import (
    AlreadySubscribed,
    CatalogueDrifted,
    NotForSale,
    NothingBoughtYet,
    NotYourCheckout,
    OtherCheckout,
    OtherCurrency,
    StripeAway,
    finish_checkout,
    portal_link,
)
from tests.billing.till import DECLINED, PROFESSIONAL, STARTER, YEARLY, Till

BOUGHT = ("active", "professional", "month", 9_900, False, True, False)
TRYING = ("trialing", "starter", "month", None, False, False, False)


async def test_a_plan_is_bought_and_its_invoice_is_there(till: Till) -> None:
    assert await till.row() == TRYING
    await till.buy(PROFESSIONAL)
    assert await till.row() == BOUGHT
    ((status, paid, currency, url),) = await till.world.see("select status, amount_paid, currency, hosted_invoice_url from invoices")
    assert (status, paid, currency) == ("paid", 9_900, "EUR")
    assert url
    assert (await till.world.see("select currency, card_last4, email from billing_accounts")) == [("EUR", "4242", "maya@example.com")]
    ((anchor,),) = await till.world.see("select usage_anchor from subscriptions where provider_subscription_id is not null")
    assert anchor == datetime.now(UTC).date()  # quotas begin anew with the months that are paid
    (started,) = await till.log("subscription.started")
    assert started["changed"]["plan"] == {"from": "Starter", "to": "Professional"}
    assert [one["amount"] for one in await till.log("invoice.paid")] == ["99.00 EUR"]


async def test_the_way_back_shows_what_was_bought_before_any_event_came(till: Till) -> None:
    till.gate.shut = True
    session_id = await till.go(PROFESSIONAL)
    await till.pay(session_id)
    synced = await finish_checkout(till.money, till.at(), session_id)
    assert synced.after is not None
    assert (synced.after.plan_name, synced.after.lives) == ("Professional", True)
    assert await till.row() == BOUGHT
    for _ in range(3):  # the page is loaded again, and the events come after all
        await finish_checkout(till.money, till.at(), session_id)
    assert len(await till.log("subscription.started")) == 1


async def test_a_yearly_plan_is_paid_for_a_year(till: Till) -> None:
    await till.buy(YEARLY)
    assert (await till.row())[:4] == ("active", "starter", "year", 29_000)


async def test_one_organization_is_one_customer_whatever_happens_at_the_same_time(till: Till) -> None:
    await asyncio.gather(*(till.go() for _ in range(4)), return_exceptions=True)
    await till.go(PROFESSIONAL)
    customers = await till.stage.v1.customers.list_async({})
    assert [one.metadata["organization_id"] for one in customers.data] == [str(till.world.shop.organization_id)]
    assert await till.world.see("select provider_customer_id from billing_accounts") == [(customers.data[0].id,)]


async def test_whoever_lost_power_before_the_customer_was_noted_gets_the_same_one(till: Till) -> None:
    await till.go()
    await till.world.owner.execute("update billing_accounts set provider_customer_id = null, checkout_id = null")
    await till.world.owner.execute("update organizations set name = 'Another name'")
    await till.go()
    assert len((await till.stage.v1.customers.list_async({})).data) == 1


async def test_two_tabs_with_the_same_plan_show_the_same_page(till: Till) -> None:
    assert await till.go() == await till.go()


async def test_of_two_tabs_with_two_plans_only_the_newer_can_be_paid(till: Till) -> None:
    first, second = await till.go(STARTER), await till.go(PROFESSIONAL)
    assert first != second
    assert (await till.stage.v1.checkout.sessions.retrieve_async(first)).status == "expired"
    await till.pay(second)
    await till.hear()
    assert await till.row() == BOUGHT


async def test_two_tabs_that_begin_at_the_same_moment_leave_one_page_that_can_be_paid(till: Till) -> None:
    await till.go()
    await till.world.owner.execute("update billing_accounts set checkout_id = null")
    found = await asyncio.gather(*(till.go(key) for key in (STARTER, PROFESSIONAL, YEARLY)), return_exceptions=True)
    open_pages = [one.id for one in (await till.stage.v1.checkout.sessions.list_async({"status": "open"})).data]
    assert all(isinstance(one, OtherCheckout) for one in found if not isinstance(one, str)), found
    assert len([one for one in found if isinstance(one, str) and one in open_pages]) == 1


async def test_a_second_subscription_cannot_be_bought_beside_one_that_lives(till: Till) -> None:
    await till.buy()
    with pytest.raises(AlreadySubscribed):
        await till.go(PROFESSIONAL)


async def test_nor_after_a_payment_that_nobody_told_us_of(till: Till) -> None:
    till.gate.shut = True
    await till.pay(await till.go(PROFESSIONAL))
    with pytest.raises(AlreadySubscribed):
        await till.go(STARTER)
    assert await till.row() == BOUGHT


async def test_a_checkout_of_the_neighbours_is_none_of_the_shops(till: Till) -> None:
    theirs = await till.go(shop=till.world.neighbour)
    await till.pay(theirs)
    await till.go()
    for session_id in (theirs, "cs_test_unknown", "../customers", "", "cs_" + "x" * 400):
        with pytest.raises(NotYourCheckout):
            await finish_checkout(till.money, till.at(), session_id)
    assert await till.row() == TRYING


async def test_a_checkout_of_the_neighbours_is_none_of_whoever_never_began_one(till: Till) -> None:
    theirs = await till.go(shop=till.world.neighbour)
    with pytest.raises(NotYourCheckout):
        await finish_checkout(till.money, till.at(), theirs)


async def test_a_card_that_is_declined_buys_nothing_and_the_page_stays_open(till: Till) -> None:
    session_id = await till.go()
    with pytest.raises(Exception, match="declined"):
        await till.pay(session_id, DECLINED)
    await till.hear()
    assert await till.row() == TRYING
    assert await till.go() == session_id


@pytest.mark.parametrize(
    "gone",
    ["update subscription_plans set retired_at = now() where id = 'professional'", "select private.set_plan_price('professional', 'month', 'EUR', null)"],
)
async def test_a_plan_that_was_taken_off_while_it_was_looked_at_is_not_sold(till: Till, gone: str) -> None:
    await till.world.owner.execute(gone)  # type: ignore[arg-type]  # one of the above
    with pytest.raises(NotForSale):
        await till.go(PROFESSIONAL)


async def test_who_pays_in_euros_goes_on_paying_in_euros(till: Till) -> None:
    await till.buy()
    await till.stage.v1.subscriptions.cancel_async(await till.subscription_id())
    await till.hear()
    assert (await till.row())[:2] == ("canceled", "free")
    await till.world.owner.execute("select private.set_plan_price('starter', 'month', 'USD', 3100)")
    with pytest.raises(OtherCurrency):
        await till.go("starter_month_usd")
    await till.buy(PROFESSIONAL)
    assert await till.row() == BOUGHT


async def test_what_stripe_would_charge_otherwise_is_not_sold(till: Till) -> None:
    await till.go()  # the catalogue is there now
    till.money = replace(till.money, settings=till.money.settings.model_copy(update={"simulator": False}))  # a real account is not put right by itself
    (price,) = (await till.stage.v1.prices.list_async({"lookup_keys": [PROFESSIONAL]})).data
    changed = {
        "product": price.product,
        "currency": "eur",
        "unit_amount": 1,
        "recurring": {"interval": "month"},
        "lookup_key": PROFESSIONAL,
        "transfer_lookup_key": True,
    }
    await till.stage.v1.prices.create_async(changed)
    with pytest.raises(CatalogueDrifted):
        await till.go(PROFESSIONAL)


@pytest.mark.parametrize("switches", [{"answer_500": {"status": 503}}, {"answer_429": True}])
async def test_while_stripe_is_down_nothing_is_bought_and_nothing_is_half(till: Till, switches: dict[str, object]) -> None:
    await till.chaos(**switches)
    with pytest.raises(StripeAway):
        await till.go()
    await till.chaos()
    await till.buy()
    assert (await till.row())[:2] == ("active", "starter")


async def test_the_payment_pages_open_for_whoever_bought_something(till: Till) -> None:
    with pytest.raises(NothingBoughtYet):
        await portal_link(till.money, till.at())
    await till.buy()
    address = await portal_link(till.money, till.at())
    card = await portal_link(till.money, till.at(), return_path="/dashboard/billing/change", flow="payment_method_update")
    assert address.startswith("http") and card.startswith("http") and address != card
    assert len(await till.log("portal.opened")) == 2
    (ours,) = (await till.stage.v1.billing_portal.configurations.list_async({"active": True})).data
    assert (ours.features.subscription_cancel.mode, ours.features.subscription_update.enabled) == ("at_period_end", False)


async def test_who_goes_there_and_back_all_the_time_is_asked_to_wait_and_his_neighbour_is_not(till: Till) -> None:
    await till.go()
    await till.world.owner.execute("update private.attempts set tries = 40")
    for way in (till.go(), portal_link(till.money, till.at()), finish_checkout(till.money, till.at(), "cs_test_1")):
        with pytest.raises(users.TooManyAttempts):
            await way
    await till.go(shop=till.world.neighbour)


async def test_a_customer_who_was_deleted_at_stripe_has_nothing_there_and_may_come_back(till: Till) -> None:
    await till.buy(PROFESSIONAL)
    ((first,),) = await till.world.see("select provider_customer_id from billing_accounts")
    await till.stage.v1.customers.delete_async(first)
    await till.hear()
    assert (await till.row())[:2] == ("canceled", "free")
    assert len(await till.log("subscription.ended")) == 1
    await till.buy()
    assert (await till.row())[:2] == ("active", "starter")
    ((second,),) = await till.world.see("select provider_customer_id from billing_accounts")
    assert second != first


async def test_vat_is_computed_and_asked_for_as_whoever_runs_this_decides(till: Till) -> None:
    plain = await till.stage.v1.checkout.sessions.retrieve_async(await till.go())
    decided = {"stripe_automatic_tax": True, "stripe_vat_ids": False, "stripe_promotion_codes": False}
    till.money = replace(till.money, settings=till.money.settings.model_copy(update=decided))
    taxed = await till.stage.v1.checkout.sessions.retrieve_async(await till.go(PROFESSIONAL))
    assert (plain.automatic_tax.enabled, plain.allow_promotion_codes) == (False, True)
    assert (taxed.automatic_tax.enabled, taxed.allow_promotion_codes, taxed.billing_address_collection) == (True, False, "required")
