"""A subscription's life, through the official library: paid, renewed, behind, recovered, over."""

from typing import Any

import pytest
import stripe

from frontdesk.billing.simulator.periods import DAY, HOUR, months_after
from tests.billing.simulator.market import customer, fresh, give_card, go_on, now, stock, subscribe, types
from tests.billing.simulator.stage import Stage


async def test_a_subscription_is_paid_and_renewed_month_after_month(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    first = await fresh(stage, made)
    item = first["items"].data[0]
    assert (first.status, first.latest_invoice.status, first.latest_invoice.amount_paid) == ("active", "paid", 7900)
    assert item.current_period_end == months_after(item.current_period_start, 1)

    assert await go_on(stage, until=item.current_period_end) == ["renewal notice", "renewal"]
    renewed = await fresh(stage, made)
    draft = renewed.latest_invoice
    assert (draft.status, draft.billing_reason, draft.auto_advance) == ("draft", "subscription_cycle", True)
    assert (draft.period_start, draft.period_end) == (item.current_period_start, item.current_period_end)
    assert draft.lines.data[0].period.end == renewed["items"].data[0].current_period_end == months_after(item.current_period_start, 2)

    await stage.v1.invoice_items.create_async(
        {"customer": made.customer, "invoice": draft.id, "quantity": 3, "unit_amount_decimal": "33.5", "currency": "eur", "description": "3 × 1,000 messages"}
    )
    assert await go_on(stage, until=item.current_period_end + HOUR) == ["draft becomes an invoice"]
    paid = (await fresh(stage, made)).latest_invoice
    assert (paid.status, paid.amount_paid, paid.attempt_count, len(paid.lines.data)) == ("paid", 7900 + 101, 1, 2)
    assert paid.number.endswith("-0002") and paid.parent.subscription_details.subscription == made.id
    assert paid.payments.data[0].payment.payment_intent.startswith("pi_") and paid.payments.data[0].status == "paid"
    await stage.quiet()
    told = [kind for kind in types(stage) if kind.startswith("invoice.") and kind != "invoice.updated"]
    assert told[-5:] == ["invoice.upcoming", "invoice.created", "invoice.finalized", "invoice.paid", "invoice.payment_succeeded"]


async def test_a_card_that_fails_puts_it_behind_and_then_ends_it(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    await give_card(stage, made.customer, "pm_card_chargeCustomerFail")
    end = made["items"].data[0].current_period_end
    await go_on(stage, until=end + HOUR)
    behind = await fresh(stage, made)
    bill = behind.latest_invoice
    assert (behind.status, bill.status, bill.attempt_count, bill.next_payment_attempt) == ("past_due", "open", 1, pytest.approx(end + HOUR + 3 * DAY, abs=2))
    assert (await stage.v1.customers.retrieve_async(made.customer)).delinquent is True

    for day, attempts in ((3, 2), (7, 3), (14, 4)):
        await go_on(stage, until=end + HOUR + day * DAY + 5)
        tried = await fresh(stage, made)
        assert (tried.status, tried.latest_invoice.attempt_count) == ("past_due", attempts)
    await go_on(stage, until=end + HOUR + 21 * DAY + 5)
    over = await fresh(stage, made)
    assert (over.status, over.cancellation_details.reason, over.latest_invoice.status) == ("canceled", "payment_failed", "open")
    assert (over.latest_invoice.attempt_count, over.latest_invoice.next_payment_attempt) == (5, None)
    await stage.quiet()
    assert types(stage).count("invoice.payment_failed") == 5
    assert "customer.subscription.deleted" in types(stage)
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.subscriptions.update_async(made.id, {"metadata": {"late": "yes"}})


async def test_who_pays_late_is_in_order_again(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    await give_card(stage, made.customer, "pm_card_chargeCustomerFail")
    await go_on(stage, until=made["items"].data[0].current_period_end + HOUR)
    bill = (await fresh(stage, made)).latest_invoice
    with pytest.raises(stripe.CardError) as refused:
        await stage.v1.invoices.pay_async(bill.id)
    assert (refused.value.code, refused.value.error.decline_code) == ("card_declined", "generic_decline")
    tried = await stage.v1.invoices.retrieve_async(bill.id)
    assert (tried.attempt_count, tried.next_payment_attempt) == (1, bill.next_payment_attempt), "only what is tried by itself is counted"
    method = await give_card(stage, made.customer, "pm_card_visa")
    assert (await stage.v1.invoices.pay_async(bill.id, {"payment_method": method})).status == "paid"
    assert (await fresh(stage, made)).status == "active"
    assert (await stage.v1.customers.retrieve_async(made.customer)).delinquent is False


async def test_who_tries_himself_uses_up_no_retry(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    await give_card(stage, made.customer, "pm_card_chargeCustomerFail")
    first = made["items"].data[0].current_period_end + HOUR
    await go_on(stage, until=first)
    bill = (await fresh(stage, made)).latest_invoice
    for _ in range(6):
        with pytest.raises(stripe.CardError):
            await stage.v1.invoices.pay_async(bill.id)
    await go_on(stage, until=first + 14 * DAY + 5)
    with pytest.raises(stripe.CardError):
        await stage.v1.invoices.pay_async(bill.id)
    behind = await fresh(stage, made)
    assert (behind.status, behind.latest_invoice.attempt_count) == ("past_due", 4)
    assert behind.latest_invoice.next_payment_attempt == pytest.approx(first + 21 * DAY, abs=2)
    await go_on(stage, until=first + 21 * DAY + 5)
    assert (await fresh(stage, made)).status == "canceled"


async def test_an_unpaid_subscription_goes_on_with_drafts_alone(stage: Stage) -> None:
    await stage.account.do(lambda world: world.put_private("settings", {"retry_days": [1], "after_retries": "unpaid"}))
    made = await subscribe(stage, "professional")
    await give_card(stage, made.customer, "pm_card_chargeCustomerFail")
    end = made["items"].data[0].current_period_end
    await go_on(stage, until=end + 2 * DAY)
    assert (await fresh(stage, made)).status == "unpaid"
    await go_on(stage, until=months_after(made.billing_cycle_anchor, 2) + DAY)
    draft = (await fresh(stage, made)).latest_invoice
    assert (draft.status, draft.auto_advance) == ("draft", False)


async def test_a_first_payment_that_asks_the_bank_waits_for_23_hours(stage: Stage) -> None:
    await stock(stage)
    who = await customer(stage, "pm_card_authenticationRequired")
    made = await stage.v1.subscriptions.create_async(
        {"customer": who, "items": [{"price": "price_professional"}], "expand": ["latest_invoice.confirmation_secret"]}
    )
    assert (made.status, made.latest_invoice.status) == ("incomplete", "open")
    assert made.latest_invoice.confirmation_secret.client_secret.startswith("pi_")
    await go_on(stage, days=22 / 24)
    assert (await fresh(stage, made)).status == "incomplete"
    assert await go_on(stage, days=2 / 24) == ["first payment expires"]
    over = await fresh(stage, made)
    assert (over.status, over.latest_invoice.status) == ("incomplete_expired", "void")
    await stage.quiet()
    assert "invoice.payment_action_required" in types(stage)


async def test_without_a_card_nothing_begins(stage: Stage) -> None:
    await stock(stage)
    who = await customer(stage, None)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stage.v1.subscriptions.create_async({"customer": who, "items": [{"price": "price_professional"}]})
    assert refused.value.code == "resource_missing"
    assert (await stage.v1.subscriptions.list_async({"customer": who, "status": "all"})).data == []
    assert (await stage.v1.invoices.list_async({"customer": who})).data == []


@pytest.mark.parametrize(
    ("behavior", "status", "event"), [("cancel", "canceled", "deleted"), ("pause", "paused", "paused"), ("create_invoice", "past_due", "updated")]
)
async def test_a_trial_without_a_card_ends_as_it_says(stage: Stage, behavior: str, status: str, event: str) -> None:
    trial: dict[str, Any] = {"trial_period_days": 14, "trial_settings": {"end_behavior": {"missing_payment_method": behavior}}}
    made = await subscribe(stage, "professional", None, **trial)
    assert (made.status, made.trial_end - made.trial_start) == ("trialing", 14 * DAY)
    assert await go_on(stage, days=11.1) == ["trial notice"]
    await go_on(stage, days=3.1)
    assert (await fresh(stage, made)).status == status
    await stage.quiet()
    assert "customer.subscription.trial_will_end" in types(stage) and f"customer.subscription.{event}" in types(stage)
    if behavior == "pause":
        await give_card(stage, made.customer, "pm_card_visa")
        assert (await stage.v1.subscriptions.resume_async(made.id)).status == "active"
        await stage.quiet()
        assert "customer.subscription.resumed" in types(stage)


async def test_a_trial_with_a_card_becomes_a_subscription(stage: Stage) -> None:
    made = await subscribe(stage, "professional", trial_period_days=14)
    assert (await fresh(stage, made)).latest_invoice.amount_paid == 0
    await go_on(stage, days=14.1)
    going = await fresh(stage, made)
    assert (going.status, going.latest_invoice.amount_paid) == ("active", 7900)
    assert going["items"].data[0].current_period_start == made.trial_end


async def test_what_is_cancelled_for_the_end_can_be_taken_back_until_then(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    end = made["items"].data[0].current_period_end
    ending = await stage.v1.subscriptions.update_async(made.id, {"cancel_at_period_end": True, "cancellation_details": {"feedback": "too_expensive"}})
    assert (ending.status, ending.cancel_at_period_end, ending.cancel_at, ending.cancellation_details.feedback) == ("active", True, end, "too_expensive")
    with pytest.raises(stripe.InvalidRequestError) as none:
        await stage.v1.invoices.create_preview_async({"subscription": made.id})
    assert none.value.code == "invoice_upcoming_none"
    back = await stage.v1.subscriptions.update_async(made.id, {"cancel_at_period_end": False})
    assert (back.cancel_at_period_end, back.cancel_at, back.canceled_at, back.cancellation_details.reason) == (False, None, None, None)
    await stage.v1.subscriptions.update_async(made.id, {"cancel_at_period_end": True})
    await go_on(stage, until=end + 1)
    over = await fresh(stage, made)
    assert (over.status, over.ended_at) == ("canceled", end)
    assert len((await stage.v1.invoices.list_async({"customer": made.customer})).data) == 1


async def test_a_subscription_ends_at_once_when_asked(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    assert (await stage.v1.subscriptions.cancel_async(made.id)).status == "canceled"
    assert (await stage.v1.subscriptions.list_async({"customer": made.customer})).data == []
    assert len((await stage.v1.subscriptions.list_async({"customer": made.customer, "status": "all"})).data) == 1
    assert await go_on(stage, days=40) == []


async def test_the_31st_is_kept_where_a_month_has_it(stage: Stage) -> None:
    await stock(stage)
    at = 1_801_396_800  # 31 January 2027
    await go_on(stage, until=at)
    made = await subscribe(stage, "professional")
    ends = [made["items"].data[0].current_period_end]
    for _ in range(3):
        await go_on(stage, until=ends[-1] + 2 * HOUR)
        ends.append((await fresh(stage, made))["items"].data[0].current_period_end)
    anchor = made.billing_cycle_anchor
    assert ends == [months_after(anchor, n) for n in (1, 2, 3, 4)]
    assert await now(stage) >= at
