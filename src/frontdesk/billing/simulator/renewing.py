"""What happens when a period ends: the next begins, a trial becomes a subscription, or everything is over."""

from typing import Any

from frontdesk.billing.simulator import collecting, invoicing, items, lines, methods, schedules, standing, subscribing
from frontdesk.billing.simulator.periods import containing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
LIVING = ("trialing", "active", "past_due", "unpaid")


def end_period(world: World, subscription: Object, at: int) -> None:
    """The period ends at this moment: cancel what was to end with it, else begin the next one."""
    if subscription["cancel_at"] is not None and int(subscription["cancel_at"]) <= at:
        standing.cancel(world, subscription, reason="cancellation_requested", at=at)
        return
    if subscription["status"] == "trialing" and _ends_trial_otherwise(world, subscription):
        return
    before = world.get(subscription["id"])
    subscription = schedules.next_phase(world, subscription, at)
    if subscription["status"] in standing.OVER:
        return
    looks_back = items.period_of(subscription)
    wanted = subscription["items"]["data"]
    anchor = int(subscription["billing_cycle_anchor"])
    period = containing(anchor, wanted[0]["price"]["recurring"], at)
    subscription["items"] = items.of_list(subscription, wanted, period)
    subscription["status"] = "active" if subscription["status"] == "trialing" else subscription["status"]
    world.put(subscription)
    invoice = _draft(world, subscription, looks_back, period, at)
    after = world.put(world.get(subscription["id"]) | {"latest_invoice": invoice["id"]})
    world.emit("customer.subscription.updated", after, previous=before)
    _set_aside(world, after, invoice)


def tell_of_trial_end(world: World, subscription: Object) -> None:
    """The trial ends in three days."""
    _note(world, subscription, "told_trial_end", subscription["trial_end"])
    world.emit("customer.subscription.trial_will_end", subscription)


def tell_of_renewal(world: World, subscription: Object) -> None:
    """The next invoice comes in some days; it is a preview, whose id finds nothing."""
    _note(world, subscription, "told_renewal", items.period_of(subscription)[1])
    ahead = upcoming(world, subscription)
    if ahead is not None:
        world.emit("invoice.upcoming", ahead)


def upcoming(world: World, subscription: Object, added: list[Object] | None = None) -> Object | None:
    """The invoice that comes next as it stands now, or None if there will be none. added: prorations that are not kept."""
    end = items.period_of(subscription)[1]
    if subscription["status"] in standing.OVER or (subscription["cancel_at"] is not None and int(subscription["cancel_at"]) <= end):
        return None
    then = schedules.as_of(world, subscription, end) | {"status": "active"}
    anchor = int(then["billing_cycle_anchor"])
    period = containing(anchor, then["items"]["data"][0]["price"]["recurring"], end)
    plan = subscribing.period_plan(world, then, "upcoming", items.period_of(subscription), period)
    extra = [lines.of_invoice_item(world, one) for one in added or []]
    whole = invoicing.Plan(plan.customer, plan.subscription, plan.reason, [*extra, *plan.lines], plan.period, plan.discounts, plan.automatic_tax)
    invoice = invoicing.compose(world, whole, world.new_id("upcoming_in"))
    return invoice | {"created": end, "next_payment_attempt": invoicing.finalizes_after(end)}


def told(world: World, subscription: Object, what: str) -> int:
    """For which moment this was told already."""
    return int(world.private(subscription["id"]).get(what) or 0)


def _ends_trial_otherwise(world: World, subscription: Object) -> bool:
    """Without anything to charge a trial ends as the subscription says: it is cancelled or paused, or goes on and fails."""
    customer = world.get(subscription["customer"])
    behavior = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if behavior == "create_invoice" or methods.default_of(world, customer, subscription) is not None:
        return False
    if behavior == "cancel":
        standing.cancel(world, subscription, reason="payment_failed")
        return True
    before = world.get(subscription["id"])
    after = world.put(subscription | {"status": "paused"})
    world.emit("customer.subscription.paused", after, previous=before)
    world.emit("customer.subscription.updated", after, previous=before)
    return True


def _draft(world: World, subscription: Object, looks_back: tuple[int, int], period: tuple[int, int], at: int) -> Object:
    """The draft for the new period; it becomes an invoice an hour later, unless the subscription is unpaid."""
    plan = subscribing.period_plan(world, subscription, "subscription_cycle", looks_back, period)
    return invoicing.create(world, plan, advance=subscription["status"] != "unpaid", finalizes_at=invoicing.finalizes_after(at))


def _set_aside(world: World, subscription: Object, invoice: Object) -> None:
    """While collection is paused, invoices are kept as drafts, void, or not expected to be paid."""
    pause = subscription["pause_collection"]
    if not pause:
        return
    if pause["behavior"] == "keep_as_draft":
        invoicing.stop(world, invoice)
    elif pause["behavior"] == "void":
        invoicing.void(world, invoicing.finalize(world, invoice))
    else:
        collecting.mark_uncollectible(world, invoicing.finalize(world, invoice))


def _note(world: World, subscription: Object, what: str, moment: int) -> None:
    world.put_private(subscription["id"], world.private(subscription["id"]) | {what: moment})
