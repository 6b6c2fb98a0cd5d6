"""The SQL of what is synchronized: the account, the subscription and the invoices as Stripe has them, in the name of background work."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from frontdesk.billing import store
from frontdesk.billing.records import Subscription
from frontdesk.billing.standings import Card, Running, Standing
from frontdesk.database import Platform, Tenants, batch


async def version_of(db: Tenants, organization_id: UUID) -> tuple[str | None, int]:
    """The customer that an organization is, and how often what is known of him was stored; no customer before its first checkout."""
    row = await db.row(
        "select provider_customer_id, sync_version from public.billing_accounts where organization_id = %(organization_id)s",
        {"organization_id": organization_id},
    )
    return (None, 0) if row is None else (row["provider_customer_id"], row["sync_version"])


async def take_turn(db: Tenants, organization_id: UUID, customer_id: str, version: int) -> bool:
    """Take the turn of whoever stores next about this customer. False when somebody stored since that version: what was fetched before is old now."""
    await db.run("select pg_advisory_xact_lock(hashtextextended('billing ' || %(customer_id)s, 0))", {"customer_id": customer_id})
    return bool(
        await db.value(
            """
            update public.billing_accounts set sync_version = sync_version + 1, synced_at = now()
            where organization_id = %(organization_id)s and provider_customer_id = %(customer_id)s and sync_version = %(version)s
            returning true
            """,
            {"organization_id": organization_id, "customer_id": customer_id, "version": version},
        )
    )


async def subscription_of(db: Tenants, organization_id: UUID) -> Subscription | None:
    """What the organization has, locked until what it has now is stored."""
    await db.run("select from public.subscriptions where organization_id = %(organization_id)s for no key update", {"organization_id": organization_id})
    return await store.subscription_of(db, organization_id)


async def plan_of(db: Tenants, price_id: str, lookup_key: str | None, product_id: str | None) -> tuple[str, str, int | None] | None:
    """The plan and the interval that a price of Stripe's is for, and its amount: by its id, else by its lookup key; the plan alone also by the product."""
    row = await db.row(
        """
        select plan_id, billing_interval, amount from public.plan_prices
        where provider_price_id = %(price_id)s or lookup_key = %(lookup_key)s
        order by provider_price_id = %(price_id)s desc nulls last, retired_at is null desc limit 1
        """,
        {"price_id": price_id, "lookup_key": lookup_key},
    )
    if row is not None:
        return row["plan_id"], row["billing_interval"], row["amount"]
    plan = await db.value("select id from public.subscription_plans where 'frontdesk_' || id = %(product_id)s", {"product_id": product_id})
    return None if plan is None else (plan, "", None)


async def store_account(db: Tenants, organization_id: UUID, standing: Standing) -> None:
    """Keep what is known of the customer himself; one who was deleted at Stripe is none any more."""
    card = standing.card or Card("", "", None)
    await db.run(
        """
        update public.billing_accounts set provider_customer_id = case when not %(gone)s then provider_customer_id end,
          currency = case when not %(gone)s then %(currency)s::text end, email = %(email)s, vat_id = %(vat_id)s,
          card_brand = nullif(%(brand)s, ''), card_last4 = nullif(%(last4)s, ''), card_expires_on = %(expires_on)s
        where organization_id = %(organization_id)s
        """,
        {
            "organization_id": organization_id, "gone": standing.gone, "currency": standing.currency, "email": standing.email, "vat_id": standing.vat_id,
            "brand": card.brand, "last4": card.last4, "expires_on": card.expires_on,
        },
    )  # fmt: skip


async def store_subscription(db: Tenants, organization_id: UUID, running: Running, plan_id: str, following: tuple[str, str, int | None] | None) -> None:
    """Keep what the organization has now. following: plan, interval and amount of what comes at the period's end."""
    await db.run(
        """
        update public.subscriptions set
          plan_id = %(plan_id)s, status = %(status)s, billing_interval = %(billing_interval)s,
          trial_ends_at = coalesce(%(trial_ends_at)s::timestamptz, case when %(status)s <> 'trialing' then trial_ends_at end),
          current_period_start = %(period_start)s, current_period_end = %(period_end)s,
          cancel_at = %(cancel_at)s, cancel_at_period_end = %(cancel_at_period_end)s, canceled_at = %(canceled_at)s, ended_at = %(ended_at)s,
          past_due_since = case when %(status)s in ('past_due', 'unpaid') then coalesce(past_due_since, now()) end,
          provider_subscription_id = %(id)s, price_lookup_key = %(lookup_key)s, provider_price_id = %(provider_price_id)s,
          amount = %(amount)s, currency = %(currency)s, latest_invoice_id = %(latest_invoice_id)s,
          provider_schedule_id = %(schedule_id)s, scheduled_plan_id = %(scheduled_plan_id)s, scheduled_interval = %(scheduled_interval)s,
          scheduled_amount = %(scheduled_amount)s, scheduled_at = %(scheduled_at)s, synced_at = now()
        where organization_id = %(organization_id)s
        """,
        {name: getattr(running, name) for name in (
            "id", "status", "billing_interval", "trial_ends_at", "period_start", "period_end", "cancel_at", "cancel_at_period_end", "canceled_at",
            "ended_at", "lookup_key", "provider_price_id", "amount", "currency", "latest_invoice_id", "schedule_id",
        )} | {
            "organization_id": organization_id, "plan_id": plan_id, "scheduled_plan_id": following and following[0],
            "scheduled_interval": (following and following[1]) or None, "scheduled_amount": following and following[2],
            "scheduled_at": running.scheduled.at if running.scheduled and following else None,
        },
    )  # fmt: skip


