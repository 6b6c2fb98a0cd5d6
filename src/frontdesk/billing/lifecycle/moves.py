"""What choosing a plan would be: buying it, an upgrade at once, a downgrade at the period's end. Pure questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from frontdesk.billing.records import LIMITED, Plan, Price, Subscription

MONTHS = {"month": 1, "year": 12}
OPEN = ("past_due", "unpaid", "incomplete")  # an invoice waits to be paid: nothing is changed before


class Move(StrEnum):
    """What choosing a price would do.

    buy: through a checkout. stay: it is what there is. next: it is what follows anyway. upgrade: at once, for the difference. downgrade: when the
    period ends. pay_first: nothing, before what is open is paid. none: it is not for sale.
    """

    BUY = "buy"
    STAY = "stay"
    NEXT = "next"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    PAY_FIRST = "pay_first"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Over:
    """A metric of which more is used than a plan allows."""

    metric: str
    used: int
    allowed: int

    @property
    def beyond(self) -> int:
        """How many are too many."""
        return self.used - self.allowed


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan as it is offered to an organization. over: the metrics of which more is used than it allows."""

    plan: Plan
    price: Price | None
    move: Move
    over: tuple[Over, ...]

    @property
    def over_metrics(self) -> frozenset[str]:
        """Their names."""
        return frozenset(one.metric for one in self.over)


def offer(plan: Plan, price: Price | None, now: Subscription | None, plans: Mapping[str, Plan], used: Mapping[str, int]) -> Offer:
    """A plan, for the price each month or each year, to an organization that has and uses this. plans: all that are sold, by their ids."""
    return Offer(plan, price, move(price, now, plans), over(plan, used))


def over(plan: Plan, used: Mapping[str, int]) -> tuple[Over, ...]:
    """Of what more is used than a plan allows."""
    return tuple(
        Over(metric, used[metric], limit) for metric in LIMITED if (limit := plan.limit(metric)) is not None and used.get(metric, 0) > limit
    )  # fmt: skip


def move(price: Price | None, now: Subscription | None, plans: Mapping[str, Plan]) -> Move:
    """What choosing a price would do. Dearer, or from monthly to yearly, is an upgrade; cheaper, or from yearly to monthly, a downgrade."""
    if price is None:
        return Move.NONE
    if now is None or not now.lives:
        return Move.BUY
    if (now.plan_id, now.billing_interval) == (price.plan_id, price.billing_interval):
        return Move.STAY
    if (now.scheduled_plan_id, now.scheduled_interval) == (price.plan_id, price.billing_interval):
        return Move.NEXT
    if now.status in OPEN:
        return Move.PAY_FIRST
    if now.plan_id != price.plan_id:
        dearer = _each_month(price) > _each_month_now(now, plans)
        return Move.UPGRADE if dearer and not (now.billing_interval == "year" and price.billing_interval == "month") else Move.DOWNGRADE
    return Move.UPGRADE if price.billing_interval == "year" else Move.DOWNGRADE


def _each_month(price: Price) -> float:
    return price.amount / MONTHS[price.billing_interval]


def _each_month_now(now: Subscription, plans: Mapping[str, Plan]) -> float:
    """What is paid now for a month: plans are compared as they are paid, a year at once is cheaper and no smaller plan."""
    if now.amount is not None:
        return now.amount / MONTHS[now.billing_interval]
    plan = plans.get(now.plan_id)
    return plan.price(now.billing_interval) / MONTHS[now.billing_interval] if plan else 0.0
