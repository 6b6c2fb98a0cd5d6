"""Prices that are given where something is sold, without having been made before."""

from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FIELDS = ("currency", "product", "product_data", "recurring", "tax_behavior", "unit_amount", "unit_amount_decimal")


def priced(world: World, one: p.Params, where: str) -> Object:
    """The price of a line: one that is there and active, or the one that `price_data` describes."""
    data = p.inner(one, "price_data", FIELDS)
    if data is not None:
        return _made(world, data, f"{where}[price_data]")
    if one.get("price") in (None, ""):
        raise StripeError("invalid_request_error", f"Missing required param: {where}[price].", "parameter_missing", f"{where}[price]")
    price = world.get(str(one["price"]), "price", f"{where}[price]")
    if not price["active"]:
        raise invalid(f"The price specified is inactive. This field only accepts active prices: {price['id']}", f"{where}[price]")
    return price


def _made(world: World, data: p.Params, where: str) -> Object:
    """A price, kept but not for sale otherwise, and a product if it is described as well."""
    product = p.text(data, "product")
    if product is None:
        described = p.inner(data, "product_data", ("name", "description", "metadata", "tax_code", "images", "unit_label"))
        if described is None:
            raise StripeError("invalid_request_error", f"Missing required param: {where}[product_data].", "parameter_missing", where)
        name = str(p.required(described, "name"))
        made = shapes.make("product", id=world.new_id("prod", 14), name=name, active=False, created=world.now(), updated=world.now(), type="service")
        product = world.put(made)["id"]
    amount = p.integer(data, "unit_amount", least=0)
    if amount is None:
        raise StripeError("invalid_request_error", f"Missing required param: {where}[unit_amount].", "parameter_missing", f"{where}[unit_amount]")
    rhythm = p.inner(data, "recurring", ("interval", "interval_count"))
    recurring = None
    if rhythm is not None:
        count = p.integer(rhythm, "interval_count", 1, least=1)
        interval = p.choice(rhythm, "interval", ("day", "week", "month", "year"))
        recurring = shapes.make("price.recurring", interval=interval, interval_count=count, usage_type="licensed")
    price = shapes.make(
        "price", id=world.new_id("price"), active=False, billing_scheme="per_unit", created=world.now(), currency=str(p.required(data, "currency")).lower(),
        product=product, recurring=recurring, tax_behavior=p.text(data, "tax_behavior") or "unspecified", unit_amount=amount,
        unit_amount_decimal=str(amount), type="recurring" if recurring else "one_time",
    )  # fmt: skip
    return world.put(price)
