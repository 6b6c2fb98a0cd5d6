"""What customers say about themselves on hosted pages: name, email, address."""

from typing import Any

from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
TAX_ID_KINDS = {"eu_vat": "EU VAT", "gb_vat": "GB VAT", "ch_vat": "CH VAT", "no_vat": "NO VAT"}
"""Those that the pages offer."""


def change(world: World, customer: str, **fields: Any) -> Object:
    """Put these fields into a customer, and tell if that changes him."""
    before = world.get(customer, "customer")
    after = world.put(before | fields)
    world.emit("customer.updated", after, previous=before)
    return after


def live_in(world: World, customer: str, country: str) -> Object:
    """Move a customer to a country; the rest of an address that is there already stays if it is in it."""
    known = world.get(customer, "customer")["address"] or {}
    return change(world, customer, address=known if known.get("country") == country else shapes.make("customer.address", country=country))
