"""Moments as the reader calls them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from frontdesk.web import pages
from frontdesk.web.times import zone_or_utc

NOW = datetime(2026, 11, 24, 8, 41, tzinfo=UTC)
LAGOS = ZoneInfo("Africa/Lagos")


def say(expression: str, at: object, zone: ZoneInfo = LAGOS) -> str:
    return pages().environment.from_string("{{ " + expression + " }}").render(at=at, now=NOW, zone=zone, locale="en_GB")


@pytest.mark.parametrize(
    ("ago", "short", "long"),
    [
        (timedelta(), "09:41", "Today 09:41"),
        (timedelta(hours=10), "Yesterday", "Yesterday 23:41"),
        (timedelta(days=10), "14 Nov", "14 Nov"),
        (timedelta(days=400), "20 Oct 2025", "20 Oct 2025"),
    ],
)
def test_a_moment_is_told_as_short_as_it_can_be(ago: timedelta, short: str, long: str) -> None:
    assert say("at|moment", NOW - ago) == short
    assert say("at|stamp", NOW - ago) == long


def test_what_never_happened_says_so() -> None:
    assert say("at|moment", None) == "Never"


def test_today_depends_on_where_the_reader_is() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert say("at|day", late) == "Today"
    assert say("at|day", late, ZoneInfo("America/New_York")) == "Yesterday"


def test_a_heading_names_the_day() -> None:
    assert say("at|day", NOW - timedelta(days=3)) == "Saturday 21 November"
    assert say("at|full_date", NOW) == "24 November 2026"
    assert say("at|weekday_date", NOW) == "Tuesday 24 November"
    assert say("at|weekday_date", NOW + timedelta(days=300)) == "Monday 20 September 2027"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(42, "42 s"), (600, "10 min"), (3600, "1 h"), (83520, "23 h 12 min"), (86400, "1 day"), (259200, "3 days")],
)
def test_a_length_of_time_is_rounded_to_what_matters(seconds: int, words: str) -> None:
    assert say("at|span", seconds) == words


def test_days_until_count_midnights_and_never_go_below_zero() -> None:
    assert say("at|days_until", NOW + timedelta(days=8)) == "8"
    assert say("at|days_until", NOW - timedelta(days=8)) == "0"


@pytest.mark.parametrize("name", ["", None, "No/Where", "../../etc/passwd", "\x00", "a" * 500])
def test_an_unknown_zone_is_utc(name: str | None) -> None:
    assert zone_or_utc(name) == ZoneInfo("UTC")
