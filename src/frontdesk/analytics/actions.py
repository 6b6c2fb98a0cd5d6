"""The overview, put together out of its questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from frontdesk.analytics import store
from frontdesk.analytics.records import (
    Beginnings,
    DayCount,
    Figures,
    Slice,
    Standing,
    Step,
    Waiting,
    bot_percent,
    day_slices,
    last_week_so_far,
    since,
)
from frontdesk.database import Tenant
from frontdesk.organizations import Organization

SHOWN_WAITING = 5
TREND = 14  # days behind a figure
RESPONSES = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first page shows. `empty`: nobody has written yet."""

    figures: Figures
    days: Sequence[DayCount]
    waiting: Sequence[Waiting]
    steps: Sequence[Step]
    empty: bool


async def overview(db: Tenant, organization: Organization, zone: ZoneInfo, now: datetime, days: int, *, simulated: bool) -> Overview:
    """Everything of the first page, by days of `zone`. simulated: whether there is a phone to say hi on."""
    slices = day_slices(now.astimezone(zone).date(), days, zone)
    *counts, last_week = await store.per_slice(db, [*slices, last_week_so_far(now, zone)])
    start = now.astimezone(zone).date() - timedelta(days=days - 1)
    per_day = [DayCount(start + timedelta(days=n), *count) for n, count in enumerate(counts)]
    begun = await store.beginnings(db)
    response = await store.first_response(db, RESPONSES)
    return Overview(
        figures=_figures(per_day, sum(last_week), await store.standing(db), response),
        days=per_day,
        waiting=await store.waiting(db, SHOWN_WAITING),
        steps=await _steps(db, begun, slices, organization.sample_data_loaded_at, simulated),
        empty=begun.empty,
    )


def _figures(per_day: Sequence[DayCount], last_week: int, standing: Standing, response: float | None) -> Figures:
    return Figures(
        messages_today=per_day[-1].all, messages_same_day_last_week=last_week,
        per_day=[day.all for day in per_day[-TREND:]],
        open_conversations=standing.open, unread_conversations=standing.unread, more_conversations=standing.more,
        bot_percent=bot_percent(per_day), first_response_seconds=response,
    )  # fmt: skip


async def _steps(db: Tenant, begun: Beginnings, days: Sequence[Slice], sample_data_at: datetime | None, simulated: bool) -> list[Step]:
    """What to do first, ticked by the rows that doing it leaves behind; those of the sample data do not count."""
    recent = since(days[0], sample_data_at, days[-1])
    hello = [Step("hello", await store.wrote_to_sandbox(db, sample_data_at))] if simulated else []
    answer = Step("answer", await store.answered_by_hand(db, recent, sample_data_at))
    return [*hello, answer, Step("rule", begun.wrote_rule), Step("number", begun.connected)]
