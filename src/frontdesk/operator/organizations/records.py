"""Organizations as an operator sees them. Imports nothing of ours."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

STATES = ("all", "trial", "active", "failing", "ended", "suspended", "leaving")
# Which statuses of a subscription each of these means.
STATUSES = {
    "trial": ("trialing",),
    "active": ("active",),
    "failing": ("past_due", "unpaid", "incomplete"),
    "ended": ("canceled", "paused", "incomplete_expired"),
}


@dataclass(frozen=True, slots=True)
class Health:
    """What is not well in an organization. stopped: numbers that send nothing; failed: kept deliveries."""

    stopped: int
    failed: int

    @property
    def well(self) -> bool:
        """Whether there is nothing to look at."""
        return not self.stopped and not self.failed


@dataclass(frozen=True, slots=True)
class Row:
    """An organization with what it has, in one line. messages: sent this period; allowed: by its plan, None is no limit; mrr: in minor units;
    ends_at: when what it bought ends, if that is planned; next_plan, next_at: what it changes to, and when."""

    id: UUID
    slug: str
    name: str
    created_at: datetime
    suspended_at: datetime | None
    suspended_reason: str | None
    plan_id: str | None
    plan: str | None
    currency: str | None
    status: str | None
    billing_interval: str | None
    trial_ends_at: datetime | None
    past_due_since: datetime | None
    bought: bool
    ends_at: datetime | None
    next_plan: str | None
    next_at: datetime | None
    deletion_due_at: datetime | None
    deletion_begun_at: datetime | None
    messages: int
    allowed: int | None
    mrr: int
    members: int
    last_seen_at: datetime | None
    numbers: int
    stopped: int
    failed: int

    @property
    def health(self) -> Health:
        """What is not well."""
        return Health(self.stopped, self.failed)

    def state(self, now: datetime) -> tuple[str, int]:
        """What it comes down to, in one word, and the days that go with it: until a trial, a plan or the organization ends, since a payment failed."""
        if self.deletion_due_at:
            return "leaving", _days_until(self.deletion_due_at, now)
        if self.suspended_at:
            return "suspended", (now - self.suspended_at).days
        if self.status == "trialing" and self.trial_ends_at:
            return ("trial", _days_until(self.trial_ends_at, now)) if self.trial_ends_at > now else ("trial_over", (now - self.trial_ends_at).days)
        if self.status == "past_due" and self.past_due_since:
            return "past_due", (now - self.past_due_since).days
        if self.ends_at:
            return "ending", _days_until(self.ends_at, now)
        return self.status or "none", 0


@dataclass(frozen=True, slots=True)
class Owner:
    """Whoever owns an organization first."""

    organization_id: UUID
    user_id: UUID
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member by name and role."""

    user_id: UUID
    name: str
    email: str
    role: str
    last_seen_at: datetime | None
    has_factor: bool


@dataclass(frozen=True, slots=True)
class Number:
    """A number of an organization, and how it fares."""

    id: UUID
    kind: str
    name: str
    display_number: str
    stopped_at: datetime | None
    stopped_reason: str | None
    last_error: str | None
    last_error_at: datetime | None
    last_inbound_at: datetime | None


def _days_until(at: datetime, now: datetime) -> int:
    """Days that are left. One that has begun counts, unless less than an hour of it is left; nothing is below zero."""
    return max(0, (at - now + timedelta(hours=23)).days)
