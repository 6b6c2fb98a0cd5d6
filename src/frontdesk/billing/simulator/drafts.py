"""How long a draft stays one: an hour from when everybody has taken that it is there, and three days where somebody does not.

Source: https://docs.stripe.com/billing/subscriptions/webhooks and `webhooks_delivered_at` of https://docs.stripe.com/api/invoices/object
"""

from typing import Any

from frontdesk.billing.simulator.periods import HOUR
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
LONGEST = 72 * HOUR
TOLD = "invoice.created"


def tell(world: World, invoice: Object) -> Object:
    """Tell of a new draft. Where nobody listens it is as good as heard."""
    event = world.emit(TOLD, invoice)
    assert event is not None, "a new invoice is always told of"
    world.put_private(invoice["id"], world.private(invoice["id"]) | {"told": event["id"]})
    return invoice if event["pending_webhooks"] else world.put(invoice | {"webhooks_delivered_at": world.now()})


def hear(world: World, event_id: str) -> None:
    """An endpoint has taken this event: if it was of a draft, and the last to take it, the draft's hour begins."""
    event = world.found(event_id)
    if event is None or event["type"] != TOLD or event["pending_webhooks"]:
        return
    invoice = world.found(event["data"]["object"]["id"])
    if invoice is not None and invoice["webhooks_delivered_at"] is None:
        world.put(invoice | {"webhooks_delivered_at": world.now()})


def finalizes_at(world: World, invoice: Object, *, waits: bool) -> int:
    """When a draft becomes an invoice by itself. waits: whether an answer that did not come holds it up."""
    usual, heard = int(invoice["automatically_finalizes_at"]), invoice["webhooks_delivered_at"]
    latest = max(usual, int(invoice["created"]) + LONGEST)
    if not waits:
        return usual
    if heard is not None:
        return min(latest, max(usual, int(heard) + HOUR))
    return latest if _failed(world, invoice) else usual


def _failed(world: World, invoice: Object) -> bool:
    """Whether somebody was told, and did not take it: what is still on its way holds nothing up."""
    told = world.private(invoice["id"]).get("told")
    row = world.db.execute("select 1 from deliveries where event = ? and not taken and (tries > 0 or answer = 'lost for good') limit 1", (told,)).fetchone()
    return row is not None
