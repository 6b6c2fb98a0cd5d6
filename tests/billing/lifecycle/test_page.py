"""The page of the plan in every state that there is: in plain words, with the way on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from frontdesk.billing.lifecycle import web as lifecycle_web
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.desk import Desk, seated

BOUGHT = """plan_id = 'professional', provider_subscription_id = 'sub_1', amount = 9900, currency = 'EUR', price_lookup_key = 'professional_month_eur',
  current_period_end = now() + interval '12 days'"""
INVOICE = """insert into invoices (organization_id, id, number, status, currency, subtotal, total, amount_due, amount_paid, amount_remaining,
  hosted_invoice_url, invoice_pdf, issued_at, billing_reason, attempt_count)
  values (%s, %s, %s, %s, 'EUR', 9900, 9900, 9900, %s, %s, 'https://pay.example/i', 'https://pay.example/i.pdf', now(), %s, %s)"""
STATES = {
    f"status = 'active', {BOUGHT}": ("is on Professional, paid monthly", "Paid until", "Upcoming", "This is what you have", "Cancel the plan"),
    f"status = 'active', cancel_at_period_end = true, cancel_at = now() + interval '12 days', {BOUGHT}": ("Professional ends on", "Keep Professional"),
    f"status = 'active', scheduled_plan_id = 'starter', scheduled_interval = 'month', scheduled_at = now() + interval '12 days', {BOUGHT}": (
        "You change from Professional to Starter on", "Comes next", "€29"),
    f"status = 'active', scheduled_plan_id = 'starter', scheduled_interval = 'month', scheduled_at = now(), scheduled_amount = 2500, {BOUGHT}": (
        "Comes next", '<div class="price">€25 <small>a month'),  # a price of the day on which it was ordered
    f"status = 'past_due', past_due_since = now(), {BOUGHT}": ("A payment has failed", "Everything works as before until", "Another card"),
    f"status = 'past_due', past_due_since = now() - interval '9 days', {BOUGHT}": ("overdue since", "New channels, members and campaigns wait"),
    f"status = 'past_due', past_due_since = now() - interval '23 days', {BOUGHT}": ("Professional is not paid, so nothing is sent",),
    f"status = 'unpaid', past_due_since = now() - interval '23 days', {BOUGHT}": ("Professional is not paid, so nothing is sent",),
    f"status = 'paused', {BOUGHT}": ("trial has ended without a card", "Add a card"),
    f"status = 'incomplete', {BOUGHT}": ("The first payment is not finished",),
    "status = 'canceled', plan_id = 'free', provider_subscription_id = 'sub_1'": ("Your subscription has ended", "Choose Professional"),
    f"status = 'trialing', trial_ends_at = now() + interval '5 days', {BOUGHT}": (
        "Your Professional trial ends on", "Add a card before then, and it goes on for €99", "Add a card</button>", "Cancel trial"),
}  # fmt: skip


@asynccontextmanager
async def selling(database: Database, settings: Settings) -> AsyncIterator[Desk]:
    """Somebody who looks at the page where something is sold; nothing is asked of Stripe here."""
    async with seated(database, settings) as desk:
        desk.app.state.money = object()
        desk.app.include_router(lifecycle_web.door.router)
        yield desk


async def page(desk: Desk, path: str = "/dashboard/billing") -> str:
    answer = await desk.get(path)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("assignment", STATES)
async def test_each_state_is_said_in_plain_words(database: Database, settings: Settings, owner: psycopg.AsyncConnection[Any], assignment: str) -> None:
    async with selling(database, settings) as desk:
        await owner.execute(f"update subscriptions set {assignment}")  # type: ignore[arg-type]  # literal above
        text = await page(desk)
    for words in STATES[assignment]:
        assert words in text, words


async def test_invoices_stand_with_their_pdf_and_the_way_to_pay(database: Database, settings: Settings, owner: psycopg.AsyncConnection[Any]) -> None:
    async with selling(database, settings) as desk:
        await owner.execute(f"update subscriptions set status = 'past_due', past_due_since = now(), {BOUGHT}")  # type: ignore[arg-type]  # literal above
        await owner.execute(INVOICE, (desk.organization_id, "in_1", "FD-1", "paid", 9900, 0, "subscription_create", 2))
        await owner.execute(INVOICE, (desk.organization_id, "in_2", "FD-2", "open", 0, 9900, "subscription_cycle", 1))
        text = await page(desk)
    for words in ("FD-1", "Paid, try 2", "PDF of FD-1", "https://pay.example/i.pdf", "To pay", "Renewal", "Pay now"):
        assert words in text, words


async def test_a_trial_that_nobody_bought_offers_every_plan(database: Database, settings: Settings) -> None:
    async with selling(database, settings) as desk:
        text = await page(desk, "/dashboard/billing?pay=year")
    assert text.count('name="price"') == 4
    assert "When the messages of a month are used up" in text
    assert 'href="/dashboard/usage"' in text
    assert 'value="professional_year_eur"' in text
    assert "No invoice yet" in text


async def test_an_admin_sees_and_buys_nothing(database: Database, settings: Settings, owner: psycopg.AsyncConnection[Any]) -> None:
    async with selling(database, settings) as desk:
        await owner.execute("insert into auth.users (id, email) values ('00000000-0000-7000-8000-000000000001', 'x@example.com')")
        await owner.execute(
            "insert into organization_members (organization_id, user_id, role) values (%s, '00000000-0000-7000-8000-000000000001', 'owner')",
            (desk.organization_id,),
        )
        await owner.execute("update organization_members set role = 'admin' where user_id = %s", (desk.user_id,))
        text = await page(desk)
        assert (await desk.get("/dashboard/billing/cancellation")).status_code == 403
    assert "Professional" in text
    assert 'name="price"' not in text


async def test_what_goes_on_beyond_the_plan_is_not_called_stopped(database: Database, settings: Settings, owner: psycopg.AsyncConnection[Any]) -> None:
    async with selling(database, settings) as desk:
        month = f"update subscriptions set status = 'active', {BOUGHT}, usage_anchor = ((now() + interval '12 days') at time zone 'UTC')::date"
        await owner.execute(month)  # type: ignore[arg-type]  # literal above
        await owner.execute("select private.consume_usage(%s, 'messages_sent', 50000)", (desk.organization_id,))
        text = await page(desk)
        assert "Used up: nothing more is sent" in text and "Sending has stopped" in text and "at once if you let it go on up to an amount" in text
        await owner.execute(
            "insert into usage_choices (organization_id, metric, over_limit, cap) values (%s, 'messages_sent', 'overage', 2000)", (desk.organization_id,)
        )
        assert "It goes on up to your amount" in await page(desk)
        await owner.execute("select private.consume_usage(%s, 'messages_sent', 2500)", (desk.organization_id,))
        text = await page(desk)
        assert "2,500 beyond the plan: €10 of at most €20" in text and "Used up" not in text and "has stopped" not in text
        assert "€109" in text and "€10 of it for what went beyond the plan up to now" in text
        await owner.execute("select private.consume_usage(%s, 'messages_sent', 2500)", (desk.organization_id,))
        for address in ("/dashboard/billing", "/dashboard/usage"):
            text = await page(desk, address)
            assert "5,000 beyond the plan: all of the €20 that you allowed" in text and "at once if you raise the amount" in text
        await owner.execute("update subscriptions set plan_id = 'business' where organization_id = %s", (desk.organization_id,))
        assert "5,000 of them were beyond the plan that you had: €20" in await page(desk)


async def test_in_a_trial_nobody_is_told_that_more_can_be_bought_at_once(database: Database, settings: Settings, owner: psycopg.AsyncConnection[Any]) -> None:
    async with selling(database, settings) as desk:
        await owner.execute("select private.consume_usage(%s, 'messages_sent', 5000), private.consume_usage(%s, 'campaigns', 5)", (desk.organization_id,) * 2)
        for address in ("/dashboard/billing", "/dashboard/usage"):
            text = await page(desk, address)
            assert "at once if you choose a larger plan" in text and "Let it go on" not in text and "up to an amount or choose" not in text
            assert text.index("Sending has stopped") < text.index("No further campaign begins")


async def test_where_credit_pays_nothing_is_owed_and_its_end_is_said(database: Database, settings: Settings, owner: psycopg.AsyncConnection[Any]) -> None:
    async with selling(database, settings.model_copy(update={"overage_billing": "prepaid"})) as desk:
        await owner.execute(f"update subscriptions set status = 'active', {BOUGHT}")  # type: ignore[arg-type]  # literal above
        await owner.execute("select private.bill_overage_by('prepaid')")
        choice = "insert into usage_choices (organization_id, metric, over_limit, cap) values (%s, 'messages_sent', 'overage', 2000)"
        await owner.execute(choice, (desk.organization_id,))
        await owner.execute("insert into usage_credits (organization_id, source_id, amount, currency) values (%s, 'pi_1', 400, 'EUR')", (desk.organization_id,))
        await owner.execute("select private.consume_usage(%s, 'messages_sent', 50000)", (desk.organization_id,))
        text = await page(desk)
        assert "It goes on up to your amount" in text and "has stopped" not in text
        await owner.execute("select private.consume_usage(%s, 'messages_sent', 1000)", (desk.organization_id,))
        text = await page(desk)
    assert "Plan and credit are used up" in text and "at once if you buy credit" in text and "Upcoming" in text and "of it for what went beyond" not in text
