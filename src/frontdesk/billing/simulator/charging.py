"""Payment intents and charges: what happens when money is taken, and when it is given back."""

from typing import Any

from frontdesk.billing.simulator import methods, shapes
from frontdesk.billing.simulator.cards import MESSAGES, Card, code_of
from frontdesk.billing.simulator.periods import DAY
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
SETTLING = 180
"""Seconds until a direct debit of the test accounts is settled. Source: https://docs.stripe.com/payments/sepa-debit/accept-a-payment#test"""


def intend(world: World, customer: str | None, amount: int, currency: str, description: str | None, kinds: list[str] | None = None) -> Object:
    """An intent to take this amount, of nothing yet."""
    intent = shapes.make(
        "payment_intent", id=world.new_id("pi"), amount=amount, currency=currency, customer=customer, created=world.now(), description=description,
        capture_method="automatic", confirmation_method="automatic", status="requires_payment_method", payment_method_types=kinds or ["card"],
        payment_method_options={},
    )  # fmt: skip
    intent["client_secret"] = f"{intent['id']}_secret_{world.new_id('x')[2:]}"
    world.put(intent)
    world.emit("payment_intent.created", intent)
    return intent


def attempt(world: World, intent: Object, method: str, *, authenticated: bool = False) -> Object:
    """Try to take the money; the intent's status says what came of it: succeeded, processing, requires_action, requires_payment_method."""
    card = methods.card_of(world, method)
    intent |= {"payment_method": method, "last_payment_error": None, "next_action": None}
    asks = card.asks == "always" or (card.asks == "once" and not methods.is_set_up(world, method))
    if asks and not authenticated:
        return _ask(world, intent)
    if card.settles_later:
        return _wait(world, intent)
    return _fail(world, intent, card, card.charged) if card.charged else _succeed(world, intent, card)


def settle(world: World, intent: Object) -> Object:
    """A direct debit comes in, or comes back."""
    card = methods.card_of(world, intent["payment_method"])
    world.put_private(intent["id"], {})
    return _fail(world, intent, card, card.charged) if card.charged else _succeed(world, intent, card)


def fail_authentication(world: World, intent: Object) -> Object:
    """The customer did not confirm with his bank."""
    return _fail(world, intent, methods.card_of(world, intent["payment_method"]), "authentication_required")


def cancel(world: World, intent: Object) -> Object:
    """Take no money any more."""
    if intent["status"] not in ("succeeded", "canceled"):
        intent |= {"status": "canceled", "canceled_at": world.now(), "cancellation_reason": "void_invoice", "next_action": None}
        world.put(intent)
        world.emit("payment_intent.canceled", intent)
    return intent


def refund(world: World, charge: Object, amount: int, reason: str | None) -> Object:
    """Give money back."""
    before = world.get(charge["id"])
    given = shapes.make(
        "refund", id=world.new_id("re"), amount=amount, charge=charge["id"], created=world.now(), currency=charge["currency"],
        payment_intent=charge["payment_intent"], reason=reason, status="succeeded", customer=charge["customer"], payment_method=charge["payment_method"],
        destination_details=shapes.make("refund.destination_details", type="card", card=shapes.make("refund.destination_details.card", type="refund")),
    )  # fmt: skip
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    world.put(charge)
    world.put(given)
    world.emit("refund.created", given)
    world.emit("charge.refunded", charge, previous=before)
    return given


def dispute(world: World, charge: Object) -> Object:
    """The customer's bank takes the money back, and asks why it was taken."""
    card = {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4", "network": "visa"}
    raised = shapes.make(
        "dispute", id=world.new_id("du"), amount=charge["amount"], charge=charge["id"], created=world.now(), currency=charge["currency"],
        payment_intent=charge["payment_intent"], reason="fraudulent", status="needs_response",
    )  # fmt: skip
    raised["payment_method_details"] = shapes.make("dispute.payment_method_details", type="card") | {"card": {k: card[k] for k in card}}
    raised["evidence_details"] |= {"due_by": world.now() + 9 * DAY, "submission_method": "not_submitted"}
    world.put(charge | {"disputed": True})
    world.put(raised)
    world.emit("charge.dispute.created", raised)
    return raised


def _ask(world: World, intent: Object) -> Object:
    """The bank wants to hear it from the customer himself."""
    page = {"return_url": None, "url": f"{world.settings.public_url}/bank/{intent['id']}"}
    intent |= {"status": "requires_action", "next_action": shapes.make("payment_intent.next_action", type="redirect_to_url") | {"redirect_to_url": page}}
    world.put(intent)
    world.emit("payment_intent.requires_action", intent)
    return intent


def _wait(world: World, intent: Object) -> Object:
    intent |= {"status": "processing", "processing": None}
    world.put(intent)
    world.put_private(intent["id"], {"settles_at": world.now() + SETTLING})
    world.emit("payment_intent.processing", intent)
    return intent


def _succeed(world: World, intent: Object, card: Card) -> Object:
    charge = _charge(world, intent, card)
    charge |= {"amount_captured": charge["amount"], "captured": True, "paid": True, "status": "succeeded"}
    charge["outcome"] = shapes.make("charge.outcome", network_status="approved_by_network", seller_message="Payment complete.", type="authorized")
    world.put(charge)
    intent |= {"status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"], "next_action": None}
    world.put(intent)
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    return intent


def _fail(world: World, intent: Object, card: Card, decline: str) -> Object:
    charge = _charge(world, intent, card)
    charge |= {"failure_code": code_of(decline), "failure_message": MESSAGES[decline], "status": "failed"}
    charge["outcome"] = shapes.make(
        "charge.outcome", network_status="declined_by_network", reason=decline, seller_message="The bank declined.", type="issuer_declined"
    )  # fmt: skip
    world.put(charge)
    problem = {"charge": charge["id"], "code": code_of(decline), "decline_code": decline, "message": MESSAGES[decline], "type": "card_error"}
    problem["payment_method"] = world.found(intent["payment_method"])
    intent |= {"status": "requires_payment_method", "last_payment_error": problem, "latest_charge": charge["id"], "payment_method": None, "next_action": None}
    world.put(intent)
    world.emit("charge.failed", charge)
    world.emit("payment_intent.payment_failed", intent)
    return intent


def _charge(world: World, intent: Object, card: Card) -> Object:
    method = world.get(intent["payment_method"])
    charge = shapes.make(
        "charge", id=world.new_id("ch"), amount=intent["amount"], billing_details=method["billing_details"], created=world.now(), currency=intent["currency"],
        customer=intent["customer"], description=intent["description"], payment_intent=intent["id"], payment_method=method["id"], fraud_details={},
    )  # fmt: skip
    charge["refunds"]["url"] = f"/v1/charges/{charge['id']}/refunds"
    details = shapes.make("charge.payment_method_details", type=card.kind)
    if card.kind == "card":
        shown = {name: method["card"][name] for name in ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")}
        details["card"] = shapes.make("charge.payment_method_details.card", network=card.brand, **shown)
    else:
        details["sepa_debit"] = {name: method["sepa_debit"][name] for name in ("bank_code", "branch_code", "country", "fingerprint", "last4")}
    charge["payment_method_details"] = details
    return charge
