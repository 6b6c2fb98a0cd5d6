"""Invoices made by hand, items, pauses, refunds, and everything else that touches what is owed."""

from typing import Any

import pytest
import stripe

from frontdesk.billing.simulator.periods import DAY, HOUR, months_after
from tests.billing.simulator.market import customer, fresh, give_card, go_on, now, subscribe, types
from tests.billing.simulator.stage import Stage


async def billed(stage: Stage, who: str, amount: int = 500, **more: Any) -> Any:
    await stage.v1.invoice_items.create_async({"customer": who, "amount": amount, "currency": "eur", "description": "Overage"})
    return await stage.v1.invoices.create_async({"customer": who, "pending_invoice_items_behavior": "include"} | more)


async def test_an_invoice_of_its_own_is_finalized_and_paid(stage: Stage) -> None:
    made = await subscribe(stage, "professional_year")
    draft = await billed(stage, made.customer, auto_advance=True)
    assert (draft.status, draft.amount_due, draft.billing_reason, draft.number) == ("draft", 500, "manual", None)
    assert await go_on(stage, days=1 / 24) == ["draft becomes an invoice"]
    paid = await stage.v1.invoices.retrieve_async(draft.id)
    assert (paid.status, paid.amount_paid, paid.parent) == ("paid", 500, None)


async def test_a_draft_waits_without_auto_advance_and_can_be_deleted(stage: Stage) -> None:
    who = await customer(stage)
    draft = await billed(stage, who)
    assert await go_on(stage, days=3) == []
    assert (await stage.v1.invoices.delete_async(draft.id)).deleted is True
    again = await billed(stage, who)
    opened = await stage.v1.invoices.finalize_invoice_async(again.id)
    assert (opened.status, opened.hosted_invoice_url is not None) == ("open", True)
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.invoices.finalize_invoice_async(again.id)
    with pytest.raises(stripe.InvalidRequestError):
        await stage.v1.invoices.delete_async(again.id)
    with pytest.raises(stripe.InvalidRequestError, match="no longer editable"):
        await stage.v1.invoice_items.create_async({"customer": who, "invoice": again.id, "amount": 1, "currency": "eur"})


async def test_an_item_is_taken_off_a_draft_again(stage: Stage) -> None:
    who = await customer(stage)
    draft = await billed(stage, who)
    item = await stage.v1.invoice_items.create_async({"customer": who, "invoice": draft.id, "amount": 250, "currency": "eur"})
    assert (await stage.v1.invoices.retrieve_async(draft.id)).total == 750
    await stage.v1.invoice_items.delete_async(item.id)
    assert (await stage.v1.invoices.retrieve_async(draft.id)).total == 500


async def test_an_open_invoice_is_void_or_given_up(stage: Stage) -> None:
    who = await customer(stage, "pm_card_chargeCustomerFail")
    first, second = await billed(stage, who), await billed(stage, who)
    with pytest.raises(stripe.CardError):
        await stage.v1.invoices.pay_async(first.id)
    assert (await stage.v1.invoices.void_invoice_async(first.id)).status == "void"
    await stage.v1.invoices.finalize_invoice_async(second.id)
    assert (await stage.v1.invoices.mark_uncollectible_async(second.id)).status == "uncollectible"
    assert (await stage.v1.invoices.pay_async(second.id, {"paid_out_of_band": True})).status == "paid"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await stage.v1.invoices.pay_async(second.id)
    assert refused.value.code == "invoice_already_paid"
    await stage.quiet()
    assert {"invoice.voided", "invoice.marked_uncollectible"} <= set(types(stage))


async def test_what_a_void_invoice_took_of_the_balance_returns(stage: Stage) -> None:
    who = await customer(stage, "pm_card_chargeCustomerFail")
    await stage.v1.customers.update_async(who, {"balance": -300})
    bill = await stage.v1.invoices.finalize_invoice_async((await billed(stage, who)).id)
    assert (bill.starting_balance, bill.amount_due, (await stage.v1.customers.retrieve_async(who)).balance) == (-300, 200, 0)
    await stage.v1.invoices.void_invoice_async(bill.id)
    assert (await stage.v1.customers.retrieve_async(who)).balance == -300


