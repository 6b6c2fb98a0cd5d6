"""The SQL of revenue."""

from typing import Any

from frontdesk.database import Console
from frontdesk.operator.revenue.records import Month


async def months(db: Console, how_many: int) -> list[Month]:
    """The last months, the oldest first; the last is not over."""
    return await db.records(
        Month,
        """
        select month, mrr, fresh, expansion, contraction, churn, paying, came, left_us, trials, converted, lapsed, failed
        from private.revenue_by_month(%(how_many)s)
        """,
        {"how_many": how_many},
    )


async def by_plan(db: Console) -> list[dict[str, Any]]:
    """What each plan brings in now, and from how many."""
    return await db.rows(
        """
        select p.id, p.name, count(s.organization_id) as organizations, coalesce(sum(private.monthly_revenue(s)), 0)::bigint as mrr
        from public.subscription_plans p
        left join public.subscriptions s on s.plan_id = p.id and s.status in ('active', 'past_due')
        where p.id <> 'free' group by p.id, p.name, p.position order by p.position desc
        """,
    )


async def now(db: Console) -> dict[str, Any]:
    """What stands now: trials that run, payments that failed and what hangs on them."""
    found = await db.row(
        """
        select count(*) filter (where s.status = 'trialing' and s.access <> 'free') as trials,
          count(*) filter (where s.status = 'past_due') as failing,
          coalesce(sum(private.monthly_revenue(s)) filter (where s.status = 'past_due'), 0)::bigint as at_risk
        from public.subscriptions s where s.status in ('trialing', 'past_due')
        """,
    )
    return found or {"trials": 0, "failing": 0, "at_risk": 0}
