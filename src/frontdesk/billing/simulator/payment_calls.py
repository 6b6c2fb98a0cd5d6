"""The API of payment methods, payment intents, charges and refunds, as far as subscriptions need them."""

from typing import Any

from frontdesk.billing.simulator import charging, collecting, methods, shapes
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.cards import BY_NUMBER, BY_TOKEN
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
EXPIRY = (("exp_month", 1, 12), ("exp_year", 2000, 2100))


def create_method(world: World, params: p.Params) -> Object:
    """POST /v1/payment_methods: of `card[token]`, a token such as `tok_visa`, or a test number."""
    p.known(params, ("type", "card", "sepa_debit", "billing_details", "metadata", "allow_redisplay"))
    kind = p.choice(params, "type", ("card", "sepa_debit"), "card") or ""
    given = p.inner(params, kind, ("token", "number", "exp_month", "exp_year", "cvc", "iban")) or {}
    token = str(given.get("token") or "").replace("tok_", "pm_card_")
    card = BY_TOKEN.get(token) or BY_NUMBER.get(str(given.get("number") or given.get("iban") or "").replace(" ", ""))
    if card is None or card.kind != kind:
        raise StripeError("card_error", "The simulated Stripe takes its test cards only.", "incorrect_number", f"{kind}[number]", 402)
    expires = (p.integer(given, "exp_month", 12, least=1, most=12) or 12, p.integer(given, "exp_year", 2034, least=2000, most=2100) or 2034)
    billing = {name: value for name, value in (p.inner(params, "billing_details") or {}).items() if name in ("email", "name", "phone")}
    return world.put(methods.make(world, card, expires=expires, billing=billing) | {"metadata": p.metadata(params)})


def attach_method(world: World, params: p.Params, method: str) -> Object:
    """POST /v1/payment_methods/{method}/attach. `pm_card_visa` and its like make a new one each time. Raises StripeError 402."""
    p.known(params, ("customer",))
    customer = world.get(str(p.required(params, "customer")), "customer", "customer")
    made = methods.make(world, BY_TOKEN[method]) if method in BY_TOKEN else world.get(method, "payment_method", "payment_method")
    return methods.attach(world, made, customer["id"])


def detach_method(world: World, params: p.Params, method: str) -> Object:
    """POST /v1/payment_methods/{method}/detach."""
    p.known(params, ())
    found = world.get(method, "payment_method", "payment_method")
    if found["customer"] is None:
        raise invalid("The payment method you provided is not attached to a customer so detachment is impossible.", "payment_method")
    return methods.detach(world, found)


def retrieve_method(world: World, params: p.Params, method: str) -> Object:
    """GET /v1/payment_methods/{method}."""
    return world.get(method, "payment_method", "payment_method")


def update_method(world: World, params: p.Params, method: str) -> Object:
    """POST /v1/payment_methods/{method}: whose it is and until when it is good; of one that somebody keeps."""
    p.known(params, ("allow_redisplay", "billing_details", "card", "metadata"))
    before, found = world.get(method, "payment_method", "payment_method"), world.get(method)
    if found["customer"] is None:
        raise invalid("You must save this PaymentMethod to a customer before you can update it.", "payment_method")
    given = p.inner(params, "billing_details", ("address", "email", "name", "phone")) or {}
    found["billing_details"] |= {name: p.text(given, name) for name in ("email", "name", "phone") if name in given}
    known = found["billing_details"]["address"] or shapes.make("customer.address")
    if address := p.inner(given, "address", tuple(known)):
        found["billing_details"]["address"] = known | {part: p.text(address, part) for part in address}
    if card := p.inner(params, "card", ("exp_month", "exp_year")):
        if found["type"] != "card":
            raise invalid("This PaymentMethod is no card.", "card")
        found["card"] |= {part: p.integer(card, part, found["card"][part], least=least, most=most) for part, least, most in EXPIRY}
    found["allow_redisplay"] = p.choice(params, "allow_redisplay", ("always", "limited", "unspecified"), found["allow_redisplay"])
    world.put(found | {"metadata": p.metadata(params, found["metadata"])})
    world.emit("payment_method.updated", world.get(method), previous=before)
    return world.get(method)


