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
from frontdesk.usage.overage import NotEnoughCredit, Prepaid, UsageBiller, add_credit, bill_by, bill_overage, credit, overage_due
from frontdesk.usage.records import Charge, Credit, Debtor, Period, Standing, Usage

__all__ = [
    "Charge",
    "Credit",
    "Debtor",
    "NotEnoughCredit",
    "NotSold",
    "Period",
    "PlanLimitReached",
    "Prepaid",
    "Standing",
    "Usage",
    "UsageBiller",
    "add_credit",
    "anchor",
    "bill_by",
    "bill_overage",
    "check",
    "choose",
    "consume",
    "credit",
    "give_back",
    "keep_books",
    "lease",
    "overage_due",
    "overview",
    "period",
    "require",
    "require_for",
    "spend",
    "standing",
]
