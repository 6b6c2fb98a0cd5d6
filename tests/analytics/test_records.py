"""Days as ids: wherever the reader is, and however long a day is there."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.analytics.records import DayCount, bot_percent, day_slices, last_week_so_far, since
from frontdesk.database import id_time, new_id

BERLIN = ZoneInfo("Europe/Berlin")


def test_days_lie_end_to_end_from_midnight_to_midnight_there() -> None:
    slices = day_slices(date(2026, 10, 26), 3, BERLIN)
    assert [one.end for one in slices[:-1]] == [one.first for one in slices[1:]]
    starts = [id_time(one.first) for one in slices]
    assert starts[0] == datetime(2026, 10, 23, 22, tzinfo=UTC)
    assert id_time(slices[1].end) - starts[1] == timedelta(hours=25)  # clocks went back on the 25th


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2060, 1, 1)),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]),
)
def test_a_message_is_counted_on_the_day_its_reader_saw_it(moment: datetime, zone: str) -> None:
    at, there = moment.replace(tzinfo=UTC), ZoneInfo(zone)
    slices = day_slices(at.astimezone(there).date(), 2, there)
    made = new_id(at)
    assert slices[1].first <= made < slices[1].end


def test_last_week_is_compared_up_to_the_present_hour() -> None:
    now = datetime(2026, 11, 24, 8, 41, tzinfo=UTC)
    so_far = last_week_so_far(now, BERLIN)
    assert id_time(so_far.first) == datetime(2026, 11, 16, 23, tzinfo=UTC)
    assert id_time(so_far.end) == datetime(2026, 11, 17, 8, 41, tzinfo=UTC)


def test_a_later_instant_cuts_the_beginning_off() -> None:
    first, last = day_slices(date(2026, 11, 24), 2, ZoneInfo("UTC"))
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert id_time(since(first, noon, last).first) == noon
    assert since(first, None, last).first == first.first


def test_the_bots_share_is_of_a_week_of_answers() -> None:
    old, new = DayCount(date(2026, 11, 1), 9, 9, 0), DayCount(date(2026, 11, 9), 5, 1, 3)
    assert bot_percent([old] + [new] * 7) == 75
    assert bot_percent([DayCount(date(2026, 11, 1), 9, 0, 0)]) is None
