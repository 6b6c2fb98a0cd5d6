"""Faults in the middle of paying: a plan that goes while its page is open, a database that hangs up, Stripe gone while overage is billed, and all at once."""

import asyncio
import random
from contextlib import suppress

import psycopg
import pytest

from frontdesk.billing import StripeAway, StripeRefuses
from frontdesk.billing.handling import handle_next
from frontdesk.billing.lifecycle import changes
from frontdesk.billing.lifecycle.previews import preview
from frontdesk.billing.overage import bill_what_is_due
from frontdesk.billing.reconciling import keep_missed, sync_everybody
from frontdesk.errors import FrontdeskError
from tests.billing.till import PROFESSIONAL, STARTER, YEARLY, Till
from tests.billing.wire import cut_everywhere, wiring
from tests.conftest import Urls
from tests.usage.ledgers import age, choose, consume

BUSINESS = "business_month_eur"
WAITS = "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"


@pytest.mark.parametrize(
    "gone",
    ["update subscription_plans set retired_at = now() where id = 'professional'", "select private.set_plan_price('professional', 'month', 'EUR', null)"],
)
async def test_who_pays_for_a_plan_that_was_taken_off_meanwhile_has_it(till: Till, gone: str) -> None:
    session_id = await till.go(PROFESSIONAL)
    await till.world.owner.execute(gone)  # type: ignore[arg-type]  # one of the above
    await till.pay(session_id)
    await till.hear()
    assert await till.row() == ("active", "professional", "month", 9_900, False, True, False)


async def test_a_connection_that_is_cut_while_storing_leaves_everything_to_the_next_try(till: Till, urls: Urls) -> None:
    await till.buy()
    await till.stage.v1.subscriptions.update_async(await till.subscription_id(), {"cancel_at_period_end": True})
    await till.stage.quiet()
    async with await psycopg.AsyncConnection.connect(urls.owner) as other:  # it keeps whoever wants to store waiting
        await other.execute("select from billing_accounts for update")
        working = asyncio.create_task(handle_next(till.money))
        while not (waiting := await till.world.see(WAITS)):
            await asyncio.sleep(0.02)
        await till.world.see("select pg_terminate_backend(%s)", waiting[0][0])
        with suppress(psycopg.OperationalError, FrontdeskError):
            await working
        await other.rollback()
    assert (await till.row())[4] is False
    await till.world.owner.execute("update billing_events set next_try_at = now() where handled_at is null")  # the time for which they were held is over
    await till.hear()
    assert (await till.row())[4] is True
    assert len(await till.log("subscription.changed")) == 1


@pytest.mark.parametrize("loses_answers", [False, True])
@pytest.mark.parametrize("lookup_key", [STARTER, YEARLY])
async def test_stripe_is_gone_at_every_step_of_billing_what_went_beyond(till: Till, lookup_key: str, loses_answers: bool) -> None:
    await till.buy(lookup_key)
    await choose(till.world, till.world.shop, 100_00)
    assert await consume(till.world, till.world.shop, 5300)
    await age(till.world, till.world.shop)
    async with wiring(till.money, till.stage.url, loses_answers) as (money, wire):

        async def bill() -> None:
            await bill_what_is_due(money)

        await cut_everywhere(wire, bill)
    found = await till.do(lambda world: world.find("invoiceitem"))
    assert [one["amount"] for one in found if "frontdesk_overage" in one["metadata"]] == [270]
    invoices = [one for one in await till.do(lambda world: world.find("invoice")) if one["billing_reason"] == "manual"]
    assert len(invoices) == (1 if lookup_key == YEARLY else 0)
    assert await till.world.see("select units, biller from usage_overage where billed_at is not null") == [(300, "invoice_items")]


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_happens_at_once_in_the_end_it_is_here_as_it_is_there(till: Till, seed: int) -> None:
    chance = random.Random(seed)
    await till.chaos(duplicate=True, reorder={"seconds": 0.1}, drop={"every": 3}, wrong_secret={"every": 4}, lose_answer={"count": 4})
    await till.world.owner.execute("select private.set_plan_price('starter', 'month', 'EUR', 2900)")
    while (await till.row())[0] != "active":
        with suppress(StripeAway, StripeRefuses):
            await till.buy()
        with suppress(FrontdeskError):
            await sync_everybody(till.money, asyncio.Event())

    async def step() -> None:
        which = chance.choice([STARTER, PROFESSIONAL, BUSINESS, "cancel", "keep", "days", "down"])
        if which == "days":
            await till.days(chance.choice([1, 12, 31]))
        elif which == "down":
            await till.chaos(lose_answer={"count": 3}, duplicate=True, drop={"every": 2})
        elif which in ("cancel", "keep"):
            await (changes.cancel if which == "cancel" else changes.keep)(till.money, till.at())
        else:
            shown = await preview(till.money, till.at(), which)
            change = changes.downgrade(till.money, till.at(), which) if not shown.amount else changes.upgrade(
                till.money, till.at(), which, shown.proration_date, shown.amount)  # fmt: skip
            await change

    for _ in range(12):
        found = await asyncio.gather(*(step() for _ in range(chance.choice([1, 1, 2]))), return_exceptions=True)
        assert all(one is None or isinstance(one, FrontdeskError) for one in found), found
        if chance.random() < 0.5:
            await till.hear()
    await till.chaos()
    await keep_missed(till.money)
    await sync_everybody(till.money, asyncio.Event())
    await till.world.owner.execute("update billing_events set next_try_at = now() where handled_at is null")
    await till.hear()
    subscriptions = await till.do(lambda world: world.find("subscription"))
    assert len([one for one in subscriptions if one["status"] not in ("canceled", "incomplete_expired")]) <= 1
    newest, price = subscriptions[-1], subscriptions[-1]["items"]["data"][0]["price"]
    status, plan, _, amount, ends, _, _ = await till.row()
    assert (status, amount) == (newest["status"], price["unit_amount"])
    assert ends is (newest["cancel_at_period_end"] and status == "active")
    assert plan == ("free" if status == "canceled" else price["product"].removeprefix("frontdesk_"))
    assert await till.world.see("select from billing_events where handled_at is null") == []
    started = len(await till.log("subscription.started"))
    assert started == len(subscriptions)
