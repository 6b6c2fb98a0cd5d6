"""What an organization is told about its plan, each once whatever is replayed, in its own language, to whoever may change it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from frontdesk import billing, secret_files
from frontdesk.billing.lifecycle import note_changes, note_confirmations
from frontdesk.billing.lifecycle.actions import look
from frontdesk.database import new_id
from frontdesk.mail import LOCALES, Mailer
from frontdesk.settings import Settings
from tests.mailbox import Received, letters
from tests.world import World

DAY = timedelta(days=1)
OWED = "insert into billing_notices (organization_id, id, kind, object, facts) values (%s, %s, %s, 'x', %s::jsonb)"
FACTS = """{"plan": "Professional", "ends_at": "2026-12-02T09:00:00+00:00", "bought": true, "amount": 9900, "currency": "EUR", "day": 3,
  "limited_at": "2026-12-02T09:00:00+00:00", "read_only_at": "2026-12-16T09:00:00+00:00", "access": "grace_limited", "status": "past_due",
  "renews_at": "2026-12-02T09:00:00+00:00", "interval": "year", "metric": "messages_sent", "used": 4000, "allowed": 5000, "reason": "Three complaints.",
  "purpose": "view", "deleted_at": "2026-12-16T09:00:00+00:00"}"""
KINDS = ("trial_ending", "trial_ended", "payment_failed", "action_required", "access_reduced", "canceled", "renewal_ahead", "plan_changed",
         "usage_nearly_full", "usage_full", "overage_cap_reached", "organization_suspended",
         "organization_resumed", "organization_viewed", "deletion_ahead", "purchase_ends", "purchase_kept")  # fmt: skip


@pytest.fixture
def mailer(settings: Settings) -> Mailer:
    return Mailer(secret_files.load(settings).vault, settings)


@pytest.fixture(autouse=True)
async def confirmed(world: World) -> None:
    await world.owner.execute("update auth.users set email_confirmed_at = now()")


async def put(world: World, assignment: str, *values: Any) -> None:
    await world.owner.execute(f"update subscriptions set {assignment} where organization_id = %s", (*values, world.shop.organization_id))  # type: ignore[arg-type]


async def received(world: World, settings: Settings) -> list[Received]:
    return await letters(world.owner, settings, f"{world.shop.owner_id}@example.com")


async def test_a_trial_is_told_before_and_at_its_end_once_each(world: World, settings: Settings, mailer: Mailer) -> None:
    await put(world, "trial_ends_at = now() + interval '2 days'")
    for _ in range(3):
        await look(world.database, mailer)
    await put(world, "trial_ends_at = %s", datetime.now(UTC) - timedelta(minutes=1))
    for _ in range(3):
        await look(world.database, mailer)
    told = await received(world, settings)
    assert [one.template for one in told] == ["billing/trial_ending", "billing/trial_ended"]
    assert "Lagos Glow Salon" in told[0].letter.text
    assert told[1].links == ["/dashboard/billing"]
    assert await world.see("select access from subscriptions where organization_id = %s", world.shop.organization_id) == [("free",)]
    entries = await world.see("select action from audit_logs where organization_id = %s and action like 'subscription%%'", world.shop.organization_id)
    assert entries == [("subscription.trial_ended",)]


async def test_grace_narrows_by_our_own_clock_and_is_told(world: World, settings: Settings, mailer: Mailer) -> None:
    await put(world, "status = 'past_due', provider_subscription_id = 'sub_1', plan_id = 'professional'")
    accesses = []
    for day in (0, 3, 8, 22):
        await put(world, "past_due_since = %s", datetime(2026, 1, 1, tzinfo=UTC))  # whatever: the clock below is what counts
        await put(world, "past_due_since = now() - make_interval(days => %s)", day)
        await look(world.database, mailer)
        accesses += [row[0] for row in await world.see("select access from subscriptions where organization_id = %s", world.shop.organization_id)]
    assert accesses == ["grace_full", "grace_full", "grace_limited", "read_only"]


async def test_a_day_that_passes_changes_the_access_though_nobody_writes(world: World, mailer: Mailer) -> None:
    await put(world, "status = 'past_due', provider_subscription_id = 'sub_1', past_due_since = now() - interval '192 hours' + interval '300 milliseconds'")
    await look(world.database, mailer)
    ((access, waits),) = await world.see("select access, look_at - now() from subscriptions where organization_id = %s", world.shop.organization_id)
    assert access == "grace_full"
    assert waits < timedelta(seconds=1)
    await world.see("select pg_sleep(0.4)")
    assert await look(world.database, mailer) >= 1
    assert await world.see("select access from subscriptions where organization_id = %s", world.shop.organization_id) == [("grace_limited",)]


async def test_a_change_at_stripe_is_told_in_the_transaction_that_stores_it(world: World, settings: Settings, mailer: Mailer) -> None:
    await look(world.database, mailer)
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        trial = await billing.current(db)
    assert trial is not None
    bought = replace(trial, plan_id="professional", plan_name="Professional", status="active", provider_subscription_id="sub_1", amount=9900, currency="EUR")
    ended = replace(bought, plan_id="free", plan_name="Free", status="canceled")
    for before, after in ((trial, bought), (bought, bought), (bought, replace(bought, status="past_due")), (bought, ended), (ended, ended)):
        async with world.database.tenants([world.shop.organization_id]) as db:
            await note_changes(db, world.shop.organization_id, before, after)
    await look(world.database, mailer)
    told = await received(world, settings)
    assert [one.template for one in told] == ["billing/plan_changed", "billing/canceled"]
    assert "€99.00 a month" in told[0].letter.text
    assert told[1].links == ["/dashboard/settings/archive"]


async def test_a_payment_to_confirm_is_told_once_for_each_invoice(world: World, settings: Settings, mailer: Mailer) -> None:
    for _ in range(2):
        await note_confirmations(world.database, world.shop.organization_id, ["in_1"])
        await look(world.database, mailer)
    assert [one.template for one in await received(world, settings)] == ["billing/action_required"]


async def test_what_is_owed_waits_for_an_address_that_is_known_to_be_his_and_is_told_once(world: World, settings: Settings, mailer: Mailer) -> None:
    await world.owner.execute("update auth.users set email_confirmed_at = null")
    await put(world, "trial_ends_at = now() + interval '1 day'")
    for kind in ("payment_failed", "plan_changed"):
        await world.owner.execute(OWED, (world.shop.organization_id, new_id(), kind, FACTS))
    again = "insert into billing_notices (organization_id, id, kind, object, attempt, facts) values (%s, %s, 'plan_changed', 'x', 2, %s::jsonb)"
    await world.owner.execute(again, (world.shop.organization_id, new_id(), FACTS))
    await look(world.database, mailer)
    assert await received(world, settings) == []
    await world.owner.execute("update billing_notices set created_at = now() - interval '3 days'")  # meanwhile it was paid, and the trial goes on
    await put(world, "look_at = now() + interval '1 day'")
    await world.owner.execute("update auth.users set email_confirmed_at = now()")
    for _ in range(3):
        await look(world.database, mailer)
    assert sorted(one.template for one in await received(world, settings)) == ["billing/plan_changed", "billing/trial_ending"]
    settled = "select kind, mailed_at is not null, dropped_at is not null from billing_notices where organization_id = %s order by kind, attempt"
    assert await world.see(settled, world.shop.organization_id) == [
        ("payment_failed", False, True), ("plan_changed", False, True), ("plan_changed", True, False), ("trial_ending", True, False)]  # fmt: skip


@pytest.mark.parametrize("locale", LOCALES)
async def test_every_kind_reads_in_every_language(world: World, settings: Settings, mailer: Mailer, locale: str) -> None:
    await world.owner.execute("update organizations set locale = %s", (locale,))
    for kind in KINDS:
        await world.owner.execute(OWED, (world.shop.organization_id, new_id(), kind, FACTS))
    await look(world.database, mailer)
    told = await received(world, settings)
    assert {one.template for one in told} == {f"billing/{kind}" for kind in KINDS}
    assert {one.locale for one in told} == {locale}
    assert len({one.letter.subject for one in told}) == len(KINDS)


async def test_what_cannot_be_written_keeps_nobody_else_waiting(world: World, settings: Settings, mailer: Mailer) -> None:
    await world.owner.execute(OWED, (world.neighbour.organization_id, new_id(), "unheard_of", "{}"))
    await put(world, "trial_ends_at = now() + interval '1 day'")
    await look(world.database, mailer)
    assert [one.template for one in await received(world, settings)] == ["billing/trial_ending"]


@pytest.mark.parametrize("kind", ["usage_full", "usage_nearly_full"])
@pytest.mark.parametrize("offered", [True, False])
async def test_going_beyond_a_limit_is_offered_only_to_whoever_may(world: World, settings: Settings, mailer: Mailer, kind: str, offered: bool) -> None:
    facts = json.dumps({"metric": "messages_sent", "used": 10, "allowed": 10, "beyond": False, "offered": offered})
    period = await world.see("select private.usage_period()::text")
    await world.owner.execute(
        "insert into billing_notices (organization_id, id, kind, object, facts) values (%s, %s, %s, %s, %s::jsonb)",
        (world.shop.organization_id, new_id(), kind, f"messages_sent:{period[0][0]}", facts),
    )
    await put(world, "look_at = now()")
    await look(world.database, mailer)
    (told,) = await received(world, settings)
    assert ("allow more than it includes" in told.letter.text, "allow more than it includes" in told.letter.html) == (offered, offered)


@pytest.mark.parametrize("card", ["4242", None])
async def test_a_bought_trial_without_a_card_is_told_to_add_one(world: World, settings: Settings, mailer: Mailer, card: str | None) -> None:
    await put(world, "trial_ends_at = now() + interval '2 days', provider_subscription_id = 'sub_1', amount = 2900, currency = 'EUR'")
    await world.owner.execute(
        "insert into billing_accounts (organization_id, provider_customer_id, currency, card_last4) values (%s, 'cus_1', 'EUR', %s)"
        " on conflict (organization_id) do update set card_last4 = excluded.card_last4",
        (world.shop.organization_id, card),
    )
    await look(world.database, mailer)
    (told,) = await received(world, settings)
    for part in (told.letter.text, told.letter.html):
        assert ("is charged, and everything goes on" in part, "Add a card" in part) == (card is not None, card is None)
