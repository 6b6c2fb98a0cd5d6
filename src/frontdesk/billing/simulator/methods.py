"""Payment methods: test cards and accounts that customers keep, and which of them an invoice takes."""

from typing import Any

from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.cards import BY_NUMBER, MESSAGES, Card, code_of
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]


def make(world: World, card: Card, *, expires: tuple[int, int] = (12, 2034), billing: Object | None = None, set_up: bool = False) -> Object:
    """A payment method of this card that nobody has yet. set_up: the bank has agreed to later payments, so that it asks no more."""
    details = shapes.make("payment_method")["billing_details"] | (billing or {})
    method = shapes.make("payment_method", id=world.new_id("pm"), created=world.now(), billing_details=details, type=card.kind, allow_redisplay="always")
    if card.kind == "card":
        method["card"] = _card(world, card, expires)
    else:
        method["sepa_debit"] = _account(world, card)
    world.put_private(method["id"], {"number": card.number, "set_up": set_up})
    return world.put(method)


def attach(world: World, method: Object, customer: str) -> Object:
    """Give a payment method to a customer. Raises StripeError for a card that its bank refuses at once."""
    card = card_of(world, method["id"])
    if card.kept:
        raise declined(card.kept)
    if method["customer"] not in (None, customer):
        message = "The payment method you provided has already been attached to a customer."
        raise StripeError("invalid_request_error", message, param="payment_method")
    method["customer"] = customer
    world.put(method)
    world.emit("payment_method.attached", method)
    return method


def detach(world: World, method: Object) -> Object:
    """Take a payment method from its customer, who is not charged by it any more."""
    before = dict(method)
    customer = world.get(method["customer"])
    if (customer["invoice_settings"] or {}).get("default_payment_method") == method["id"]:
        customer["invoice_settings"]["default_payment_method"] = None
        world.put(customer)
    for subscription in world.find("subscription", customer=customer["id"], default_payment_method=method["id"]):
        world.put(subscription | {"default_payment_method": None})
    method["customer"] = None
    world.put(method)
    world.emit("payment_method.detached", method, previous=before)
    return method


def card_of(world: World, method: str) -> Card:
    """The test card behind a payment method."""
    return BY_NUMBER[world.private(method)["number"]]


def is_set_up(world: World, method: str) -> bool:
    """Whether the bank has agreed to later payments."""
    return bool(world.private(method).get("set_up"))


def set_up(world: World, method: str) -> None:
    """The customer has told his bank that later payments are all right."""
    world.put_private(method, world.private(method) | {"set_up": True})


def default_of(world: World, customer: Object, subscription: Object | None) -> str | None:
    """What is charged when nobody says otherwise: the subscription's own, else the customer's."""
    own = subscription.get("default_payment_method") if subscription else None
    method = own or (customer.get("invoice_settings") or {}).get("default_payment_method")
    found = world.found(method) if method else None
    return str(found["id"]) if found and found.get("customer") == customer["id"] else None


def make_default(world: World, customer: str, method: str) -> None:
    """Charge this from now on, for the customer and for all of his subscriptions that are not over."""
    before = world.get(customer, "customer")
    after = world.get(customer, "customer")
    after["invoice_settings"] = (after["invoice_settings"] or shapes.make("customer.invoice_settings")) | {"default_payment_method": method}
    world.put(after)
    world.emit("customer.updated", after, previous=before)
    for subscription in world.find("subscription", customer=customer):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            old = dict(subscription)
            world.put(subscription | {"default_payment_method": method})
            world.emit("customer.subscription.updated", subscription | {"default_payment_method": method}, previous=old)


def declined(decline: str, **more: Any) -> StripeError:
    """The refusal of a bank, as Stripe tells it: 402, and what was done stays done if the caller says `keep`."""
    return StripeError("card_error", MESSAGES[decline], code_of(decline), None, 402, decline_code=decline, **more)


def said(method: Object) -> str:
    """How people call it: `Visa •••• 4242`."""
    if method["type"] == "sepa_debit":
        return f"SEPA •••• {method['sepa_debit']['last4']}"
    return f"{method['card']['brand'].title()} •••• {method['card']['last4']}"


def _card(world: World, card: Card, expires: tuple[int, int]) -> Object:
    return shapes.make(
        "payment_method.card", brand=card.brand, country=card.country, display_brand=card.brand, exp_month=expires[0], exp_year=expires[1],
        fingerprint=world.new_id("x", 16)[2:], funding="credit", last4=card.last4, regulated_status="unregulated",
        checks=shapes.make("payment_method.card.checks", cvc_check="pass"),
        networks=shapes.make("payment_method.card.networks", available=[card.brand]),
        three_d_secure_usage=shapes.make("payment_method.card.three_d_secure_usage", supported=True),
    )  # fmt: skip


def _account(world: World, card: Card) -> Object:
    bank = {"bank_code": card.number[4:12], "branch_code": "", "country": card.country}
    return bank | {"fingerprint": world.new_id("x", 16)[2:], "generated_from": {"charge": None, "setup_attempt": None}, "last4": card.last4}
