"""Tax ids of customers, and whether they are true: in test mode the number itself says so.

Source: https://docs.stripe.com/billing/customer/tax-ids (000000000 is verified, 111111111 is not, everything else stays pending).
"""

import re
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import invalid, missing
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FORMS = {
    "au_abn": r"\d{11}",
    "ca_gst_hst": r"\d{9}RT\d{4}",
    "ch_uid": r"CHE-?\d{3}\.?\d{3}\.?\d{3}",
    "ch_vat": r"CHE-?\d{3}\.?\d{3}\.?\d{3}( ?(MWST|TVA|IVA))?",
    "eu_oss_vat": r"EU\d{9}",
    "eu_vat": r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI)[0-9A-Z]{8,12}",
    "gb_vat": r"(GB|XI)?\d{9}(\d{3})?",
    "in_gst": r"\d{2}[A-Z]{5}\d{4}[A-Z]\d[A-Z0-9]{2}",
    "no_vat": r"\d{9}MVA",
    "us_ein": r"\d{2}-?\d{7}",
    "za_vat": r"4\d{9}",
}
"""The kinds that the simulator takes, and what each looks like."""
LOOKED_UP = {"au_abn", "eu_vat", "gb_vat"}
"""Kinds that Stripe asks a government about."""


def create(world: World, params: p.Params, customer: str) -> Object:
    """POST /v1/customers/{customer}/tax_ids."""
    p.known(params, ("type", "value"))
    world.get(customer, "customer", "customer")
    kind, value = p.choice(params, "type", FORMS) or str(p.required(params, "type")), str(p.required(params, "value")).strip().upper()
    if not re.fullmatch(FORMS[kind], value.replace(" ", "") if kind != "ch_vat" else value):
        raise invalid(f"Invalid value for {kind}.", "value", "tax_id_invalid")
    value = value.replace(" ", "") if kind != "ch_vat" else value
    if any(one["type"] == kind and one["value"] == value for one in world.find("tax_id", customer=customer)):
        raise invalid(f"The tax ID {value} has already been added to this customer.", "value", "resource_already_exists")
    tax_id = shapes.make(
        "tax_id", id=world.new_id("txi"), created=world.now(), customer=customer, country=_country(kind, value), type=kind, value=value,
        owner=shapes.make("tax_id.owner", customer=customer, type="customer"), verification=shapes.make("tax_id.verification", status=_first(kind)),
    )  # fmt: skip
    world.emit("customer.tax_id.created", world.put(tax_id))
    _look_up(world, tax_id)
    return tax_id


def retrieve(world: World, params: p.Params, customer: str, tax_id: str) -> Object:
    """GET /v1/customers/{customer}/tax_ids/{tax_id}."""
    found = world.get(tax_id, "tax_id")
    if found["customer"] != customer:
        raise missing("tax_id", tax_id, status=404)
    return found


def delete(world: World, params: p.Params, customer: str, tax_id: str) -> Object:
    """DELETE /v1/customers/{customer}/tax_ids/{tax_id}."""
    before = retrieve(world, {}, customer, tax_id)
    gone = world.delete(tax_id)
    world.emit("customer.tax_id.deleted", before)
    return gone


def index(world: World, params: p.Params, customer: str) -> Object:
    """GET /v1/customers/{customer}/tax_ids."""
    p.known(params, PAGING)
    world.get(customer, "customer", "customer")
    return listing(world, "tax_id", params, {"customer": customer})


def _look_up(world: World, tax_id: Object) -> None:
    """What the government says, told a moment later as an event of its own."""
    if tax_id["type"] not in LOOKED_UP:
        return
    number = re.sub(r"\D", "", tax_id["value"])
    known = {"000000000": ("verified", "The simulated company", "1 Simulated Street"), "111111111": ("unverified", None, None)}
    if number not in known:
        return
    status, name, address = known[number]
    verification = {"status": status, "verified_address": address, "verified_name": name}
    world.emit("customer.tax_id.updated", world.put(tax_id | {"verification": verification}), previous=tax_id)


def _first(kind: str) -> str:
    return "pending" if kind in LOOKED_UP else "unavailable"


def _country(kind: str, value: str) -> str | None:
    if kind == "eu_oss_vat":
        return None
    if kind == "eu_vat":
        return {"EL": "GR", "XI": "GB"}.get(value[:2], value[:2])
    return kind[:2].upper()
