"""Puts the talks on the calendar: who said what when, always the same words, at times that end just before now."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from frontdesk.demo.people import PEOPLE, Person
from frontdesk.demo.talks import ADVERTISING, GENERAL, IN_LANGUAGE, UNANSWERED, Line

DAYS = 7
PAUSES = {"contact": (20, 400), "bot": (1, 2), "member": (45, 600)}  # seconds before a line of theirs
QUIET = timedelta(minutes=2)  # nothing happened just now
STANDINGS = ("assigned", "closed", "open", "closed", "open", "bot_off", "closed")
# who waits for an answer, in the order of the unanswered messages
WAITING = ("Amina Okafor", "Priya Sharma", "Emma Wilson", "Kwame Boateng", "Noah Fischer", "فاطمة السيد", "hello.julia")


@dataclass(frozen=True, slots=True)
class Said:
    """One line with its moment, in whole seconds as WhatsApp tells time."""

    line: Line
    at: datetime


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation with one person. unread: how many of the last lines wait.

    standing: open, assigned, bot_off, closed or blocked.
    """

    person: Person
    said: tuple[Said, ...]
    standing: str
    unread: int = 0


def threads(now: datetime) -> list[Thread]:
    """The conversations of the shop up to now."""
    chance = random.Random(20260614)
    return [_thread(n, person, now, chance) for n, person in enumerate(PEOPLE)]


def _thread(n: int, person: Person, now: datetime, chance: random.Random) -> Thread:
    if person.name == "Win Big Prizes":
        return Thread(person, _ending(ADVERTISING, now - timedelta(days=3, hours=2), chance), "blocked")
    unanswered = UNANSWERED[WAITING.index(person.name)] if person.name in WAITING else ()
    ends = _ends(n, now, bool(unanswered), chance)
    said = [line for talk, end in zip(_talks(n, person), ends, strict=False) for line in _ending(talk, end, chance)]
    if unanswered:
        said += _ending(tuple(Line("contact", text) for text in unanswered), now - QUIET - timedelta(minutes=7 * (n % 12)), chance)
    return Thread(
        person,
        tuple(sorted(said, key=lambda one: one.at)),
        "open" if unanswered else STANDINGS[n % len(STANDINGS)],
        len(unanswered),
    )


def _talks(n: int, person: Person) -> list[tuple[Line, ...]]:
    """One or two talks, the first in the person's own language where the shop knows it."""
    first = IN_LANGUAGE.get(person.language, GENERAL[n % len(GENERAL)])
    return [first, GENERAL[(n + 3) % len(GENERAL)]] if n % 3 != 1 else [first]


def _ends(n: int, now: datetime, more_to_come: bool, chance: random.Random) -> list[datetime]:
    """When the person's talks ended: by day in the week behind us, at hours when shops are open."""
    days = sorted(chance.sample(range(1 if more_to_come or n % 4 else 0, DAYS), 2), reverse=True)
    return [_on_day(now, back, chance) for back in days]


def _on_day(now: datetime, back: int, chance: random.Random) -> datetime:
    if back == 0:
        return now - QUIET - timedelta(minutes=chance.randint(5, 300))
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=back) + timedelta(minutes=chance.randint(9 * 60 + 30, 18 * 60))


def _ending(talk: Sequence[Line], end: datetime, chance: random.Random) -> tuple[Said, ...]:
    """The talk with its pauses, so that the last line is said at `end`."""
    return tuple(reversed(list(_backwards(talk, end.replace(microsecond=0), chance))))


def _backwards(talk: Sequence[Line], end: datetime, chance: random.Random) -> Iterator[Said]:
    for line in reversed(talk):
        yield Said(line, end)
        end -= timedelta(seconds=chance.randint(*PAUSES[line.author]))
