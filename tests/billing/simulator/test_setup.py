"""What is kept for later payments, and what is changed after it was made: setup intents, payment methods, invoice items."""

from collections.abc import AsyncIterator

import pytest
import stripe

from tests.billing.simulator.hosted import hosted, send
from tests.billing.simulator.market import customer
from tests.billing.simulator.stage import Stage

BACK = "https://shop.example/back"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with hosted() as built:
        yield built


async def told(stage: Stage, *prefixes: str) -> list[str]:
    await stage.quiet()
    return [event.type for event in stage.events() if event.type.startswith(prefixes)]


async def test_a_card_is_kept_for_later_and_belongs_to_its_customer(stage: Stage) -> None:
    who = (await stage.v1.customers.create_async({})).id
    made = await stage.v1.setup_intents.create_async({"customer": who, "usage": "off_session", "metadata": {"for": "later"}})
    assert (made.status, made.customer, made.payment_method, bool(made.client_secret)) == ("requires_payment_method", who, None, True)
    kept = await stage.v1.setup_intents.confirm_async(made.id, {"payment_method": "pm_card_visa"})
    assert (kept.status, kept.next_action, kept.last_setup_error) == ("succeeded", None, None)
    assert (await stage.v1.payment_methods.retrieve_async(str(kept.payment_method))).customer == who
    assert (await stage.v1.setup_intents.retrieve_async(made.id)).to_dict() == kept.to_dict()
    assert [one.id for one in (await stage.v1.setup_intents.list_async({"customer": who})).data] == [made.id]
    assert await told(stage, "setup_intent", "payment_method") == ["setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]
    for verb in (stage.v1.setup_intents.confirm_async, stage.v1.setup_intents.cancel_async, stage.v1.setup_intents.update_async):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await verb(made.id, {})
        assert refused.value.code == "setup_intent_unexpected_state"


async def test_a_card_that_its_bank_refuses_is_not_kept_and_another_may_be_tried(stage: Stage) -> None:
    who = (await stage.v1.customers.create_async({})).id
    made = await stage.v1.setup_intents.create_async({"customer": who})
    with pytest.raises(stripe.CardError) as refused:
        await stage.v1.setup_intents.confirm_async(made.id, {"payment_method": "pm_card_visa_chargeDeclined"})
    assert refused.value.code == "card_declined"
    failed = await stage.v1.setup_intents.retrieve_async(made.id)
    assert (failed.status, failed.payment_method, failed.last_setup_error.code) == ("requires_payment_method", None, "card_declined")
    assert (await stage.v1.customers.payment_methods.list_async(who)).data == []
    assert (await stage.v1.setup_intents.confirm_async(made.id, {"payment_method": "pm_card_mastercard"})).status == "succeeded"
    dropped = await stage.v1.setup_intents.create_async({"payment_method": "pm_card_visa", "description": "once"})
    assert dropped.status == "requires_confirmation"
    changed = await stage.v1.setup_intents.update_async(dropped.id, {"description": "twice", "metadata": {"a": "b"}})
    assert (changed.description, changed.metadata.to_dict()) == ("twice", {"a": "b"})
    ended = await stage.v1.setup_intents.cancel_async(dropped.id, {"cancellation_reason": "abandoned"})
    assert (ended.status, ended.cancellation_reason) == ("canceled", "abandoned")


@pytest.mark.parametrize("agrees", [True, False])
async def test_the_bank_asks_on_a_page_of_its_own_that_leads_back(stage: Stage, agrees: bool) -> None:
    who = (await stage.v1.customers.create_async({})).id
    order = {"customer": who, "payment_method": "pm_card_authenticationRequired", "confirm": True, "return_url": BACK}
    made = await stage.v1.setup_intents.create_async(order)
    assert made.status == "requires_action"
    page = made.next_action.redirect_to_url.url
    assert "charge Visa •••• 3155 from now on" in (await stage.http.get(page)).text
    answered = await send(stage, page, {"answer": "yes" if agrees else "no"})
    assert answered.headers["refresh"] == f"0; url={BACK}"
    after = await stage.v1.setup_intents.retrieve_async(made.id)
    assert after.status == ("succeeded" if agrees else "requires_payment_method")
    assert (await stage.http.get(page)).status_code == 404
    assert (await told(stage, "setup_intent"))[1:] == ["setup_intent.requires_action", f"setup_intent.{'succeeded' if agrees else 'setup_failed'}"]


async def test_a_payment_method_says_whose_it_is_and_until_when(stage: Stage) -> None:
    who = await customer(stage)
    (method,) = (await stage.v1.customers.payment_methods.list_async(who)).data
    details = {"name": "Maya Bello", "email": "maya@example.com", "address": {"country": "DE", "city": "Köln"}}
    changed = await stage.v1.payment_methods.update_async(
        method.id, {"billing_details": details, "card": {"exp_month": 3, "exp_year": 2040}, "metadata": {"seat": "1"}, "allow_redisplay": "limited"}
    )
    assert (changed.card.exp_month, changed.card.exp_year, changed.card.last4, changed.allow_redisplay) == (3, 2040, "4242", "limited")
    assert (changed.billing_details.name, changed.billing_details.address.city, changed.billing_details.phone) == ("Maya Bello", "Köln", None)
    again = await stage.v1.payment_methods.update_async(method.id, {"billing_details": {"address": {"city": "Bonn"}}})
    assert (again.billing_details.address.city, again.billing_details.address.country, again.card.exp_month) == ("Bonn", "DE", 3)
    assert await told(stage, "payment_method.updated") == ["payment_method.updated"] * 2
    nobodys = await stage.v1.payment_methods.create_async({"type": "card", "card": {"token": "tok_visa"}})
    with pytest.raises(stripe.InvalidRequestError, match="save this PaymentMethod"):
        await stage.v1.payment_methods.update_async(nobodys.id, {"metadata": {"a": "b"}})
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.payment_methods.update_async(method.id, {"card": {"exp_month": 13}})


async def test_an_item_is_changed_as_long_as_its_invoice_is_a_draft(stage: Stage) -> None:
    who = await customer(stage)
    item = await stage.v1.invoice_items.create_async({"customer": who, "currency": "eur", "unit_amount_decimal": "50", "quantity": 3, "description": "Cards"})
    changed = await stage.v1.invoice_items.update_async(item.id, {"quantity": 5, "metadata": {"a": "b"}})
    assert (changed.amount, changed.quantity, changed.description, changed.metadata.to_dict()) == (250, 5, "Cards", {"a": "b"})
    invoice = await stage.v1.invoices.create_async({"customer": who, "pending_invoice_items_behavior": "include"})
    assert invoice.total == 250
    await stage.v1.invoice_items.update_async(item.id, {"amount": 900, "description": "Larger cards", "period": {"start": 1_790_000_000, "end": 1_790_000_100}})
    invoice = await stage.v1.invoices.retrieve_async(invoice.id)
    (line,) = invoice.lines.data
    assert (invoice.total, line.amount, line.description, line.period.start) == (900, 900, "Larger cards", 1_790_000_000)
    assert line.parent.invoice_item_details.invoice_item == item.id
    assert (await told(stage, "invoiceitem")) == ["invoiceitem.created"]
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.invoice_items.update_async(item.id, {"amount": 1, "unit_amount_decimal": "1"})
    await stage.v1.invoices.finalize_invoice_async(invoice.id)
    with pytest.raises(stripe.InvalidRequestError, match="no draft any more"):
        await stage.v1.invoice_items.update_async(item.id, {"amount": 1})
