"""What is paid at Stripe becomes what is so here: whatever events come, in whatever order, how often, or not at all."""

import asyncio
import json
from contextlib import suppress
from dataclasses import replace

import psycopg

from frontdesk.billing import Synced, inbox, ledger, sync_customer, syncing
from frontdesk.billing.handling import PAUSES, handle_next, pause_after
from frontdesk.billing.reconciling import ask_for_missed, keep_missed, look_at_everybody, sync_everybody
from frontdesk.errors import Unavailable
from tests.billing.till import PROFESSIONAL, STARTER, Till
from tests.conftest import Urls

EVENTS = "select handled_at is not null, given_up_at is not null, attempts, last_error from billing_events order by id"
ON_STARTER = ("active", "starter", "month", 2_900, False, True, False)


async def test_events_that_come_twice_and_out_of_order_change_nothing(till: Till) -> None:
    await till.chaos(duplicate=True, reorder={"seconds": 0.3})
    await till.buy()
    assert await till.row() == ON_STARTER
    assert [len(await till.log(action)) for action in ("subscription.started", "subscription.changed", "invoice.paid")] == [1, 0, 1]
    assert {row[0] for row in await till.world.see(EVENTS)} == {True}


async def test_forged_events_change_nothing(till: Till) -> None:
    await till.go()
    await till.chaos(wrong_secret=True)
    await till.pay((await till.world.see("select checkout_id from billing_accounts"))[0][0])
    while not await till.world.see("select from private.billing_refusals"):
        await asyncio.sleep(0.02)
    assert (await till.row())[0] == "trialing"
    await till.chaos()
    await till.hear()
    assert await till.row() == ON_STARTER  # what came again was rightly signed


async def test_an_event_about_nobody_here_is_kept_and_done_with(till: Till) -> None:
    await till.stage.v1.customers.create_async({"name": "Somebody else’s"})
    await till.hear()
    assert await till.world.see("select organization_id, handled_at is not null from billing_events") == [(None, True)]


async def test_an_event_whose_price_is_of_no_plan_waits_for_somebody_to_look(till: Till) -> None:
    await till.buy()
    product = await till.stage.v1.products.create_async({"name": "By hand"})
    price = await till.stage.v1.prices.create_async({"product": product.id, "currency": "eur", "unit_amount": 5, "recurring": {"interval": "month"}})
    sub = await till.stage.v1.subscriptions.retrieve_async(await till.subscription_id())
    await till.stage.v1.subscriptions.update_async(sub.id, {"items": [{"id": sub["items"].data[0].id, "price": price.id}]})
    await till.hear()
    assert await till.row() == ON_STARTER
    for _ in PAUSES:
        await till.world.owner.execute("update billing_events set next_try_at = now() where next_try_at is not null")
        assert await handle_next(till.money)
    found = {row[1:] for row in await till.world.see(EVENTS) if not row[0]}
    assert {(gone, tries) for gone, tries, _ in found} == {(True, len(PAUSES) + 1)}
    assert all("is of no plan here" in why for *_, why in found)
    await till.stage.v1.subscriptions.update_async(sub.id, {"items": [{"id": sub["items"].data[0].id, "price": sub["items"].data[0].price.id}]})
    await till.world.owner.execute("select private.replay_billing_event(id) from billing_events where given_up_at is not null")
    await till.hear()
    assert {row[:2] for row in await till.world.see(EVENTS)} == {(True, False)}


def test_tries_are_further_and_further_apart_and_end() -> None:
    assert [pause_after(tries) for tries in range(1, len(PAUSES) + 2)] == [*PAUSES, None]
    assert list(PAUSES) == sorted(PAUSES)


async def test_while_stripe_is_down_events_wait(till: Till) -> None:
    session_id = await till.go()
    await till.pay(session_id)
    await till.stage.quiet()
    await till.chaos(answer_500={"status": 503})
    await handle_next(till.money)
    assert {row[0] for row in await till.world.see(EVENTS)} == {False}
    assert all("StripeAway" in row[3] for row in await till.world.see(EVENTS) if row[2])
    await till.chaos()
    await till.world.owner.execute("update billing_events set next_try_at = now()")
    await till.hear()
    assert await till.row() == ON_STARTER


async def test_a_worker_that_is_killed_between_asking_and_storing_leaves_it_to_the_next(till: Till, urls: Urls) -> None:
    await till.pay(await till.go())
    await till.stage.quiet()
    while None in (found := await handle_next(till.money)) or not found:
        await till.world.owner.execute("update billing_events set next_try_at = now() where next_try_at is not null")
    await till.world.owner.execute("update billing_events set next_try_at = now(), handled_at = null")
    await till.stage.v1.subscriptions.update_async(await till.subscription_id(), {"cancel_at_period_end": True})
    async with await psycopg.AsyncConnection.connect(urls.owner) as other:  # it keeps whoever wants to store waiting
        await other.execute("select from billing_accounts for update")
        working = asyncio.create_task(sync_customer(till.money, till.world.shop.organization_id))
        while not await till.world.see("select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"):
            await asyncio.sleep(0.02)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await other.rollback()
    assert (await till.row())[4] is False
    await till.hear()
    assert (await till.row())[4] is True


