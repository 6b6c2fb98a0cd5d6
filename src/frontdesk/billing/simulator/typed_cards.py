"""What was typed into the fields of a card, made a payment method that nobody has yet."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from frontdesk.billing.simulator import methods
from frontdesk.billing.simulator.cards import CARDS, Card, NotACard, expiry, typed
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.world import World
from frontdesk.errors import BadInput

Object = dict[str, Any]
FIELDS_AT_FAULT = {"promotion_code": "code", "tax_id_invalid": "tax_id", "email_invalid": "email", "value": "tax_id"}
SHOWN = tuple(card for card in CARDS if card.token not in ("pm_card_de", "pm_card_mastercard"))
"""The cards that a page offers to try."""


def method_of(world: World, fields: Mapping[str, Any]) -> tuple[Object, Card]:
    """The payment method that these fields describe, and its card. Raises BadInput beside the field at fault."""
    try:
        card = typed(str(fields.get("number", "")))
        expires = expiry(str(fields.get("expiry", "")), datetime.fromtimestamp(world.now(), UTC)) if card.kind == "card" else (12, 2034)
    except NotACard as error:
        raise BadInput(str(error), field=error.field) from None
    cvc = str(fields.get("cvc", "")).strip()
    if card.kind == "card" and not (cvc.isascii() and cvc.isdigit() and len(cvc) in (3, 4)):
        raise BadInput("Write the three digits on the back; any will do.", field="cvc")
    billing = {"email": str(fields.get("email", ""))[:512] or None, "name": str(fields.get("name", ""))[:256] or None}
    return methods.make(world, card, expires=expires, billing=billing), card


def beside_the_field(error: StripeError) -> BadInput:
    """What Stripe refuses, as a page says it: beside the field at fault, else above the whole form."""
    if error.error["type"] == "card_error":
        return BadInput(str(error), field="number")
    field = FIELDS_AT_FAULT.get(str(error.error.get("param"))) or FIELDS_AT_FAULT.get(str(error.error.get("code")))
    return BadInput(str(error), field=field)
