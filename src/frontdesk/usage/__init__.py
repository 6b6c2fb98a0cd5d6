"""How much of what an organization uses, and what its plan allows. Counting and refusing happen in PostgreSQL."""

from frontdesk.usage.actions import (
    NotSold,
    PlanLimitReached,
    anchor,
    check,
    choose,
    consume,
    give_back,
    lease,
    overview,
    period,
    require,
    require_for,
    spend,
    standing,
)
from frontdesk.usage.jobs import keep_books
from frontdesk.usage.records import Period, Standing, Usage

__all__ = [
    "NotSold",
    "Period",
    "PlanLimitReached",
    "Standing",
    "Usage",
    "anchor",
    "check",
    "choose",
    "consume",
    "give_back",
    "keep_books",
    "lease",
    "overview",
    "period",
    "require",
    "require_for",
    "spend",
    "standing",
]
