"""Changes that wait for their payment: with `pending_if_incomplete` a subscription stays as it is until the invoice is paid.

https://docs.stripe.com/billing/subscriptions/pending-updates
"""

from typing import Any

from frontdesk.billing.simulator import charging, invoicing, shapes
from frontdesk.billing.simulator.periods import HOUR
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
LASTS = 23 * HOUR
"""Or until the period ends, if that comes first."""
ALLOWED = ("items", "payment_behavior", "proration_behavior", "proration_date", "billing_cycle_anchor", "trial_end", "trial_from_plan", "add_invoice_items")
"""What may be changed together with `pending_if_incomplete`; anything else is refused. `metadata` is not among them."""


def begin(world: World, subscription: Object, invoice: str, becomes: Object) -> None:
    """Keep what the subscription becomes once this invoice is paid. Another change that waited is dropped."""
    drop(world, subscription)
    world.put_private(subscription["id"], world.private(subscription["id"]) | {"pending": {"invoice": invoice, "becomes": becomes}})
    world.put(world.get(subscription["id"]) | {"latest_invoice": invoice})


def show(world: World, subscription: Object) -> Object:
    """It was not paid at once: the subscription says what waits, and until when."""
    before = world.get(subscription["id"])
    items = _held(world, subscription)["becomes"]["items"]["data"]
    ends = min(int(one["current_period_end"]) for one in before["items"]["data"])
    shown = shapes.make("subscription.pending_update", expires_at=min(world.now() + LASTS, ends), subscription_items=items, metadata=None)
    after = world.put(before | {"pending_update": shown})
    world.emit("customer.subscription.updated", after, previous=before)
    return after


def waits_for(world: World, subscription: Object, invoice: str) -> bool:
    """Whether a change waits for this invoice."""
    return bool(_held(world, subscription).get("invoice") == invoice)


def apply(world: World, subscription: Object) -> Object:
    """The invoice is paid: the subscription becomes what it was to become."""
    held, before = _held(world, subscription), world.get(subscription["id"])
    _forget(world, subscription)
    subscription = before | held["becomes"] | {"pending_update": None}
    world.put(subscription)
    if before["pending_update"]:
        world.emit("customer.subscription.pending_update_applied", subscription, previous=before)
    world.emit("customer.subscription.updated", subscription, previous=before)
    return subscription


def expire(world: World, subscription: Object) -> Object:
    """Nobody paid in time: the invoice is void and the subscription stays as it was."""
    before = world.get(subscription["id"])
    drop(world, subscription)
    subscription = world.get(subscription["id"])
    world.emit("customer.subscription.pending_update_expired", subscription, previous=before)
    world.emit("customer.subscription.updated", subscription, previous=before)
    return subscription


def drop(world: World, subscription: Object) -> None:
    """Forget a change that waits, and void its invoice."""
    held = _held(world, subscription)
    if not held:
        return
    _forget(world, subscription)
    world.put(world.get(subscription["id"]) | {"pending_update": None})
    invoice = world.found(held["invoice"])
    if invoice is not None and invoice["status"] == "open":
        invoicing.void(world, invoice)
        intent = invoicing.intent_of(world, invoice)
        if intent is not None:
            charging.cancel(world, intent)


def _held(world: World, subscription: Object) -> Object:
    return dict(world.private(subscription["id"]).get("pending") or {})


def _forget(world: World, subscription: Object) -> None:
    world.put_private(subscription["id"], {name: value for name, value in world.private(subscription["id"]).items() if name != "pending"})
