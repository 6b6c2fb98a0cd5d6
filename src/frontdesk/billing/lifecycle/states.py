"""How an organization stands with paying, in one word for its page, and the invoice that comes next. Pure questions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from frontdesk.billing.records import Invoice, Price, Subscription
from frontdesk.entitlements import GRACE_DAYS, READ_ONLY_DAY, Access, Entitlements
from frontdesk.usage import Owed

DAY = timedelta(days=1)


class State(StrEnum):
    """What the page says above everything else."""

    NOTHING = "nothing"
    TRIAL = "trial"
    TRIAL_OVER = "trial_over"
    BOUGHT_TRIAL = "bought_trial"
    RUNS = "runs"
    CANCELLING = "cancelling"
    CHANGING = "changing"
    GRACE = "grace"
    LIMITED = "limited"
    UNPAID = "unpaid"
    PAUSED = "paused"
    INCOMPLETE = "incomplete"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The invoice that comes next. amount: of the plan, without tax, in minor units; beyond: what is added for what went beyond it, up to now."""

    at: datetime
    plan_id: str
    amount: int
    currency: str
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class Apart:
    """An invoice of its own for what went beyond the plan in a month, in minor units without tax."""

    at: date
    amount: int
    currency: str


def state_of(one: Subscription | None, has: Entitlements | None, now: datetime) -> State:
    """The state of a subscription, with what it may do now."""
    if one is None or has is None:
        return State.NOTHING
    if one.status == "trialing" and not one.lives:
        return State.TRIAL_OVER if one.trial_over(now) else State.TRIAL
    if one.status in ("canceled", "incomplete_expired"):
        return State.ENDED
    if one.status in ("incomplete", "paused", "unpaid"):
        return State(one.status)
    if one.status == "past_due":
        return {Access.GRACE_LIMITED: State.LIMITED, Access.READ_ONLY: State.UNPAID}.get(has.access, State.GRACE)
    if one.cancel_at_period_end or one.cancel_at is not None:
        return State.CANCELLING
    if one.scheduled_plan_id is not None:
        return State.CHANGING
    return State.BOUGHT_TRIAL if one.status == "trialing" else State.RUNS


def upcoming(one: Subscription | None, prices: Sequence[Price]) -> Upcoming | None:
    """The next invoice, as far as it is known; None where none will come, or another one has to be paid first."""
    if one is None or not one.lives or one.status not in ("active", "trialing") or one.cancel_at_period_end or one.cancel_at is not None:
        return None
    at = one.current_period_end
    if at is None or one.amount is None or one.currency is None:
        return None
    for price in prices:
        if (price.plan_id, price.billing_interval, price.currency) == (one.scheduled_plan_id, one.scheduled_interval, one.currency):
            return Upcoming(at, price.plan_id, one.scheduled_amount or price.amount, price.currency)
    return Upcoming(at, one.plan_id, one.amount, one.currency)


def with_beyond(renewal: Upcoming | None, one: Subscription | None, owed: Sequence[Owed]) -> tuple[Upcoming | None, list[Apart]]:
    """The next invoice with what went beyond the plan until then, and the invoices of their own that there will be for it.

    A monthly renewal takes along what the months that are over by then have; where the plan is paid by the year, or ends, each month has its own.
    """
    if one is None or one.provider_subscription_id is None:
        return renewal, []
    if renewal is not None and one.billing_interval == "month":
        along = [charge.amount for charge in owed if charge.period_end <= renewal.at.astimezone(UTC).date() and charge.currency == renewal.currency]
        return replace(renewal, beyond=sum(along)), []
    months: dict[tuple[date, str], int] = {}
    for charge in owed:
        months[charge.period_end, charge.currency] = months.get((charge.period_end, charge.currency), 0) + charge.amount
    return renewal, [Apart(at, amount, currency) for (at, currency), amount in sorted(months.items()) if amount]


def to_pay(invoices: Sequence[Invoice]) -> Invoice | None:
    """The invoice that is open, the newest of several."""
    return next((one for one in invoices if one.status == "open" and one.amount_remaining > 0), None)


def grace_ends(one: Subscription | None) -> tuple[datetime, datetime] | None:
    """From when on less is possible, and from when on nothing is sent; None where nothing is overdue."""
    if one is None or one.past_due_since is None:
        return None
    return one.past_due_since + GRACE_DAYS * DAY, one.past_due_since + READ_ONLY_DAY * DAY
