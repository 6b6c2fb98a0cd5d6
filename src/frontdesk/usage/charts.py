"""Figures of days as the page draws them: one chart for messages, one for each other metric that has any. Asks nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from frontdesk.usage.records import DayFigure

# What the pieces of a message's column are, from the bottom up: who wrote.
AUTHORS = {"received": ("contact",), "team": ("member",), "bot": ("bot",), "programs": ("program", "campaign")}
OTHERS = ("api_requests", "ai_replies", "media_bytes", "campaigns")


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart. name: `messages`, or a metric. series: what its pieces are. columns: each day with an amount for every piece."""

    name: str
    series: tuple[str, ...]
    columns: list[tuple[date, list[int]]]


def charts(figures: Sequence[DayFigure], first: date, last: date) -> list[Chart]:
    """The charts of these days; none where nothing was counted. Every day has its column."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    amounts: dict[tuple[str, str, date], int] = {}
    for one in figures:
        amounts[one.metric, one.author, one.day] = amounts.get((one.metric, one.author, one.day), 0) + one.amount
    drawn = [_messages(amounts, days)] + [Chart(metric, (metric,), [(day, [amounts.get((metric, "nobody", day), 0)]) for day in days]) for metric in OTHERS]
    return [one for one in drawn if any(any(values) for _, values in one.columns)]


def _messages(amounts: dict[tuple[str, str, date], int], days: Sequence[date]) -> Chart:
    def amount(piece: str, day: date) -> int:
        metric = "messages_received" if piece == "received" else "messages_sent"
        return sum(amounts.get((metric, author, day), 0) for author in AUTHORS[piece])

    present = tuple(piece for piece in AUTHORS if piece != "programs" or any(amount(piece, day) for day in days))
    return Chart("messages", present, [(day, [max(0, amount(piece, day)) for piece in present]) for day in days])
