"""What happens on the pay page: a code is redeemed, a card is given, the bank asks, and something is bought."""

from collections.abc import Mapping
from typing import Any

from frontdesk.billing.simulator import buying, discounting, typed_cards
from frontdesk.billing.simulator.buying import Buyer
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.world import World
from frontdesk.errors import BadInput, Conflict, NotFound

Object = dict[str, Any]


class CheckoutIsOver(Conflict):
    """This checkout is over. Go back and start again."""


def session_of(world: World, id: str) -> Object:
    """The session at this address. Raises NotFound."""
    found = world.found(id)
    if found is None or found["object"] != "checkout.session":
        raise NotFound("There is no such checkout.")
    return found


def unfinished_checkout(world: World, id: str) -> Object:
    """The session, which nobody has finished yet. Raises NotFound, CheckoutIsOver."""
    session = session_of(world, id)
    if session["status"] != "open":
        raise CheckoutIsOver
    return session


def discount_of(world: World, session: Object) -> Object | None:
    """The discount of the code that was typed, as long as it may still be used."""
    code = world.private(session["id"]).get("code")
    if not code:
        return None
    try:
        return discounting.by_word(world, code, session["customer"], int(session["amount_subtotal"] or 0))
    except StripeError:
        return None


def use_code(world: World, id: str, code: str) -> None:
    """Take this promotion code into account; an empty one takes it away. Raises BadInput for one that may not be used."""
    session = unfinished_checkout(world, id)
    if not session["allow_promotion_codes"]:
        raise BadInput("No codes are taken here.", field="code")
    if code.strip():
        try:
            discounting.by_word(world, code, session["customer"], int(session["amount_subtotal"] or 0))
        except StripeError as error:
            raise BadInput(str(error), field="code") from None
    world.put_private(id, world.private(id) | {"code": code.strip()})


def submit(world: World, id: str, fields: Mapping[str, Any]) -> Object | None:
    """Pay with what was filled in: the session that is complete, or None if the bank asks first. Raises BadInput beside the field at fault."""
    session = unfinished_checkout(world, id)
    filled = _checked(world, session, fields)
    discount = discount_of(world, session)
    quoted = buying.quote(world, session, [discount] if discount else buying.discounts_for(world, session), filled["country"])
    if buying.is_free(session, quoted) and not str(fields.get("number", "")).strip():
        return _bought(world, session, Buyer(**filled, discount=discount))
    method, card = typed_cards.method_of(world, fields)
    if card.kind not in session["payment_method_types"] or (card.kind == "sepa_debit" and session["currency"] != "eur"):
        raise BadInput("This cannot be paid that way. Take a card.", field="number")
    if card.asks != "never":
        world.put_private(id, world.private(id) | {"waits": filled | {"method": method["id"]}})
        return None
    return _bought(world, session, Buyer(**filled, discount=discount, method=method))


def answer_bank(world: World, id: str, *, agrees: bool) -> Object:
    """The customer has told his bank. Raises BadInput for what is not paid then."""
    session = unfinished_checkout(world, id)
    waits = world.private(id).get("waits")
    if not waits:
        raise CheckoutIsOver("The bank asks nothing here. Go back to the checkout.")
    if not agrees:
        raise BadInput("Your bank could not confirm that it is you. Try again, or take another card.", field="number")
    method, filled = world.get(waits["method"]), {name: value for name, value in waits.items() if name != "method"}
    filled["tax_id"] = tuple(filled["tax_id"]) if filled["tax_id"] else None
    return _bought(world, session, Buyer(**filled, discount=discount_of(world, session), method=method, authenticated=True))


def _checked(world: World, session: Object, fields: Mapping[str, Any]) -> Object:
    customer = world.found(session["customer"]) if session["customer"] else None
    email = str(fields.get("email", "")).strip() or session["customer_email"] or (customer or {}).get("email") or ""
    if customer is None and ("@" not in email.strip("@") or " " in email or len(email) > 512):
        raise BadInput("Write an email address.", field="email")
    kind, value = str(fields.get("tax_kind", "eu_vat")), str(fields.get("tax_id", "")).strip()
    asked = bool(world.private(session["id"]).get("tax_ids"))
    country = str(fields.get("country", ""))[:2].upper()
    name = str(fields.get("name", "")).strip()[:256]
    return {"email": email, "name": name, "country": country, "tax_id": (kind, value) if value and asked else None}


def _bought(world: World, session: Object, buyer: Buyer) -> Object:
    try:
        return buying.pay(world, session, buyer)
    except StripeError as error:
        raise typed_cards.beside_the_field(error) from None
