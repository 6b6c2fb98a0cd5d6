"""Coupons and promotion codes put to use: they become discounts of a subscription, an invoice or a purchase."""

from collections.abc import Sequence
from typing import Any

from frontdesk.billing.simulator import coupons, shapes
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.discounts import end_of, refusal
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FIELDS = ("coupon", "promotion_code", "discount")


def read(world: World, given: Sequence[Any], customer: str | None, amount: int) -> list[Object]:
    """The discounts that these parameters ask for; new ones are kept nowhere yet. Raises StripeError for what cannot be redeemed."""
    found = []
    for place, one in enumerate(given):
        where = f"discounts[{place}]"
        if not isinstance(one, dict) or len(one) != 1:
            raise invalid("Give a coupon, a promotion code or a discount.", where)
        p.known(one, FIELDS, where)
        if one.get("discount"):
            found.append(world.get(str(one["discount"]), "discount", f"{where}[discount]"))
        elif one.get("promotion_code"):
            found.append(of_code(world, world.get(str(one["promotion_code"]), "promotion_code", f"{where}[promotion_code]"), customer, amount))
        elif one.get("coupon"):
            found.append(of_coupon(world, world.get(str(one["coupon"]), "coupon", f"{where}[coupon]"), customer))
    return found


def by_word(world: World, word: str, customer: str | None, amount: int) -> Object:
    """The discount behind a code that a customer typed. Raises StripeError with a sentence for him."""
    fitting = [one for one in world.find("promotion_code") if one["code"].casefold() == word.strip().casefold()]
    living = [one for one in fitting if one["active"]] or fitting
    if not living:
        raise invalid("This code is invalid.", "promotion_code")
    return of_code(world, living[-1], customer, amount)


def of_code(world: World, code: Object, customer: str | None, amount: int) -> Object:
    """The discount that a promotion code gives. Raises StripeError where it may not be used."""
    coupon = coupons.current(world, coupon_of(world, code))
    before = any(one["status"] == "paid" and one["amount_paid"] for one in world.find("invoice", customer=customer)) if customer else False
    reason = refusal(code, coupon, customer=customer, amount=amount, at=world.now(), bought_before=before)
    if reason:
        raise StripeError("invalid_request_error", reason, None, "promotion_code")
    return of_coupon(world, coupon, customer) | {"promotion_code": code["id"]}


def of_coupon(world: World, coupon: Object, customer: str | None) -> Object:
    """The discount that a coupon gives. Raises StripeError for one that is used up."""
    if not coupons.current(world, coupon)["valid"]:
        raise invalid(f"Coupon {coupon['id']} is not valid.", "coupon", "coupon_expired")
    return shapes.make(
        "discount", id=world.new_id("di"), customer=customer, start=world.now(), end=end_of(coupon, world.now()),
        source={"coupon": coupon["id"], "type": "coupon"},
    )  # fmt: skip


def redeem(world: World, discounts: Sequence[Object], **owner: Any) -> list[str]:
    """Keep these discounts, counted as redeemed, and return their ids. owner: whose they are, such as `subscription`."""
    for one in discounts:
        if world.found(one["id"]) is None:
            coupon = world.get(one["source"]["coupon"])
            world.put(one | owner)
            world.put_private(one["id"], {"coupon": coupon | {"applies_to": world.private(coupon["id"]).get("applies_to")}})
            world.emit("customer.discount.created", one | owner)
            _count(world, one)
    return [one["id"] for one in discounts]


def behind(world: World, discount: Object) -> Object:
    """The coupon that a discount came from, as it was then: it may have been deleted since."""
    kept: Object | None = world.private(discount["id"]).get("coupon")
    if kept is not None:
        return kept
    coupon = world.get(discount["source"]["coupon"])
    return coupon | {"applies_to": world.private(coupon["id"]).get("applies_to")}


def coupon_of(world: World, code: Object) -> Object:
    """The coupon behind a promotion code."""
    return world.get(code["promotion"]["coupon"])


def _count(world: World, discount: Object) -> None:
    coupon = world.get(discount["source"]["coupon"])
    world.put(coupon | {"times_redeemed": int(coupon["times_redeemed"]) + 1})
    if discount["promotion_code"]:
        code = world.get(discount["promotion_code"])
        world.put(code | {"times_redeemed": int(code["times_redeemed"]) + 1})