def method_index(world: World, params: p.Params) -> Object:
    """GET /v1/payment_methods."""
    p.known(params, (*PAGING, "customer", "type", "allow_redisplay"))
    return listing(world, "payment_method", params, {"customer": p.text(params, "customer"), "type": p.text(params, "type")})


def methods_of(world: World, params: p.Params, customer: str) -> Object:
    """GET /v1/customers/{customer}/payment_methods."""
    p.known(params, (*PAGING, "type", "allow_redisplay"))
    return listing(world, "payment_method", params, {"customer": world.get(customer, "customer", "customer")["id"], "type": p.text(params, "type")})


def retrieve_intent(world: World, params: p.Params, intent: str) -> Object:
    """GET /v1/payment_intents/{intent}."""
    return world.get(intent, "payment_intent", "intent")


def intent_index(world: World, params: p.Params) -> Object:
    """GET /v1/payment_intents."""
    p.known(params, (*PAGING, "customer", "created"))
    return listing(world, "payment_intent", params, {"customer": p.text(params, "customer")})


def confirm_intent(world: World, params: p.Params, intent: str) -> Object:
    """POST /v1/payment_intents/{intent}/confirm: pay with this method. Raises StripeError 402; the failed attempt stays."""
    p.known(params, ("payment_method", "off_session", "return_url"))
    found = world.get(intent, "payment_intent", "intent")
    if found["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        message = f"You cannot confirm this PaymentIntent because it has a status of {found['status']}."
        raise StripeError("invalid_request_error", message, "payment_intent_unexpected_state")
    given = str(params.get("payment_method") or found["payment_method"] or p.required(params, "payment_method"))
    method = methods.make(world, BY_TOKEN[given]) if given in BY_TOKEN else world.get(given, "payment_method", "payment_method")
    found = charging.attempt(world, found, method["id"])
    collecting.follow(world, found)
    if found["status"] == "requires_payment_method":
        raise methods.declined(found["last_payment_error"]["decline_code"], keep=True, payment_intent=found)
    return found


def retrieve_charge(world: World, params: p.Params, charge: str) -> Object:
    """GET /v1/charges/{charge}."""
    return world.get(charge, "charge", "charge")


def charge_index(world: World, params: p.Params) -> Object:
    """GET /v1/charges."""
    p.known(params, (*PAGING, "created", "customer", "payment_intent"))
    return listing(world, "charge", params, {"customer": p.text(params, "customer"), "payment_intent": p.text(params, "payment_intent")})


def retrieve_refund(world: World, params: p.Params, refund: str) -> Object:
    """GET /v1/refunds/{refund}."""
    return world.get(refund, "refund", "refund")


def refund_index(world: World, params: p.Params) -> Object:
    """GET /v1/refunds."""
    p.known(params, (*PAGING, "charge", "created", "payment_intent"))
    return listing(world, "refund", params, {"charge": p.text(params, "charge"), "payment_intent": p.text(params, "payment_intent")})


def create_refund(world: World, params: p.Params) -> Object:
    """POST /v1/refunds: all of a charge, or a part of what is left of it."""
    p.known(params, ("amount", "charge", "payment_intent", "reason", "metadata"))
    if params.get("payment_intent"):
        charge_id = world.get(str(params["payment_intent"]), "payment_intent", "payment_intent")["latest_charge"]
    else:
        charge_id = p.required(params, "charge")
    charge = world.get(str(charge_id), "charge", "charge")
    left = int(charge["amount"]) - int(charge["amount_refunded"])
    amount = p.integer(params, "amount", left, least=1) or 0
    if charge["status"] != "succeeded" or not left:
        raise StripeError("invalid_request_error", f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
    if amount > left:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount")
    reason = p.choice(params, "reason", ("duplicate", "fraudulent", "requested_by_customer"))
    return world.put(charging.refund(world, charge, amount, reason) | {"metadata": p.metadata(params)})
