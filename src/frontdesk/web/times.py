"""Moments in words, in the reader's time zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def local(context: Context, moment: datetime) -> datetime:
    """The moment in the reader's time zone."""
    return moment.astimezone(_zone(context))


@pass_context
def clock(context: Context, moment: datetime) -> str:
    """`09:41`."""
    return format_time(local(context, moment), "HH:mm", locale=_locale(context))


@pass_context
def moment(context: Context, at: datetime | None) -> str:
    """As short as it can be said: `09:41` today, `Yesterday`, `14 Mar`, `14 Mar 2025`; `Never` for nothing."""
    if at is None:
        return str(context.call(context.resolve("_"), "Never"))
    day = local(context, at).date()
    return clock(context, at) if day == _today(context) else _short_day(context, day)


@pass_context
def stamp(context: Context, at: datetime | None) -> str:
    """As `moment`, with the hour where the day alone says little: `Today 09:41`, `Yesterday 17:02`, `14 Mar`."""
    if at is None:
        return str(context.call(context.resolve("_"), "Never"))
    day = local(context, at).date()
    near = _today(context) - day <= timedelta(days=1)
    return f"{_short_day(context, day)} {clock(context, at)}" if near else _short_day(context, day)


@pass_context
def day(context: Context, at: datetime | date) -> str:
    """A heading between messages: `Today`, `Yesterday`, `Monday 23 November`, `14 March 2025`."""
    of = local(context, at).date() if isinstance(at, datetime) else at
    today = _today(context)
    if today - of <= timedelta(days=1):
        return _short_day(context, of)
    return format_date(of, "EEEE d MMMM" if of.year == today.year else "d MMMM y", locale=_locale(context))


@pass_context
def full_date(context: Context, at: datetime | date) -> str:
    """`24 November 2026`."""
    of = local(context, at).date() if isinstance(at, datetime) else at
    return format_date(of, "d MMMM y", locale=_locale(context))


@pass_context
def short_date(context: Context, of: date) -> str:
    """`24 Nov`, below a column of a chart."""
    return format_date(of, "d MMM", locale=_locale(context))


@pass_context
def weekday_date(context: Context, at: datetime | date) -> str:
    """`Tuesday 24 November`, and `Tuesday 14 March 2028` where it is not of this year."""
    of = local(context, at).date() if isinstance(at, datetime) else at
    return format_date(of, "EEEE d MMMM" if of.year == _today(context).year else "EEEE d MMMM y", locale=_locale(context))


@pass_context
def span(context: Context, length: timedelta | float) -> str:
    """A length of time: `42 s`, `9 min`, `23 h 12 min`, `3 days`. A number is seconds."""
    seconds = int(length.total_seconds() if isinstance(length, timedelta) else length)
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if days:
        return str(context.call(context.resolve("ngettext"), "%(num)s day", "%(num)s days", days))
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{minutes} min" if minutes else f"{seconds} s"


@pass_context
def days_until(context: Context, at: datetime) -> int:
    """How many midnights lie between now and then, in the reader's time zone; never below zero."""
    return max((local(context, at).date() - _today(context)).days, 0)


def zone_or_utc(name: str | None) -> ZoneInfo:
    """The named time zone, or UTC when there is none of that name."""
    try:
        return ZoneInfo(name) if name else ZoneInfo("UTC")
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")


def _short_day(context: Context, of: date) -> str:
    today = _today(context)
    if of == today:
        return str(context.call(context.resolve("_"), "Today"))
    if of == today - timedelta(days=1):
        return str(context.call(context.resolve("_"), "Yesterday"))
    return format_date(of, "d MMM" if of.year == today.year else "d MMM y", locale=_locale(context))


def _today(context: Context) -> date:
    now: datetime = context.get("now") or datetime.now(UTC)
    return now.astimezone(_zone(context)).date()


def _zone(context: Context) -> ZoneInfo:
    zone = context.get("zone")
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")


def _locale(context: Context) -> str:
    return str(context.get("locale") or "en_GB")
