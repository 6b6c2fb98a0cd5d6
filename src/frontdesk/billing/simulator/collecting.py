"""Taking the money of an invoice, and all that follows from having it or not."""

from typing import Any

from frontdesk.billing.simulator import charging, invoicing, methods, standing
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
NOTHING_TO_CHARGE = "This customer has no attached payment source or default payment method. Please consider adding a default payment method."


def finalize_and_collect(world: World, invoice: Object, method: str | None = None, *, authenticated: bool = False) -> Object:
    """Make a draft an invoice and take its money at once."""
    invoice = invoicing.finalize(world, invoice)
    return collect(world, invoice, method, authenticated=authenticated)


def retry(world: World, invoice: Object) -> Object:
    """Try a payment again without anybody asking, as the account's settings say."""
    return collect(world, invoice, retried=True)


def collect(world: World, invoice: Object, method: str | None = None, *, authenticated: bool = False, retried: bool = False) -> Object:
    """Take what is due: with this payment method, else with the usual one. The invoice says what came of it. retried: nobody asked for it."""
    if not invoice["amount_due"]:
        return settle(world, invoice)
    invoice = _counted(invoice, retried=retried)
    customer = world.get(invoice["customer"])
    subscription = world.found(invoicing.subscription_of(invoice) or "")
    chosen = method or methods.default_of(world, customer, subscription)
    intent = invoicing.intent_of(world, invoice)
    assert intent is not None, "an invoice with something due has an intent"
    if chosen is None:
        return _failed(world, invoice, intent)
    return after_attempt(world, invoice, charging.attempt(world, intent, chosen, authenticated=authenticated), counted=True)


def after_attempt(world: World, invoice: Object, intent: Object, *, counted: bool = False) -> Object:
    """What an attempt to pay means for the invoice and its subscription. counted: the invoice knows of it."""
    invoice = invoice if counted else _counted(invoice)
    if intent["status"] == "succeeded":
        return settle(world, invoice)
    if intent["status"] == "processing":
        invoice |= {"attempted": True, "next_payment_attempt": None}
        world.put(invoice)
        standing.paid(world, invoice)  # Stripe provisions while a direct debit is on its way
        return invoice
    return _failed(world, invoice, intent)


def follow(world: World, intent: Object) -> str | None:
    """An intent was confirmed, by a page or a program: the invoice it belongs to follows, and its id is returned."""
    payments = world.find("invoice_payment", **{"payment.payment_intent": intent["id"]})
    if not payments:
        return None
    return str(after_attempt(world, world.get(payments[-1]["invoice"]), intent)["id"])


def settle(world: World, invoice: Object) -> Object:
    """The invoice is paid: by the card, by nothing (there was nothing due), or outside of Stripe."""
    before = world.get(invoice["id"])
    now = world.now()
    invoice |= {"status": "paid", "attempted": True, "amount_paid": invoice["amount_due"], "amount_remaining": 0, "next_payment_attempt": None}
    invoice["status_transitions"] |= {"paid_at": now}
    world.put(invoice)
    for payment in world.find("invoice_payment", invoice=invoice["id"], status="open"):
        paid = {"status": "paid", "amount_paid": payment["amount_requested"], "status_transitions": {"canceled_at": None, "paid_at": now}}
        world.put(payment | paid)
    world.emit("invoice.updated", invoice, previous=before)
    world.emit("invoice.paid", invoice)
    world.emit("invoice.payment_succeeded", invoice)
    standing.paid(world, invoice)
    return world.get(invoice["id"])


def mark_uncollectible(world: World, invoice: Object) -> Object:
    """Nobody expects this money any more. Raises StripeError."""
    if invoice["status"] not in ("open", "uncollectible"):
        raise StripeError("invalid_request_error", f"You can only mark an invoice uncollectible if it is open. This invoice is {invoice['status']}.")
    before = world.get(invoice["id"])
    invoice |= {"status": "uncollectible", "next_payment_attempt": None, "auto_advance": False}
    invoice["status_transitions"] |= {"marked_uncollectible_at": world.now()}
    world.put(invoice)
    world.emit("invoice.marked_uncollectible", invoice, previous=before)
    world.emit("invoice.updated", invoice, previous=before)
    return invoice


def refusal_of(world: World, invoice: Object, *, keep: bool = True) -> StripeError:
    """Why an invoice could not be paid, as the API says it: 402."""
    intent = invoicing.intent_of(world, invoice)
    if intent is not None and intent["status"] == "requires_action":
        message = "This payment requires additional user action before it can be completed successfully."
        return StripeError("card_error", message, "invoice_payment_intent_requires_action", None, 402, keep=keep, payment_intent=intent)
    problem = intent["last_payment_error"] if intent is not None else None
    if problem is None:
        return StripeError("invalid_request_error", NOTHING_TO_CHARGE, "resource_missing", None, 400, keep=keep)
    return methods.declined(problem["decline_code"], keep=keep, payment_intent=intent, charge=problem["charge"])


def is_processing(world: World, invoice: Object) -> bool:
    """Whether a direct debit is on its way."""
    intent = invoicing.intent_of(world, invoice)
    return intent is not None and intent["status"] == "processing"


def _failed(world: World, invoice: Object, intent: Object) -> Object:
    before = world.get(invoice["id"])
    invoice["attempted"] = True
    standing.failed(world, invoice)
    invoice = world.get(invoice["id"])
    world.emit("invoice.updated", invoice, previous=before)
    if intent["status"] == "requires_action":
        world.emit("invoice.payment_action_required", invoice)
    world.emit("invoice.payment_failed", invoice)
    return invoice


def _counted(invoice: Object, *, retried: bool = False) -> Object:
    """With one attempt more, if it is the first or one that the settings plan: Stripe counts no other, so whoever tries himself uses up no retry."""
    attempts = int(invoice["attempt_count"])
    return invoice | {"attempt_count": attempts + 1 if retried else max(attempts, 1)}
