"""What the page says of a metric, and the month it is counted in."""

from datetime import UTC, date, datetime, timedelta

import pytest

from frontdesk.usage.charts import charts
from frontdesk.usage.records import DayFigure, Period, Standing, Usage, amount_of, minor
from frontdesk.usage.web import BadCap, _cap


def standing(used: int = 0, allowed: int | None = 100, **more: object) -> Standing:
    said = {"unit": "message", "over_limit": "overage", "cap": 20, "price": 1500, "currency": "EUR", "over": 0, "cost": 0, "may_go_over": True} | more
    return Standing("messages_sent", "period", used, allowed, **said)  # type: ignore[arg-type]  # fields of several types


def test_a_limit_is_close_from_four_fifths_on_and_full_at_its_end() -> None:
    for used, nearly, full in ((79, False, False), (80, True, False), (99, True, False), (100, True, True), (130, True, True)):
        one = Usage("contacts", "level", used, 100)
        assert (one.nearly_full, one.full) == (nearly, full)
    assert not Usage("contacts", "level", 10**9, None).nearly_full


def test_a_cap_pays_for_whole_units_only() -> None:
    assert standing().left_beyond == 13  # 20 cents at 1.5
    assert standing(cost=19_500).left_beyond == 0
    assert standing(cost=18_000).left_beyond == 1
    assert standing(may_go_over=False).left_beyond == 0
    assert standing(over_limit="stop", cap=None).left_beyond == 0
    assert not standing(price=None).sold and not standing(allowed=None).sold and standing().sold


@pytest.mark.parametrize(("cost", "cents"), [(0, 0), (499, 0), (500, 1), (1_499, 1), (1_500, 2), (99_000, 99)])
def test_thousandths_are_rounded_once_at_the_end(cost: int, cents: int) -> None:
    assert minor(cost) == cents


def test_a_forecast_needs_a_day_and_ends_with_the_month() -> None:
    month = Period(date(2026, 1, 31), date(2026, 2, 27))
    start = datetime(2026, 1, 31, tzinfo=UTC)
    assert month.forecast(50, start + timedelta(hours=23)) is None
    assert month.forecast(50, start + timedelta(days=14)) == 100
    assert month.forecast(50, start + timedelta(days=40)) == 50  # a clock that is ahead foretells no shrinking


def test_the_month_of_whoever_has_none_is_the_calendars() -> None:
    assert Period.of_calendar(date(2028, 2, 29)) == Period(date(2028, 2, 1), date(2028, 2, 29))


def test_amounts_are_named() -> None:
    assert (amount_of("api_requests", 1), amount_of("messages_sent", 5000)) == ("1 API call a month", "5,000 sent messages a month")


def test_every_day_has_its_column_and_a_chart_without_figures_is_none() -> None:
    first, last = date(2026, 2, 27), date(2026, 3, 1)
    drawn = charts(
        [
            DayFigure(first, "messages_received", "contact", 5), DayFigure(first, "messages_sent", "bot", 3),
            DayFigure(last, "messages_sent", "program", 2), DayFigure(last, "messages_sent", "campaign", 4), DayFigure(last, "api_requests", "nobody", 9),
        ], first, last,
    )  # fmt: skip
    assert [one.name for one in drawn] == ["messages", "api_requests"]
    assert drawn[0].series == ("received", "team", "bot", "programs")
    assert drawn[0].columns == [(first, [5, 0, 3, 0]), (date(2026, 2, 28), [0, 0, 0, 0]), (last, [0, 0, 0, 6])]
    assert charts([], first, last) == []


@pytest.mark.parametrize(("written", "cents"), [("20", 2000), ("20.50", 2050), (" 20,5 ", 2050), ("€20", 2000), ("0.01", 1), ("1000000", 100_000_000)])
def test_an_amount_is_read_as_people_write_it(written: str, cents: int) -> None:
    assert _cap(written) == cents


@pytest.mark.parametrize("written", ["", "0", "-5", "abc", "1e3", "20.505", "NaN", "Infinity", "1000000.01", "٢٠", "20.50.1", "9" * 40])
def test_what_is_no_amount_is_refused_with_the_field(written: str) -> None:
    with pytest.raises(BadCap) as refusal:
        _cap(written)
    assert refusal.value.field == "cap"
