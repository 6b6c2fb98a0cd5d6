"""Customers."""

from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import payment_calls, shapes, standing, tax_ids
from frontdesk.billing.simulator.errors import invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
WORDS = {"business_name": 150, "description": 350, "email": 512, "individual_name": 150, "name": 256, "phone": 20}
"""Fields that are plain words, and how many characters they take."""
FIELDS = (
    *WORDS, "address", "balance", "invoice_prefix", "invoice_settings", "metadata", "next_invoice_sequence", "preferred_locales", "shipping", "tax",
    "tax_exempt",
)  # fmt: skip


def create(world: World, params: p.Params) -> Object:
    """POST /v1/customers. A payment method given here is attached, tax ids are added. Raises StripeError 402 for a card that its bank refuses."""
    p.known(params, (*FIELDS, "payment_method", "tax_id_data"))
    customer = shapes.make(
        "customer", id=world.new_id("cus", 14), created=world.now(), balance=0, delinquent=False, invoice_prefix=world.new_id("x", 8)[2:].upper(),
        invoice_settings=shapes.make("customer.invoice_settings"), next_invoice_sequence=1, preferred_locales=[], tax_exempt="none",
    )  # fmt: skip
    later = p.inner(params, "invoice_settings") or {}  # its default can be attached only to a customer who is there
    world.put(_changed(world, customer, {name: value for name, value in params.items() if name != "invoice_settings"}))
    if method := p.text(params, "payment_method"):
        attached = payment_calls.attach_method(world, {"customer": customer["id"]}, method)["id"]
        later = {name: attached if value == method else value for name, value in later.items()}
    world.put(_changed(world, customer, {"invoice_settings": later}))
    world.emit("customer.created", customer)
    for given in p.several(params, "tax_id_data"):
        tax_ids.create(world, given, customer["id"])
    return customer


def retrieve(world: World, params: p.Params, customer: str) -> Object:
    """GET /v1/customers/{customer}: also one that was deleted, which says no more than that."""
    found = world.found(customer)
    return found if found and found["object"] == "customer" else world.get(customer, "customer")


def update(world: World, params: p.Params, customer: str) -> Object:
    """POST /v1/customers/{customer}."""
    p.known(params, FIELDS)
    before = world.get(customer, "customer")
    after = world.put(_changed(world, world.get(customer), params))
    world.emit("customer.updated", after, previous=before)
    return after


def delete(world: World, params: p.Params, customer: str) -> Object:
    """DELETE /v1/customers/{customer}: for good. Subscriptions end at once, tax ids and payment methods go along."""
    before = world.get(customer, "customer")
    for subscription in world.find("subscription", customer=customer):
        if subscription["status"] not in standing.OVER:
            standing.cancel(world, subscription, reason="cancellation_requested")
    for method in world.find("payment_method", customer=customer):
        world.put(method | {"customer": None})
    for tax_id in world.find("tax_id", customer=customer):
        world.delete(tax_id["id"])
    gone = world.delete(customer)
    world.emit("customer.deleted", before)
    return gone


def index(world: World, params: p.Params) -> Object:
    """GET /v1/customers. `email` counts with its case, as at Stripe."""
    p.known(params, (*PAGING, "created", "email"))
    return listing(world, "customer", params, {"email": p.text(params, "email")})


def listed_tax_ids(world: World, customer: Object) -> Object:
    """`tax_ids`, which Stripe shows only to whoever expands it."""
    return shapes.list_of(world.find("tax_id", customer=customer["id"])[::-1], f"/v1/customers/{customer['id']}/tax_ids")


def subscriptions(world: World, customer: Object) -> Object:
    """`subscriptions`, which Stripe shows only to whoever expands it: those that are not over."""
    living = [one for one in world.find("subscription", customer=customer["id"]) if one["status"] not in standing.OVER]
    return shapes.list_of(living[::-1], f"/v1/customers/{customer['id']}/subscriptions")


