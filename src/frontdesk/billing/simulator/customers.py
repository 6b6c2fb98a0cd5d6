"""Customers."""

from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
TEXTS = {"description": 350, "email": 512, "name": 256, "phone": 20}
"""Fields that are plain words, and how many characters they take."""
FIELDS = (
    *TEXTS, "address", "balance", "cash_balance", "coupon", "invoice_prefix", "invoice_settings", "metadata", "next_invoice_sequence",
    "preferred_locales", "shipping", "source", "tax", "tax_exempt",
)  # fmt: skip


def create(world: World, params: p.Params) -> Object:
    """POST /v1/customers. A payment method given here is attached, tax ids are added."""
    p.known(params, (*FIELDS, "payment_method", "tax_id_data", "test_clock"))
    customer = shapes.make(
        "customer", id=world.new_id("cus", 14), created=world.now(), balance=0, delinquent=False,
        invoice_prefix=world.new_id("x", 8)[2:].upper(), next_invoice_sequence=1, tax_exempt="none",
    )  # fmt: skip
    world.put(_changed(customer, params))
    world.emit("customer.created", customer)
    return customer


def retrieve(world: World, params: p.Params, customer: str) -> Object:
    """GET /v1/customers/{customer}: also one that was deleted, which says no more than that."""
    found = world.found(customer)
    return found if found and found["object"] == "customer" else world.get(customer, "customer", "id")


def update(world: World, params: p.Params, customer: str) -> Object:
    """POST /v1/customers/{customer}."""
    p.known(params, (*FIELDS, "default_source"))
    before = world.get(customer, "customer", "customer")
    after = world.put(_changed(world.get(customer, "customer"), params))
    world.emit("customer.updated", after, previous=before)
    return after


def delete(world: World, params: p.Params, customer: str) -> Object:
    """DELETE /v1/customers/{customer}: for good."""
    before = world.get(customer, "customer", "customer")
    gone = world.delete(customer)
    world.emit("customer.deleted", before)
    return gone


def index(world: World, params: p.Params) -> Object:
    """GET /v1/customers. `email` counts with its case, as at Stripe."""
    p.known(params, (*PAGING, "created", "email", "test_clock"))
    return listing(world, "customer", params, {"email": p.text(params, "email")})


def _changed(customer: Object, params: p.Params) -> Object:
    for name, longest in TEXTS.items():
        if name in params:
            customer[name] = p.text(params, name, longest=longest)
    if "email" in params and customer["email"] and ("@" not in customer["email"].strip("@") or " " in customer["email"]):
        raise invalid(f"Invalid email address: {customer['email']}", "email", "email_invalid")
    if "address" in params:
        customer["address"] = address(params)
    if "metadata" in params:
        customer["metadata"] = p.metadata(params, customer["metadata"])
    if "balance" in params:
        customer["balance"] = p.integer(params, "balance", 0)
    if "tax_exempt" in params:
        customer["tax_exempt"] = p.choice(params, "tax_exempt", ("none", "exempt", "reverse")) or "none"
    if "preferred_locales" in params:
        customer["preferred_locales"] = p.several(params, "preferred_locales")
    return customer


def address(params: p.Params) -> Object | None:
    """The address in these parameters, every part of it, or None."""
    given = p.inner(params, "address", ADDRESS)
    return None if given is None else {part: p.text(given, part) for part in ADDRESS}
