"""What went beyond a limit is on one invoice, once: at a renewal, afterwards, for a yearly plan, and whoever is killed or away in between."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from frontdesk import usage
from frontdesk.billing.overage import InvoiceItems, Meters, bill_what_is_due
from frontdesk.billing.stripe_api import StripeAway
from frontdesk.usage import Charge, Debtor, NotEnoughCredit, Prepaid
from tests.billing.till import YEARLY, Till
from tests.usage.ledgers import age, choose, consume


async def beyond(till: Till, units: int = 300) -> None:
    """So many messages beyond the 5,000 of Starter, at €9 for a thousand."""
    await choose(till.world, till.world.shop, 100_00)
    assert await consume(till.world, till.world.shop, 5000 + units)


async def items(till: Till) -> list[dict[str, Any]]:
    """What stands on invoices, or waits for one, of what went beyond."""
    found: list[dict[str, Any]] = await till.do(lambda world: world.find("invoiceitem"))
    return [one for one in found if "frontdesk_overage" in one["metadata"]]


async def billed(till: Till) -> list[tuple[Any, ...]]:
    return list(await till.world.see("select biller, provider_item_id is not null, provider_invoice_id from usage_overage where billed_at is not null"))


async def test_months_begin_with_the_day_that_is_paid_for(till: Till) -> None:
    await till.buy()
    ((anchor,),) = await till.world.see("select usage_anchor from subscriptions where organization_id = %s", till.world.shop.organization_id)
    subscription = await till.do(lambda world: world.find("subscription")[0])
    assert anchor == datetime.fromtimestamp(subscription["billing_cycle_anchor"], UTC).date()
    ((neighbours,),) = await till.world.see("select usage_anchor from subscriptions where organization_id = %s", till.world.neighbour.organization_id)
    assert neighbours is None


async def test_a_renewal_takes_along_what_went_beyond_once(till: Till) -> None:
    await till.buy()
    await beyond(till)
    await till.hear()
    assert await items(till) == []  # its month is not over
    await age(till.world, till.world.shop)
    await till.chaos(duplicate=True)
    await till.days(31)
    await till.hear()
    (item,) = await items(till)
    assert (item["amount"], item["currency"], item["description"].startswith("300 messages sent beyond the plan")) == (270, "eur", True)
    assert [entry["units"] for entry in await till.log("usage.overage_billed")] == [300]
    await bill_what_is_due(till.money)
    assert len(await items(till)) == 1
    assert [(biller, known) for biller, known, _ in await billed(till)] == [("invoice_items", True)]


async def test_two_who_bill_at_once_bill_once(till: Till) -> None:
    await till.buy()
    await beyond(till)
    await age(till.world, till.world.shop)
    await asyncio.gather(*(bill_what_is_due(till.money) for _ in range(4)))
    assert len(await items(till)) == 1
    assert len(await billed(till)) == 1


async def test_whoever_is_killed_after_stripe_answered_is_followed_by_one_who_finds_it(till: Till) -> None:
    await till.buy()
    await beyond(till)
    await age(till.world, till.world.shop)
    await bill_what_is_due(till.money)
    # as if the note of it had never been written, and Stripe had forgotten the idempotency key
    await till.world.owner.execute(
        "update usage_overage set billed_at = null, biller = null, provider_item_id = null, claimed_at = now() - interval '11 minutes'"
    )
    await till.do(lambda world: world.db.execute("delete from answers"))
    await bill_what_is_due(till.money)
    assert len(await items(till)) == 1
    assert len(await billed(till)) == 1


async def test_when_stripe_is_away_nothing_is_noted_and_the_next_hour_bills(till: Till) -> None:
    await till.buy()
    await beyond(till)
    await age(till.world, till.world.shop)
    await till.chaos(answer_500={"status": 503})
    with pytest.raises(StripeAway):
        await bill_what_is_due(till.money)
    assert await billed(till) == []
    await till.chaos()
    assert await bill_what_is_due(till.money)
    assert len(await items(till)) == 1


async def test_a_yearly_plan_has_an_invoice_of_its_own(till: Till) -> None:
    await till.buy(YEARLY)
    await beyond(till)
    await age(till.world, till.world.shop)
    await bill_what_is_due(till.money)
    (item,) = await items(till)
    invoice = await till.do(lambda world: world.get(item["invoice"]))
    assert (invoice["billing_reason"], invoice["total"], invoice["auto_advance"]) == ("manual", 270, True)


async def test_meters_take_a_charge_once(till: Till) -> None:
    await till.buy()
    await till.money.v1.billing.meters.create_async(
        {"display_name": "Messages", "event_name": "frontdesk_messages_sent", "default_aggregation": {"formula": "sum"}}
    )
    await beyond(till)
    await age(till.world, till.world.shop)
    ((customer,),) = await till.world.see("select provider_customer_id from billing_accounts where organization_id = %s", till.world.shop.organization_id)
    debtor = Debtor(till.world.shop.organization_id, customer, None)
    (charge,) = await usage.bill_overage(till.world.database, Meters(till.money), debtor)
    assert charge.units == 300
    assert await usage.bill_overage(till.world.database, Meters(till.money), debtor) == []
    assert [biller for biller, *_ in await billed(till)] == ["meters"]


async def test_credit_pays_until_it_is_spent_and_each_source_counts_once(till: Till) -> None:
    database, shop = till.world.database, till.world.shop
    await till.buy()
    await beyond(till)
    await age(till.world, shop)
    debtor = Debtor(shop.organization_id, None, None)
    with pytest.raises(NotEnoughCredit):
        await usage.bill_overage(database, Prepaid(database), debtor)
    for _ in range(2):
        await usage.add_credit(database, shop.organization_id, "cs_1", 200, "EUR")
    with pytest.raises(NotEnoughCredit):
        await usage.bill_overage(database, Prepaid(database), debtor)
    await usage.add_credit(database, shop.organization_id, "cs_2", 100, "EUR")
    assert len(await usage.bill_overage(database, Prepaid(database), debtor)) == 1
    assert await till.world.see("select sum(amount)::int from usage_credits") == [(30,)]


async def test_items_are_found_by_what_they_are_for(till: Till) -> None:
    await till.buy()
    ((customer,),) = await till.world.see("select provider_customer_id from billing_accounts where organization_id = %s", till.world.shop.organization_id)
    day = datetime.now(UTC).date().replace(day=1)
    first = Charge("messages_sent", day, day.replace(day=28), 10, 9_000, "EUR", 0)
    again = Charge("messages_sent", day, day.replace(day=28), 10, 9_000, "EUR", 3)
    debtor, biller = Debtor(till.world.shop.organization_id, customer, None), InvoiceItems(till.money)
    assert await biller.bill(debtor, first) == await biller.bill(debtor, again)
    assert len(await items(till)) == 1
