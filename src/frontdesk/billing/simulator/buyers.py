"""What customers say about themselves on hosted pages: name, email, address, tax ids."""

from typing import Any

from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.taxes import GREECE, RATES
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
KINDS = {"eu_vat": "EU VAT", "gb_vat": "GB VAT", "ch_vat": "CH VAT", "no_vat": "NO VAT"}
FORMS = {"gb_vat": ("GB", 9, 12), "ch_vat": ("CHE", 9, 12), "no_vat": ("", 9, 12)}
"""Beginning, and how many characters follow at least and at most."""


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


def add_tax_id(world: World, customer: str, kind: str, value: str) -> Object:
    """Give a customer a tax id. Raises StripeError for one that cannot be one."""
    value = "".join(value.split()).upper()
    if not plausible(kind, value):
        raise StripeError("invalid_request_error", f"Invalid value for {kind}.", "tax_id_invalid", "value")
    made = shapes.make(
        "tax_id", id=world.new_id("txi"), country=_country(kind, value), created=world.now(), customer=customer, type=kind, value=value,
        owner=shapes.make("tax_id.owner", type="customer") | {"customer": customer},
        verification=shapes.make("tax_id.verification", status="verified"),
    )  # fmt: skip
    world.put(made)
    world.emit("customer.tax_id.created", made)
    return made


def remove_tax_id(world: World, tax_id: Object) -> None:
    """Take a tax id away again."""
    world.emit("customer.tax_id.deleted", tax_id)
    world.delete(tax_id["id"])


def plausible(kind: str, value: str) -> bool:
    """Whether a tax id looks like one of its kind: the country, and about as many characters as they have."""
    if kind == "eu_vat":
        country = GREECE if value[:2] == "EL" else value[:2]
        return country in RATES and 8 <= len(value[2:]) <= 12 and value[2:].isalnum() and value.isascii()
    if kind not in FORMS:
        return False
    start, least, most = FORMS[kind]
    return value.startswith(start) and least <= len(value.removeprefix(start)) <= most and value.isascii() and value.isalnum()


def _country(kind: str, value: str) -> str:
    if kind == "eu_vat":
        return GREECE if value[:2] == "EL" else value[:2]
    return kind[:2].upper()
