"""The plans as they are sold: their prices, their limits, and that there are no others."""

from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.organizations.test_store import sign_up

METRICS = ("channels", "members", "contacts", "messages_sent", "auto_replies", "campaigns")
NO_LIMIT = None
PLANS = {
    "starter": (2_900, (1, 3, 2_000, 5_000, 10, 5)),
    "professional": (9_900, (3, 10, 20_000, 50_000, 100, 50)),
    "business": (29_900, (10, 50, 200_000, 500_000, NO_LIMIT, 500)),
    "enterprise": (99_900, (NO_LIMIT,) * 6),
}


async def test_the_plans_cost_and_allow_what_was_promised(owner: psycopg.AsyncConnection[Any]) -> None:
    rows = await owner.execute("select id, monthly_price, yearly_price, currency, limits from public.subscription_plans where id <> 'free' order by position")
    found = {
        name: (monthly, yearly, currency, tuple(limits.get(metric) for metric in METRICS)) for name, monthly, yearly, currency, limits in await rows.fetchall()
    }
    assert found == {name: (monthly, 10 * monthly, "EUR", limits) for name, (monthly, limits) in PLANS.items()}
    assert list(found) == list(PLANS)


async def test_a_new_organization_tries_the_smallest_plan_for_fourteen_days(owner: psycopg.AsyncConnection[Any]) -> None:
    organization, _ = await sign_up(owner, "Lagos Glow Salon")
    row = await owner.execute(
        "select plan_id, status, trial_ends_at - created_at = interval '14 days' from public.subscriptions where organization_id = %s", (organization,)
    )
    assert await row.fetchone() == ("starter", "trialing", True)


async def test_an_unknown_plan_is_refused_by_its_name(owner: psycopg.AsyncConnection[Any]) -> None:
    organization, _ = await sign_up(owner, "Lagos Glow Salon")
    with pytest.raises(errors.ForeignKeyViolation, match=r"Key \(plan_id\)=\(platinum\) is not present"):
        await owner.execute("update public.subscriptions set plan_id = 'platinum' where organization_id = %s", (organization,))
