"""Plans, prices, exceptions and revenue: what an operator changes about money, and what he reads of it."""

from datetime import date
from typing import Any

import pytest

from frontdesk.operator.plans.records import count, minor
from frontdesk.operator.revenue.records import Month, churn_rate, growth
from tests.operator.conftest import REASON, Console


@pytest.mark.parametrize(("written", "cents"), [("29", 2900), ("29.50", 2950), ("29,5", 2950), ("€ 9", 900), ("", None), ("0.01", 1)])
def test_an_amount_is_read_as_people_write_it(written: str, cents: int | None) -> None:
    assert minor(written) == cents


@pytest.mark.parametrize("written", ["-1", "0", "1e3000", "NaN", "Infinity", "29.505", "ten", "1.000.000", "9999999"])
def test_what_is_no_amount_is_none(written: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        minor(written)


def test_a_limit_is_a_number_or_none() -> None:
    assert (count("5,000"), count("5 000"), count(""), count("0")) == (5000, 5000, None, 0)
    for wrong in ("-1", "1.5", "many", "٥", "9" * 13):
        with pytest.raises(ValueError, match=r".*"):
            count(wrong)


def month(**of: int) -> Month:
    nothing = dict.fromkeys(("mrr", "fresh", "expansion", "contraction", "churn", "paying", "came", "left_us", "trials", "converted", "lapsed", "failed"), 0)
    return Month(month=date(2026, 1, 1), **(nothing | of))


def test_figures_of_a_month_are_none_where_there_is_nothing_to_compare() -> None:
    assert (growth(month(), month(mrr=100)), churn_rate(month(), month()), month().conversion) == (None, None, None)
    assert growth(month(mrr=200), month(mrr=150)) == -25.0
    assert churn_rate(month(mrr=200), month(churn=10, contraction=10)) == 10.0
    assert month(converted=1, lapsed=2).conversion == 33
    assert month(fresh=5, expansion=3, contraction=1, churn=2).net == 5


STARTER = {"name": "Starter", "description": "For one number.", "limit_channels": "2", "limit_messages_sent": "6 000", "price_month": "35", "price_year": "350"}


async def test_a_plan_is_changed_for_whoever_has_it_and_its_price_for_whoever_buys(console: Console) -> None:
    wrong = await console.act("/operator/plans/starter", **(STARTER | {"limit_channels": "two", "price_month": "free"}))
    assert wrong.status_code == 422 and wrong.text.count('aria-invalid="true"') == 2
    assert (await console.act("/operator/plans/starter", **(STARTER | {"name": " "}))).status_code == 422
    await console.act("/operator/plans/starter", **STARTER)
    ((limits,),) = await console.see("select limits from subscriptions where organization_id = %s", console.shop_id)
    assert (limits["channels"], limits["messages_sent"]) == (2, 6000)
    prices = await console.see("select version, amount, retired_at is null from plan_prices where lookup_key = 'starter_month_eur' order by version")
    assert prices == [(1, 2900, False), (2, 3500, True)]
    ((details,),) = await console.see("select details from private.operator_entries where action = 'plan.changed'")
    assert details["changed"]["price_month"] == {"from": 2900, "to": 3500} and details["changed"]["limit_channels"] == {"from": 1, "to": 2}
    await console.act("/operator/plans/starter", **STARTER)
    assert await console.see("select count(*) from private.operator_entries where action = 'plan.changed'") == [(1,)]  # nothing changed the second time


async def test_a_plan_is_made_sold_no_more_and_sold_again(console: Console) -> None:
    for wrong in ("Team", "1team", "a" * 41, "", "starter"):
        assert (await console.act("/operator/plans", plan_id=wrong, name="Team")).status_code == 422, wrong
    await console.act("/operator/plans", plan_id="team", name="Team")
    assert (await console.act("/operator/plans/team/retirement")).status_code == 303
    assert (await console.act("/operator/plans/team/retirement")).status_code == 409
    assert (await console.act("/operator/plans/team/retirement/removal")).status_code == 303
    assert (await console.act("/operator/plans/free/retirement")).status_code == 409
    assert (await console.act("/operator/plans/nowhere", **STARTER)).status_code == 404


async def test_an_organization_gets_another_plan_unless_it_bought_one(console: Console) -> None:
    assert (await console.act(f"{console.shop}/plan", plan="nowhere", how="tried")).status_code == 422
    await console.act(f"{console.shop}/plan", plan="business", how="paid_elsewhere")
    assert await console.see("select plan_id, status, access from subscriptions where organization_id = %s", console.shop_id) == [
        ("business", "active", "full")
    ]
    assert (await console.logged())[0][:2] == ("operator", "subscription.plan_changed")
    await console.owner.execute("update subscriptions set provider_subscription_id = 'sub_1' where organization_id = %s", (console.shop_id,))
    assert (await console.act(f"{console.shop}/plan", plan="starter", how="tried")).status_code == 409


async def test_an_exception_holds_and_ends(console: Console) -> None:
    wrong: list[dict[str, str]] = [{"key": "cake", "value": "on"}, {"key": "campaigns", "value": "maybe"}, {"key": "channels", "value": "-1"},
                                   {"key": "channels", "value": "5", "expires": "2020-01-01"}, {"key": "channels", "value": "5", "reason": "x"}]  # fmt: skip
    for fields in wrong:
        assert (await console.act(f"{console.shop}/entitlements", **({"reason": REASON} | fields))).status_code == 422, fields
    await console.act(f"{console.shop}/entitlements", key="channels", value="7", reason=REASON)
    await console.act(f"{console.shop}/entitlements", key="api", value="off", reason=REASON, expires="2099-01-01")
    ((limits, features),) = await console.see("select limits, features from subscriptions where organization_id = %s", console.shop_id)
    assert limits["channels"] == 7 and features["api"] is False
    assert (await console.logged())[0] == ("operator", "entitlement.overridden", REASON)
    await console.act(f"{console.shop}/entitlements/channels/removal")
    assert (await console.act(f"{console.shop}/entitlements/channels/removal")).status_code == 409
    ((limits,),) = await console.see("select limits from subscriptions where organization_id = %s", console.shop_id)
    assert limits["channels"] == 1


NEW = {"name": "Café Ole", "owner_email": "ada@example.org", "owner_name": "Ada", "plan": "business", "trial_days": "30"}


async def test_an_organization_is_made_for_a_customer_who_gets_a_link_to_set_a_password(console: Console) -> None:
    for wrong in ({"name": ""}, {"owner_email": "no email"}, {"plan": "cake"}, {"trial_days": "0"}, {"trial_days": "many"}):
        assert (await console.act("/operator/organizations/new", **(NEW | wrong))).status_code == 422, wrong
    made = await console.act("/operator/organizations/new", **NEW)
    page = await console.operator.get(made.headers["location"])
    assert "Café Ole" in page.text and "ada@example.org" in page.text
    assert await console.see("select recipient from private.mail_outbox") == [("ada@example.org",)]
    assert await console.see("select m.role from organization_members m join auth.users u on u.id = m.user_id where u.email = 'ada@example.org'") == [
        ("owner",)
    ]
    # for a user there is: one organization more, and no mail
    await console.act("/operator/organizations/new", **(NEW | {"owner_email": "maya@example.com"}))
    assert await console.see("select count(*) from organization_members where user_id = %s", console.customer_id) == [(2,)]
    assert await console.see("select count(*) from private.mail_outbox") == [(1,)]


async def steps(console: Console, *changes: str) -> None:
    for change in changes:
        await console.owner.execute(f"update subscriptions set {change} where organization_id = %s", (console.shop_id,))  # type: ignore[arg-type]  # literals below


async def test_revenue_is_the_sum_of_every_step(console: Console) -> None:
    await steps(
        console,
        "status = 'active', plan_id = 'professional'",
        "plan_id = 'business'",
        "billing_interval = 'year'",
        "status = 'past_due'",
        "status = 'canceled'",
    )
    rows: list[Any] = await console.see(
        "select status_before, status_after, before, after from private.revenue_moves where organization_id = %s order by id", console.shop_id
    )
    assert rows == [
        (None, "trialing", 0, 0), ("trialing", "active", 0, 9900), ("active", "active", 9900, 29900), ("active", "active", 29900, 24916),
        ("active", "past_due", 24916, 24916), ("past_due", "canceled", 24916, 0),
    ]  # fmt: skip
    await steps(console, "status = 'active', billing_interval = 'month', amount = 5000")  # what it was bought for is what counts
    assert "€50" in (await console.operator.get("/operator/revenue")).text
    await console.owner.execute("delete from organizations where id = %s", (console.shop_id,))
    assert await console.see("select coalesce(sum(after - before), 0)::bigint from private.revenue_moves") == [(0,)]
    assert (await console.operator.get("/operator/revenue")).status_code == 200


async def test_a_trial_that_nobody_bought_counts_as_one_that_did_not_become_a_customer(console: Console) -> None:
    assert "none ended this month" in (await console.operator.get("/operator/revenue")).text
    await console.owner.execute("update subscriptions set trial_ends_at = now() where organization_id = %s", (console.shop_id,))
    assert "0 % become customers" in (await console.operator.get("/operator/revenue")).text
    await steps(console, "status = 'active', provider_subscription_id = 'sub_1', plan_id = 'professional'")  # bought after all
    assert "100 % become customers" in (await console.operator.get("/operator/revenue")).text
