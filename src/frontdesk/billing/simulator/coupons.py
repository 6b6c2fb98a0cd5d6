"""Coupons: what is taken off, and for how long. They change no more than their names."""

from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.prices import currency
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]


def create(world: World, params: p.Params) -> Object:
    """POST /v1/coupons: so many percent, or so much."""
    p.known(
        params,
        ("amount_off", "applies_to", "currency", "duration", "duration_in_months", "id", "max_redemptions", "metadata", "name", "percent_off", "redeem_by"),
    )
    own = p.text(params, "id", longest=200)
    if own and world.found(own) is not None:
        raise StripeError("invalid_request_error", "Coupon already exists.", "resource_already_exists", "id")
    coupon = shapes.make(
        "coupon", id=own or world.new_id("x", 8)[2:], created=world.now(), metadata=p.metadata(params), name=p.text(params, "name", longest=40),
        duration=p.choice(params, "duration", ("forever", "once", "repeating"), "once"), max_redemptions=p.integer(params, "max_redemptions", least=1),
        redeem_by=p.moment(params, "redeem_by"), valid=True, duration_in_months=p.integer(params, "duration_in_months", least=1, most=1200),
    )  # fmt: skip
    if (coupon["duration"] == "repeating") != (coupon["duration_in_months"] is not None):
        raise invalid("Coupons that repeat, and only they, say for how many months.", "duration_in_months")
    coupon |= _off(params)
    if (products := p.several(p.inner(params, "applies_to", ("products",)) or {}, "products")) != []:
        world.put_private(coupon["id"], {"applies_to": {"products": [world.get(str(one), "product", "applies_to[products]")["id"] for one in products]}})
    world.emit("coupon.created", world.put(coupon))
    return coupon


def retrieve(world: World, params: p.Params, coupon: str) -> Object:
    """GET /v1/coupons/{coupon}."""
    return current(world, world.get(coupon, "coupon"))


def update(world: World, params: p.Params, coupon: str) -> Object:
    """POST /v1/coupons/{coupon}: its name and notes."""
    p.known(params, ("metadata", "name"))
    before, after = retrieve(world, {}, coupon), retrieve(world, {}, coupon)
    if "name" in params:
        after["name"] = p.text(params, "name", longest=40)
    after["metadata"] = p.metadata(params, after["metadata"])
    world.emit("coupon.updated", world.put(after), previous=before)
    return after


def delete(world: World, params: p.Params, coupon: str) -> Object:
    """DELETE /v1/coupons/{coupon}: who has it keeps it."""
    before = world.get(coupon, "coupon")
    gone = world.delete(coupon)
    world.emit("coupon.deleted", before | {"valid": False})
    return gone


def index(world: World, params: p.Params) -> Object:
    """GET /v1/coupons."""
    p.known(params, (*PAGING, "created"))
    found = listing(world, "coupon", params)
    return found | {"data": [current(world, one) for one in found["data"]]}


def applies_to(world: World, coupon: Object) -> Object | None:
    """`applies_to`, which Stripe shows only to whoever expands it."""
    found: Object | None = world.private(coupon["id"]).get("applies_to")
    return found


def current(world: World, coupon: Object) -> Object:
    """The coupon as it stands now: not valid once it was redeemed as often as it may be, or its time is over."""
    spent = coupon["max_redemptions"] is not None and coupon["times_redeemed"] >= coupon["max_redemptions"]
    over = coupon["redeem_by"] is not None and coupon["redeem_by"] <= world.now()
    return coupon | {"valid": not spent and not over}


def _off(params: p.Params) -> Object:
    percent, amount = p.decimal(params, "percent_off"), p.integer(params, "amount_off", least=1)
    if (percent is None) == (amount is None):
        raise invalid("Give one of these parameters: percent_off, amount_off.", "percent_off", "parameter_missing")
    if percent is not None and not 0 < percent <= 100:
        raise invalid("percent_off must be above 0 and at most 100.", "percent_off")
    return {"percent_off": None if percent is None else float(percent), "amount_off": amount, "currency": currency(params) if amount is not None else None}