async def test_cents_too_few_to_charge_wait_in_the_balance(stage: Stage) -> None:
    who = await customer(stage)
    bill = await stage.v1.invoices.finalize_invoice_async((await billed(stage, who, 30)).id)
    assert (bill.status, bill.amount_due, (await stage.v1.customers.retrieve_async(who)).balance) == ("paid", 0, 30)
    assert (await stage.v1.invoices.pay_async((await billed(stage, who, 70)).id)).amount_paid == 100


@pytest.mark.parametrize(("behavior", "status"), [("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible"), ("void", "void")])
async def test_while_collection_is_paused_nothing_is_charged(stage: Stage, behavior: str, status: str) -> None:
    made = await subscribe(stage, "professional")
    end = made["items"].data[0].current_period_end
    await stage.v1.subscriptions.update_async(made.id, {"pause_collection": {"behavior": behavior, "resumes_at": end + DAY}})
    await go_on(stage, until=end + 3 * HOUR)
    assert (await fresh(stage, made)).latest_invoice.status == status
    await go_on(stage, until=end + 2 * DAY)
    assert (await fresh(stage, made)).pause_collection is None


async def test_a_subscription_ends_on_a_day_that_was_named(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    at = await now(stage) + 5 * DAY
    await stage.v1.subscriptions.update_async(made.id, {"cancel_at": at})
    assert await go_on(stage, days=6) == ["cancellation"]
    over = await fresh(stage, made)
    assert (over.status, over.ended_at) == ("canceled", at)


async def test_a_trial_ends_when_it_is_told_to(stage: Stage) -> None:
    made = await subscribe(stage, "professional", trial_period_days=14)
    await stage.v1.subscriptions.update_async(made.id, {"trial_end": made.trial_end + 7 * DAY})
    await go_on(stage, days=15)
    assert (await fresh(stage, made)).status == "trialing"
    await stage.v1.subscriptions.update_async(made.id, {"trial_end": "now"})
    await go_on(stage, days=1 / 12)
    going = await fresh(stage, made)
    assert (going.status, going.latest_invoice.amount_paid) == ("active", 7900)


async def test_more_of_the_same_costs_the_difference(stage: Stage) -> None:
    made = await subscribe(stage, "starter")
    item, start = made["items"].data[0], made["items"].data[0].current_period_start
    how = {"items": [{"id": item.id, "quantity": 3}], "proration_behavior": "always_invoice", "proration_date": start}
    after = await stage.v1.subscriptions.update_async(made.id, how | {"expand": ["latest_invoice"]})
    assert (after["items"].data[0].quantity, after.latest_invoice.amount_paid) == (3, 2 * 2900)
    assert [one.quantity for one in (await stage.v1.subscription_items.list_async({"subscription": made.id})).data] == [3]


async def test_a_new_anchor_begins_a_new_period(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    await go_on(stage, days=10)
    at = await now(stage)
    after = await stage.v1.subscriptions.update_async(made.id, {"billing_cycle_anchor": "now", "proration_behavior": "none", "expand": ["latest_invoice"]})
    assert after.latest_invoice.amount_paid == 7900
    assert after["items"].data[0].current_period_end == pytest.approx(months_after(at, 1), abs=2)


async def test_a_change_that_fails_without_waiting_puts_it_behind(stage: Stage) -> None:
    made = await subscribe(stage, "starter")
    await give_card(stage, made.customer, "pm_card_chargeCustomerFail")
    change = {"items": [{"id": made["items"].data[0].id, "price": "price_business"}], "proration_behavior": "always_invoice"}
    after = await stage.v1.subscriptions.update_async(made.id, change)
    assert (after.status, after["items"].data[0].price.id) == ("past_due", "price_business")


async def test_a_customer_who_is_deleted_has_no_subscription_any_more(stage: Stage) -> None:
    made = await subscribe(stage, "professional")
    await stage.v1.customers.delete_async(made.customer)
    assert (await stage.v1.subscriptions.retrieve_async(made.id)).status == "canceled"
    assert await go_on(stage, days=70) == []


async def test_an_invoice_that_is_sent_waits_for_whoever_pays_it(stage: Stage) -> None:
    made = await subscribe(stage, "professional", None, collection_method="send_invoice", days_until_due=14)
    bill = (await fresh(stage, made)).latest_invoice
    assert (made.status, bill.status, bill.due_date - bill.effective_at) == ("active", "open", 14 * DAY)
    await go_on(stage, days=20)
    assert (await stage.v1.invoices.retrieve_async(bill.id)).attempt_count == 0
