"""Plans and subscriptions. Imports nothing of ours."""

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

ENDED = ("canceled", "incomplete_expired")  # states of a subscription after which nothing comes
# What a plan limits, in the order the plans are shown with.
LIMITED = ("channels", "members", "contacts", "messages_sent", "auto_replies", "campaigns")


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be bought. Prices in minor units of the currency; limits: a metric that is missing or None has none.

    features: what it lets an organization do beside its limits; overage: what a thousand more of a metric cost, in minor units.
    """

    id: str
    name: str
    description: str
    currency: str
    monthly_price: int
    yearly_price: int
    limits: dict[str, int | None]
    features: dict[str, bool] = field(default_factory=dict)
    overage: dict[str, int] = field(default_factory=dict)

    def limit(self, metric: str) -> int | None:
        """How much of a metric it allows; None is no limit."""
        return self.limits.get(metric)

    def price(self, interval: str) -> int:
        """What it costs a month or a year, in minor units."""
        return self.yearly_price if interval == "year" else self.monthly_price


@dataclass(frozen=True, slots=True)
class Price:
    """What a plan costs each month or year in one currency, in minor units; a price never changes, another amount is another version."""

    lookup_key: str
    version: int
    plan_id: str
    billing_interval: str
    currency: str
    amount: int
    provider_price_id: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """The customer that an organization is at the payment provider."""

    provider_customer_id: str | None
    currency: str | None
    email: str | None
    vat_id: str | None
    card_brand: str | None
    card_last4: str | None
    card_expires_on: date | None
    synced_at: datetime | None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What an organization has, tries or had. amount: what it pays each interval, in minor units; scheduled: what follows at the period's end.

    Without a provider's id it is a trial of ours, or nothing was ever bought.
    """

    plan_id: str
    plan_name: str
    status: str
    billing_interval: str
    trial_ends_at: datetime | None
    current_period_end: datetime | None
    provider_subscription_id: str | None = None
    price_lookup_key: str | None = None
    amount: int | None = None
    currency: str | None = None
    current_period_start: datetime | None = None
    cancel_at_period_end: bool = False
    cancel_at: datetime | None = None
    canceled_at: datetime | None = None
    past_due_since: datetime | None = None
    scheduled_plan_id: str | None = None
    scheduled_interval: str | None = None
    scheduled_amount: int | None = None
    scheduled_at: datetime | None = None
    provider_schedule_id: str | None = None
    latest_invoice_id: str | None = None
    synced_at: datetime | None = None

    @property
    def lives(self) -> bool:
        """Whether something runs at the provider, so that it is changed and not bought a second time."""
        return self.provider_subscription_id is not None and self.status not in ENDED

    def trial_over(self, now: datetime) -> bool:
        """Whether it was tried out and nothing was bought."""
        return self.status == "trialing" and self.trial_ends_at is not None and self.trial_ends_at <= now


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice as the provider has it. Amounts in minor units; its addresses are pages of the provider's."""

    id: str
    number: str | None
    status: str
    billing_reason: str | None
    currency: str
    subtotal: int
    total: int
    amount_due: int
    amount_paid: int
    amount_remaining: int
    hosted_invoice_url: str | None
    invoice_pdf: str | None
    period_start: datetime | None
    period_end: datetime | None
    issued_at: datetime
    due_at: datetime | None
    paid_at: datetime | None
    attempt_count: int
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event of the payment provider, as whoever runs the installation sees it. organization: None of a customer that is nobody's here.

    It is handled, waits to be, or was given up and wants a look.
    """

    id: UUID
    organization_id: UUID | None
    organization: str | None
    provider_event_id: str
    type: str
    object_id: str | None
    arrived_by: str
    happened_at: datetime
    received_at: datetime
    next_try_at: datetime | None
    attempts: int
    last_error: str | None
    given_up_at: datetime | None
    handled_at: datetime | None
    provider_customer_id: str | None = None

    @property
    def state(self) -> str:
        """handled, given_up or waiting."""
        return "handled" if self.handled_at else "given_up" if self.given_up_at else "waiting"


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
