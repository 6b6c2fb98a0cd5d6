"""The SQL of plans and subscriptions."""

from frontdesk.billing.records import Plan, PlanInUse, Subscription
from frontdesk.database import Tenant


async def plans(db: Tenant) -> list[Plan]:
    """Every plan that is for sale, the smallest first."""
    return await db.records(
        Plan,
        """
        select id, name, description, currency, monthly_price, yearly_price, limits
        from public.subscription_plans where retired_at is null order by position
        """,
    )


async def current(db: Tenant) -> Subscription | None:
    """What the organization has; None only where its subscription was removed by hand."""
    return await db.record(
        Subscription,
        """
        select s.plan_id, p.name as plan_name, s.status, s.billing_interval, s.trial_ends_at, s.current_period_end
        from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
        where s.organization_id = %(organization_id)s
        """,
        {"organization_id": db.organization_id},
    )


async def plan_in_use(db: Tenant) -> PlanInUse | None:
    """The plan with how much of its messages is used, in one look: every page shows it."""
    return await db.record(
        PlanInUse,
        """
        select p.name, case when s.status = 'trialing' then s.trial_ends_at end as trial_ends_at,
          coalesce(u.used, 0) as used, (p.limits ->> 'messages_sent')::bigint as limit
        from public.subscriptions s
        join public.subscription_plans p on p.id = s.plan_id
        left join public.organization_usage u
          on u.organization_id = s.organization_id and u.metric = 'messages_sent' and u.period_start =
            private.usage_period()
        where s.organization_id = %(organization_id)s
        """,
        {"organization_id": db.organization_id},
    )