async def end_subscription(db: Tenants, organization_id: UUID) -> None:
    """Let a subscription end of which Stripe knows nothing any more: its customer was deleted there."""
    await db.run(
        """
        update public.subscriptions set plan_id = 'free', status = 'canceled', ended_at = coalesce(ended_at, now()), past_due_since = null,
          cancel_at_period_end = false, scheduled_plan_id = null, scheduled_interval = null, scheduled_amount = null, scheduled_at = null,
          provider_schedule_id = null, synced_at = now()
        where organization_id = %(organization_id)s
        """,
        {"organization_id": organization_id},
    )


async def store_invoices(db: Tenants, organization_id: UUID, invoices: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mirror these invoices; returns those that changed or are new, each with its state and tries before (None: it is new)."""
    return await db.rows(
        """
        with told as materialized (
          select * from jsonb_to_recordset(%(invoices)s) as i (
            id text, number text, status text, billing_reason text, currency text, subtotal bigint, total bigint, amount_due bigint, amount_paid bigint,
            amount_remaining bigint, hosted_invoice_url text, invoice_pdf text, period_start timestamptz, period_end timestamptz, issued_at timestamptz,
            due_at timestamptz, paid_at timestamptz, attempt_count integer, next_attempt_at timestamptz, provider_subscription_id text)
        ), known as materialized (
          select i.id, i.status, i.attempt_count from public.invoices i
          where i.organization_id = %(organization_id)s and i.id in (select told.id from told)
        ), stored as (
          insert into public.invoices as i (organization_id, id, number, status, billing_reason, currency, subtotal, total, amount_due, amount_paid,
            amount_remaining, hosted_invoice_url, invoice_pdf, period_start, period_end, issued_at, due_at, paid_at, attempt_count, next_attempt_at,
            provider_subscription_id)
          select %(organization_id)s, told.* from told order by told.id
          on conflict (organization_id, id) do update set
            number = excluded.number, status = excluded.status, subtotal = excluded.subtotal, total = excluded.total, amount_due = excluded.amount_due,
            amount_paid = excluded.amount_paid, amount_remaining = excluded.amount_remaining, hosted_invoice_url = excluded.hosted_invoice_url,
            invoice_pdf = excluded.invoice_pdf, period_start = excluded.period_start, period_end = excluded.period_end, issued_at = excluded.issued_at,
            due_at = excluded.due_at, paid_at = excluded.paid_at, attempt_count = excluded.attempt_count, next_attempt_at = excluded.next_attempt_at,
            synced_at = now()
        )
        select told.id, told.number, told.status, told.attempt_count, told.amount_due, told.amount_paid, told.currency, told.billing_reason,
          known.status as status_before, coalesce(known.attempt_count, 0) as attempts_before
        from told left join known on known.id = told.id
        where known.id is null or (known.status, known.attempt_count) is distinct from (told.status, told.attempt_count)
        order by told.issued_at, told.id
        """,
        {"organization_id": organization_id, "invoices": batch(invoices)},
    )


async def settle_events(db: Tenants | Platform, organization_id: UUID | None, event_ids: Sequence[UUID]) -> None:
    """Note that these events are handled."""
    await db.run("select private.settle_billing_events(%(organization_id)s, %(events)s)", {"organization_id": organization_id, "events": list(event_ids)})


async def take_customer_to_close(db: Platform, seconds: int) -> tuple[str, int] | None:
    """A customer whose organization is gone, for so many seconds, and how often that was tried."""
    row = await db.row("select provider_customer_id, attempts from private.take_customer_to_close(%(seconds)s)", {"seconds": seconds})
    return None if row is None else (row["provider_customer_id"], row["attempts"])


async def settle_customer_to_close(db: Platform, customer_id: str, why: str | None = None, seconds: float | None = None) -> None:
    """Note that he is closed, or why he has to be tried again after some seconds."""
    await db.run("select private.settle_customer_to_close(%(customer_id)s, %(why)s, %(seconds)s)", {"customer_id": customer_id, "why": why, "seconds": seconds})


async def repeat_chore(db: Platform, chore: str, whole: float, seconds: float) -> None:
    """Let a chore that failed be due again after so many seconds. whole: its usual time."""
    await db.run("select private.repeat_chore(%(chore)s, %(whole)s, %(seconds)s)", {"chore": chore, "whole": whole, "seconds": seconds})


async def claim_chore(db: Platform, chore: str, seconds: float) -> bool:
    """Whether it is time for a chore, and it is ours."""
    return bool(await db.value("select private.claim_chore(%(chore)s, %(seconds)s)", {"chore": chore, "seconds": seconds}))