def tax(world: World, customer: Object) -> Object:
    """`tax`, which Stripe shows only to whoever expands it: whether the place where the customer is taxed is known."""
    country = (customer["address"] or {}).get("country")
    location = {"country": country, "source": "billing_address", "state": (customer["address"] or {}).get("state")} if country else None
    ip_address = world.private(customer["id"]).get("ip_address")
    return {"automatic_tax": "supported" if country else "unrecognized_location", "ip_address": ip_address, "location": location, "provider": "stripe"}


def address(params: p.Params, name: str = "address") -> Object | None:
    """The address in these parameters, every part of it, or None."""
    given = p.inner(params, name, ADDRESS)
    return None if given is None else {part: p.text(given, part) for part in ADDRESS}


def _changed(world: World, customer: Object, params: p.Params) -> Object:
    for name, longest in WORDS.items():
        if name in params:
            customer[name] = p.text(params, name, longest=longest)
    if customer["email"] and ("@" not in customer["email"].strip("@") or " " in customer["email"]):
        raise invalid(f"Invalid email address: {customer['email']}", "email", "email_invalid")
    if "address" in params:
        customer["address"] = address(params)
    if "shipping" in params:
        given = p.inner(params, "shipping", ("address", "name", "phone"))
        customer["shipping"] = given and {"address": address(given), "name": p.text(given, "name"), "phone": p.text(given, "phone")}
    customer["metadata"] = p.metadata(params, customer["metadata"])
    customer["balance"] = p.integer(params, "balance", customer["balance"])
    customer["tax_exempt"] = p.choice(params, "tax_exempt", ("exempt", "none", "reverse")) or ("none" if "tax_exempt" in params else customer["tax_exempt"])
    if "preferred_locales" in params:
        customer["preferred_locales"] = p.several(params, "preferred_locales")
    return _invoices_changed(world, customer, params)


def _invoices_changed(world: World, customer: Object, params: p.Params) -> Object:
    """What says how the customer's invoices look, and what pays them."""
    if (prefix := p.text(params, "invoice_prefix", longest=12)) is not None:
        if not (len(prefix) >= 3 and prefix.isascii() and prefix.isalnum() and prefix == prefix.upper()):
            raise invalid("Invoice prefixes have 3 to 12 capital letters and digits.", "invoice_prefix")
        customer["invoice_prefix"] = prefix
    customer["next_invoice_sequence"] = p.integer(params, "next_invoice_sequence", customer["next_invoice_sequence"], least=1, most=10**9)
    if (ip_address := (p.inner(params, "tax", ("ip_address", "validate_location")) or {}).get("ip_address")) is not None:
        world.put_private(customer["id"], world.private(customer["id"]) | {"ip_address": ip_address or None})
    given = p.inner(params, "invoice_settings", ("custom_fields", "default_payment_method", "footer", "rendering_options")) or {}
    settings = customer["invoice_settings"]
    if "default_payment_method" in given:
        settings["default_payment_method"] = _method_of(world, customer, p.text(given, "default_payment_method"))
    if "footer" in given:
        settings["footer"] = p.text(given, "footer")
    if "custom_fields" in given:
        settings["custom_fields"] = [{"name": one.get("name"), "value": one.get("value")} for one in p.several(given, "custom_fields")] or None
    if "rendering_options" in given:
        options = p.inner(given, "rendering_options", ("amount_tax_display", "template"))
        settings["rendering_options"] = options and {name: p.text(options, name) for name in ("amount_tax_display", "template")}
    return customer


def _method_of(world: World, customer: Object, method: str | None) -> str | None:
    if method is None:
        return None
    found = world.get(method, "payment_method", "invoice_settings[default_payment_method]")
    if found["customer"] != customer["id"]:
        raise invalid(
            "The customer does not have a payment method with the ID " + method + ". The payment method must be attached to the customer.",
            "invoice_settings[default_payment_method]", "resource_missing",
        )  # fmt: skip
    return method
