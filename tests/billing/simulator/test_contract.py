"""The same story told to the simulated Stripe and, where STRIPE_TEST_KEY is set, to a test account of the real one: both must answer alike.

What the real one answers is held against the same published fields, so that this also tells when Stripe has changed.
"""

import json
import os
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
import stripe

from frontdesk.billing.simulator import API_VERSION
from tests.billing.simulator.published import differences
from tests.billing.simulator.stage import staged

REAL_KEY = os.environ.get("STRIPE_TEST_KEY", "")


@pytest.fixture(params=["simulated", "real"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[stripe.StripeClient]:
    if request.param == "simulated":
        async with staged() as stage:
            yield stage.client
        return
    if not REAL_KEY:
        pytest.skip("STRIPE_TEST_KEY is not set: the real Stripe is not asked")
    assert REAL_KEY.startswith(("sk_test_", "rk_test_")), "STRIPE_TEST_KEY must be a key of a test account"
    yield stripe.StripeClient(REAL_KEY, stripe_version=API_VERSION, http_client=stripe.HTTPXClient(timeout=60))


def alike(answer: Any) -> Any:
    """The answer, once it is what Stripe published."""
    assert differences(json.loads(answer.last_response.body)) == []
    return answer


async def refusal(call: Any) -> tuple[int | None, str | None, str | None]:
    """Status, code and field of a refused call."""
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await call
    return refused.value.http_status, refused.value.code, refused.value.param


async def test_a_plan_is_sold_under_a_lookup_key(client: stripe.StripeClient) -> None:
    mark = secrets.token_hex(4)
    product = alike(await client.v1.products.create_async({"id": f"frontdesk_{mark}", "name": "Professional", "metadata": {"plan": mark}}))
    monthly: Any = {"product": product.id, "currency": "eur", "unit_amount": 4900, "recurring": {"interval": "month"}, "tax_behavior": "exclusive"}
    old = alike(await client.v1.prices.create_async(monthly | {"lookup_key": mark}))
    assert (await refusal(client.v1.prices.create_async(monthly | {"lookup_key": mark})))[0] == 400
    new = alike(await client.v1.prices.create_async(monthly | {"unit_amount": 5900, "lookup_key": mark, "transfer_lookup_key": True}))
    found = alike(await client.v1.prices.list_async({"lookup_keys": [mark], "expand": ["data.product"]}))
    assert [(one.id, one.product.name, one.unit_amount) for one in found.data] == [(new.id, "Professional", 5900)]
    assert await refusal(client.v1.prices.create_async(monthly | {"product": "prod_none"})) == (400, "resource_missing", "product")
    assert (await refusal(client.v1.prices.retrieve_async("price_none")))[:2] == (404, "resource_missing")
    gone = alike(await client.v1.prices.update_async(old.id, {"active": False}))
    assert (gone.active, gone.lookup_key, gone.unit_amount) == (False, None, 4900)
    assert await refusal(client.v1.prices.update_async(new.id, {"unit_amount": 1})) == (400, "parameter_unknown", "unit_amount")  # type: ignore[typeddict-unknown-key]  # on purpose
    assert (await refusal(client.v1.products.create_async({"id": product.id, "name": "Again"})))[:2] == (400, "resource_already_exists")
    assert (await client.v1.products.update_async(product.id, {"active": False})).active is False


async def test_a_customer_is_made_once_and_goes(client: stripe.StripeClient) -> None:
    key = f"cus:{secrets.token_hex(8)}"
    first = alike(await client.v1.customers.create_async({"name": "Ada", "metadata": {"organization": key}}, {"idempotency_key": key}))
    again = alike(await client.v1.customers.create_async({"name": "Ada", "metadata": {"organization": key}}, {"idempotency_key": key}))
    assert again.id == first.id
    with pytest.raises(stripe.IdempotencyError) as refused:
        await client.v1.customers.create_async({"name": "Bob"}, {"idempotency_key": key})
    assert refused.value.http_status == 400
    tax_id = alike(await client.v1.customers.tax_ids.create_async(first.id, {"type": "eu_vat", "value": "DE123456789"}))
    assert (tax_id.country, tax_id.owner.type) == ("DE", "customer")
    assert await refusal(client.v1.customers.tax_ids.create_async(first.id, {"type": "eu_vat", "value": "DE1"})) == (400, "tax_id_invalid", "value")
    card = alike(await client.v1.payment_methods.attach_async("pm_card_visa", {"customer": first.id}))
    assert (card.card.brand, card.card.last4) == ("visa", "4242")
    paying = alike(await client.v1.customers.update_async(first.id, {"invoice_settings": {"default_payment_method": card.id}, "address": {"country": "DE"}}))
    assert paying.invoice_settings.default_payment_method == card.id
    assert (await client.v1.customers.delete_async(first.id)).deleted is True
    assert (await client.v1.customers.retrieve_async(first.id)).deleted is True
    assert (await refusal(client.v1.customers.update_async(first.id, {"name": "Nobody"})))[:2] == (404, "resource_missing")


async def test_a_code_takes_something_off(client: stripe.StripeClient) -> None:
    coupon = alike(await client.v1.coupons.create_async({"percent_off": 20, "duration": "once"}))
    word = secrets.token_hex(4).upper()
    made = alike(await client.v1.promotion_codes.create_async({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": word}))
    found = alike(await client.v1.promotion_codes.list_async({"code": word, "active": True}))
    assert [one.id for one in found.data] == [made.id]
    assert (await client.v1.promotion_codes.update_async(made.id, {"active": False})).active is False
    assert (await client.v1.coupons.delete_async(coupon.id)).deleted is True


async def test_the_portal_is_configured(client: stripe.StripeClient) -> None:
    features: Any = {"invoice_history": {"enabled": True}, "subscription_cancel": {"enabled": True}, "payment_method_update": {"enabled": True}}
    made = alike(await client.v1.billing_portal.configurations.create_async({"features": features}))
    assert (made.active, made.features.subscription_cancel.mode, made.features.subscription_update.enabled) == (True, "at_period_end", False)
    assert alike(await client.v1.billing_portal.configurations.update_async(made.id, {"active": False})).active is False


async def test_a_subscription_begins_and_ends(client: stripe.StripeClient) -> None:
    customer = await client.v1.customers.create_async({"name": "Ada", "payment_method": "pm_card_visa"})
    (card,) = (await client.v1.payment_methods.list_async({"customer": customer.id})).data
    product = await client.v1.products.create_async({"name": "Professional"})
    price = await client.v1.prices.create_async({"product": product.id, "currency": "eur", "unit_amount": 4900, "recurring": {"interval": "month"}})
    bought = alike(
        await client.v1.subscriptions.create_async(
            {
                "customer": customer.id, "items": [{"price": price.id}], "default_payment_method": card.id, "billing_mode": {"type": "flexible"},
                "expand": ["latest_invoice"],
            }
        )
    )  # fmt: skip
    assert (bought.status, bought.latest_invoice.status, bought.latest_invoice.amount_paid) == ("active", "paid", 4900)
    assert bought["items"].data[0].current_period_end > bought["items"].data[0].current_period_start
    alike(await client.v1.invoices.list_async({"customer": customer.id}))
    preview = {"customer": customer.id, "subscription": bought.id, "subscription_details": {"items": [{"id": bought["items"].data[0].id, "quantity": 2}]}}
    assert alike(await client.v1.invoices.create_preview_async(preview)).currency == "eur"  # type: ignore[arg-type]  # spelled out above
    later = alike(await client.v1.subscriptions.update_async(bought.id, {"cancel_at_period_end": True}))
    assert later.cancel_at_period_end is True and later.cancel_at == later["items"].data[0].current_period_end
    assert alike(await client.v1.subscriptions.cancel_async(bought.id)).status == "canceled"
    await client.v1.customers.delete_async(customer.id)
