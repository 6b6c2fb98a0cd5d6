"""The SQL of plans and subscriptions."""

from datetime import datetime
from uuid import UUID

from frontdesk.billing.records import Account, Invoice, Plan, PlanInUse, Price, Subscription
from frontdesk.database import Platform, Tenant, Tenants


async def plans(db: Tenant) -> list[Plan]:
    """Every plan that is for sale, the smallest first."""
    return await db.records(
        Plan,
        """
        select id, name, description, currency, monthly_price, yearly_price, limits, features, overage
        from public.subscription_plans p
        where retired_at is null and exists (select from public.plan_prices c where c.plan_id = p.id and c.retired_at is null) order by position
        """,
    )


async def plan(db: Tenant, plan_id: str) -> Plan | None:
    """One plan, also one that is not for sale."""
    return await db.record(
        Plan,
        """
        select id, name, description, currency, monthly_price, yearly_price, limits, features, overage
        from public.subscription_plans where id = %(plan_id)s
        """,
        {"plan_id": plan_id},
    )


async def all_plans(db: Platform) -> list[Plan]:
    """Every plan there is, also what is not for sale or not any more."""
    return await db.records(
        Plan,
        "select id, name, description, currency, monthly_price, yearly_price, limits, features, overage from public.subscription_plans order by position",
    )


async def current(db: Tenant) -> Subscription | None:
    """What the organization has; None only where its subscription was removed by hand."""
    return await subscription_of(db, db.organization_id)


async def subscription_of(db: Tenant | Tenants, organization_id: UUID) -> Subscription | None:
    """The same of one organization of several. All its times are of the provider's clock: where that was turned, since when it is overdue as well."""
    return await db.record(
        Subscription,
        """
        select s.plan_id, p.name as plan_name, s.status, s.billing_interval, s.trial_ends_at, s.current_period_end,
          s.provider_subscription_id, s.price_lookup_key, s.amount, s.currency, s.current_period_start, s.cancel_at_period_end, s.cancel_at, s.canceled_at,
          s.past_due_since + make_interval(days => s.days_ahead) as past_due_since,
          s.scheduled_plan_id, s.scheduled_interval, s.scheduled_amount, s.scheduled_at, s.provider_schedule_id, s.latest_invoice_id, s.synced_at
        from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
        where s.organization_id = %(organization_id)s
        """,
        {"organization_id": organization_id},
    )


async def prices(db: Tenant | Platform) -> list[Price]:
    """What is sold now: each plan's price each month and each year, in every currency it is sold in."""
    return await db.records(
        Price,
        """
        select c.lookup_key, c.version, c.plan_id, c.billing_interval, c.currency, c.amount, c.provider_price_id
        from public.plan_prices c join public.subscription_plans p on p.id = c.plan_id
        where c.retired_at is null and p.retired_at is null order by p.position, c.billing_interval, c.currency
        """,
    )


async def note_provider_price(db: Platform, price: Price, provider_price_id: str) -> None:
    """Note how Stripe calls a price."""
    await db.run(
        "select private.note_provider_price(%(lookup_key)s, %(version)s, %(provider_price_id)s)",
        {"lookup_key": price.lookup_key, "version": price.version, "provider_price_id": provider_price_id},
    )


async def account(db: Tenant) -> Account | None:
    """The customer that the organization is; None before its first checkout."""
    return await db.record(
        Account,
        """
        select provider_customer_id, currency, email, vat_id, card_brand, card_last4, card_expires_on, synced_at
        from public.billing_accounts where organization_id = %(organization_id)s
        """,
        {"organization_id": db.organization_id},
    )


async def invoices(db: Tenant, before: tuple[datetime, str] | None = None, how_many: int = 24) -> list[Invoice]:
    """Its invoices, the newest first; `before`: when the last one seen was issued, and its id."""
    return await db.records(
        Invoice,
        """
        select id, number, status, billing_reason, currency, subtotal, total, amount_due, amount_paid, amount_remaining, hosted_invoice_url, invoice_pdf,
          period_start, period_end, issued_at, due_at, paid_at, attempt_count, next_attempt_at
        from public.invoices
        where organization_id = %(organization_id)s
          and (%(issued_at)s::timestamptz is null or (issued_at, id) < (%(issued_at)s::timestamptz, %(id)s::text))
        order by issued_at desc, id desc limit %(how_many)s
        """,
        {"organization_id": db.organization_id, "issued_at": before and before[0], "id": before and before[1], "how_many": how_many},
    )


async def plan_in_use(db: Tenant) -> PlanInUse | None:
    """The plan with how much of its messages is used, in one look: every page shows it."""
    return await db.record(
        PlanInUse,
        """
        select p.name, case when s.status = 'trialing' and s.access <> 'free' then s.trial_ends_at end as trial_ends_at,
          coalesce(u.used, 0) as used, (s.limits ->> 'messages_sent')::bigint as limit
        from public.subscriptions s
        join public.subscription_plans p on p.id = case s.access when 'free' then 'free' else s.plan_id end
        left join public.organization_usage u
          on u.organization_id = s.organization_id and u.metric = 'messages_sent' and u.period_start =
            private.period_start(s.usage_anchor, (now() at time zone 'UTC')::date + s.days_ahead)
        where s.organization_id = %(organization_id)s
        """,
        {"organization_id": db.organization_id},
    )
