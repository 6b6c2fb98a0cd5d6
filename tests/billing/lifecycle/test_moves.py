"""What choosing a plan would be, and how an organization stands, in one word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from frontdesk.billing.lifecycle.moves import Move, move, offer, over
from frontdesk.billing.lifecycle.states import State, grace_ends, state_of, to_pay, upcoming, with_beyond
from frontdesk.billing.records import Invoice, Plan, Price, Subscription
from frontdesk.entitlements import Access, Entitlements
from frontdesk.usage import Owed

NOW = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
DAY = timedelta(days=1)
PLANS = {
    name: Plan(name, name.title(), "", "EUR", monthly, 10 * monthly, limits)
    for name, monthly, limits in (
        ("starter", 2900, {"channels": 1, "members": 3, "contacts": 2000}),
        ("professional", 9900, {"channels": 3, "members": 10, "contacts": 20000}),
        ("business", 29900, {"channels": 10, "members": 50, "contacts": None}),
    )
}
PRICES = [Price(f"{p.id}_{i}_eur", 1, p.id, i, "EUR", p.price(i), None) for p in PLANS.values() for i in ("month", "year")]
BY_KEY = {(price.plan_id, price.billing_interval): price for price in PRICES}
PRO = Subscription("professional", "Professional", "active", "month", None, NOW + 20 * DAY, "sub_1", "professional_month_eur", 9900, "EUR")
YEARLY = replace(PRO, billing_interval="year", amount=99000)
HAS = Entitlements("professional", "Professional", "active", Access.FULL, True, None, {})


@pytest.mark.parametrize(
    ("now", "plan", "interval", "expected"),
    [
        (None, "starter", "month", Move.BUY), (replace(PRO, status="canceled"), "starter", "month", Move.BUY),
        (replace(PRO, status="trialing", provider_subscription_id=None), "professional", "month", Move.BUY),
        (PRO, "professional", "month", Move.STAY), (PRO, "professional", "year", Move.UPGRADE), (PRO, "business", "month", Move.UPGRADE),
        (PRO, "business", "year", Move.UPGRADE), (PRO, "starter", "month", Move.DOWNGRADE), (PRO, "starter", "year", Move.DOWNGRADE),
        (YEARLY, "professional", "month", Move.DOWNGRADE), (YEARLY, "business", "year", Move.UPGRADE), (YEARLY, "business", "month", Move.DOWNGRADE),
        (YEARLY, "starter", "year", Move.DOWNGRADE),
        (replace(PRO, status="past_due"), "business", "month", Move.PAY_FIRST), (replace(PRO, status="unpaid"), "starter", "month", Move.PAY_FIRST),
        (replace(PRO, scheduled_plan_id="starter", scheduled_interval="month"), "starter", "month", Move.NEXT),
        (replace(PRO, scheduled_plan_id="starter", scheduled_interval="month"), "starter", "year", Move.DOWNGRADE),
    ],
)  # fmt: skip
def test_dearer_and_yearly_is_at_once_and_cheaper_and_monthly_waits(now: Subscription | None, plan: str, interval: str, expected: Move) -> None:
    assert move(BY_KEY[plan, interval], now, PLANS) is expected


def test_who_keeps_an_old_price_is_compared_by_what_he_pays() -> None:
    dear = replace(PRO, plan_id="retired", amount=50_000)
    assert move(BY_KEY["business", "month"], dear, PLANS) is Move.DOWNGRADE
    assert move(None, PRO, PLANS) is Move.NONE


def test_what_is_over_a_smaller_limit_is_named_with_how_much() -> None:
    used = {"channels": 3, "members": 3, "contacts": 2001, "messages_sent": 10**6}
    assert [(one.metric, one.beyond) for one in over(PLANS["starter"], used)] == [("channels", 2), ("contacts", 1)]
    assert over(PLANS["business"], used) == ()
    assert offer(PLANS["starter"], None, PRO, PLANS, used).over_metrics == {"channels", "contacts"}


@pytest.mark.parametrize(
    ("one", "access", "expected"),
    [
        (None, Access.FULL, State.NOTHING),
        (replace(PRO, status="trialing", provider_subscription_id=None, trial_ends_at=NOW + DAY), Access.FULL, State.TRIAL),
        (replace(PRO, status="trialing", provider_subscription_id=None, trial_ends_at=NOW), Access.FREE, State.TRIAL_OVER),
        (replace(PRO, status="trialing"), Access.FULL, State.BOUGHT_TRIAL), (PRO, Access.FULL, State.RUNS),
        (replace(PRO, cancel_at_period_end=True), Access.FULL, State.CANCELLING), (replace(PRO, cancel_at=NOW), Access.FULL, State.CANCELLING),
        (replace(PRO, scheduled_plan_id="starter"), Access.FULL, State.CHANGING),
        (replace(PRO, status="past_due"), Access.GRACE_FULL, State.GRACE), (replace(PRO, status="past_due"), Access.GRACE_LIMITED, State.LIMITED),
        (replace(PRO, status="past_due"), Access.READ_ONLY, State.UNPAID), (replace(PRO, status="unpaid"), Access.READ_ONLY, State.UNPAID),
        (replace(PRO, status="paused"), Access.READ_ONLY, State.PAUSED), (replace(PRO, status="incomplete"), Access.FREE, State.INCOMPLETE),
        (replace(PRO, status="incomplete_expired"), Access.FREE, State.ENDED), (replace(PRO, status="canceled"), Access.FREE, State.ENDED),
    ],
)  # fmt: skip
def test_every_state_has_its_word(one: Subscription | None, access: Access, expected: State) -> None:
    assert state_of(one, replace(HAS, access=access), NOW) is expected


def test_the_next_invoice_is_of_what_follows_and_none_comes_after_a_cancellation() -> None:
    assert (found := upcoming(PRO, PRICES)) is not None
    assert (found.plan_id, found.amount, found.at) == ("professional", 9900, PRO.current_period_end)
    assert (found := upcoming(replace(PRO, scheduled_plan_id="starter", scheduled_interval="year"), PRICES)) is not None
    assert (found.plan_id, found.amount) == ("starter", 29000)
    for none in (None, replace(PRO, cancel_at_period_end=True), replace(PRO, status="past_due"), replace(PRO, status="canceled"), replace(PRO, amount=None)):
        assert upcoming(none, PRICES) is None


def test_grace_ends_by_our_own_days() -> None:
    assert grace_ends(replace(PRO, past_due_since=NOW)) == (NOW + 8 * DAY, NOW + 22 * DAY)
    assert grace_ends(PRO) is None


def test_what_has_to_be_paid_is_the_newest_open_invoice() -> None:
    paid = Invoice("in_1", "A-1", "paid", None, "EUR", 9900, 9900, 9900, 9900, 0, None, None, None, None, NOW, None, NOW, 1, None)
    due = replace(paid, id="in_2", status="open", amount_paid=0, amount_remaining=9900)
    assert to_pay([paid, due, replace(due, id="in_3")]) == due
    assert to_pay([paid, replace(due, amount_remaining=0)]) is None


def test_the_next_invoice_takes_along_what_the_months_before_it_have_beyond_the_plan() -> None:
    day = (NOW + 20 * DAY).date()
    owed = [Owed("messages_sent", day - 31 * DAY, day, 2_000_400, "EUR"), Owed("ai_replies", day, day + 31 * DAY, 700_000, "EUR")]
    renewal, apart = with_beyond(upcoming(PRO, PRICES), PRO, owed)
    assert renewal is not None and (renewal.amount, renewal.beyond, apart) == (9900, 2000, [])
    renewal, apart = with_beyond(upcoming(YEARLY, PRICES), YEARLY, owed)
    assert renewal is not None and (renewal.amount, renewal.beyond) == (99000, 0)
    assert [(one.at, one.amount) for one in apart] == [(day, 2000), (day + 31 * DAY, 700)]
    ending = replace(PRO, cancel_at_period_end=True)
    assert with_beyond(upcoming(ending, PRICES), ending, owed[:1]) == (None, apart[:1])
    assert with_beyond(None, replace(PRO, provider_subscription_id=None), owed) == (None, [])
