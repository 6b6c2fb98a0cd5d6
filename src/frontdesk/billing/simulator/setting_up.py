"""Setup intents: a payment method is kept for later payments, and its bank is asked about them where it wants to be."""

from typing import Any

from frontdesk.billing.simulator import methods, shapes
from frontdesk.billing.simulator.cards import MESSAGES, code_of
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def intend(world: World, customer: str | None, **fields: Any) -> Object:
    """An intent to keep something for later payments."""
    intent = shapes.make(
        "setup_intent", id=world.new_id("seti"), created=world.now(), customer=customer,
        **{"status": "requires_payment_method", "usage": "off_session", "payment_method_types": ["card"], "payment_method_options": {}} | fields,
    )  # fmt: skip
    intent["client_secret"] = f"{intent['id']}_secret_{world.new_id('x')[2:]}"
    world.put(intent)
    world.emit("setup_intent.created", intent)
    return intent


def attempt(world: World, intent: Object, method: str, *, authenticated: bool = False, return_url: str | None = None) -> Object:
    """Try to keep this method; the intent's status says what came of it: succeeded, requires_action, requires_payment_method."""
    card = methods.card_of(world, method)
    intent |= {"payment_method": method, "last_setup_error": None, "next_action": None}
    if card.kept:
        return fail(world, intent, card.kept)
    if card.asks != "never" and not authenticated:
        return _ask(world, intent, return_url)
    if intent["customer"]:
        methods.attach(world, world.get(method), intent["customer"])
    if card.asks == "once":
        methods.set_up(world, method)
    intent["status"] = "succeeded"
    world.put(intent)
    world.emit("setup_intent.succeeded", intent)
    return intent


def fail(world: World, intent: Object, decline: str) -> Object:
    """The bank, or the customer before it, has refused; another method may be tried."""
    problem = {"code": code_of(decline), "decline_code": decline, "message": MESSAGES[decline], "type": "card_error"}
    intent |= {
        "status": "requires_payment_method", "last_setup_error": problem | {"payment_method": world.found(intent["payment_method"])},
        "payment_method": None, "next_action": None,
    }  # fmt: skip
    world.put(intent)
    world.emit("setup_intent.setup_failed", intent)
    return intent


def cancel(world: World, intent: Object, reason: str | None) -> Object:
    """Nothing is kept through it any more."""
    intent |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    world.put(intent)
    world.emit("setup_intent.canceled", intent)
    return intent


def _ask(world: World, intent: Object, return_url: str | None) -> Object:
    page = {"return_url": return_url, "url": f"{world.settings.public_url}/bank/{intent['id']}"}
    intent |= {"status": "requires_action", "next_action": shapes.make("setup_intent.next_action", type="redirect_to_url") | {"redirect_to_url": page}}
    world.put(intent)
    world.emit("setup_intent.requires_action", intent)
    return intent
