"""What payments do to subscriptions: they begin, fall behind, recover, and end.

https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses
"""

from typing import Any

from frontdesk.billing.simulator import invoicing, pending
from frontdesk.billing.simulator.dunning import Plan, next_try
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
SETTINGS = "settings"
OVER = ("canceled", "incomplete_expired")
BEHIND = ("past_due", "unpaid")


def dunning(world: World) -> Plan:
    """How this account deals with payments that fail."""
    return Plan.of(world.private(SETTINGS))


def change(world: World, subscription: Object, **fields: Any) -> Object:
    """Put these fields into a subscription, and tell."""
    before = world.get(subscription["id"])
    subscription |= fields
    world.put(subscription)
    world.emit("customer.subscription.updated", subscription, previous=before)
    return subscription


def paid(world: World, invoice: Object) -> None:
    """An invoice was paid: what waited for it begins, what was behind is in order again."""
    _mark_delinquent(world, invoice["customer"])
    subscription = _subscription(world, invoice)
    if subscription is None or subscription["status"] in OVER:
        return
    if pending.waits_for(world, subscription, invoice["id"]):
        pending.apply(world, subscription)
        subscription = world.get(subscription["id"])
    in_order = subscription["status"] in BEHIND and not _latest_is_open(world, subscription)
    if subscription["status"] == "incomplete" or in_order:
        change(world, subscription, status="active")
    elif subscription["status"] == "paused" and invoice["id"] == subscription["latest_invoice"]:
        before = world.get(subscription["id"])
        world.put(subscription | {"status": "active"})
        world.emit("customer.subscription.resumed", subscription | {"status": "active"}, previous=before)


def failed(world: World, invoice: Object) -> None:
    """A payment failed: the subscription is behind, and after the last try it ends as the account's settings say."""
    plan, now = dunning(world), world.now()
    private = world.private(invoice["id"])
    first = int(private.get("first_failure") or now)
    world.put_private(invoice["id"], private | {"first_failure": first})
    subscription = _subscription(world, invoice)
    held_back = subscription is None or subscription["status"] in ("incomplete", "paused", *OVER) or pending.waits_for(world, subscription, invoice["id"])
    again = None if held_back or not invoice["auto_advance"] else next_try(plan, int(invoice["attempt_count"]), first)
    invoice["next_payment_attempt"] = again
    world.put(invoice)
    if held_back or subscription is None:
        return
    _mark_delinquent(world, invoice["customer"])
    if subscription["status"] in ("active", "trialing"):
        subscription = change(world, subscription, status="past_due")
    if again is None and invoice["auto_advance"] and subscription["status"] == "past_due":
        invoicing.stop(world, invoice)
        give_up(world, subscription, plan.end)


def give_up(world: World, subscription: Object, end: str) -> None:
    """All tries are used up."""
    if end == "cancel":
        cancel(world, subscription, reason="payment_failed")
    elif end == "unpaid":
        change(world, subscription, status="unpaid")


def cancel(world: World, subscription: Object, *, reason: str, at: int | None = None) -> Object:
    """End a subscription now. Its open invoices stay, but nothing tries them any more."""
    now = at or world.now()
    pending.drop(world, subscription)
    details = subscription["cancellation_details"] or {"comment": None, "feedback": None, "reason": None}
    release_schedule(world, subscription, "canceled")
    subscription |= {
        "status": "canceled", "ended_at": now, "canceled_at": subscription["canceled_at"] or now, "schedule": None, "pending_update": None,
        "cancellation_details": details | {"reason": details["reason"] or reason},
    }  # fmt: skip
    world.put(subscription)
    world.emit("customer.subscription.deleted", subscription)
    for invoice in _of(world, subscription, "open") + _of(world, subscription, "draft"):
        invoicing.stop(world, invoice)
    return subscription


def expire(world: World, subscription: Object) -> Object:
    """Nobody finished the first payment in time: the invoice is void, and the subscription was never one."""
    subscription = change(world, subscription, status="incomplete_expired", ended_at=world.now())
    for invoice in _of(world, subscription, "open"):
        invoicing.void(world, invoice)
    return subscription


def release_schedule(world: World, subscription: Object, status: str) -> None:
    """The schedule of a subscription lets go of it."""
    schedule = world.found(subscription["schedule"]) if subscription["schedule"] else None
    if schedule is None:
        return
    before = dict(schedule)
    schedule |= {"status": status, "current_phase": None}
    if status == "released":
        schedule |= {"released_at": world.now(), "released_subscription": subscription["id"], "subscription": None}
    else:
        schedule |= {"canceled_at": world.now()}
    world.put(schedule)
    world.emit(f"subscription_schedule.{status}", schedule)
    world.emit("subscription_schedule.updated", schedule, previous=before)


def _subscription(world: World, invoice: Object) -> Object | None:
    id = invoicing.subscription_of(invoice)
    return world.found(id) if id else None


def _of(world: World, subscription: Object, status: str) -> list[Object]:
    found = world.find("invoice", customer=subscription["customer"], status=status)
    return [one for one in found if invoicing.subscription_of(one) == subscription["id"]]


def _latest_is_open(world: World, subscription: Object) -> bool:
    """Whether the latest invoice is still to be paid: Stripe looks at no other."""
    latest = world.found(subscription["latest_invoice"] or "")
    return latest is not None and latest["status"] == "open"


def _mark_delinquent(world: World, customer: str) -> None:
    """A customer is delinquent as long as an invoice that was tried is open."""
    before = world.get(customer)
    owes = any(one["attempted"] for one in world.find("invoice", customer=customer, status="open"))
    after = before | {"delinquent": owes}
    if after != before:
        world.put(after)
        world.emit("customer.updated", after, previous=before)
