"""What is bought once at a checkout: with an invoice where that is asked for, paid by the same payment, and paid back."""

import pytest
import stripe

from frontdesk.billing.simulator import buying, cards, methods
from tests.billing.simulator.stage import Stage

LINE = {"price_data": {"currency": "eur", "unit_amount": 1000, "product_data": {"name": "Credit"}}, "quantity": 2}
ONCE = {"mode": "payment", "success_url": "https://x.example.com", "line_items": [LINE]}


async def paid(stage: Stage, number: str = "4242424242424242", **more: object) -> stripe.checkout.Session:
    customer = await stage.v1.customers.create_async({"email": "maya@example.com"})
    session = await stage.v1.checkout.sessions.create_async({**ONCE, "customer": customer.id, **more})
    buyer = {"email": "maya@example.com", "name": "Maya Bello", "country": "DE"}
    await stage.account.do(lambda world: buying.pay(world, world.get(session.id), buying.Buyer(**buyer, method=methods.make(world, cards.typed(number)))))
    found: stripe.checkout.Session = await stage.v1.checkout.sessions.retrieve_async(session.id)
    return found


async def test_an_invoice_is_made_that_the_same_payment_pays(stage: Stage) -> None:
    data = {"description": "Thank you", "metadata": {"pack": "20"}}
    session = await paid(stage, invoice_creation={"enabled": True, "invoice_data": data}, payment_intent_data={"metadata": {"pack": "20"}})
    invoice = await stage.v1.invoices.retrieve_async(str(session.invoice), {"expand": ["payments"]})
    assert (invoice.status, invoice.total, invoice.amount_paid, invoice.description, invoice.metadata.to_dict()) == ("paid", 2000, 2000, *data.values())
    assert (invoice.number is not None, invoice.invoice_pdf is not None, invoice.lines.data[0].description) == (True, True, "Credit")
    assert [one.payment.payment_intent for one in invoice.payments.data] == [session.payment_intent]
    await stage.quiet()
    assert [event.type for event in stage.events() if event.type.startswith(("invoice", "checkout"))] == [
        "invoice.created", "invoice.finalized", "invoice.updated", "invoice.paid", "invoice.payment_succeeded", "checkout.session.completed",
    ]  # fmt: skip


async def test_without_being_asked_for_there_is_none_and_a_subscription_has_its_own(stage: Stage) -> None:
    session = await paid(stage)
    assert (session.invoice, session.invoice_creation.enabled if session.invoice_creation else None) == (None, False)
    with pytest.raises(stripe.InvalidRequestError, match="only enable invoice creation"):
        await stage.v1.checkout.sessions.create_async({**ONCE, "mode": "subscription", "invoice_creation": {"enabled": True}})


async def test_a_card_that_is_declined_leaves_no_invoice(stage: Stage) -> None:
    with pytest.raises(Exception, match="declined"):
        await paid(stage, "4000000000000341", invoice_creation={"enabled": True})
    assert (await stage.v1.invoices.list_async()).data == []


async def test_refunds_are_found_by_what_they_pay_back(stage: Stage) -> None:
    session = await paid(stage, invoice_creation={"enabled": True})
    made = [await stage.v1.refunds.create_async({"payment_intent": str(session.payment_intent), "amount": amount}) for amount in (500, 1500)]
    charge = await stage.v1.charges.retrieve_async(str(made[0].charge))
    assert (charge.refunded, charge.amount_refunded) == (True, 2000)
    for wanted in ({"charge": charge.id}, {"payment_intent": str(session.payment_intent)}):
        assert sorted(one.id for one in (await stage.v1.refunds.list_async(wanted)).data) == sorted(one.id for one in made)
    assert (await stage.v1.refunds.list_async({"charge": "ch_other"})).data == []
    assert (await stage.v1.refunds.retrieve_async(made[0].id)).amount == 500
