"""Coupons, promotion codes and tax ids, through the official library."""

from typing import Any

import pytest
import stripe

from tests.billing.simulator.stage import Stage


async def test_a_coupon_takes_off_percent_or_an_amount_and_is_used_up(stage: Stage) -> None:
    made = await stage.v1.coupons.create_async({"id": "WELCOME", "percent_off": 25.5, "duration": "repeating", "duration_in_months": 3, "name": "Welcome"})
    assert (made.id, made.percent_off, made.amount_off, made.duration_in_months, made.valid, made.times_redeemed) == ("WELCOME", 25.5, None, 3, True, 0)
    fixed = await stage.v1.coupons.create_async({"amount_off": 500, "currency": "eur", "max_redemptions": 1})
    assert (fixed.amount_off, fixed.currency, fixed.duration) == (500, "eur", "once") and fixed.id.isalnum()
    await stage.account.do(lambda world: world.put(world.get(fixed.id) | {"times_redeemed": 1}))
    assert (await stage.v1.coupons.retrieve_async(fixed.id)).valid is False
    assert [one.valid for one in (await stage.v1.coupons.list_async()).data] == [False, True]
    assert (await stage.v1.coupons.update_async("WELCOME", {"name": "Hello"})).name == "Hello"
    assert (await stage.v1.coupons.delete_async("WELCOME")).deleted is True


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"percent_off": 10, "amount_off": 100, "currency": "eur"}, {"percent_off": 101}, {"percent_off": 0}, {"amount_off": 100},
        {"percent_off": 10, "duration": "repeating"}, {"percent_off": 10, "duration_in_months": 2}, {"percent_off": 10, "duration": "sometimes"},
    ],
)  # fmt: skip
async def test_a_coupon_that_means_nothing_is_refused(stage: Stage, wrong: dict[str, Any]) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.coupons.create_async(wrong)


async def test_a_promotion_code_is_one_word_in_any_case(stage: Stage) -> None:
    coupon = await stage.v1.coupons.create_async({"percent_off": 20})
    promotion: Any = {"type": "coupon", "coupon": coupon.id}
    made = await stage.v1.promotion_codes.create_async({"promotion": promotion, "code": "FALL20", "max_redemptions": 5, "expand": ["promotion.coupon"]})
    assert made.promotion.coupon.percent_off == 20 and made.active is True
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        await stage.v1.promotion_codes.create_async({"promotion": promotion, "code": "fall20"})
    assert [one.id for one in (await stage.v1.promotion_codes.list_async({"code": "fall20", "active": True})).data] == [made.id]
    await stage.v1.promotion_codes.update_async(made.id, {"active": False})
    again = await stage.v1.promotion_codes.create_async({"promotion": promotion, "code": "fall20"})
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.promotion_codes.update_async(made.id, {"active": True})
    await stage.v1.coupons.delete_async(coupon.id)
    assert (await stage.v1.promotion_codes.retrieve_async(again.id)).active is False


async def test_a_promotion_code_ends_by_itself(stage: Stage) -> None:
    coupon = await stage.v1.coupons.create_async({"percent_off": 20})
    now = await stage.account.do(lambda world: world.now())
    made = await stage.v1.promotion_codes.create_async({"promotion": {"type": "coupon", "coupon": coupon.id}, "expires_at": now + 60})
    assert made.active is True
    await stage.account.do(lambda world: world.advance(61))
    assert (await stage.v1.promotion_codes.retrieve_async(made.id)).active is False
    assert (await stage.v1.promotion_codes.list_async({"active": True})).data == []


async def test_a_vat_id_is_looked_up_and_told(stage: Stage) -> None:
    ada = await stage.v1.customers.create_async({"tax_id_data": [{"type": "eu_vat", "value": "de 111111111"}]})
    made = await stage.v1.customers.tax_ids.create_async(ada.id, {"type": "eu_vat", "value": "DE000000000"})
    assert (made.country, made.value, made.verification.status) == ("DE", "DE000000000", "pending")
    assert (await stage.v1.customers.tax_ids.retrieve_async(ada.id, made.id)).verification.status == "verified"
    shown = await stage.v1.customers.retrieve_async(ada.id, {"expand": ["tax_ids", "tax"]})
    assert [one.verification.status for one in shown.tax_ids.data] == ["verified", "unverified"] and shown.tax.automatic_tax == "unrecognized_location"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stage.v1.customers.tax_ids.create_async(ada.id, {"type": "eu_vat", "value": "DE12"})
    assert refused.value.code == "tax_id_invalid"
    bob = await stage.v1.customers.create_async()
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.customers.tax_ids.retrieve_async(bob.id, made.id)
    assert (await stage.v1.customers.tax_ids.delete_async(ada.id, made.id)).deleted is True
    await stage.quiet()
    told = [event.type.removeprefix("customer.tax_id.") for event in stage.events() if "tax_id" in event.type]
    assert told == ["created", "updated", "created", "updated", "deleted"]


async def test_usage_is_added_up_and_an_identifier_counts_once(stage: Stage) -> None:
    ada = await stage.v1.customers.create_async()
    meter = await stage.v1.billing.meters.create_async({"display_name": "Messages", "event_name": "sent", "default_aggregation": {"formula": "sum"}})
    now = await stage.account.do(lambda world: world.now())
    for n in range(3):
        await stage.v1.billing.meter_events.create_async(
            {"event_name": "sent", "identifier": f"hour-{n}", "payload": {"stripe_customer_id": ada.id, "value": "100"}}
        )
    with pytest.raises(stripe.InvalidRequestError, match="already exists"):
        await stage.v1.billing.meter_events.create_async(
            {"event_name": "sent", "identifier": "hour-0", "payload": {"stripe_customer_id": ada.id, "value": "1"}}
        )
    for wrong in ({"timestamp": now - 36 * 86400}, {"event_name": "none"}):
        with pytest.raises(stripe.InvalidRequestError):
            whole = {"event_name": "sent", "payload": {"stripe_customer_id": ada.id, "value": "1"}} | wrong
            await stage.v1.billing.meter_events.create_async(whole)
    await stage.v1.billing.meter_event_adjustments.create_async({"event_name": "sent", "type": "cancel", "cancel": {"identifier": "hour-1"}})
    asked = {"customer": ada.id, "start_time": now - 3600, "end_time": now + 3600}
    assert [one.aggregated_value for one in (await stage.v1.billing.meters.event_summaries.list_async(meter.id, asked)).data] == [200.0]
    assert (await stage.v1.billing.meters.deactivate_async(meter.id)).status == "inactive"
