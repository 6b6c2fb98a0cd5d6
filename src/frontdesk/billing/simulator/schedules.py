"""Schedules: what a subscription becomes at the end of a phase, and then at the end of the next.

https://docs.stripe.com/billing/subscriptions/subscription-schedules
"""

from typing import Any

from frontdesk.billing.simulator import items, shapes, standing
from frontdesk.billing.simulator.periods import same_rhythm
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]


def from_subscription(world: World, subscription: Object) -> Object:
    """A schedule that takes over a subscription: one phase, from the period's start to its end, with what is there."""
    start, end = items.period_of(subscription)
    schedule = shapes.make(
        "subscription_schedule", id=world.new_id("sub_sched"), created=world.now(), customer=subscription["customer"], end_behavior="release", status="active",
        subscription=subscription["id"], billing_mode=subscription["billing_mode"], current_phase={"start_date": start, "end_date": end},
    )  # fmt: skip
    schedule["default_settings"] |= {
        "billing_cycle_anchor": "automatic", "collection_method": subscription["collection_method"],
        "default_payment_method": subscription["default_payment_method"],
    }  # fmt: skip
    schedule["default_settings"]["automatic_tax"] = shapes.make(
        "subscription_schedule.default_settings.automatic_tax", enabled=subscription["automatic_tax"]["enabled"]
    )  # fmt: skip
    schedule["default_settings"]["invoice_settings"] |= {"issuer": {"type": "self"}}
    own = [phase_item(one["price"], one["quantity"]) for one in subscription["items"]["data"]]
    schedule["phases"] = [phase(subscription["currency"], own, start, end, discounts=subscription["discounts"], metadata=subscription["metadata"])]
    world.put(schedule)
    world.put(subscription | {"schedule": schedule["id"]})
    world.emit("subscription_schedule.created", schedule)
    world.emit("customer.subscription.updated", subscription | {"schedule": schedule["id"]}, previous=subscription)
    return schedule


def phase(currency: str, own: list[Object], start: int, end: int, **fields: Any) -> Object:
    """One phase of a schedule."""
    made = shapes.make("subscription_schedule.phases[]", currency=currency, items=own, start_date=start, end_date=end, proration_behavior="create_prorations")
    made["default_tax_rates"] = []
    if "discounts" in fields:
        fields["discounts"] = [{"coupon": None, "discount": one, "promotion_code": None} for one in fields["discounts"]]
    return made | fields


def phase_item(price: Object, quantity: int | None) -> Object:
    """One item of a phase."""
    return shapes.make("subscription_schedule.phases[].items[]", price=price["id"], quantity=quantity, plan=items.plan_of(price), tax_rates=[])


def next_phase(world: World, subscription: Object, at: int) -> Object:
    """The subscription as the phase says that begins now. After the last one the schedule lets go, or ends the subscription."""
    schedule = _living(world, subscription)
    if schedule is None:
        return subscription
    while schedule["current_phase"] and int(schedule["current_phase"]["end_date"]) <= at:
        following = [one for one in schedule["phases"] if int(one["start_date"]) >= int(schedule["current_phase"]["end_date"])]
        if not following:
            return _complete(world, schedule, subscription)
        before = dict(schedule)
        schedule = world.put(schedule | {"current_phase": {"start_date": following[0]["start_date"], "end_date": following[0]["end_date"]}})
        world.emit("subscription_schedule.updated", schedule, previous=before)
        subscription = _become(world, subscription, following[0])
    world.put(subscription)
    return subscription


def as_of(world: World, subscription: Object, at: int) -> Object:
    """The subscription as it will be at that moment, if its schedule goes on; nothing is kept."""
    schedule = _living(world, subscription)
    phases = [one for one in schedule["phases"] if int(one["start_date"]) <= at < int(one["end_date"])] if schedule else []
    if not phases or phases[0]["start_date"] == (schedule or {})["current_phase"]["start_date"]:
        return subscription
    return _become(world, subscription, phases[0])


def _become(world: World, subscription: Object, phase: Object) -> Object:
    """The subscription with the items of a phase. Another rhythm begins anew where the phase does."""
    old = subscription["items"]["data"]
    made = []
    for place, one in enumerate(phase["items"]):
        price = world.get(one["price"])
        item = old[place] if place < len(old) else items.read(world, [{"price": price["id"]}], [], subscription["id"])[0]
        made.append(item | {"price": price, "plan": items.plan_of(price), "quantity": one["quantity"]})
    changed = subscription | {"items": items.of_list(subscription, made, items.period_of(subscription))}
    if phase["metadata"]:
        changed["metadata"] = {**subscription["metadata"], **phase["metadata"]}
    if not same_rhythm(old[0]["price"]["recurring"], made[0]["price"]["recurring"]):
        changed["billing_cycle_anchor"] = phase["start_date"]
    return changed


def _complete(world: World, schedule: Object, subscription: Object) -> Object:
    """The last phase is over."""
    before = dict(schedule)
    if schedule["end_behavior"] == "cancel":
        schedule |= {"status": "completed", "completed_at": world.now(), "current_phase": None}
        world.put(schedule)
        world.emit("subscription_schedule.completed", schedule)
        world.put(subscription | {"schedule": None})
        return standing.cancel(world, subscription | {"schedule": None}, reason="cancellation_requested")
    released = {"status": "released", "current_phase": None, "released_at": world.now(), "released_subscription": subscription["id"], "subscription": None}
    schedule |= released
    world.put(schedule)
    world.emit("subscription_schedule.released", schedule)
    world.emit("subscription_schedule.updated", schedule, previous=before)
    return world.put(subscription | {"schedule": None})


def _living(world: World, subscription: Object) -> Object | None:
    schedule = world.found(subscription["schedule"]) if subscription["schedule"] else None
    return schedule if schedule is not None and schedule["status"] == "active" else None
