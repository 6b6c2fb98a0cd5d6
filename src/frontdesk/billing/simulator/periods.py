"""Billing periods as Stripe counts them: from an anchor, whose day of the month is kept wherever a month has it.

https://docs.stripe.com/billing/subscriptions/billing-cycle: an anchor on 31 January bills on 28 February, then on 31 March.
"""

import calendar
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

HOUR = 3_600
DAY = 24 * HOUR
WEEK = 7 * DAY
FIXED = {"day": DAY, "week": WEEK}
MONTHS = {"month": 1, "year": 12}


def after(anchor: int, recurring: Mapping[str, Any], times: int) -> int:
    """The moment `times` whole periods after the anchor, in seconds. `recurring`: interval and interval_count of a price."""
    interval, count = str(recurring["interval"]), int(recurring.get("interval_count") or 1) * times
    if interval in FIXED:
        return anchor + FIXED[interval] * count
    return months_after(anchor, MONTHS[interval] * count)


def months_after(anchor: int, months: int) -> int:
    """The same day and time some months later, or the last day of a month that is too short. UTC has no summer time."""
    start = datetime.fromtimestamp(anchor, UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def containing(anchor: int, recurring: Mapping[str, Any], at: int) -> tuple[int, int]:
    """The period that `at` lies in: its start, and its end, which belongs to the next one already."""
    times = (at - anchor) // longest(recurring)
    while after(anchor, recurring, times + 1) <= at:
        times += 1
    while after(anchor, recurring, times) > at:
        times -= 1
    return after(anchor, recurring, times), after(anchor, recurring, times + 1)


def longest(recurring: Mapping[str, Any]) -> int:
    """The most seconds that one period can have."""
    interval, count = str(recurring["interval"]), int(recurring.get("interval_count") or 1)
    return count * (FIXED[interval] if interval in FIXED else 31 * DAY * MONTHS[interval])


def same_rhythm(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two prices are paid equally often. If not, changing from one to the other begins a new period."""
    return (one["interval"], one.get("interval_count") or 1) == (other["interval"], other.get("interval_count") or 1)


def plus_duration(start: int, duration: Mapping[str, Any]) -> int:
    """The end of a schedule's phase or a coupon that is given as {interval, interval_count}."""
    return after(start, duration, 1)
