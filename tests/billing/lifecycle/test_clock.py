"""What the clock says of a subscription: which notices are due, each once, and when to look again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.billing.lifecycle.records import LOOK_AT_LEAST, Owed, Subscribed, next_look, notices_due, still_matters
from frontdesk.database import new_id
from frontdesk.entitlements import Access

NOW = datetime(2026, 11, 24, 9, 41, tzinfo=UTC)
DAY = timedelta(days=1)
BOUGHT = Subscribed(
    organization_id=new_id(), organization="Lagos Glow Salon", locale="en", plan="Professional", status="active", access=Access.FULL,
    billing_interval="month", trial_ends_at=None, current_period_end=NOW + 20 * DAY, cancel_at_period_end=False, scheduled=False, past_due_since=None,
    ended_at=None, provider_subscription_id="sub_1", amount=9900, currency="EUR", invoice_url=None, exceptions_end=None,
)  # fmt: skip
TRIAL = replace(BOUGHT, plan="Starter", status="trialing", provider_subscription_id=None, current_period_end=None, trial_ends_at=NOW + 10 * DAY)


def due(one: Subscribed, now: datetime = NOW) -> list[tuple[str, int]]:
    return [(notice.kind, notice.attempt) for notice in notices_due(one, now)]


def overdue(day: float, **more: Any) -> Subscribed:
    return replace(BOUGHT, status="past_due", past_due_since=NOW - day * DAY, **more)


@pytest.mark.parametrize(
    ("left", "expected"),
    [(10, []), (3.01, []), (3, ["trial_ending"]), (0.1, ["trial_ending"]), (0, ["trial_ended"]), (-13.9, ["trial_ended"]), (-14, [])],
)
def test_a_trial_is_told_three_days_before_it_ends_and_when_it_has(left: float, expected: list[str]) -> None:
    assert [kind for kind, _ in due(replace(TRIAL, trial_ends_at=NOW + left * DAY))] == expected


def test_a_trial_that_was_bought_is_told_before_it_is_charged_and_ends_without_a_word() -> None:
    bought = replace(TRIAL, provider_subscription_id="sub_1", trial_ends_at=NOW + DAY)
    (notice,) = notices_due(bought, NOW)
    assert (notice.kind, notice.facts["bought"], notice.facts["amount"]) == ("trial_ending", True, 9900)
    assert due(replace(bought, trial_ends_at=NOW - DAY)) == []
    assert due(replace(bought, cancel_at_period_end=True)) == []


def test_a_trial_that_is_extended_is_told_again_before_its_new_end() -> None:
    first, second = (notices_due(replace(TRIAL, trial_ends_at=NOW + days * DAY), NOW)[0] for days in (1, 2))
    assert first.object != second.object


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (0, [("payment_failed", 0)]), (2.9, [("payment_failed", 0)]), (3, [("payment_failed", 3)]), (7, [("payment_failed", 7)]),
        (8, [("payment_failed", 7), ("access_reduced", 8)]), (14, [("payment_failed", 14), ("access_reduced", 8)]),
        (22, [("access_reduced", 22)]), (-1, [("payment_failed", 0)]),
    ],
)  # fmt: skip
def test_a_payment_that_failed_is_told_on_days_0_3_7_and_14_and_when_less_is_possible(day: float, expected: list[tuple[str, int]]) -> None:
    assert due(overdue(day)) == expected


def test_of_reminders_that_were_missed_only_the_last_is_written() -> None:
    assert due(overdue(15)).count(("payment_failed", 14)) == 1
    assert len(due(overdue(15))) == 2


def test_what_is_unpaid_says_so_once_and_not_again_after_its_grace() -> None:
    after_grace = notices_due(overdue(22), NOW)[0]
    unpaid = notices_due(replace(overdue(22), status="unpaid"), NOW)[0]
    assert (after_grace.object, after_grace.attempt) == (unpaid.object, unpaid.attempt)
    assert due(replace(BOUGHT, status="paused")) == [("access_reduced", 22)]


def test_an_end_is_told_while_it_is_news() -> None:
    ended = replace(BOUGHT, status="canceled", ended_at=NOW)
    assert due(ended) == [("canceled", 1)]
    assert due(replace(ended, ended_at=NOW - 60 * DAY)) == []
    assert due(replace(ended, provider_subscription_id=None)) == []


@pytest.mark.parametrize(("left", "expected"), [(31, []), (30, [30]), (8, [30]), (7, [7]), (0.5, [7]), (0, [])])
def test_a_year_that_renews_is_told_a_month_and_a_week_ahead(left: float, expected: list[int]) -> None:
    yearly = replace(BOUGHT, billing_interval="year", current_period_end=NOW + left * DAY)
    assert [attempt for _, attempt in due(yearly)] == expected
    assert due(replace(yearly, cancel_at_period_end=True)) == []
    assert due(replace(yearly, billing_interval="month")) == []


def test_the_clock_looks_when_something_changes_and_once_a_day_at_least() -> None:
    assert next_look(BOUGHT, NOW) == NOW + LOOK_AT_LEAST
    assert next_look(replace(TRIAL, trial_ends_at=NOW + 3.5 * DAY), NOW) == NOW + 0.5 * DAY
    assert next_look(overdue(7.75), NOW) == NOW + 0.25 * DAY
    assert next_look(replace(BOUGHT, exceptions_end=NOW + timedelta(hours=1)), NOW) == NOW + timedelta(hours=1)


@given(st.floats(-40, 40), st.sampled_from(["trialing", "active", "past_due", "unpaid", "canceled"]), st.booleans())
def test_nothing_becomes_due_before_the_next_look(days: float, status: str, yearly: bool) -> None:
    one = replace(
        BOUGHT, status=status, billing_interval="year" if yearly else "month", trial_ends_at=NOW + days * DAY, current_period_end=NOW + days * DAY,
        past_due_since=NOW - days * DAY,
    )  # fmt: skip
    just_before = next_look(one, NOW) - timedelta(microseconds=1)
    assert set(due(one, just_before)) - set(due(one)) == set()


@pytest.mark.parametrize(("kind", "facts", "one", "matters"), [
    ("trial_ending", {"ends_at": NOW + DAY}, TRIAL, True), ("trial_ending", {"ends_at": NOW - DAY}, TRIAL, False),
    ("trial_ended", {}, TRIAL, True), ("trial_ended", {}, BOUGHT, False),
    ("payment_failed", {}, overdue(3), True), ("payment_failed", {}, BOUGHT, False),
    ("action_required", {}, replace(BOUGHT, invoice_url="https://pay.example"), True), ("action_required", {}, BOUGHT, False),
    ("access_reduced", {}, overdue(23, access=Access.READ_ONLY), True), ("access_reduced", {}, BOUGHT, False),
    ("renewal_ahead", {"renews_at": NOW + DAY}, BOUGHT, True), ("renewal_ahead", {"renews_at": NOW}, BOUGHT, False),
    ("usage_full", {}, replace(BOUGHT, period=NOW.date()), True), ("usage_full", {}, replace(BOUGHT, period=NOW.date() + DAY), False),
    ("plan_changed", {}, BOUGHT, True), ("organization_suspended", {}, BOUGHT, True),
])  # fmt: skip
def test_what_waited_is_told_while_things_are_as_it_says(kind: str, facts: dict[str, datetime], one: Subscribed, matters: bool) -> None:
    about = f"messages_sent:{NOW.date()}" if kind == "usage_full" else "x"
    notice = Owed(new_id(), kind, about, 1, {name: value.isoformat() for name, value in facts.items()}, 3 * DAY)
    assert still_matters(notice, one, NOW) is matters
    assert still_matters(replace(notice, waited=timedelta()), one, NOW)
    assert not still_matters(replace(notice, waited=15 * DAY), one, NOW)
