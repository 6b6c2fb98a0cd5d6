"""The one table of what each state of a subscription may do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.entitlements import Access, Entitlements, NotInPlan, PaymentNeeded, access_at, next_change
from frontdesk.entitlements.records import OVERAGE, REFUSED, STEPS

NOW = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
DAY = timedelta(days=1)
HAS = Entitlements("professional", "Professional", "active", Access.FULL, True, 10, {"api": True, "campaigns": True})


def access(status: str, *, day: float = 0, trial_ends_in: float | None = None, bought: bool = True) -> Access:
    trial_ends_at = None if trial_ends_in is None else NOW + trial_ends_in * DAY
    return access_at(status, past_due_since=NOW - day * DAY, trial_ends_at=trial_ends_at, bought=bought, at=NOW)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("trialing", Access.FULL), ("active", Access.FULL), ("past_due", Access.GRACE_FULL), ("unpaid", Access.READ_ONLY), ("paused", Access.READ_ONLY),
        ("incomplete", Access.FREE), ("incomplete_expired", Access.FREE), ("canceled", Access.FREE),
    ],
)  # fmt: skip
def test_each_status_gives_its_access(status: str, expected: Access) -> None:
    assert access(status) is expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (0, Access.GRACE_FULL), (7.99, Access.GRACE_FULL), (8, Access.GRACE_LIMITED), (21.99, Access.GRACE_LIMITED), (22, Access.READ_ONLY),
        (400, Access.READ_ONLY), (-2, Access.GRACE_FULL),
    ],
)  # fmt: skip
def test_an_overdue_payment_narrows_day_by_day_and_a_clock_ahead_narrows_nothing(day: float, expected: Access) -> None:
    assert access("past_due", day=day) is expected


def test_a_payment_that_is_overdue_since_nobody_knows_when_is_overdue_since_now() -> None:
    assert access_at("past_due", past_due_since=None, trial_ends_at=None, bought=True, at=NOW) is Access.GRACE_FULL


def test_a_status_that_is_not_known_is_overdue_since_now_whatever_the_day() -> None:
    assert {access("on_hold", day=day) for day in (0, 8, 22, 90)} == {Access.GRACE_FULL}


def test_a_trial_ends_by_our_own_clock_unless_it_was_bought() -> None:
    assert access("trialing", trial_ends_in=0.01, bought=False) is Access.FULL
    assert access("trialing", trial_ends_in=0, bought=False) is Access.FREE
    assert access("trialing", trial_ends_in=-3, bought=True) is Access.FULL
    assert access("trialing", trial_ends_in=None, bought=False) is Access.FULL


@given(st.sampled_from([*STEPS, "unheard_of"]), st.integers(-40, 40), st.integers(-40, 40), st.booleans())
def test_nothing_changes_by_itself_before_the_moment_that_was_named(status: str, overdue: int, trial: int, bought: bool) -> None:
    facts = {"past_due_since": NOW - overdue * DAY, "trial_ends_at": NOW + trial * DAY, "bought": bought}
    moment = next_change(status, at=NOW, **facts)  # type: ignore[arg-type]
    last = (moment or NOW + 90 * DAY) - timedelta(microseconds=1)
    assert access_at(status, at=NOW, **facts) is access_at(status, at=last, **facts)  # type: ignore[arg-type]


def test_what_customers_write_is_refused_by_no_access() -> None:
    assert not any("messages_received" in refused for refused in REFUSED.values())


def test_nobody_who_has_not_paid_uses_more_than_the_plan_includes() -> None:
    assert {Access.FULL, Access.GRACE_FULL} == OVERAGE


def test_a_feature_of_the_plan_is_there() -> None:
    assert HAS.lacking("campaigns") is None
    assert replace(HAS, access=Access.GRACE_FULL).lacking("campaigns") is None


def test_a_refusal_names_the_plan_or_the_payment() -> None:
    missing = replace(HAS, plan="Free", features={}).lacking("campaigns")
    assert isinstance(missing, NotInPlan)
    assert str(missing) == "Campaigns are not part of the plan Free. Choose a larger one under Billing."
    overdue = replace(HAS, status="past_due", access=Access.GRACE_LIMITED).lacking("campaigns")
    assert isinstance(overdue, PaymentNeeded)
    assert "overdue" in str(overdue)
    trial = replace(HAS, status="trialing", bought=False, features={"campaigns": False}).lacking("campaigns")
    assert "card" in str(trial)


def test_each_state_that_refuses_says_what_opens_it() -> None:
    assert "Pay it" in str(replace(HAS, status="unpaid", access=Access.READ_ONLY).refusal("messages_sent"))
    assert "card" in str(replace(HAS, status="paused", access=Access.READ_ONLY).refusal("messages_sent"))
    assert replace(HAS, access=Access.GRACE_LIMITED).refusal("messages_sent") is None
