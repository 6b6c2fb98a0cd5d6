"""Usage, for an organization's own programs."""

from typing import Literal, Self

from pydantic import BaseModel, Field

from frontdesk.access import Permission
from frontdesk.api import Db, Door
from frontdesk.usage import store
from frontdesk.usage.records import Usage

door = Door("Usage")


class UsageReply(BaseModel):
    """One metric: how much is used now, and what the plan allows."""

    metric: str
    kind: Literal["period", "level"] = Field(description="`period` is counted by calendar month (UTC), `level` is how many there are.")
    used: int
    allowed: int | None = Field(description="null is no limit.")

    @classmethod
    def of(cls, one: Usage) -> Self:
        """As it is told."""
        return cls(metric=one.metric, kind="period" if one.kind == "period" else "level", used=one.used, allowed=one.allowed)


class UsageList(BaseModel):
    """Every metric there is."""

    data: list[UsageReply]


@door.get("/usage", needs=Permission.ORGANIZATION_READ)
async def list_usage(db: Db) -> UsageList:
    """How much of everything is used, and what the plan allows."""
    return UsageList(data=[UsageReply.of(one) for one in await store.overview(db)])
