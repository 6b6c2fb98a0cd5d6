"""What the overview tells, and the days it is counted by. Imports nothing of ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

WEEK = 7  # days


@dataclass(frozen=True, slots=True)
class Slice:
    """A stretch of time as the ids that were made in it: `first` is in it, `end` is not."""

    first: UUID
    end: UUID

    @classmethod
    def between(cls, start: datetime, end: datetime) -> Self:
        """From one instant up to another."""
        return cls(_first_id(start), _first_id(end))


@dataclass(frozen=True, slots=True)
class DayCount:
    """The messages of one day in the reader's zone, without reactions and campaigns."""

    date: date
    received: int
    by_members: int
    by_bot: int

    @property
    def all(self) -> int:
        """Everything said on that day."""
        return self.received + self.by_members + self.by_bot


@dataclass(frozen=True, slots=True)
class Person:
    """Whose conversation it is."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open conversation with something nobody has read."""

    id: UUID
    contact: Person
    last_text: str
    waiting_since: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How the conversations stand. `more`: only the newest were looked at, and there are more."""

    open: int
    unread: int
    more: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """The four figures on top. `bot_percent`: of the answers of a week; None when there were none."""

    messages_today: int
    messages_same_day_last_week: int
    per_day: list[int]
    open_conversations: int
    unread_conversations: int
    more_conversations: bool
    bot_percent: int | None
    first_response_seconds: float | None


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first things to do, and whether its rows are there."""

    key: str
    done: bool


@dataclass(frozen=True, slots=True)
class Beginnings:
    """What an organization has done so far, as its rows tell."""

    wrote_rule: bool
    connected: bool
    empty: bool


def day_slices(today: date, days: int, zone: ZoneInfo) -> list[Slice]:
    """The last `days` days, oldest first, from midnight to midnight where the reader is, however long a day is
    there."""
    dates = [today - timedelta(days=back) for back in range(days - 1, -1, -1)]
    return [Slice.between(_midnight(day, zone), _midnight(day + timedelta(days=1), zone)) for day in dates]


def last_week_so_far(now: datetime, zone: ZoneInfo) -> Slice:
    """The same weekday a week ago, from its midnight to the present hour."""
    then = now.astimezone(zone) - timedelta(days=WEEK)
    return Slice.between(_midnight(then.date(), zone), max(then, _midnight(then.date(), zone)))


def since(earliest: Slice, instant: datetime | None, latest: Slice) -> Slice:
    """From the first of the days, or from the instant if that is later, to the end of the last."""
    first = earliest.first if instant is None else max(earliest.first, _first_id(instant))
    return Slice(first, latest.end)


def bot_percent(days: Sequence[DayCount]) -> int | None:
    """How many of a hundred answers of the last week the bot gave."""
    bot, team = sum(day.by_bot for day in days[-WEEK:]), sum(day.by_members for day in days[-WEEK:])
    return round(100 * bot / (bot + team)) if bot + team else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _first_id(instant: datetime) -> UUID:
    """The smallest UUIDv7 of an instant; ids before and after it were made before and after it."""
    return UUID(int=int(instant.timestamp() * 1000) << 80)
