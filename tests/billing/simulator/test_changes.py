"""Upgrades, downgrades and previews: the amount that is shown is the amount that is taken."""

from typing import Any

import pytest
import stripe

from frontdesk.billing.simulator.periods import DAY, HOUR, months_after
from tests.billing.simulator.market import fresh, give_card, go_on, now, subscribe, types
from tests.billing.simulator.stage import Stage


def to(made: Any, price: str) -> list[dict[str, Any]]:
    return [{"id": made["items"].data[0].id, "price": f"price_{price}"}]


async def previewed(stage: Stage, made: Any, price: str, at: int, behavior: str = "always_invoice") -> Any:
    details = {"items": to(made, price), "proration_behavior": behavior, "proration_date": at}
    return await stage.v1.invoices.create_preview_async({"customer": made.customer, "subscription": made.id, "subscription_details": details})


async def upgraded(stage: Stage, made: Any, price: str, at: int) -> Any:
    how = {"proration_behavior": "always_invoice", "payment_behavior": "pending_if_incomplete", "proration_date": at}
    return await stage.v1.subscriptions.update_async(made.id, {"items": to(made, price), **how, "expand": ["latest_invoice"]})


async def test_an_upgrade_costs_what_the_preview_said(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    await go_on(stage, days=10)
    at = await now(stage)
    shown = await previewed(stage, made, "business", at)
    after = await upgraded(stage, made, "business", at)
    bill, period = after.latest_invoice, made["items"].data[0]
    left = (period.current_period_end - at) / (period.current_period_end - period.current_period_start)
    assert shown.amount_due == pytest.approx((19900 - 7900) * left, abs=1.01)
    assert (bill.status, bill.amount_paid, bill.billing_reason) == ("paid", shown.amount_due, "subscription_update")
    assert [line.amount for line in bill.lines.data] == [line.amount for line in shown.lines.data]
    assert [line.description for line in bill.lines.data] == [line.description for line in shown.lines.data]
    assert after["items"].data[0].price.id == "price_business" and after["items"].data[0].id == period.id
    assert shown.id.startswith("upcoming_in") and len((await stage.v1.invoices.list_async({"customer": made.customer})).data) == 2
    await stage.quiet()
    assert "customer.subscription.pending_update_applied" not in types(stage)


async def test_a_second_change_credits_what_the_first_one_billed(stage: Stage) -> None:
    made = await subscribe(stage, "starter")
    start, end = made["items"].data[0].current_period_start, made["items"].data[0].current_period_end
    await go_on(stage, until=start + (end - start) // 2)
    half = await now(stage)
    await upgraded(stage, made, "professional", half)
    bill = (await upgraded(stage, made, "business", half)).latest_invoice
    assert [line.amount for line in bill.lines.data] == [-3950, 9950]


@pytest.mark.parametrize("paid", [True, False])
async def test_an_upgrade_waits_for_the_bank_and_for_no_longer_than_23_hours(stage: Stage, paid: bool) -> None:
    made = await subscribe(stage, "professional")
    card = await give_card(stage, made.customer, "pm_card_authenticationRequired")
    waits = await upgraded(stage, made, "business", await now(stage))
    assert (waits.status, waits["items"].data[0].price.id) == ("active", "price_professional")
    assert waits.pending_update.subscription_items[0].price.id == "price_business"
    assert waits.latest_invoice.status == "open"
    if paid:
        await stage.account.do(lambda world: world.put_private(card, world.private(card) | {"set_up": True}))
        await stage.v1.invoices.pay_async(waits.latest_invoice.id)
    assert await go_on(stage, days=1) == ([] if paid else ["pending update expires"])
    after = await fresh(stage, made)
    assert (after.pending_update, after.status) == (None, "active")
    assert after["items"].data[0].price.id == ("price_business" if paid else "price_professional")
    assert after.latest_invoice.status == ("paid" if paid else "void")
    await stage.quiet()
    assert f"customer.subscription.pending_update_{'applied' if paid else 'expired'}" in types(stage)


async def test_a_declined_upgrade_leaves_everything_as_it_was(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    await give_card(stage, made.customer, "pm_card_chargeCustomerFail")
    how = {"proration_behavior": "always_invoice", "payment_behavior": "error_if_incomplete"}
    with pytest.raises(stripe.CardError):
        await stage.v1.subscriptions.update_async(made.id, {"items": to(made, "business"), **how})
    after = await fresh(stage, made)
    assert (after["items"].data[0].price.id, after.status) == ("price_professional", "active")
    assert len((await stage.v1.invoices.list_async({"customer": made.customer})).data) == 1
    with pytest.raises(stripe.InvalidRequestError, match="pending_if_incomplete"):
        await stage.v1.subscriptions.update_async(made.id, {"payment_behavior": "pending_if_incomplete", "metadata": {"a": "b"}})


async def test_a_new_change_takes_the_place_of_one_that_waits(stage: Stage) -> None:
    made = await subscribe(stage, "starter")
    await give_card(stage, made.customer, "pm_card_authenticationRequired")
    first = await upgraded(stage, made, "professional", await now(stage))
    second = await upgraded(stage, made, "business", await now(stage))
    assert second.pending_update.subscription_items[0].price.id == "price_business"
    assert (await stage.v1.invoices.retrieve_async(first.latest_invoice.id)).status == "void"
    assert second.latest_invoice.amount_due == 19900 - 2900


async def test_a_downgrade_by_schedule_happens_at_the_end_of_the_period(stage: Stage) -> None:
    made = await subscribe(stage, "business")
    item = made["items"].data[0]
    schedule = await stage.v1.subscription_schedules.create_async({"from_subscription": made.id})
    phases = [
        {"items": [{"price": "price_business", "quantity": 1}], "start_date": item.current_period_start, "end_date": item.current_period_end},
        {"items": [{"price": "price_starter", "quantity": 1}], "proration_behavior": "none", "duration": {"interval": "month", "interval_count": 1}},
    ]
    planned = await stage.v1.subscription_schedules.update_async(schedule.id, {"phases": phases, "end_behavior": "release"})
    assert [phase["items"][0].price for phase in planned.phases] == ["price_business", "price_starter"]
    with pytest.raises(stripe.InvalidRequestError, match="managed by the subscription schedule"):
        await stage.v1.subscriptions.update_async(made.id, {"cancel_at_period_end": True})
    assert (await stage.v1.invoices.create_preview_async({"subscription": made.id})).amount_due == 2900

    await go_on(stage, until=item.current_period_end + 2 * HOUR)
    after = await fresh(stage, made)
    assert (after["items"].data[0].price.id, after.latest_invoice.amount_paid, after.schedule) == ("price_starter", 2900, schedule.id)
    await go_on(stage, until=months_after(made.billing_cycle_anchor, 2) + 2 * HOUR)
    assert (await fresh(stage, made)).schedule is None
    assert (await stage.v1.subscription_schedules.retrieve_async(schedule.id)).released_subscription == made.id


async def test_a_schedule_that_is_released_changes_nothing(stage: Stage) -> None:
    made = await subscribe(stage, "business")
    item = made["items"].data[0]
    schedule = await stage.v1.subscription_schedules.create_async({"from_subscription": made.id})
    phases = [{"items": [{"price": "price_business"}], "end_date": item.current_period_end}, {"items": [{"price": "price_starter"}]}]
    await stage.v1.subscription_schedules.update_async(schedule.id, {"phases": phases})
    assert (await stage.v1.subscription_schedules.release_async(schedule.id)).status == "released"
    await go_on(stage, until=item.current_period_end + 2 * HOUR)
    after = await fresh(stage, made)
    assert (after["items"].data[0].price.id, after.latest_invoice.amount_paid, after.schedule) == ("price_business", 19900, None)


async def test_from_month_to_year_and_back(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    await go_on(stage, days=15)
    at = await now(stage)
    shown = await previewed(stage, made, "professional_year", at)
    yearly = await upgraded(stage, made, "professional_year", at)
    item = yearly["items"].data[0]
    assert (yearly.latest_invoice.amount_paid, yearly.billing_cycle_anchor) == (shown.amount_due, at)
    assert item.current_period_end == months_after(at, 12) and len(shown.lines.data) == 2
    schedule = await stage.v1.subscription_schedules.create_async({"from_subscription": made.id})
    phases = [{"items": [{"price": "price_professional_year"}], "end_date": item.current_period_end}, {"items": [{"price": "price_professional"}]}]
    await stage.v1.subscription_schedules.update_async(schedule.id, {"phases": phases})
    await go_on(stage, until=item.current_period_end + 2 * HOUR)
    after = await fresh(stage, made)
    assert after.latest_invoice.amount_paid == 7900
    assert after["items"].data[0].current_period_end == months_after(item.current_period_end, 1)


async def test_prorations_wait_for_the_next_invoice_unless_asked(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    start, end = made["items"].data[0].current_period_start, made["items"].data[0].current_period_end
    await go_on(stage, until=start + (end - start) // 2)
    await stage.v1.subscriptions.update_async(made.id, {"items": to(made, "business"), "proration_date": start + (end - start) // 2})
    pending = (await stage.v1.invoice_items.list_async({"customer": made.customer, "pending": True})).data
    assert sorted(one.amount for one in pending) == [-3950, 9950]
    assert (await stage.v1.invoices.create_preview_async({"subscription": made.id})).amount_due == 19900 + 6000
    await go_on(stage, until=end + 2 * HOUR)
    assert (await fresh(stage, made)).latest_invoice.amount_paid == 19900 + 6000


async def test_a_smaller_plan_at_once_is_credited_to_the_balance(stage: Stage) -> None:
    made = await subscribe(stage, "business")
    how = {"proration_behavior": "always_invoice", "proration_date": made["items"].data[0].current_period_start}
    after = await stage.v1.subscriptions.update_async(made.id, {"items": to(made, "starter"), **how, "expand": ["latest_invoice"]})
    assert (after.latest_invoice.total, after.latest_invoice.amount_due, after.latest_invoice.status) == (-17000, 0, "paid")
    assert (await stage.v1.customers.retrieve_async(made.customer)).balance == -17000
    await go_on(stage, until=made["items"].data[0].current_period_end + 2 * HOUR)
    renewed = (await fresh(stage, made)).latest_invoice
    assert (renewed.amount_due, renewed.starting_balance, renewed.ending_balance) == (0, -17000, -14100)


async def test_a_proration_outside_of_the_period_is_refused(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    with pytest.raises(stripe.InvalidRequestError, match="outside of the current period"):
        await previewed(stage, made, "business", await now(stage) + 60 * DAY)
