"""Products, prices and what the portal offers, through the official library."""

from decimal import Decimal
from typing import Any

import pytest
import stripe

from tests.billing.simulator.stage import Stage


async def product(stage: Stage, **more: Any) -> Any:
    return await stage.v1.products.create_async({"id": "frontdesk_professional", "name": "Professional", **more})


async def price(stage: Stage, amount: int = 4900, **more: Any) -> Any:
    monthly = {"product": "frontdesk_professional", "currency": "EUR", "unit_amount": amount, "recurring": {"interval": "month"}}
    return await stage.v1.prices.create_async(monthly | more)


async def test_a_product_has_an_id_of_our_own_once(stage: Stage) -> None:
    made = await product(stage, tax_code="txcd_10103001", metadata={"plan": "professional"})
    assert (made.id, made.active, made.tax_code) == ("frontdesk_professional", True, "txcd_10103001")
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await product(stage)
    assert refused.value.code == "resource_already_exists"
    assert (await stage.v1.products.update_async(made.id, {"name": "Pro", "active": False})).name == "Pro"
    assert (await stage.v1.products.list_async({"active": True})).data == []
    assert [one.id for one in (await stage.v1.products.list_async({"ids": [made.id, "prod_other"]})).data] == [made.id]
    assert (await stage.v1.products.delete_async(made.id)).deleted is True


async def test_a_price_never_changes_what_it_costs(stage: Stage) -> None:
    await product(stage)
    made = await price(stage, tax_behavior="exclusive", lookup_key="professional_month_eur")
    assert (made.currency, made.unit_amount, made.unit_amount_decimal, made.type) == ("eur", 4900, Decimal(4900), "recurring")
    assert (made.recurring.interval, made.recurring.interval_count, made.recurring.usage_type) == ("month", 1, "licensed")
    for change in ({"unit_amount": 1}, {"currency": "usd"}, {"recurring": {"interval": "year"}}, {"product": "prod_x"}):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await stage.v1.prices.update_async(made.id, change)
        assert refused.value.code == "parameter_unknown" and refused.value.param == next(iter(change))
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.prices.update_async(made.id, {"tax_behavior": "inclusive"})
    assert (await stage.v1.prices.retrieve_async(made.id)).unit_amount == 4900


async def test_a_lookup_key_belongs_to_one_price_and_can_be_handed_over(stage: Stage) -> None:
    await product(stage)
    old = await price(stage, lookup_key="professional_month_eur")
    with pytest.raises(stripe.InvalidRequestError, match="already uses that lookup key"):
        await price(stage, 5900, lookup_key="professional_month_eur")
    new = await price(stage, 5900, lookup_key="professional_month_eur", transfer_lookup_key=True)
    assert (await stage.v1.prices.retrieve_async(old.id)).lookup_key is None
    found = (await stage.v1.prices.list_async({"lookup_keys": ["professional_month_eur"], "expand": ["data.product"]})).data
    assert [(one.id, one.product.name) for one in found] == [(new.id, "Professional")]
    await stage.v1.prices.update_async(old.id, {"active": False})
    assert [one.id for one in (await stage.v1.prices.list_async({"active": True, "product": "frontdesk_professional"})).data] == [new.id]
    await stage.quiet()
    told = [(event.type, getattr(event.data.object, "lookup_key", None)) for event in stage.events("price.created", "price.updated")]
    assert told == [
        ("price.created", "professional_month_eur"), ("price.updated", None), ("price.created", "professional_month_eur"), ("price.updated", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"currency": ""}, "currency"), ({"currency": "euro"}, "currency"), ({"product": "prod_none"}, "product"), ({"unit_amount": -1}, "unit_amount"),
        ({"unit_amount": "4900.5"}, "unit_amount"), ({"unit_amount": 10**9}, "unit_amount"), ({"recurring": {"interval": "moon"}}, "interval"),
        ({"recurring": {"interval": "year", "interval_count": 4}}, "interval_count"), ({"colour": "red"}, "colour"), ({"active": "maybe"}, "active"),
    ],
)  # fmt: skip
async def test_a_price_that_cannot_be_is_refused_by_name(stage: Stage, wrong: dict[str, Any], param: str) -> None:
    await product(stage)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await price(stage, **wrong)
    assert refused.value.param == param


async def test_prices_may_have_fractions_of_a_cent_and_steps(stage: Stage) -> None:
    await product(stage)
    tiny = await stage.v1.prices.create_async({"product": "frontdesk_professional", "currency": "eur", "unit_amount_decimal": Decimal("0.075")})
    assert (tiny.unit_amount, tiny.unit_amount_decimal, tiny.type) == (None, Decimal("0.075"), "one_time")
    steps = [{"up_to": 1000, "unit_amount": 0}, {"up_to": "inf", "unit_amount_decimal": Decimal("0.5"), "flat_amount": 100}]
    stepped = await price(stage, unit_amount=None, billing_scheme="tiered", tiers_mode="graduated", tiers=steps)
    assert not hasattr(stepped, "tiers")
    shown = (await stage.v1.prices.retrieve_async(stepped.id, {"expand": ["tiers"]})).tiers
    assert [(one.up_to, one.unit_amount, one.flat_amount) for one in shown] == [(1000, 0, None), (None, None, 100)]


async def test_a_default_price_is_one_of_its_product_and_stays_for_sale(stage: Stage) -> None:
    made = await product(stage, default_price_data={"currency": "eur", "unit_amount": 100, "recurring": {"interval": "year"}})
    assert made.default_price.startswith("price_")
    with pytest.raises(stripe.InvalidRequestError, match="default price"):
        await stage.v1.prices.update_async(made.default_price, {"active": False})
    with pytest.raises(stripe.InvalidRequestError, match="user-created prices"):
        await stage.v1.products.delete_async(made.id)
    other = await stage.v1.products.create_async({"name": "Other"})
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.products.update_async(other.id, {"default_price": made.default_price})


async def test_the_portal_is_configured_feature_by_feature(stage: Stage) -> None:
    await product(stage)
    sold = await price(stage)
    features = {
        "customer_update": {"enabled": True, "allowed_updates": ["address", "tax_id"]},
        "invoice_history": {"enabled": True},
        "subscription_cancel": {"enabled": True, "cancellation_reason": {"enabled": True, "options": ["unused", "other"]}},
        "subscription_update": {"enabled": True, "default_allowed_updates": ["price"], "products": [{"product": sold.product, "prices": [sold.id]}]},
    }
    made = await stage.v1.billing_portal.configurations.create_async({"features": features, "metadata": {"frontdesk": "portal"}})
    assert made.features.subscription_cancel.mode == "at_period_end" and made.features.payment_method_update.enabled is False
    assert made.features.customer_update.allowed_updates == ["address", "tax_id"] and made.is_default is False
    path = "features.subscription_update.products"
    shown = await stage.v1.billing_portal.configurations.retrieve_async(made.id, {"expand": [path]})
    assert shown.features.subscription_update.products[0].prices == [sold.id]

    change = {"features": {"payment_method_update": {"enabled": True}}, "default_return_url": "https://example.com"}
    changed = await stage.v1.billing_portal.configurations.update_async(made.id, change)
    assert changed.features.payment_method_update.enabled is True and changed.features.invoice_history.enabled is True
    assert [one.id for one in (await stage.v1.billing_portal.configurations.list_async({"active": True})).data] == [made.id]
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.billing_portal.configurations.update_async(made.id, {"features": {"subscription_cancel": {"mode": "some day"}}})
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.billing_portal.configurations.update_async(made.id, {"features": {"free_beer": {"enabled": True}}})
