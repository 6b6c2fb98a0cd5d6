"""Usage, for an organization's own programs."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal, Self

from fastapi import Query
from pydantic import BaseModel, BeforeValidator, Field

from frontdesk.access import Permission
from frontdesk.api import Db, Door
from frontdesk.errors import BadInput
from frontdesk.usage import actions, figures
from frontdesk.usage.records import DayFigure, Period, Standing

door = Door("Usage")
MOST_DAYS = 366
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def written_out(day: object) -> object:
    """Refuse numbers, which pydantic would take for seconds."""
    if isinstance(day, str) and not _DAY.fullmatch(day):
        raise ValueError("Write a day such as 2026-01-31.")
    return day


Day = Annotated[date | None, BeforeValidator(written_out)]


class BadDays(BadInput):
    """Ask for at most 366 days, the first of which is not after the last."""


class UsageReply(BaseModel):
    """One metric: how much is used now, and what the plan allows."""

    metric: str
    kind: Literal["period", "level"] = Field(description="`period` is counted by the organization's month (UTC), `level` is how many there are.")
    unit: str
    used: int
    allowed: int | None = Field(description="null is no limit.")
    over_limit: Literal["stop", "overage"] = Field(description="What the organization chose to happen at the limit.")
    cap: int | None = Field(description="What it may cost each month to go beyond the limit, in minor units of the currency.")
    over: int = Field(description="Units beyond the limit in this month.")

    @classmethod
    def of(cls, one: Standing) -> Self:
        """As it is told."""
        return cls(
            metric=one.metric, kind="period" if one.kind == "period" else "level", unit=one.unit, used=one.used, allowed=one.allowed,
            over_limit="overage" if one.over_limit == "overage" else "stop", cap=one.cap, over=one.over,
        )  # fmt: skip


class PeriodReply(BaseModel):
    """The organization's month, in UTC."""

    starts: date
    ends: date = Field(description="The last day.")

    @classmethod
    def of(cls, one: Period) -> Self:
        """As it is told."""
        return cls(starts=one.starts, ends=one.ends)


class UsageList(BaseModel):
    """Every metric there is."""

    period: PeriodReply
    data: list[UsageReply]


class DayReply(BaseModel):
    """How much of a metric a day had, of one author."""

    day: date
    metric: str
    author: Literal["contact", "member", "bot", "campaign", "program"] | None = Field(description="Who wrote; null where a metric has no author.")
    amount: int

    @classmethod
    def of(cls, one: DayFigure) -> Self:
        """As it is told."""
        return cls.model_validate({"day": one.day, "metric": one.metric, "author": None if one.author == "nobody" else one.author, "amount": one.amount})


class DayList(BaseModel):
    """The figures of some days, which are made every hour."""

    data: list[DayReply]


@door.get("/usage", needs=Permission.ORGANIZATION_READ)
async def list_usage(db: Db) -> UsageList:
    """How much of everything is used, and what the plan allows."""
    return UsageList(period=PeriodReply.of(await actions.period(db)), data=[UsageReply.of(one) for one in await actions.standing(db)])


@door.get("/usage/days", needs=Permission.BILLING_READ)
async def list_usage_days(
    db: Db,
    since: Annotated[Day, Query(description="The first day, in UTC; else 30 days are told.")] = None,
    until: Annotated[Day, Query(description="The last day, in UTC; else today.")] = None,
) -> DayList:
    """How much of each metric the days had. A day without any is left out."""
    last = until or datetime.now(UTC).date()
    first = since or max(last, date(1, 2, 1)) - timedelta(days=29)
    if not 0 <= (last - first).days < MOST_DAYS:
        raise BadDays(field="since")
    return DayList(data=[DayReply.of(one) for one in await figures.days(db, first, last)])
