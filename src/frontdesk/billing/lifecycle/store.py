"""The SQL of what happens to a subscription over time."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from frontdesk.billing.lifecycle.records import Notice, Owed, Recipient, Subscribed
from frontdesk.database import Platform, Tenants, new_id
from frontdesk.entitlements import Access


async def take(db: Platform, most: int) -> list[tuple[UUID, datetime]]:
    """The organizations that the clock, or a change, wants looked at, each for ten minutes: when that ends stands beside it."""
    rows = await db.rows("select organization_id, taken_until from private.take_due_subscriptions(%(most)s)", {"most": most})
    return [(row["organization_id"], row["taken_until"]) for row in rows]


async def subscribed(db: Tenants, organization_id: UUID) -> Subscribed | None:
    """A subscription as the clock sees it; nobody else changes it until this transaction ends."""
    row = await db.row(
        """
        select s.organization_id, o.name as organization, o.locale, p.name as plan, s.status, s.access, s.billing_interval, s.trial_ends_at,
          s.current_period_end, s.cancel_at_period_end or s.cancel_at is not null as cancel_at_period_end, s.scheduled_plan_id is not null as scheduled,
          s.past_due_since, s.ended_at, s.provider_subscription_id, coalesce(s.amount, p.monthly_price) as amount,
          coalesce(s.currency, p.currency) as currency,
          (select i.hosted_invoice_url from public.invoices i where i.organization_id = s.organization_id and i.status = 'open'
           order by i.issued_at desc limit 1) as invoice_url,
          (select min(e.expires_at) from public.entitlement_overrides e
           where e.organization_id = s.organization_id and e.expires_at > now()) as exceptions_end,
          private.usage_period(s.organization_id) as period, s.days_ahead,
          exists (select from public.billing_accounts a where a.organization_id = s.organization_id and a.card_last4 is not null) as payable
        from public.subscriptions s
        join public.organizations o on o.id = s.organization_id
        join public.subscription_plans p on p.id = s.plan_id
        where s.organization_id = %(organization_id)s for no key update of s
        """,
        {"organization_id": organization_id},
    )
    return None if row is None else Subscribed(**row | {"access": Access(row["access"])})


async def look_again(db: Tenants, organization_id: UUID, taken_until: datetime, at: datetime) -> None:
    """Look again at this time, unless something has changed since it was taken: then it is looked at at once."""
    await db.run(
        "update public.subscriptions set look_at = %(at)s where organization_id = %(organization_id)s and look_at = %(taken_until)s",
        {"organization_id": organization_id, "taken_until": taken_until, "at": at},
    )


async def hold_back(db: Tenants, organization_id: UUID) -> int:
    """Mark what is over the limits that hold now, and take marks away where there is room again; how much changed."""
    return int(await db.value("select private.hold_back(%(organization_id)s)", {"organization_id": organization_id}) or 0)


async def owe(db: Tenants, organization_id: UUID, notice: Notice) -> bool:
    """Owe a notice. False when it was owed before."""
    owed_now = await db.value(
        """
        insert into public.billing_notices (organization_id, id, kind, object, attempt, facts)
        values (%(organization_id)s, %(id)s, %(kind)s, %(object)s, %(attempt)s, %(facts)s::jsonb)
        on conflict (organization_id, kind, object, attempt) do nothing returning id
        """,
        {
            "organization_id": organization_id, "id": new_id(), "kind": notice.kind, "object": notice.object, "attempt": notice.attempt,
            "facts": orjson.dumps(dict(notice.facts)).decode(),
        },
    )  # fmt: skip
    return owed_now is not None


async def owed(db: Tenants, organization_id: UUID) -> list[Owed]:
    """What nobody has written yet, the oldest first; locked until this transaction ends."""
    return await db.records(
        Owed,
        """
        select id, kind, object, attempt, facts, now() - created_at as waited from public.billing_notices
        where organization_id = %(organization_id)s and mailed_at is null and dropped_at is null order by id for no key update
        """,
        {"organization_id": organization_id},
    )


async def note_mailed(db: Tenants, organization_id: UUID, notices: Sequence[UUID]) -> None:
    """Note that the mails of these are owed."""
    await db.run(
        "update public.billing_notices set mailed_at = now() where organization_id = %(organization_id)s and id = any (%(ids)s)",
        {"organization_id": organization_id, "ids": list(notices)},
    )


async def drop(db: Tenants, organization_id: UUID, notices: Sequence[UUID]) -> None:
    """Note that these are no news any more, and nobody was told."""
    await db.run(
        "update public.billing_notices set dropped_at = now() where organization_id = %(organization_id)s and id = any (%(ids)s)",
        {"organization_id": organization_id, "ids": list(notices)},
    )


async def recipients(db: Tenants, organization_id: UUID) -> list[Recipient]:
    """Who is told about the organization's money."""
    return await db.records(Recipient, "select email, name from private.billing_recipients(%(organization_id)s)", {"organization_id": organization_id})
