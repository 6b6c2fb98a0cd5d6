"""What customers do on the portal: change the card, cancel and take it back, say who they are."""

from collections.abc import Mapping
from typing import Any

from frontdesk.billing.simulator import buyers, methods, portal_screen, setting_up, shapes, subscription_calls, tax_ids, typed_cards
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.world import World
from frontdesk.errors import BadInput, NotAllowed, NotFound

Object = dict[str, Any]
WAITS = "portal_card:"
REASONS = ("too_expensive", "missing_features", "switched_service", "unused", "customer_service", "too_complex", "low_quality", "other")
ADDRESS = ("line1", "line2", "postal_code", "city", "country")


class NotOffered(NotAllowed):
    """This cannot be done on the portal. Ask whoever runs Frontdesk."""


def give_card(world: World, secret: str, fields: Mapping[str, Any]) -> bool:
    """Keep a card and charge it from now on; false if the bank asks first. Raises BadInput beside the field at fault."""
    session = _session(world, secret, "payment_method_update")
    method, _ = typed_cards.method_of(world, fields)
    return _kept(world, secret, session, setting_up.attempt(world, setting_up.intend(world, session["customer"]), method["id"]))


def answer_bank(world: World, secret: str, *, agrees: bool) -> None:
    """The customer has told his bank about later payments. Raises BadInput if he did not agree."""
    session = _session(world, secret, "payment_method_update")
    waits = world.private(WAITS + secret)
    if not waits:
        raise NotFound("The bank asks nothing here.")
    if not agrees:
        raise BadInput("Your bank could not confirm that it is you. Try again, or take another card.", field="number")
    world.put_private(WAITS + secret, {})
    intent = world.get(waits["intent"])
    _kept(world, secret, session, setting_up.attempt(world, intent, intent["payment_method"], authenticated=True))


def choose_card(world: World, secret: str, method: str) -> None:
    """Charge this card, which is kept already, from now on."""
    session = _session(world, secret, "payment_method_update")
    methods.make_default(world, session["customer"], _own(world, session, method, "payment_method")["id"])


def remove_card(world: World, secret: str, method: str) -> None:
    """Keep this card no longer. Raises BadInput for the one that is charged."""
    session = _session(world, secret, "payment_method_update")
    found = _own(world, session, method, "payment_method")
    customer = world.get(session["customer"])
    living = [one for one in world.find("subscription", customer=customer["id"]) if one["status"] not in ("canceled", "incomplete_expired")]
    charged = {(customer["invoice_settings"] or {}).get("default_payment_method"), *(one["default_payment_method"] for one in living)}
    if living and method in charged:
        raise BadInput("This is the card that is charged. Take another one first.")
    methods.detach(world, found)


def cancel(world: World, secret: str, subscription: str, fields: Mapping[str, Any]) -> None:
    """End a subscription with its period, or at once if the product says so."""
    session = _session(world, secret, "subscription_cancel")
    found = _own(world, session, subscription, "subscription")
    told = {"comment": str(fields.get("comment", ""))[:500], "feedback": fields.get("feedback") if fields.get("feedback") in REASONS else ""}
    try:
        if portal_screen.features_of(world, session)["subscription_cancel"]["mode"] == "immediately":
            subscription_calls.cancel(world, {"cancellation_details": told}, found["id"])
        else:
            subscription_calls.update(world, {"cancel_at_period_end": "true", "cancellation_details": told}, found["id"])
    except StripeError as error:
        raise typed_cards.beside_the_field(error) from None


def resume(world: World, secret: str, subscription: str) -> None:
    """Take a cancellation back while the period lasts."""
    session = _session(world, secret, "subscription_cancel")
    found = _own(world, session, subscription, "subscription")
    subscription_calls.update(world, {"cancel_at_period_end": "false"}, found["id"])


def change_details(world: World, secret: str, fields: Mapping[str, Any]) -> None:
    """Who the customer is and where he lives, as far as the product lets him say. Raises BadInput beside the field at fault."""
    session = _session(world, secret, "customer_update")
    allowed = portal_screen.features_of(world, session)["customer_update"]["allowed_updates"]
    changed: Object = {}
    if "name" in allowed:
        changed["name"] = str(fields.get("name", "")).strip()[:256] or None
    if "email" in allowed:
        email = str(fields.get("email", "")).strip()
        if "@" not in email.strip("@") or " " in email or len(email) > 512:
            raise BadInput("Write an email address.", field="email")
        changed["email"] = email
    if "address" in allowed:
        given = {part: str(fields.get(part, "")).strip()[:200] or None for part in ADDRESS}
        changed["address"] = shapes.make("customer.address", **given)
    buyers.change(world, session["customer"], **changed)


def add_tax_id(world: World, secret: str, fields: Mapping[str, Any]) -> None:
    """Add a tax id. Raises BadInput beside the field at fault."""
    session = _session(world, secret, "customer_update", "tax_id")
    try:
        tax_ids.create(world, {"type": str(fields.get("tax_kind", "")), "value": str(fields.get("tax_id", ""))}, session["customer"])
    except StripeError as error:
        raise BadInput(str(error), field="tax_id") from None


def remove_tax_id(world: World, secret: str, tax_id: str) -> None:
    """Take a tax id away."""
    session = _session(world, secret, "customer_update", "tax_id")
    tax_ids.delete(world, {}, session["customer"], _own(world, session, tax_id, "tax_id")["id"])


def _kept(world: World, secret: str, session: Object, intent: Object) -> bool:
    """Charge from now on what is kept; false if the bank asks first. Raises BadInput beside the number that a bank refuses."""
    if intent["status"] == "requires_payment_method":
        raise typed_cards.beside_the_field(methods.declined(intent["last_setup_error"]["decline_code"]))
    if intent["status"] == "requires_action":
        world.put_private(WAITS + secret, {"intent": intent["id"]})
        return False
    methods.make_default(world, session["customer"], intent["payment_method"])
    return True


def _session(world: World, secret: str, feature: str, part: str = "") -> Object:
    """The session, if the product offers this on the portal. Raises LinkHasExpired, NotOffered."""
    session = portal_screen.session_of(world, secret)
    offered = portal_screen.features_of(world, session)[feature]
    if not offered["enabled"] or (part and part not in offered["allowed_updates"]):
        raise NotOffered
    return session


def _own(world: World, session: Object, id: str, kind: str) -> Object:
    """Something of the session's own customer. Raises NotFound for anybody else's."""
    found = world.found(id)
    if found is None or found["object"] != kind or found.get("customer") != session["customer"]:
        raise NotFound("There is nothing of yours here.")
    return found
