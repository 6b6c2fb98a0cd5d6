"""Periods, also where a month is too short for their day."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.billing.simulator.periods import after, containing, months_after, same_rhythm

MONTHLY, YEARLY, WEEKLY = ({"interval": interval, "interval_count": 1} for interval in ("month", "year", "week"))
EPOCHS = st.integers(min_value=946_684_800, max_value=4_102_444_800)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("months", "day"),
    [(1, "2026-02-28T10:30:00"), (2, "2026-03-31T10:30:00"), (3, "2026-04-30T10:30:00"), (25, "2028-02-29T10:30:00"), (-2, "2025-11-30T10:30:00")],
)
def test_the_day_of_the_anchor_is_kept_wherever_a_month_has_it(months: int, day: str) -> None:
    assert months_after(at("2026-01-31T10:30:00"), months) == at(day)


def test_a_leap_day_is_billed_on_the_28th_until_the_next_leap_year() -> None:
    assert [after(at("2024-02-29"), YEARLY, n) for n in (1, 4)] == [at("2025-02-28"), at("2028-02-29")]


def test_a_period_ends_where_the_next_begins() -> None:
    assert containing(at("2026-01-31"), MONTHLY, at("2026-02-28")) == (at("2026-02-28"), at("2026-03-31"))
    assert containing(at("2026-01-31"), MONTHLY, at("2026-02-28") - 1) == (at("2026-01-31"), at("2026-02-28"))


@given(EPOCHS, EPOCHS, st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 12))
def test_every_moment_lies_in_exactly_one_period(anchor: int, moment: int, interval: str, count: int) -> None:
    recurring = {"interval": interval, "interval_count": count}
    start, end = containing(anchor, recurring, moment)
    assert start <= moment < end
    assert containing(anchor, recurring, end)[0] == end
    assert containing(anchor, recurring, start) == (start, end)


def test_twelve_months_are_another_rhythm_than_one() -> None:
    assert same_rhythm(MONTHLY, {"interval": "month"})
    assert not same_rhythm(MONTHLY, YEARLY)
    assert after(0, WEEKLY, 2) == 14 * 86_400
