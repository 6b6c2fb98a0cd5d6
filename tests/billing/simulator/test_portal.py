"""The customer portal and the hosted invoice, as a customer uses them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import stripe

from tests.billing.simulator.hosted import CARD, hosted, send
from tests.billing.simulator.market import customer, fresh, give_card, go_on, now, subscribe, types
from tests.billing.simulator.stage import Stage

FEATURES: dict[str, Any] = {
    "customer_update": {"enabled": True, "allowed_updates": ["name", "email", "address", "tax_id"]},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": True, "mode": "at_period_end", "cancellation_reason": {"enabled": True, "options": ["too_expensive", "other"]}},
}
HOME = "https://shop.example/billing"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with hosted() as built:
        yield built


async def portal(stage: Stage, who: str, features: dict[str, Any] | None = None, **more: Any) -> str:
    made = await stage.v1.billing_portal.configurations.create_async({"features": FEATURES | (features or {})})
    order = {"customer": who, "configuration": made.id, "return_url": HOME}
    return str((await stage.v1.billing_portal.sessions.create_async(order | more)).url)


async def test_a_plan_is_cancelled_and_kept_after_all(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    url = await portal(stage, made.customer)
    page = (await stage.http.get(url)).text
    assert "Professional" in page and "Visa •••• 4242" in page and "€79 a month" in page and HOME in page
    asked = f"{url}/subscriptions/{made.id}/cancellation"
    assert "It is too expensive" in (await stage.http.get(asked)).text
    assert (await send(stage, asked, {"feedback": "too_expensive", "comment": "Sorry"})).status_code == 303
    ending = await fresh(stage, made)
    assert (ending.cancel_at_period_end, ending.cancellation_details.feedback, ending.cancellation_details.comment) == (True, "too_expensive", "Sorry")
    assert "Keep the plan" in (await stage.http.get(url)).text
    assert (await send(stage, url, {}, f"{url}/subscriptions/{made.id}/resumption")).status_code == 303
    assert (await fresh(stage, made)).cancel_at_period_end is False


async def test_a_new_card_is_charged_from_then_on(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    url = await portal(stage, made.customer)
    assert "declined" in (await send(stage, f"{url}/card", CARD | {"number": "4000000000000002"})).text
    assert (await send(stage, f"{url}/card", CARD | {"number": "5555 5555 5555 4444"})).status_code == 303
    changed = await fresh(stage, made)
    method = await stage.v1.payment_methods.retrieve_async(changed.default_payment_method)
    who = await stage.v1.customers.retrieve_async(made.customer)
    assert (method.card.last4, who.invoice_settings.default_payment_method) == ("4444", method.id)
    old = next(one for one in (await stage.v1.payment_methods.list_async({"customer": made.customer})).data if one.id != method.id)
    refused = await send(stage, url, {}, f"{url}/cards/{method.id}/removal")
    assert refused.status_code == 422 and "Take another one first" in refused.text
    assert (await send(stage, url, {}, f"{url}/cards/{old.id}/choice")).status_code == 303
    assert (await fresh(stage, made)).default_payment_method == old.id
    assert (await send(stage, url, {}, f"{url}/cards/{method.id}/removal")).status_code == 303
    asked = await send(stage, f"{url}/card", CARD | {"number": "4000002500003155"})
    assert asked.headers["location"].endswith("/card/bank")
    assert "could not confirm" in (await send(stage, f"{url}/card/bank", {"answer": "no"})).text
    assert (await send(stage, f"{url}/card/bank", {"answer": "yes"})).status_code == 303
    await go_on(stage, days=32)
    assert (await fresh(stage, made)).latest_invoice.status == "paid"


async def test_who_the_customer_is_and_his_tax_ids(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    url = await portal(stage, made.customer)
    name = "Ünïcode & <b>Sälon</b> 💇 " + "x" * 300
    details = {"name": name, "email": "billing@example.com", "line1": "Hauptstraße 1", "city": "Köln", "postal_code": "50667", "country": "DE"}
    assert (await send(stage, url, details, f"{url}/details")).status_code == 303
    who = await stage.v1.customers.retrieve_async(made.customer)
    assert (who.name, who.address.city, who.email) == (name[:256], "Köln", "billing@example.com")
    assert "<b>" not in (await stage.http.get(url)).text
    assert "Write an email address." in (await send(stage, url, details | {"email": "x"}, f"{url}/details")).text
    assert "Invalid value" in (await send(stage, url, {"tax_kind": "eu_vat", "tax_id": "XX1"}, f"{url}/tax_ids")).text
    assert (await send(stage, url, {"tax_kind": "eu_vat", "tax_id": "DE123456789"}, f"{url}/tax_ids")).status_code == 303
    own = (await stage.v1.customers.tax_ids.list_async(made.customer)).data
    assert [one.value for one in own] == ["DE123456789"]
    assert (await send(stage, url, {}, f"{url}/tax_ids/{own[0].id}/removal")).status_code == 303
    assert (await stage.v1.customers.tax_ids.list_async(made.customer)).data == []


async def test_only_what_the_product_offers_and_only_ones_own(stage: Stage) -> None:
    made, other = await subscribe(stage, "professional"), await subscribe(stage, "starter")
    closed = {"subscription_cancel": {"enabled": False}, "payment_method_update": {"enabled": False}, "customer_update": {"enabled": False}}
    url = await portal(stage, made.customer, closed)
    page = await stage.http.get(url)
    assert "Cancel the plan" not in page.text and page.status_code == 200
    for path in (f"subscriptions/{made.id}/resumption", "card", "details", "tax_ids"):
        assert (await send(stage, f"pay/{(await _any_session(stage)).id}", CARD, f"{url}/{path}")).status_code == 403
    opened = await portal(stage, made.customer)
    foreign = f"{opened}/subscriptions/{other.id}"
    assert (await send(stage, opened, {}, f"{foreign}/cancellation")).status_code == 404
    assert (await send(stage, opened, {}, f"{foreign}/resumption")).status_code == 404
    assert (await stage.http.get(f"{foreign}/cancellation")).status_code == 404
    assert (await send(stage, opened, {}, f"{opened}/cards/{other.default_payment_method or 'pm_x'}/choice")).status_code == 404
    assert (await fresh(stage, other)).cancel_at is None


async def _any_session(stage: Stage) -> Any:
    order = {"mode": "subscription", "line_items": [{"price": "price_starter", "quantity": 1}], "success_url": HOME}
    return await stage.v1.checkout.sessions.create_async(order)


async def test_a_link_that_is_old_or_guessed_opens_nothing(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    url = await portal(stage, made.customer)
    secret = url.rsplit("/", 1)[1]
    await stage.account.do(lambda world: world.put_private("portal:" + secret, world.private("portal:" + secret) | {"until": 0}))
    assert (await stage.http.get(url)).status_code == 404
    assert (await stage.http.get("portal/portal_guessed")).status_code == 404


async def test_a_session_that_is_for_one_thing_begins_there_and_goes_back(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    after = {"type": "redirect", "redirect": {"return_url": HOME + "?done"}}
    url = await portal(stage, made.customer, flow_data={"type": "payment_method_update", "after_completion": after})
    assert (await stage.http.get(url)).headers["location"].endswith("/card")
    assert (await send(stage, f"{url}/card", CARD)).headers["refresh"] == f"0; url={HOME}?done"
    flow = {"type": "subscription_cancel", "subscription_cancel": {"subscription": made.id}}
    assert (await stage.http.get(await portal(stage, made.customer, flow_data=flow))).headers["location"].endswith("/cancellation")
    with pytest.raises(stripe.InvalidRequestError):
        await portal(stage, await customer(stage), flow_data=flow)


async def test_without_a_configuration_there_is_no_portal(stage: Stage) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="portal settings"):
        await stage.v1.billing_portal.sessions.create_async({"customer": await customer(stage)})


async def test_an_open_invoice_is_paid_on_its_page(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    await give_card(stage, made.customer, "pm_card_chargeCustomerFail")
    await go_on(stage, days=32)
    bill = (await fresh(stage, made)).latest_invoice
    url = bill.hosted_invoice_url
    assert "The last try failed" in (await stage.http.get(url)).text
    assert "Your card was declined." in (await send(stage, url, {"with": "usual"}, f"{url}/payment")).text
    assert "never a real card" in (await send(stage, url, CARD | {"number": "4111111111111111"}, f"{url}/payment")).text
    assert (await stage.v1.invoices.retrieve_async(bill.id)).attempt_count == 1
    assert (await send(stage, url, CARD, f"{url}/payment")).status_code == 303
    after = await fresh(stage, made)
    assert (after.status, after.latest_invoice.status, after.latest_invoice.attempt_count) == ("active", "paid", 1)
    assert "Thank you" in (await stage.http.get(url)).text
    file = await stage.http.get(bill.invoice_pdf)
    assert file.headers["content-type"] == "application/pdf" and file.content.startswith(b"%PDF-1.4") and bill.number.encode() in file.content
    await go_on(stage, days=32)
    assert (await fresh(stage, made)).latest_invoice.status == "paid", "the card is kept for what comes later"


@pytest.mark.parametrize("agrees", [True, False])
async def test_the_bank_is_answered_on_the_page_of_the_invoice(stage: Stage, agrees: bool) -> None:
    made = await subscribe(stage, "professional")
    await give_card(stage, made.customer, "pm_card_authenticationRequired")
    how = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete", "proration_date": await now(stage)}
    change = {"items": [{"id": made["items"].data[0].id, "price": "price_business"}], **how, "expand": ["latest_invoice"]}
    waits = await stage.v1.subscriptions.update_async(made.id, change)
    url = waits.latest_invoice.hosted_invoice_url
    page = (await stage.http.get(url)).text
    assert "Your bank asks" in page
    payments = await stage.v1.invoice_payments.list_async({"invoice": waits.latest_invoice.id})
    bank = f"{stage.url}/bank/{payments.data[0].payment.payment_intent}"
    assert (await send(stage, bank, {"answer": "yes" if agrees else "no"})).headers["location"].endswith(f"/invoice/{waits.latest_invoice.id}")
    after = await fresh(stage, made)
    assert after["items"].data[0].price.id == ("price_business" if agrees else "price_professional")
    assert (after.pending_update is None) == agrees
    assert (await stage.http.get(bank)).status_code == 404
    await stage.quiet()
    assert ("customer.subscription.pending_update_applied" in types(stage)) == agrees
