"""How a customer stands at Stripe, read out of what Stripe answered: pure questions over plain values."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from frontdesk.billing.records import ENDED

Told = Mapping[str, Any]
"""An object of Stripe's as plain values."""

ORDER = ("active", "trialing", "past_due", "unpaid", "paused", "incomplete", *ENDED)
"""Which of several subscriptions counts: the one that gives most. Source of the names: https://docs.stripe.com/billing/subscriptions/overview"""
UNKNOWN = "past_due"  # what a state that we do not know is taken for: nothing is lost by it today, and somebody looks
INVOICE_STATES = ("draft", "open", "paid", "uncollectible", "void")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What follows at the end of a period: a price, from when on, and the schedule that does it."""

    provider_schedule_id: str
    provider_price_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Running:
    """One subscription. amount: of each interval, in minor units. known: whether its state is one that we know."""

    id: str
    status: str
    known: bool
    provider_price_id: str
    lookup_key: str | None
    product_id: str
    billing_interval: str
    amount: int
    currency: str
    period_start: datetime
    period_end: datetime
    anchor: date  # the day of the month on which its months begin
    trial_ends_at: datetime | None
    cancel_at: datetime | None
    cancel_at_period_end: bool
    canceled_at: datetime | None
    ended_at: datetime | None
    latest_invoice_id: str | None
    schedule_id: str | None
    scheduled: Scheduled | None

    @property
    def lives(self) -> bool:
        """Whether something still comes of it."""
        return self.status not in ENDED


@dataclass(frozen=True, slots=True)
class Card:
    """What is charged, as it may be shown."""

    brand: str
    last4: str
    expires_on: date | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything of one customer at one time. others: further subscriptions that run, of which there should be none."""

    customer_id: str
    gone: bool
    email: str | None
    vat_id: str | None
    currency: str | None
    card: Card | None
    running: Running | None
    others: tuple[str, ...]
    invoices: tuple[dict[str, Any], ...]


def read(customer: Told, subscriptions: Sequence[Told], invoices: Iterable[Told]) -> Standing:
    """How the customer stands, of what Stripe answered about him."""
    ranked = sorted((_running(one) for one in sorted(subscriptions, key=lambda one: one["created"], reverse=True)), key=_rank)
    chosen = ranked[0] if ranked else None
    raw = next((one for one in subscriptions if chosen and one["id"] == chosen.id), None)
    kept = tuple(invoice(one) for one in invoices if one.get("status") in INVOICE_STATES)
    currency = customer.get("currency") or (chosen.currency if chosen else None)
    return Standing(
        customer_id=customer["id"], gone=bool(customer.get("deleted")), email=customer.get("email"), vat_id=_vat_id(customer),
        currency=currency.upper() if currency else None, card=_card(customer, raw), running=chosen,
        others=tuple(one.id for one in ranked[1:] if one.lives and one.status != "incomplete"), invoices=kept,
    )  # fmt: skip


def _rank(one: Running) -> int:
    return ORDER.index(one.status)


def _running(told: Told) -> Running:
    item = told["items"]["data"][0]
    price, status = item["price"], told["status"]
    ends = moment(item["current_period_end"])
    cancel_at = moment_or_none(told.get("cancel_at")) or (ends if told.get("cancel_at_period_end") else None)
    return Running(
        id=told["id"], status=status if status in ORDER else UNKNOWN, known=status in ORDER, provider_price_id=price["id"], lookup_key=price.get("lookup_key"),
        product_id=identity(price["product"]) or "", billing_interval=price["recurring"]["interval"],
        amount=(price.get("unit_amount") or 0) * (item.get("quantity") or 1), currency=price["currency"].upper(),
        period_start=moment(item["current_period_start"]), period_end=ends, anchor=moment(told["billing_cycle_anchor"]).date(),
        trial_ends_at=moment_or_none(told.get("trial_end")), cancel_at=cancel_at, cancel_at_period_end=cancel_at == ends and not told.get("ended_at"),
        canceled_at=moment_or_none(told.get("canceled_at")), ended_at=moment_or_none(told.get("ended_at")),
        latest_invoice_id=identity(told.get("latest_invoice")), schedule_id=identity(told.get("schedule")),
        scheduled=_scheduled(told.get("schedule"), price["id"], ends),
    )  # fmt: skip


def _scheduled(schedule: Any, price_now: str, period_end: datetime) -> Scheduled | None:
    """The first phase that begins at the period's end or later, if it changes the price."""
    if not isinstance(schedule, Mapping) or schedule.get("status") not in ("active", "not_started"):
        return None
    for phase in schedule["phases"]:
        price = identity(phase["items"][0]["price"])
        if moment(phase["start_date"]) >= period_end and price and price != price_now:
            return Scheduled(schedule["id"], price, moment(phase["start_date"]))
    return None


def _vat_id(customer: Told) -> str | None:
    found = (customer.get("tax_ids") or {}).get("data") or []
    return next((one["value"] for one in found), None)


def _card(customer: Told, subscription: Told | None) -> Card | None:
    methods = ((subscription or {}).get("default_payment_method"), (customer.get("invoice_settings") or {}).get("default_payment_method"))
    card = next((one["card"] for one in methods if isinstance(one, Mapping) and one.get("card")), None)
    if card is None:
        return None
    year, month = card.get("exp_year"), card.get("exp_month")
    return Card(card.get("brand") or "card", card.get("last4") or "", date(year, month, 1) if year and month else None)


def invoice(told: Told) -> dict[str, Any]:
    """A row of our mirror. What is paid through it is paid on Stripe's page."""
    transitions, parent = told.get("status_transitions") or {}, told.get("parent") or {}
    return {
        "id": told["id"], "number": told.get("number"), "status": told["status"], "billing_reason": told.get("billing_reason"),
        "currency": told["currency"].upper(), "subtotal": told["subtotal"], "total": told["total"], "amount_due": told["amount_due"],
        "amount_paid": told["amount_paid"], "amount_remaining": told["amount_remaining"], "hosted_invoice_url": told.get("hosted_invoice_url"),
        "invoice_pdf": told.get("invoice_pdf"), "period_start": _iso(told.get("period_start")), "period_end": _iso(told.get("period_end")),
        "issued_at": _iso(transitions.get("finalized_at") or told["created"]), "due_at": _iso(told.get("due_date")),
        "paid_at": _iso(transitions.get("paid_at")),
        "attempt_count": told.get("attempt_count") or 0, "next_attempt_at": _iso(told.get("next_payment_attempt")),
        "provider_subscription_id": identity((parent.get("subscription_details") or {}).get("subscription")),
    }  # fmt: skip


def identity(value: Any) -> str | None:
    """The id of what Stripe tells either by its id or whole."""
    found = value["id"] if isinstance(value, Mapping) else value
    return None if found is None else str(found)


def moment(seconds: int) -> datetime:
    """A time of Stripe's."""
    return datetime.fromtimestamp(seconds, UTC)


def moment_or_none(seconds: int | None) -> datetime | None:
    """The same where there may be none."""
    return moment(seconds) if seconds is not None else None


def _iso(seconds: int | None) -> str | None:
    return moment(seconds).isoformat() if seconds is not None else None
