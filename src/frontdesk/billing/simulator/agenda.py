"""What is due by itself, and when: read from the objects, so that nothing is forgotten when the simulator was off."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from frontdesk.billing.simulator import buying, charging, collecting, drafts, invoicing, items, pending, renewing, standing
from frontdesk.billing.simulator.periods import DAY, HOUR
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FIRST_PAYMENT = 23 * HOUR
"""How long a first payment may take. Source: https://docs.stripe.com/billing/subscriptions/overview#subscription-statuses"""
TRIAL_NOTICE = 3 * DAY


@dataclass(frozen=True, slots=True)
class Task:
    """Something that happens at a moment. rank: what comes first of two at the same moment; what: in words."""

    at: int
    rank: int
    what: str
    id: str
    run: Callable[[World], None]


def tasks(world: World, *, waits: bool = True) -> list[Task]:
    """Everything that is ahead or overdue, the earliest first. waits: whether drafts wait for whoever has not taken that they are there."""
    found = [*_of_subscriptions(world), *_of_invoices(world, waits), *_of_payments(world), *_of_sessions(world)]
    return sorted(found, key=lambda task: (task.at, task.rank, task.id))


def _of_subscriptions(world: World) -> Iterator[Task]:
    notice = standing.dunning(world).upcoming_days * DAY
    for status in ("trialing", "active", "past_due", "unpaid", "incomplete"):
        for one in world.find("subscription", status=status):
            if status == "incomplete":
                yield Task(int(one["created"]) + FIRST_PAYMENT, 5, "first payment expires", one["id"], _on(one, standing.expire))
            else:
                yield from _of_living(world, one, notice)


def _of_living(world: World, one: Object, notice: int) -> Iterator[Task]:
    end = items.period_of(one)[1]
    yield Task(end, 3, "trial ends" if one["status"] == "trialing" else "renewal", one["id"], _on(one, renewing.end_period, end))
    if one["status"] == "trialing" and renewing.told(world, one, "told_trial_end") < end:
        yield Task(max(end - TRIAL_NOTICE, int(one["trial_start"])), 1, "trial notice", one["id"], _on(one, renewing.tell_of_trial_end))
    if one["status"] == "active" and one["cancel_at"] is None and end - notice > items.period_of(one)[0] and renewing.told(world, one, "told_renewal") < end:
        yield Task(end - notice, 1, "renewal notice", one["id"], _on(one, renewing.tell_of_renewal))
    if one["cancel_at"] is not None and int(one["cancel_at"]) < end:
        yield Task(int(one["cancel_at"]), 2, "cancellation", one["id"], _on(one, _cancel_as_planned))
    if one["pending_update"]:
        yield Task(int(one["pending_update"]["expires_at"]), 0, "pending update expires", one["id"], _on(one, pending.expire))
    if one["pause_collection"] and one["pause_collection"]["resumes_at"]:
        yield Task(int(one["pause_collection"]["resumes_at"]), 2, "collection resumes", one["id"], _on(one, _collect_again))


def _of_invoices(world: World, waits: bool) -> Iterator[Task]:
    for one in world.find("invoice", status="draft"):
        if one["auto_advance"] and one["automatically_finalizes_at"] is not None:
            yield Task(drafts.finalizes_at(world, one, waits=waits), 6, "draft becomes an invoice", one["id"], _on(one, _advance_draft))
    for one in world.find("invoice", status="open"):
        if one["auto_advance"] and one["next_payment_attempt"] is not None:
            yield Task(int(one["next_payment_attempt"]), 7, "payment is tried", one["id"], _on(one, collecting.retry))


def _of_payments(world: World) -> Iterator[Task]:
    for one in world.find("payment_intent", status="processing"):
        at = int(world.private(one["id"]).get("settles_at") or one["created"])
        yield Task(at, 8, "direct debit settles", one["id"], _settler(one["id"]))


def _of_sessions(world: World) -> Iterator[Task]:
    for one in world.find("checkout.session", status="open"):
        yield Task(int(one["expires_at"]), 9, "checkout expires", one["id"], _on(one, buying.expire))


def _on(one: Object, act: Callable[..., Any], *more: int) -> Callable[[World], None]:
    def run(world: World) -> None:
        act(world, world.get(one["id"]), *more)

    return run


def _settler(id: str) -> Callable[[World], None]:
    def run(world: World) -> None:
        intent = charging.settle(world, world.get(id))
        payments = world.find("invoice_payment", **{"payment.payment_intent": id})
        if payments:
            collecting.after_attempt(world, world.get(payments[-1]["invoice"]), intent, counted=True)
        buying.settled(world, intent)

    return run


def _cancel_as_planned(world: World, subscription: Object) -> None:
    standing.cancel(world, subscription, reason="cancellation_requested", at=int(subscription["cancel_at"]))


def _collect_again(world: World, subscription: Object) -> None:
    standing.change(world, subscription, pause_collection=None)


def _advance_draft(world: World, invoice: Object) -> None:
    """An invoice that is sent waits for whoever pays it; any other is charged at once."""
    if invoice["collection_method"] == "send_invoice":
        invoicing.finalize(world, invoice)
    else:
        collecting.finalize_and_collect(world, invoice)
