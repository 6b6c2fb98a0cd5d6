"""One metric of an organization, the words for it, and the month it is counted in. Imports nothing of ours."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Self
from uuid import UUID

NEARLY = 0.8  # of a limit: from here on it is worth a look
STOPS = ("messages_sent", "campaigns", "ai_replies", "media_bytes")  # what is refused at a limit: what customers write and what programs ask for is not
THOUSAND = 1000  # prices beyond a limit are for so many; costs are kept in so many parts of the minor unit

# What a sentence calls a metric: one of it, several of it.
NOUNS = {
    "ai_replies": ("AI reply a month", "AI replies a month"),
    "api_requests": ("API call a month", "API calls a month"),
    "auto_replies": ("auto reply", "auto replies"),
    "campaigns": ("campaign a month", "campaigns a month"),
    "channels": ("channel", "channels"),
    "contacts": ("contact", "contacts"),
    "media_bytes": ("byte of media a month", "bytes of media a month"),
    "members": ("member", "members"),
    "messages_received": ("received message a month", "received messages a month"),
    "messages_sent": ("sent message a month", "sent messages a month"),
}


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a metric is used now.

    kind: "period" is counted by the organization's month, "level" is how many there are. allowed: None is no limit.
    """

    metric: str
    kind: str
    used: int
    allowed: int | None

    @property
    def share(self) -> float:
        """How much of the limit is used: 0 to 1, or above where a smaller plan was chosen later; 0 without a limit."""
        if self.allowed is None:
            return 0.0
        return self.used / self.allowed if self.allowed else 1.0

    @property
    def nearly_full(self) -> bool:
        """Whether the limit is close or passed."""
        return self.allowed is not None and self.share >= NEARLY

    @property
    def full(self) -> bool:
        """Whether nothing more fits."""
        return self.allowed is not None and self.used >= self.allowed


@dataclass(frozen=True, slots=True)
class Standing(Usage):
    """A metric with what happens at its limit.

    over_limit: "stop" or "overage". cap: what may be spent beyond the limit each month, in minor units. price: of a thousand more, None where the
    plan sells none. over: units beyond the limit so far. cost: of these, in thousandths of the minor unit. may_go_over: whether the organization
    pays for its plan, so that what it chose holds.
    """

    unit: str
    over_limit: str
    cap: int | None
    price: int | None
    currency: str | None
    over: int
    cost: int
    may_go_over: bool

    @property
    def sold(self) -> bool:
        """Whether the plan sells more than it includes."""
        return bool(self.price) and self.kind == "period" and self.allowed is not None

    @property
    def charge(self) -> int:
        """What the units beyond the limit cost so far, in minor units."""
        return minor(self.cost)

    @property
    def left_beyond(self) -> int:
        """How many units the cap still pays for."""
        if self.over_limit != "overage" or not self.price or self.cap is None or not self.may_go_over:
            return 0
        return max(0, (self.cap * THOUSAND - self.cost) // self.price)

    def stopped_by(self, credit: "Credit | None" = None) -> str | None:
        """What keeps more of it from happening in this month; None where it goes on.

        `limit`: the plan's, which nobody chose to go beyond. `cap`: what may be spent beyond it. `credit`: that which pays for more. `standing`: it was
        chosen to go on, which holds for a plan that is bought and paid for.
        """
        if self.kind != "period" or self.metric not in STOPS or not self.full:
            return None
        if self.over_limit != "overage" or not self.price or self.cap is None:
            return "limit"
        if not self.may_go_over:
            return "standing"
        if not self.left_beyond:
            return "cap"
        return "credit" if credit is not None and credit.left * THOUSAND < self.price else None


@dataclass(frozen=True, slots=True)
class Period:
    """An organization's month, in UTC. ends: its last day."""

    starts: date
    ends: date

    @property
    def next_starts(self) -> date:
        """The day on which everything is counted from nothing again."""
        return self.ends + timedelta(days=1)

    @classmethod
    def of_calendar(cls, day: date) -> Self:
        """The month of whoever has none of his own."""
        return cls(day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))

    def forecast(self, used: int, now: datetime) -> int | None:
        """Where a count will stand at the end if it goes on like this; None before there is a day to judge by."""
        start = datetime(self.starts.year, self.starts.month, self.starts.day, tzinfo=UTC)
        passed = (now - start) / timedelta(days=1)
        length = (self.ends - self.starts).days + 1
        return round(used * length / min(passed, length)) if passed >= 1 else None


@dataclass(frozen=True, slots=True)
class DayFigure:
    """How much of a metric a day had, of one author: contact, member, bot, campaign, program, or nobody for what has none."""

    day: date
    metric: str
    author: str
    amount: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a channel or a member had of a time. id: of the channel or the user; name: None where it is gone."""

    id: UUID
    name: str | None
    sent: int
    received: int


@dataclass(frozen=True, slots=True)
class Charge:
    """What went beyond a limit in a month that is over. cost: in thousandths of the minor unit. attempts: how often it was begun before."""

    metric: str
    period_start: date
    period_end: date
    units: int
    cost: int
    currency: str
    attempts: int

    @property
    def amount(self) -> int:
        """In minor units."""
        return minor(self.cost)

    @property
    def key(self) -> str:
        """What this charge is called wherever it is billed: there is one for each metric and month of an organization."""
        return f"{self.metric}:{self.period_start.isoformat()}"


@dataclass(frozen=True, slots=True)
class Owed:
    """What went beyond a limit and stands on no invoice yet, of a month that is over or goes on. period_end: the day after its last.

    cost: in thousandths of the minor unit.
    """

    metric: str
    period_start: date
    period_end: date
    cost: int
    currency: str

    @property
    def amount(self) -> int:
        """In minor units."""
        return minor(self.cost)


@dataclass(frozen=True, slots=True)
class Debtor:
    """Who is charged. customer: the provider's id, None where there is none; invoice: the draft that is being made, or None for whichever comes next."""

    organization_id: UUID
    customer: str | None
    invoice: str | None


@dataclass(frozen=True, slots=True)
class Credit:
    """What was paid ahead, in minor units. owed: what went beyond limits and is not taken from it yet. sold: whether the plan sells anything beyond them."""

    currency: str
    sold: bool
    balance: int
    owed: int

    @property
    def left(self) -> int:
        """What more may go beyond limits."""
        return max(0, self.balance - self.owed)


@dataclass(frozen=True, slots=True)
class Drift:
    """A counter that differs from what it counts."""

    metric: str
    period_start: date
    counted: int
    recounted: int


def minor(cost: int) -> int:
    """Thousandths of a minor unit as whole ones, half of one rounded up."""
    return (cost + THOUSAND // 2) // THOUSAND


def amount_of(metric: str, amount: int) -> str:
    """`1 channel`, `5,000 sent messages a month`."""
    one, several = NOUNS.get(metric, (metric, metric))
    return f"{amount:,} {one if amount == 1 else several}"
