"""The items of subscriptions: which prices, how many, and for which time they are paid."""

from collections.abc import Sequence
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.periods import same_rhythm
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FIELDS = ("id", "price", "quantity", "metadata", "deleted", "clear_usage", "discounts", "price_data", "tax_rates", "billing_thresholds")
MOST = 20


def read(world: World, given: Sequence[Any], before: Sequence[Object], subscription: str) -> list[Object]:
    """The items as these parameters make them of those from before. Raises StripeError for what cannot be sold."""
    after = {one["id"]: one for one in before}
    for place, one in enumerate(given):
        where = f"items[{place}]"
        if not isinstance(one, dict):
            raise invalid("Invalid object", where)
        p.known(one, FIELDS, where)
        known = p.text(one, "id")
        if known is not None and known not in after:
            raise StripeError("invalid_request_error", f"No such subscription item: '{known}'", "resource_missing", f"{where}[id]")
        if known is not None and p.flag(one, "deleted"):
            del after[known]
            continue
        made = _changed(world, one, after[known], where) if known else _begun(world, one, subscription, where)
        after[made["id"]] = made
    return checked(list(after.values()))


def checked(items: list[Object]) -> list[Object]:
    """These items, if one subscription can have them. Raises StripeError."""
    if not items:
        raise invalid("A subscription must have at least one active plan.", "items")
    if len(items) > MOST:
        raise invalid(f"A subscription has at most {MOST} items.", "items")
    first = items[0]["price"]
    if any(one["price"]["currency"] != first["currency"] for one in items):
        raise invalid("All prices on a subscription must be in the same currency.", "items")
    if any(not same_rhythm(one["price"]["recurring"], first["recurring"]) for one in items):
        raise invalid("The prices of a subscription must all be paid equally often in the simulated Stripe.", "items")
    if len({one["price"]["id"] for one in items}) < len(items):
        raise invalid("Cannot add multiple subscription items with the same plan.", "items")
    return items


def of_list(subscription: Object, items: list[Object], period: tuple[int, int] | None = None) -> Object:
    """The list in which a subscription shows its items, perhaps for another period."""
    if period is not None:
        items = [one | {"current_period_start": period[0], "current_period_end": period[1]} for one in items]
    return shapes.list_of(items, f"/v1/subscription_items?subscription={subscription['id']}")


def period_of(subscription: Object) -> tuple[int, int]:
    """The time that is paid for, or tried out, now."""
    first = subscription["items"]["data"][0]
    return int(first["current_period_start"]), int(first["current_period_end"])


def recurring_price(world: World, price: str, param: str) -> Object:
    """A price that may be subscribed to. Raises StripeError."""
    found = world.found(price)
    if found is None or found["object"] != "price":
        raise StripeError("invalid_request_error", f"No such price: '{price}'", "resource_missing", param)
    if found["type"] != "recurring":
        raise invalid("The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.", param)
    if not found["active"]:
        raise invalid(f"The price specified is inactive. This field only accepts active prices: {price}", param)
    return found


def _begun(world: World, one: Object, subscription: str, where: str) -> Object:
    if one.get("price") in (None, ""):
        raise StripeError("invalid_request_error", f"Missing required param: {where}[price].", "parameter_missing", f"{where}[price]")
    price = recurring_price(world, str(one["price"]), f"{where}[price]")
    return shapes.make(
        "subscription_item", id=world.new_id("si", 14), created=world.now(), metadata=p.metadata(one), price=price, plan=plan_of(price),
        quantity=p.integer(one, "quantity", 1, least=0), subscription=subscription, tax_rates=[],
    )  # fmt: skip


def _changed(world: World, one: Object, item: Object, where: str) -> Object:
    if one.get("price"):
        price = world.get(item["price"]["id"]) if one["price"] == item["price"]["id"] else recurring_price(world, str(one["price"]), f"{where}[price]")
        item = item | {"price": price, "plan": plan_of(price)}
    return item | {"quantity": p.integer(one, "quantity", item["quantity"], least=0), "metadata": p.metadata(one, item["metadata"])}


def plan_of(price: Object) -> Object:
    """A price in the form that it had before there were prices, which items still show."""
    recurring = price["recurring"]
    return shapes.make(
        "plan", id=price["id"], active=price["active"], amount=price["unit_amount"], amount_decimal=price["unit_amount_decimal"],
        billing_scheme=price["billing_scheme"], created=price["created"], currency=price["currency"], interval=recurring["interval"],
        interval_count=recurring["interval_count"], metadata=price["metadata"], nickname=price["nickname"], product=price["product"], usage_type="licensed",
    )  # fmt: skip
