"""Promotion codes: the words that customers type to get a coupon."""

import re
from typing import Any

from frontdesk.billing.simulator import coupons, shapes
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
RESTRICTIONS = ("first_time_transaction", "minimum_amount", "minimum_amount_currency")


def create(world: World, params: p.Params) -> Object:
    """POST /v1/promotion_codes."""
    p.known(params, ("active", "code", "customer", "expires_at", "max_redemptions", "metadata", "promotion", "restrictions"))
    promotion = p.inner(params, "promotion", ("coupon", "type")) or {}
    p.choice(promotion, "type", ("coupon",)) or p.required(promotion, "type")
    coupon = world.get(str(p.required(promotion, "coupon")), "coupon", "promotion[coupon]")
    customer = p.text(params, "customer")
    code = shapes.make(
        "promotion_code", id=world.new_id("promo"), created=world.now(), active=p.flag(params, "active", True), code=_word(world, params),
        customer=customer and world.get(customer, "customer", "customer")["id"], expires_at=p.moment(params, "expires_at"),
        max_redemptions=p.integer(params, "max_redemptions", least=1), metadata=p.metadata(params), restrictions=_restrictions(params),
        promotion={"coupon": coupon["id"], "type": "coupon"},
    )  # fmt: skip
    world.emit("promotion_code.created", world.put(code))
    return code


def retrieve(world: World, params: p.Params, promotion_code: str) -> Object:
    """GET /v1/promotion_codes/{promotion_code}."""
    return current(world, world.get(promotion_code, "promotion_code"))


def update(world: World, params: p.Params, promotion_code: str) -> Object:
    """POST /v1/promotion_codes/{promotion_code}."""
    p.known(params, ("active", "metadata", "restrictions"))
    before, after = world.get(promotion_code, "promotion_code"), world.get(promotion_code)
    after["metadata"] = p.metadata(params, after["metadata"])
    active = p.flag(params, "active", after["active"])
    if active and not before["active"]:
        _nobody_has(world, after["code"])
    after["active"] = active
    world.emit("promotion_code.updated", world.put(after), previous=before)
    return current(world, after)


def index(world: World, params: p.Params) -> Object:
    """GET /v1/promotion_codes: by `code` (in any case), `coupon`, `customer`, `active`."""
    p.known(params, (*PAGING, "active", "code", "coupon", "created", "customer"))
    word, active = (p.text(params, "code") or "").casefold(), p.flag(params, "active")

    def shown(one: Object) -> bool:
        return (not word or one["code"].casefold() == word) and (active is None or current(world, one)["active"] == active)

    equal = {"promotion.coupon": p.text(params, "coupon"), "customer": p.text(params, "customer")}
    found = listing(world, "promotion_code", params, equal, where=shown)
    return found | {"data": [current(world, one) for one in found["data"]]}


def current(world: World, code: Object) -> Object:
    """The code as it stands now: not active once it was used as often as it may be, its time is over, or its coupon is worth nothing any more."""
    coupon = world.found(code["promotion"]["coupon"])
    worth = coupon is not None and not coupon.get("deleted") and coupons.current(world, coupon)["valid"]
    spent = code["max_redemptions"] is not None and code["times_redeemed"] >= code["max_redemptions"]
    over = code["expires_at"] is not None and code["expires_at"] <= world.now()
    return code | {"active": code["active"] and worth and not spent and not over}


def _word(world: World, params: p.Params) -> str:
    word = p.text(params, "code", longest=500) or world.new_id("x", 8)[2:].upper()
    if not re.fullmatch(r"[A-Za-z0-9-]+", word):
        raise invalid("Promotion codes have letters, digits and dashes.", "code")
    if p.flag(params, "active", True):
        _nobody_has(world, word)
    return word


def _nobody_has(world: World, word: str) -> None:
    if any(current(world, one)["active"] and one["code"].casefold() == word.casefold() for one in world.find("promotion_code")):
        raise invalid(f"An active promotion code with `code: {word}` already exists.", "code", "resource_already_exists")


def _restrictions(params: p.Params) -> Object:
    given = p.inner(params, "restrictions", RESTRICTIONS) or {}
    least, currency = p.integer(given, "minimum_amount", least=1), p.text(given, "minimum_amount_currency")
    if (least is None) != (currency is None):
        raise invalid("A minimum amount has a currency.", "restrictions[minimum_amount_currency]")
    return {"first_time_transaction": p.flag(given, "first_time_transaction", False), "minimum_amount": least, "minimum_amount_currency": currency}