async def test_events_in_the_hands_of_a_worker_are_in_no_others_until_he_is_thought_dead(till: Till) -> None:
    await till.pay(await till.go())
    await till.stage.quiet()
    async with till.world.database.platform() as db:
        while await inbox.take(db, 60):
            pass
    assert await handle_next(till.money) == []
    assert (await till.row())[0] == "trialing"
    await till.world.owner.execute("update billing_events set next_try_at = now()")
    await till.hear()
    assert await till.row() == ON_STARTER


async def test_what_was_fetched_earlier_never_replaces_what_was_stored_later(till: Till) -> None:
    await till.buy()
    shop = till.world.shop.organization_id
    async with till.world.database.tenants([shop]) as db:
        customer, version = await ledger.version_of(db, shop)
    assert customer is not None
    early = await syncing.fetch(till.money, customer)
    await till.stage.v1.subscriptions.update_async(await till.subscription_id(), {"cancel_at_period_end": True})
    await sync_customer(till.money, shop)
    async with till.world.database.tenants([shop]) as db:
        assert early.running is not None
        assert early.running.cancel_at is None  # it would take back what is known
        assert not await ledger.take_turn(db, shop, customer, version)


async def test_many_at_once_about_one_customer_store_one_after_the_other(till: Till) -> None:
    await till.pay(await till.go())
    results = await asyncio.gather(*(sync_customer(till.money, till.world.shop.organization_id) for _ in range(6)), return_exceptions=True)
    assert any(isinstance(one, Synced) for one in results)
    assert all(isinstance(one, Synced | Unavailable) for one in results), results
    assert await till.row() == ON_STARTER
    assert len(await till.log("subscription.started")) == 1


async def test_four_days_of_silence_are_made_good(till: Till) -> None:
    await till.buy()
    till.gate.shut = True
    await till.stage.v1.subscriptions.update_async(await till.subscription_id(), {"cancel_at_period_end": True})
    await till.days(4)
    assert await till.row() == ON_STARTER
    assert await ask_for_missed(till.money, 3600)
    till.gate.shut = False  # only now: Stripe tries again by itself, too
    while await handle_next(till.money):
        pass
    assert (await till.row())[4] is True
    assert {row[0] for row in await till.world.see("select arrived_by from billing_events")} == {"webhook", "reconciler"}
    assert await keep_missed(till.money) == 0  # each once
    assert not await ask_for_missed(till.money, 3600)  # and by one worker an hour


async def test_every_night_everybody_is_looked_at_whatever_was_heard(till: Till) -> None:
    await till.buy()
    await till.chaos(drop={"count": 99})
    await till.stage.v1.subscriptions.update_async(await till.subscription_id(), {"cancel_at_period_end": True})
    await till.pay(await till.go(PROFESSIONAL, till.world.neighbour))
    assert await look_at_everybody(till.money, 86_400, asyncio.Event())
    assert (await till.row())[4] is True
    assert (await till.row(till.world.neighbour))[:2] == ("active", "professional")
    assert not await look_at_everybody(till.money, 86_400, asyncio.Event())


async def test_one_who_cannot_be_looked_at_is_told_and_the_others_are(till: Till) -> None:
    await till.buy()
    await till.buy(STARTER, till.world.neighbour)
    await till.world.owner.execute(
        "update billing_accounts set provider_customer_id = 'cus_unknown' where organization_id = %s", (till.world.shop.organization_id,)
    )
    real = till.money.settings.model_copy(update={"simulator": False})
    money = replace(till.money, settings=real)
    assert await sync_everybody(money, asyncio.Event()) == (2, 1)
    assert await till.row() == ON_STARTER  # a wrong key must end nobody's subscription


async def test_a_renewal_that_fails_is_owed_for_and_paid_it_is_well_again(till: Till) -> None:
    await till.buy()
    customer = (await till.world.see("select provider_customer_id from billing_accounts"))[0][0]
    method = await till.stage.v1.payment_methods.attach_async("pm_card_chargeCustomerFail", {"customer": customer})
    await till.stage.v1.subscriptions.update_async(await till.subscription_id(), {"default_payment_method": method.id})
    await till.days(32)
    await till.hear()
    status, plan, *_, owed = await till.row()
    assert (status, plan, owed) == ("past_due", "starter", True)
    assert await till.log("invoice.payment_failed")
    await till.stage.v1.payment_methods.detach_async(method.id)
    good = await till.stage.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer})
    await till.stage.v1.subscriptions.update_async(await till.subscription_id(), {"default_payment_method": good.id})
    ((invoice,),) = await till.world.see("select id from invoices where status = 'open'")
    await till.stage.v1.invoices.pay_async(invoice)
    await till.hear()
    assert await till.row() == ON_STARTER


async def test_what_is_kept_of_an_event_is_no_more_than_a_hint(till: Till) -> None:
    await till.buy()
    payloads = [row[0] for row in await till.world.see("select payload from billing_events")]
    assert len(payloads) > 3
    told = json.dumps(payloads)
    assert "http" not in told and "maya@example.com" not in told
