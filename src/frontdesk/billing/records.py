"""Plans and subscriptions. Imports nothing of ours."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

# What a plan limits, in the order the plans are shown with.
LIMITED = ("channels", "members", "contacts", "messages_sent", "auto_replies", "campaigns")


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be bought. Prices in minor units of the currency; limits: a metric that is missing or None has none."""

    id: str
    name: str
    description: str
    currency: str
    monthly_price: int
    yearly_price: int
    limits: dict[str, int | None]

    def limit(self, metric: str) -> int | None:
        """How much of a metric it allows; None is no limit."""
        return self.limits.get(metric)

    def price(self, interval: str) -> int:
        """What it costs a month or a year, in minor units."""
        return self.yearly_price if interval == "year" else self.monthly_price


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan beside what an organization uses. over: the metrics of which more is used than the plan allows."""

    plan: Plan
    over: frozenset[str]


@dataclass(frozen=True, slots=True)
class Period:
    """The month in which usage is counted, in UTC. ends: its last day."""

    starts: date
    ends: date

    @classmethod
    def of(cls, now: datetime) -> "Period":
        """The month of this instant."""
        today = now.astimezone(UTC).date()
        return cls(today.replace(day=1), today.replace(day=monthrange(today.year, today.month)[1]))

    def forecast(self, used: int, now: datetime) -> int | None:
        """Where a count will stand at the end if it goes on like this; None before there is a day to judge by."""
        start = datetime(self.starts.year, self.starts.month, self.starts.day, tzinfo=UTC)
        passed = (now - start) / timedelta(days=1)
        return round(used * self.ends.day / passed) if passed >= 1 else None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an organization has."""

    plan_id: str
    plan_name: str
    status: str
    billing_interval: str
    trial_ends_at: datetime | None
    current_period_end: datetime | None

    def trial_over(self, now: datetime) -> bool:
        """Whether it was tried out and nothing was bought."""
        return self.status == "trialing" and self.trial_ends_at is not None and self.trial_ends_at <= now


@dataclass(frozen=True, slots=True)
class PlanInUse:
    """The plan as every page shows it. used, limit: messages sent this month; a limit of None is none."""

    name: str
    trial_ends_at: datetime | None
    used: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class OperatorContact:
    """How to reach whoever runs this installation: the words, and an address to click on if they are one."""

    words: str
    href: str | None

    @classmethod
    def read(cls, written: str | None) -> "OperatorContact | None":
        """Out of the setting: an email address, a web address or plain words."""
        words = (written or "").strip()
        if not words:
            return None
        if words.startswith(("https://", "http://")):
            return cls(words, words)
        is_email = "@" in words and "." in words.rpartition("@")[2] and not any(letter.isspace() for letter in words)
        return cls(words, f"mailto:{words}" if is_email else None)
