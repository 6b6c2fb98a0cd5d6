"""The SQL of organizations, as an operator asks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from frontdesk.database import Console, new_id
from frontdesk.operator.organizations.records import Member, Number, Owner, Row


async def rows(db: Console, ids: Sequence[UUID]) -> list[Row]:
    """These organizations, each with what it has and how it is, the newest first."""
    return await db.records(
        Row,
        """
        select o.id, o.slug, o.name, o.created_at, o.suspended_at, o.suspended_reason, s.plan_id, p.name as plan,
          coalesce(s.currency, p.currency) as currency, s.status, s.billing_interval, s.trial_ends_at, s.past_due_since,
          s.provider_subscription_id is not null and s.status not in ('canceled', 'incomplete_expired') as bought,
          case when s.provider_subscription_id is not null and s.status not in ('canceled', 'incomplete_expired')
            and (s.cancel_at_period_end or s.cancel_at is not null) then coalesce(s.cancel_at, s.current_period_end) end as ends_at,
          n.name as next_plan, case when n.id is not null then s.scheduled_at end as next_at, d.due_at as deletion_due_at,
          d.begun_at as deletion_begun_at, coalesce(u.used, 0) as messages, (s.limits ->> 'messages_sent')::bigint as allowed,
          coalesce(private.monthly_revenue(s), 0) as mrr, m.members, m.last_seen_at, c.numbers, c.stopped, f.failed
        from unnest(%(ids)s::uuid[]) as w (id)
        join public.organizations o on o.id = w.id
        left join public.subscriptions s on s.organization_id = o.id
        left join public.subscription_plans p on p.id = s.plan_id
        left join public.subscription_plans n on n.id = s.scheduled_plan_id
        left join public.organization_deletions d on d.organization_id = o.id
        left join lateral (
          select n.used from public.organization_usage n where n.organization_id = o.id and n.metric = 'messages_sent'
            and n.period_start = private.period_start(s.usage_anchor, (now() at time zone 'UTC')::date + coalesce(s.days_ahead, 0))) as u on true
        cross join lateral (
          select count(*) as members, max(n.last_seen_at) as last_seen_at from public.organization_members n where n.organization_id = o.id) as m
        cross join lateral (
          select count(*) as numbers, count(*) filter (where n.stopped_at is not null) as stopped
          from public.channels n where n.organization_id = o.id and n.kind <> 'simulator') as c
        cross join lateral (
          select count(*) as failed from (
            select from public.failed_deliveries n where n.organization_id = o.id and n.kind in ('message', 'status') limit 1000) as kept) as f
        order by o.id desc
        """,
        {"ids": list(ids)},
    )


async def owners(db: Console, ids: Sequence[UUID]) -> dict[UUID, Owner]:
    """Who owns these organizations."""
    found = await db.records(Owner, "select organization_id, user_id, name, email from private.owners_of(%(ids)s)", {"ids": list(ids)})
    return {one.organization_id: one for one in found}


async def members(db: Console, organization_id: UUID, how_many: int) -> list[Member]:
    """Members, owners first."""
    return await db.records(
        Member,
        "select user_id, name, email, role, last_seen_at, has_factor from private.members_for_operators(%(organization_id)s, %(how_many)s)",
        {"organization_id": organization_id, "how_many": how_many},
    )


async def numbers(db: Console, organization_id: UUID) -> list[Number]:
    """The numbers of an organization."""
    return await db.records(
        Number,
        """
        select id, kind, name, display_number, stopped_at, stopped_reason, last_error, last_error_at, last_inbound_at
        from public.channels where organization_id = %(organization_id)s order by kind = 'simulator', id limit 100
        """,
        {"organization_id": organization_id},
    )


async def usage(db: Console, organization_id: UUID) -> list[dict[str, Any]]:
    """What is used of each metric, in the period that runs or as it stands, with what the plan allows; allowed None is no limit."""
    return await db.rows(
        "select metric, kind, description, unit, used, allowed from private.usage_for_operators(%(organization_id)s)",
        {"organization_id": organization_id},
    )


async def views(db: Console, organization_id: UUID, how_many: int) -> list[dict[str, Any]]:
    """Who of the operators looked into it, and why."""
    return await db.rows(
        """
        select id, operator_name, purpose, reason, started_at, expires_at, ended_at from public.operator_views
        where organization_id = %(organization_id)s order by id desc limit %(how_many)s
        """,
        {"organization_id": organization_id, "how_many": how_many},
    )


async def invoices(db: Console, organization_id: UUID, how_many: int) -> list[dict[str, Any]]:
    """Its invoices, the newest first."""
    return await db.rows(
        """
        select number, status, currency, total, amount_remaining, issued_at, paid_at, attempt_count from public.invoices
        where organization_id = %(organization_id)s order by issued_at desc, id desc limit %(how_many)s
        """,
        {"organization_id": organization_id, "how_many": how_many},
    )


async def plans(db: Console) -> list[dict[str, Any]]:
    """The plans there are, the smallest first."""
    return await db.rows("select id, name, retired_at from public.subscription_plans order by position")


async def suspend(db: Console, organization_id: UUID, reason: str) -> bool:
    """Suspend it; False when it is, or there is none."""
    return bool(await db.value("select private.suspend_organization(%(id)s, %(reason)s)", {"id": organization_id, "reason": reason}))


async def resume(db: Console, organization_id: UUID) -> bool:
    """Let it go on; False when it does."""
    return bool(await db.value("select private.resume_organization(%(id)s)", {"id": organization_id}))


async def extend_trial(db: Console, organization_id: UUID, until: datetime) -> bool:
    """Let its trial end later; False when nothing is tried."""
    return bool(await db.value("select private.extend_trial(%(id)s, %(until)s)", {"id": organization_id, "until": until}))


async def make(db: Console, organization_id: UUID, email: str, owner: str, name: str, plan: str, trial_days: int) -> bool | None:
    """Make it for the user of this email, or a new one; whether he is new, None when the email is held."""
    return await db.value(  # type: ignore[no-any-return]  # the function's own boolean
        "select is_new from private.make_organization(%(id)s, %(user_id)s, %(email)s, %(owner)s, %(name)s, %(plan)s, %(days)s)",
        {"id": organization_id, "user_id": new_id(), "email": email, "owner": owner, "name": name, "plan": plan, "days": trial_days},
    )
