"""The one table of what each state of a subscription may do. Reads no clock, asks nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from frontdesk.errors import LimitReached

DAY = timedelta(days=1)


class Access(StrEnum):
    """How much of its plan an organization may use.

    full: all of it. grace_full: all, with a banner. grace_limited: nothing that costs more later. read_only: it reads, exports and pays; its bots hand
    over in one line. free: all of the plan `free`. What its customers write is stored whatever this says.
    """

    FULL = "full"
    GRACE_FULL = "grace_full"
    GRACE_LIMITED = "grace_limited"
    READ_ONLY = "read_only"
    FREE = "free"


GRACE_DAYS, READ_ONLY_DAY = 8, 22  # whole days after a payment was first overdue: from then on limited, then read-only

# Which access a status gives, from which day on. Days count from `past_due_since`, by our own clock. `private.access_of` says the same in SQL.
STEPS: Mapping[str, tuple[tuple[int, Access], ...]] = {
    "trialing": ((0, Access.FULL),),  # one that nobody bought ends by our own clock: then as if there had been none
    "active": ((0, Access.FULL),),  # also when it is to end with its period
    "past_due": ((0, Access.GRACE_FULL), (GRACE_DAYS, Access.GRACE_LIMITED), (READ_ONLY_DAY, Access.READ_ONLY)),
    "unpaid": ((0, Access.READ_ONLY),),
    "paused": ((0, Access.READ_ONLY),),
    "incomplete": ((0, Access.FREE),),
    "incomplete_expired": ((0, Access.FREE),),
    "canceled": ((0, Access.FREE),),
}
UNKNOWN = STEPS["past_due"][:1]  # a status of a later day is overdue since this moment, and no longer: nobody is punished for what we do not know

# What an access refuses more of. `private.access_allows` says the same in SQL, where it is counted.
REFUSED: Mapping[Access, frozenset[str]] = {
    Access.FULL: frozenset(),
    Access.GRACE_FULL: frozenset(),
    Access.GRACE_LIMITED: frozenset({"campaigns", "channels", "members"}),
    Access.READ_ONLY: frozenset({"ai_replies", "auto_replies", "campaigns", "channels", "contacts", "members", "messages_sent"}),
    Access.FREE: frozenset(),
}
# Whether more than the plan includes may be used and billed.
OVERAGE = frozenset({Access.FULL, Access.GRACE_FULL})

# What is called what, where it is refused.
FEATURES = {"api": "API keys", "campaigns": "Campaigns"}


class NotInPlan(LimitReached):
    """This is not part of your plan. Choose a larger one under Billing."""

    title = "Not part of your plan"


class PaymentNeeded(LimitReached):
    """A payment is overdue. Until it is paid under Billing, this has to wait."""

    title = "A payment is overdue"


@dataclass(frozen=True, slots=True)
class Entitlements:
    """What an organization has. plan: the name of the one whose limits hold; bought: whether the payment provider knows of it."""

    plan_id: str
    plan: str
    status: str
    access: Access
    bought: bool
    allowed: int | None
    features: Mapping[str, bool]

    def refusal(self, metric: str) -> str | None:
        """Why no more of a metric may be used, whatever the limit; None where paying is not the reason."""
        if metric not in REFUSED[self.access]:
            return None
        if self.status == "paused":
            return "The trial has ended without a card. Add one under Billing, and everything goes on."
        if self.access is Access.READ_ONLY:
            return "An invoice is unpaid. Pay it under Billing, and everything goes on. What your customers write is kept."
        return "A payment is overdue. New channels, members and campaigns wait until it is paid under Billing."

    def lacking(self, feature: str) -> LimitReached | None:
        """Why a feature may not be used; None where it may."""
        if self.features.get(feature) and (reason := self.refusal(feature)):
            return PaymentNeeded(reason)
        if self.features.get(feature):
            return None
        name = FEATURES.get(feature, feature)
        if self.status == "trialing" and not self.bought and self.access is Access.FULL and feature == "campaigns":
            return NotInPlan(f"{name} open as soon as a plan is chosen and a card is known. Choose one under Billing.")
        return NotInPlan(f"{name} are not part of the plan {self.plan}. Choose a larger one under Billing.")


def access_at(status: str, *, past_due_since: datetime | None, trial_ends_at: datetime | None, bought: bool, at: datetime) -> Access:
    """The access of a subscription at a moment. bought: whether the payment provider knows of it."""
    if status == "trialing" and not bought and trial_ends_at is not None and trial_ends_at <= at:
        return Access.FREE
    steps = STEPS.get(status, UNKNOWN)
    day = overdue_days(past_due_since, at)
    return [access for first, access in steps if first <= day][-1]


def overdue_days(since: datetime | None, at: datetime) -> int:
    """How many whole days a payment has been overdue; 0 also while a clock is ahead of another."""
    return 0 if since is None else max(0, (at - since) // DAY)


def next_change(status: str, *, past_due_since: datetime | None, trial_ends_at: datetime | None, bought: bool, at: datetime) -> datetime | None:
    """When the access changes by itself, if nobody does anything; None when it never does."""
    moments = [trial_ends_at] if status == "trialing" and not bought else []
    if past_due_since is not None:
        moments += [past_due_since + first * DAY for first, _ in STEPS.get(status, UNKNOWN)]
    return min((moment for moment in moments if moment is not None and moment > at), default=None)
