"""What customers do on hosted pages, in one call: for scripts and for tests that are about something else."""

from collections.abc import Mapping
from typing import Any

from frontdesk.billing.simulator import methods, paying, typed_cards
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.world import World
from frontdesk.errors import NotFound

Object = dict[str, Any]


def buy(world: World, fields: Mapping[str, Any]) -> Object:
    """Pay a checkout session; the bank is told that it is all right. Raises BadInput beside the field at fault, NotFound."""
    id = str(fields.get("session", ""))
    return paying.submit(world, id, fields) or paying.answer_bank(world, id, agrees=True)


def give_card(world: World, fields: Mapping[str, Any]) -> str:
    """Let a customer be charged by this card from now on. Raises BadInput beside the field at fault, NotFound."""
    customer = world.found(str(fields.get("customer", "")))
    if customer is None or customer["object"] != "customer":
        raise NotFound("There is no such customer.", field="customer")
    method, card = typed_cards.method_of(world, fields)
    try:
        methods.attach(world, method, customer["id"])
    except StripeError as error:
        raise typed_cards.beside_the_field(error) from None
    if card.asks == "once":
        methods.set_up(world, method["id"])
    methods.make_default(world, customer["id"], method["id"])
    return str(method["id"])
