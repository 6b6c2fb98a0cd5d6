"""Checkout: a session made by the library, paid on its page as a customer would."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import stripe

from frontdesk.billing.simulator import shapes
from tests.billing.simulator.hosted import CARD, hosted, send
from tests.billing.simulator.market import customer, fresh, go_on, stock, types
from tests.billing.simulator.stage import Stage

BACK = "https://shop.example/billing/return?session_id={CHECKOUT_SESSION_ID}"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with hosted() as built:
        await stock(built)
        yield built


async def offer(stage: Stage, price: str = "professional", **more: Any) -> Any:
    order = {
        "mode": "subscription",
        "line_items": [{"price": f"price_{price}", "quantity": 1}],
        "success_url": BACK,
        "cancel_url": "https://shop.example/billing",
    }
    return await stage.v1.checkout.sessions.create_async(order | more)


async def again(stage: Stage, session: Any) -> Any:
    return await stage.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["subscription.latest_invoice", "line_items"]})


async def test_a_plan_is_bought_with_4242(stage: Stage) -> None:
    who = await customer(stage, None)
    session = await offer(stage, customer=who, client_reference_id="org-1", subscription_data={"metadata": {"organization_id": "1"}})
    assert (session.status, session.payment_status, session.amount_total, session.url) == ("open", "unpaid", 7900, f"{stage.url}/pay/{session.id}")
    done = await send(stage, session.url, CARD)
    assert (done.status_code, done.headers["location"]) == (303, f"/simulator/stripe/pay/{session.id}")
    ends = f"0; url={BACK.replace('{CHECKOUT_SESSION_ID}', session.id)}"
    assert (await stage.http.get(session.url)).headers["refresh"] == ends
    paid = await again(stage, session)
    bought = paid.subscription
    assert (paid.status, paid.payment_status, paid.url, paid.customer) == ("complete", "paid", None, who)
    assert (bought.status, bought.metadata["organization_id"], bought.latest_invoice.amount_paid) == ("active", "1", 7900)
    assert bought.default_payment_method.startswith("pm_") and paid.line_items.data[0].price.id == "price_professional"
    await stage.quiet()
    assert "checkout.session.completed" in types(stage)  # in whatever order they are heard
    assert types(stage).index("customer.subscription.created") < types(stage).index("invoice.paid")
    assert len((await stage.v1.subscriptions.list_async({"customer": who})).data) == 1


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("number", "4000 0000 0000 0002", "Your card was declined."),
        ("number", "4000 0000 0000 0341", "Your card was declined."),
        ("number", "4000 0000 0000 9995", "insufficient funds"),
        ("number", "4111 1111 1111 1111", "never a real card"),
        ("number", "", "incorrect"),
        ("expiry", "01 / 20", "in the past"),
        ("cvc", "12", "three digits"),
    ],
)
async def test_what_cannot_be_paid_leaves_nothing_behind(stage: Stage, field: str, value: str, says: str) -> None:
    who = await customer(stage, None)
    session = await offer(stage, customer=who)
    refused = await send(stage, session.url, CARD | {field: value})
    assert refused.status_code == 422 and says in refused.text and 'aria-invalid="true"' in refused.text
    assert (await again(stage, session)).status == "open"
    assert (await stage.v1.subscriptions.list_async({"customer": who, "status": "all"})).data == []
    assert (await stage.v1.payment_methods.list_async({"customer": who})).data == []
    assert (await send(stage, session.url, CARD)).status_code == 303, "and then another card works"


@pytest.mark.parametrize("agrees", ["yes", "no"])
async def test_the_bank_asks(stage: Stage, agrees: str) -> None:
    session = await offer(stage, customer=await customer(stage, None))
    asked = await send(stage, session.url, CARD | {"number": "4000 0025 0000 3155"})
    assert asked.headers["location"].endswith(f"/pay/{session.id}/bank")
    answered = await send(stage, f"{session.url}/bank", {"answer": agrees})
    after = await again(stage, session)
    if agrees == "yes":
        assert answered.status_code == 303 and after.subscription.status == "active"
        await go_on(stage, days=32)
        assert (await fresh(stage, after.subscription)).latest_invoice.status == "paid", "the bank asks no more"
    else:
        assert answered.status_code == 422 and "could not confirm" in answered.text
        assert (after.status, after.subscription) == ("open", None)


async def test_two_tabs_buy_once(stage: Stage) -> None:
    session = await offer(stage, customer=await customer(stage, None))
    page = (await stage.http.get(session.url)).text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    first, second = [await stage.http.post(session.url, data=CARD | {"csrf_token": token}) for _ in range(2)]
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    bought = (await again(stage, session)).subscription
    assert len((await stage.v1.invoices.list_async({"customer": bought.customer})).data) == 1


async def test_somebody_new_is_made_a_customer(stage: Stage) -> None:
    session = await offer(stage)
    assert "Write an email address." in (await send(stage, session.url, CARD)).text
    assert (await send(stage, session.url, CARD | {"email": "maya@example.com"})).status_code == 303
    made = await stage.v1.customers.retrieve_async((await again(stage, session)).customer)
    assert (made.email, made.name, made.address.country) == ("maya@example.com", "Maya Bello", "DE")


async def test_a_trial_needs_no_card_if_the_session_says_so(stage: Stage) -> None:
    end = {"end_behavior": {"missing_payment_method": "pause"}}
    trial = {"trial_period_days": 14, "trial_settings": end}
    session = await offer(stage, customer=await customer(stage, None), payment_method_collection="if_required", subscription_data=trial)
    assert session.amount_total == 0
    assert (await send(stage, session.url, {"country": "DE"})).status_code == 303
    after = await again(stage, session)
    assert (after.payment_status, after.subscription.status) == ("no_payment_required", "trialing")
    await go_on(stage, days=14.1)
    assert (await fresh(stage, after.subscription)).status == "paused"


async def test_a_code_is_redeemed_and_can_be_taken_away(stage: Stage) -> None:
    def put_code(world: Any) -> None:
        coupon = world.put(shapes.make("coupon", id="TENTH", created=1, duration="repeating", duration_in_months=2, percent_off=10.0, valid=True))
        promotion = {"coupon": coupon["id"], "type": "coupon"}
        world.put(shapes.make("promotion_code", id="promo_1", active=True, code="WELCOME10", created=1, max_redemptions=1, promotion=promotion))

    await stage.account.do(put_code)
    session = await offer(stage, customer=await customer(stage, None), allow_promotion_codes=True)
    wrong = await send(stage, session.url, {"code": "NOPE"}, f"{session.url}/code")
    assert wrong.status_code == 422 and "This code is invalid." in wrong.text
    assert (await send(stage, session.url, {"code": "welcome10"}, f"{session.url}/code")).status_code == 303
    assert "€71.10" in (await stage.http.get(session.url)).text
    await send(stage, session.url, {"code": ""}, f"{session.url}/code")
    assert "€71.10" not in (await stage.http.get(session.url)).text
    await send(stage, session.url, {"code": "WELCOME10"}, f"{session.url}/code")
    assert (await send(stage, session.url, CARD)).status_code == 303
    bought = (await again(stage, session)).subscription
    assert (bought.latest_invoice.amount_paid, len(bought.discounts)) == (7110, 1)
    paid = []
    for _ in range(2):
        await go_on(stage, days=31)
        paid.append((await fresh(stage, bought)).latest_invoice.amount_paid)
    assert paid == [7110, 7900], "two months, and no more"
    other = await offer(stage, customer=await customer(stage, None), allow_promotion_codes=True)
    assert "as often as it may be" in (await send(stage, other.url, {"code": "WELCOME10"}, f"{other.url}/code")).text


async def test_vat_and_a_vat_id(stage: Stage) -> None:
    who = await customer(stage, None)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await offer(stage, customer=who, automatic_tax={"enabled": True})
    assert refused.value.code == "customer_tax_location_invalid"
    taxed = {"automatic_tax": {"enabled": True}, "tax_id_collection": {"enabled": True}, "customer_update": {"address": "auto", "name": "auto"}}
    session = await offer(stage, customer=who, **taxed)
    assert "Invalid value" in (await send(stage, session.url, CARD | {"tax_kind": "eu_vat", "tax_id": "12"})).text
    assert (await send(stage, session.url, CARD | {"country": "FR", "tax_kind": "eu_vat", "tax_id": "FR 12345678901"})).status_code == 303
    first = (await again(stage, session)).subscription.latest_invoice
    assert (first.total, first.total_taxes[0].taxability_reason, first.customer_tax_ids[0].value) == (7900, "reverse_charge", "FR12345678901")
    second = await offer(stage, customer=await customer(stage, None), **taxed)
    await send(stage, second.url, CARD)
    bill = (await again(stage, second)).subscription.latest_invoice
    assert (bill.total, bill.total_excluding_tax, bill.amount_paid) == (9401, 7900, 9401)


@pytest.mark.parametrize(("iban", "comes"), [("DE89 3704 0044 0532 0130 00", True), ("DE62 3704 0044 0532 0130 01", False)])
async def test_a_direct_debit_is_settled_later(stage: Stage, iban: str, comes: bool) -> None:
    session = await offer(stage, customer=await customer(stage, None))
    assert (await send(stage, session.url, {"number": iban, "country": "DE"})).status_code == 303
    before = await again(stage, session)
    assert (before.status, before.payment_status, before.subscription.status) == ("complete", "unpaid", "active")
    assert await go_on(stage, days=1 / 24) == ["direct debit settles"]
    after = await again(stage, session)
    assert (after.payment_status, after.subscription.status) == (("paid", "active") if comes else ("unpaid", "past_due"))
    await stage.quiet()
    assert f"checkout.session.async_payment_{'succeeded' if comes else 'failed'}" in types(stage)


async def test_something_is_bought_once(stage: Stage) -> None:
    pack = {"price_data": {"currency": "eur", "unit_amount": 5000, "product_data": {"name": "10,000 messages"}}, "quantity": 2}
    session = await offer(stage, mode="payment", line_items=[pack], customer=await customer(stage, None), payment_intent_data={"metadata": {"pack": "1"}})
    assert session.amount_total == 10000
    assert (await send(stage, session.url, CARD)).status_code == 303
    paid = await stage.v1.checkout.sessions.retrieve_async(session.id, {"expand": ["payment_intent"]})
    assert (paid.payment_status, paid.payment_intent.amount_received, paid.payment_intent.metadata["pack"]) == ("paid", 10000, "1")
    given = await stage.v1.refunds.create_async({"payment_intent": paid.payment_intent.id, "amount": 2500})
    assert (given.status, (await stage.v1.charges.retrieve_async(given.charge)).amount_refunded) == ("succeeded", 2500)
    await stage.quiet()
    assert "charge.refunded" in types(stage)


async def test_a_session_ends_by_itself_and_by_hand(stage: Stage) -> None:
    first, second = await offer(stage), await offer(stage)
    assert (await stage.v1.checkout.sessions.expire_async(second.id)).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.checkout.sessions.expire_async(second.id)
    assert await go_on(stage, days=1.1) == ["checkout expires"]
    assert (await again(stage, first)).status == "expired"
    assert "This checkout is over" in (await stage.http.get(f"pay/{first.id}")).text
    await stage.quiet()
    assert types(stage).count("checkout.session.expired") == 2


async def test_a_form_of_another_page_is_refused_and_what_is_not_there_is_not_there(stage: Stage) -> None:
    session = await offer(stage)
    assert (await stage.http.post(session.url, data=CARD)).status_code == 403
    assert (await stage.http.get("pay/cs_test_nobody")).status_code == 404
    assert (await stage.http.get(f"{session.url}/bank")).status_code == 409


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "payment"}, {"line_items": []}, {"success_url": "javascript:alert(1)"},
        {"cancel_url": "javascript:alert(1)"}, {"success_url": "https://a.b/\n"},
        {"expires_at": 5}, {"mode": None}, {"unknown": "1"},
        {"customer": "cus_nobody"}, {"line_items": [{"price": "price_nothing"}]}, {"subscription_data": {"trial_end": 5}}, {"ui_mode": "embedded_page"},
    ],
)  # fmt: skip
async def test_what_stripe_would_refuse_is_refused(stage: Stage, wrong: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await offer(stage, **wrong)


async def test_one_currency_for_each_customer(stage: Stage) -> None:
    who = await customer(stage)
    await stage.v1.subscriptions.create_async({"customer": who, "items": [{"price": "price_starter"}]})
    dollars = {"price_data": {"currency": "usd", "unit_amount": 5000, "recurring": {"interval": "month"}, "product_data": {"name": "Abroad"}}}
    with pytest.raises(stripe.InvalidRequestError, match="cannot combine currencies"):
        await offer(stage, customer=who, line_items=[dollars])


async def test_scripts_buy_and_change_cards_in_one_call(stage: Stage) -> None:
    who = await customer(stage, None)
    session = await offer(stage, customer=who)
    bought = (await stage.http.post("_test/purchases", json={"session": session.id, "number": "4000002500003155"})).json()
    assert (bought["status"], (await again(stage, session)).subscription.status) == ("complete", "active")
    assert (await stage.http.post("_test/cards", json={"customer": who, "number": "4000000000000341"})).status_code == 200
    await go_on(stage, days=32)
    assert (await again(stage, session)).subscription.status == "past_due"
    for json in ({"customer": "cus_nobody", "number": "4242424242424242"}, {"customer": who, "number": "4000000000000002"}, {"customer": who}):
        assert (await stage.http.post("_test/cards", json=json)).status_code in (404, 422)
