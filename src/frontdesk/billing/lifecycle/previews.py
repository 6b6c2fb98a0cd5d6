"""What choosing another price would do and cost, asked of Stripe before anybody agrees to it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from frontdesk.billing import catalogue, store
from frontdesk.billing.ledger import subscription_of
from frontdesk.billing.lifecycle.moves import Move, move
from frontdesk.billing.records import Plan, Price, Subscription
from frontdesk.billing.stripe_api import Money, Place, asking
from frontdesk.errors import Conflict


class NothingBought(Conflict):
    """Nothing is bought that could be changed. Choose a plan first."""

    title = "Nothing is bought yet"


class NoChange(Conflict):
    """This is what you have, or what follows anyway. Nothing was changed."""

    title = "Nothing to change"


class PayFirst(Conflict):
    """An invoice is open. Pay it first; then the plan can be changed."""

    title = "An invoice is open"


class AmountChanged(Conflict):
    """The amount has changed since it was shown. Look at the new one; nothing was charged."""

    title = "The amount has changed"


class PaymentDeclined(Conflict):
    """The card was declined. Nothing was changed. Choose another card under Billing and try again."""

    title = "The card was declined"


REFUSED = (NothingBought, NoChange, PayFirst, PaymentDeclined, catalogue.NotForSale)
"""Why a plan is not changed, whatever amount was shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice that would come. amount: in minor units, below zero for what is given back."""

    description: str
    amount: int


@dataclass(frozen=True, slots=True)
class Change:
    """What choosing a price would do. amount: charged at once, in minor units; proration_date: up to which second is counted, as Stripe counts them.

    credit: of what is given back, what is left over for later invoices. effective_at: when it holds.
    """

    move: Move
    now: Subscription
    plan: Plan
    price: Price
    amount: int
    credit: int
    tax: int
    lines: tuple[Line, ...]
    proration_date: int
    effective_at: datetime


async def preview(money: Money, at: Place, lookup_key: str, proration_date: int | None = None) -> Change:
    """What choosing this price would do and cost, to the cent. Raises NothingBought, NoChange, PayFirst, NotForSale, StripeAway and its kin."""
    now, plan, price, kind = await wanted(money, at, lookup_key)
    told, item = await told_of(money, now)
    if kind is Move.DOWNGRADE:
        return Change(kind, now, plan, price, 0, 0, 0, (), 0, _moment(item["current_period_end"]))
    date = proration_date or second_within(item)
    details: Any = {
        "items": [{"id": item["id"], "price": await catalogue.sold(money, lookup_key)}],
        "proration_behavior": "always_invoice",
        "proration_date": date,
    }
    with asking():
        invoice = await money.v1.invoices.create_preview_async({"customer": told["customer"], "subscription": told["id"], "subscription_details": details})
    shown = invoice.to_dict()
    lines = tuple(Line(one.get("description") or "", one["amount"]) for one in shown["lines"]["data"])
    tax = sum(one["amount"] for one in shown.get("total_taxes") or [])
    return Change(kind, now, plan, price, shown["amount_due"], max(0, -shown["total"]), tax, lines, date, datetime.now(UTC))


async def bought(money: Money, at: Place) -> Subscription:
    """What the organization has bought and can change. Raises NothingBought."""
    async with money.database.tenants([at.organization_id]) as db:
        now = await subscription_of(db, at.organization_id)
    if now is None or not now.lives:
        raise NothingBought
    return now


async def wanted(money: Money, at: Place, lookup_key: str) -> tuple[Subscription, Plan, Price, Move]:
    """What there is, the plan and the price that are wanted, and what that would be. Raises NothingBought, NotForSale, PayFirst or NoChange."""
    now = await bought(money, at)
    async with money.database.platform() as db:
        plans = {plan.id: plan for plan in await store.all_plans(db)}
        price = next((one for one in await store.prices(db) if one.lookup_key == lookup_key), None)
    if price is None or price.plan_id not in plans or (now.currency and now.currency != price.currency):  # a subscription keeps its currency
        raise catalogue.NotForSale
    kind = move(price, now, plans)
    if kind is Move.PAY_FIRST:
        raise PayFirst
    if kind not in (Move.UPGRADE, Move.DOWNGRADE):
        raise NoChange
    return now, plans[price.plan_id], price, kind


async def told_of(money: Money, now: Subscription) -> tuple[dict[str, Any], dict[str, Any]]:
    """The subscription as Stripe has it, and its one item."""
    with asking():
        told = (await money.v1.subscriptions.retrieve_async(now.provider_subscription_id or "")).to_dict()
    return told, told["items"]["data"][0]


def second_within(item: dict[str, Any]) -> int:
    """This second, within the period that is paid: another clock than ours decides when that ends."""
    return max(int(item["current_period_start"]), min(int(datetime.now(UTC).timestamp()), int(item["current_period_end"]) - 1))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
