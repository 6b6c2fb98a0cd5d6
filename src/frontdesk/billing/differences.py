"""What is otherwise at Stripe than here, and the steps that put it right: questions over plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from frontdesk.billing.records import Plan, Price
from frontdesk.billing.standings import Told, identity

MARK = {"frontdesk": "portal"}  # by which our portal's configuration is known
REASONS = ("customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex", "too_expensive", "unused")
Kind = Literal["product", "price", "archive", "note", "portal", "meter", "webhook", "destination", "look", "missing"]


@dataclass(frozen=True, slots=True)
class Step:
    """One difference, and what puts it right. id: the thing at Stripe, None where it has to be made.

    A `look` is for a human; `missing` is what this installation does not know, so that a step cannot be done.
    """

    kind: Kind
    said: str
    id: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What Stripe has: products by their id, the prices of each that can be bought, and the portal's configuration."""

    products: Mapping[str, Told]
    prices: Sequence[Told]
    portal: Told | None


def differences(plans: Sequence[Plan], prices: Sequence[Price], found: Found, home: str, tax_code: str) -> list[Step]:
    """The steps from what Stripe has to what we sell, in the order in which they can be done."""
    sold_plans = {price.plan_id for price in prices}
    steps = [step for plan in plans if (step := _product_step(plan, plan.id in sold_plans, found, tax_code))]
    by_key = {one["lookup_key"]: one for one in found.prices if one.get("lookup_key")}
    for price in prices:
        steps += _price_steps(price, by_key.get(price.lookup_key))
    current = {price.lookup_key for price in prices}
    for one in found.prices:
        if one.get("lookup_key") not in current:
            steps.append(_leftover(one))
    return steps + _portal_steps(found.portal, portal(home))


def fits(price: Price, found: Told) -> bool:
    """Whether what Stripe would charge is the price that we show."""
    recurring = found.get("recurring") or {}
    theirs = (found.get("unit_amount"), found.get("currency"), recurring.get("interval"), recurring.get("interval_count", 1), identity(found.get("product")))
    ours = (price.amount, price.currency.lower(), price.billing_interval, 1, f"frontdesk_{price.plan_id}")
    return theirs == ours and bool(found.get("active")) and found.get("tax_behavior") == "exclusive"


def portal(home: str) -> dict[str, Any]:
    """What customers may do on Stripe's own pages: cards, addresses, tax ids, invoices, cancelling. Plans are changed here."""
    return {
        "default_return_url": f"{home}/dashboard/billing",
        "features": {
            "customer_update": {"enabled": True, "allowed_updates": ["address", "email", "name", "tax_id"]},
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
            "subscription_cancel": {"enabled": True, "mode": "at_period_end", "cancellation_reason": {"enabled": True, "options": list(REASONS)}},
            "subscription_update": {"enabled": False},
        },
        "metadata": MARK,
    }


def _product_step(plan: Plan, is_sold: bool, found: Found, tax_code: str) -> Step | None:
    id, known = f"frontdesk_{plan.id}", found.products.get(f"frontdesk_{plan.id}")
    wanted = {"name": plan.name, "description": plan.description, "active": is_sold, "tax_code": tax_code}
    if known is None:
        return Step("product", f"{plan.name}: a new product", None, {"id": id} | wanted) if is_sold else None
    other = {name: value for name, value in wanted.items() if (identity(known.get(name)) if name == "tax_code" else known.get(name)) != value}
    if not is_sold:
        other = {name: value for name, value in other.items() if name == "active"}
    return (
        Step("product", f"{plan.name}: {', '.join(f'{name} is {known.get(name)!r}, not {value!r}' for name, value in other.items())}", id, other)
        if other
        else None
    )


def _price_steps(price: Price, known: Told | None) -> list[Step]:
    wanted = f"{price.lookup_key}: {_amount(price.amount, price.currency)} a {price.billing_interval}"
    if known is None:
        return [Step("price", f"{wanted}, a new price", None, price=price)]
    if not fits(price, known):
        theirs = f"{_amount(known.get('unit_amount') or 0, known['currency'])} a {(known.get('recurring') or {}).get('interval')}"
        return [
            Step("price", f"{wanted}, while Stripe sells it for {theirs}", known["id"], price=price),
            Step("archive", f"{price.lookup_key}: the price of {theirs} is sold no more; who has it keeps it", known["id"]),
        ]
    return [Step("note", f"{price.lookup_key}: Stripe calls it {known['id']}", known["id"], price=price)] if price.provider_price_id != known["id"] else []


def _leftover(known: Told) -> Step:
    theirs = f"{known['id']} of {identity(known['product'])}, {_amount(known.get('unit_amount') or 0, known['currency'])}"
    if (known.get("metadata") or {}).get("frontdesk") == "price":
        return Step("archive", f"{theirs} is sold no more; who has it keeps it", known["id"])
    return Step("look", f"{theirs} was made in Stripe’s dashboard; nothing here sells it", known["id"])


def _portal_steps(known: Told | None, wanted: dict[str, Any]) -> list[Step]:
    if known is None:
        return [Step("portal", "customer portal: a new configuration", None, wanted)]
    return [] if _holds(known, wanted) else [Step("portal", "customer portal: its configuration is another one", known["id"], wanted)]


def _holds(known: Any, wanted: Any) -> bool:
    """Whether all that is wanted is so; what Stripe says beyond that does not matter."""
    if isinstance(wanted, Mapping):
        return isinstance(known, Mapping) and all(_holds(known.get(name), value) for name, value in wanted.items())
    return set(known or ()) == set(wanted) if isinstance(wanted, list) else bool(known == wanted)


def _amount(amount: int, currency: str) -> str:
    return f"{amount / 100:.2f} {currency.upper()}"
