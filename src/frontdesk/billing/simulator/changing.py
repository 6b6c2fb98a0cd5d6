"""Changing what is subscribed to: what it costs is worked out once, for the preview and for the change alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.billing.simulator import collecting, invoicing, items, lines, pending, proration, standing
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.periods import containing, same_rhythm
from frontdesk.billing.simulator.proration import Billed, Proration
from frontdesk.billing.simulator.totals import net
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
BEHAVIORS = ("always_invoice", "create_prorations", "none")
PAYMENT_BEHAVIORS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")


@dataclass(frozen=True, slots=True)
class Change:
    """What a subscription becomes, and what that costs: prorations, and whole new periods where a new one begins."""

    becomes: Object
    prorations: Sequence[Proration]
    whole: Sequence[Object]
    restarts: bool

    def invoices_now(self, behavior: str) -> bool:
        """Whether there is an invoice at once, and not with the next period."""
        return self.restarts or (behavior == "always_invoice" and bool(self.prorations))


def plan(world: World, subscription: Object, wanted: list[Object], behavior: str, at: int, *, new_anchor: bool = False) -> Change:
    """What it means to have these items from `at` on. A trial is changed without costs; another rhythm begins a new period."""
    before = subscription["items"]["data"]
    period = items.period_of(subscription)
    if not period[0] <= at <= period[1]:
        message = "Cannot specify `proration_date` outside of the current period."
        raise StripeError("invalid_request_error", message, None, "subscription_proration_date")
    restarts = new_anchor or not same_rhythm(before[0]["price"]["recurring"], wanted[0]["price"]["recurring"])
    if subscription["status"] == "trialing":
        return Change({"items": items.of_list(subscription, wanted, period)}, [], [], False)
    left, begun = (before, wanted) if restarts else proration.changed(before, wanted)
    credits = [proration.credit(one, billed(world, subscription, one, at), at, _name(world, one)) for one in left] if behavior != "none" else []
    if restarts:
        now = containing(at, wanted[0]["price"]["recurring"], at)
        becomes = {"items": items.of_list(subscription, wanted, now), "billing_cycle_anchor": at}
        whole = [lines.of_item(world, subscription["id"], one, now) for one in wanted]
        return Change(becomes, [one for one in credits if one.amount], whole, True)
    charges = [proration.charge(one, period, at, _name(world, one)) for one in begun] if behavior != "none" else []
    return Change({"items": items.of_list(subscription, wanted, period)}, [*credits, *charges], [], False)


def billed(world: World, subscription: Object, item: Object, at: int) -> Billed | None:
    """What was billed last for the time that an item is left in: credits are a part of this."""
    found: list[Billed] = []
    for invoice in world.find("invoice", customer=subscription["customer"]):
        if invoice["status"] == "void" or pending.waits_for(world, subscription, invoice["id"]):
            continue
        found += [
            Billed(net(line), line["period"]["start"], line["period"]["end"]) for line in invoice["lines"]["data"]
            if _is_of(line, item) and line["discountable"] and line["period"]["start"] <= at <= line["period"]["end"]
        ]  # fmt: skip
    for waiting in invoicing.waiting_items(world, subscription["customer"], subscription["id"]):
        details = (waiting["parent"] or {}).get("subscription_details") or {}
        if waiting["proration"] and waiting["discountable"] and details.get("subscription_item") == item["id"]:
            found.append(Billed(waiting["amount"], waiting["period"]["start"], waiting["period"]["end"]))
    return sorted(found, key=lambda one: one.start)[-1] if found else None


def make(world: World, subscription: Object, change: Change, behavior: str, payment_behavior: str) -> Object:
    """Change the subscription, and take what it costs at once if that is what was asked for. A change that waits is dropped for this one."""
    pending.drop(world, subscription)
    subscription = world.get(subscription["id"])
    added = [lines.of_proration(world, subscription["customer"], subscription["id"], one) for one in change.prorations]
    for one in added:
        world.put(one)
        world.emit("invoiceitem.created", one)
    if not change.invoices_now(behavior):
        return standing.change(world, subscription, **change.becomes)
    if payment_behavior == "pending_if_incomplete":
        return _once_paid(world, subscription, change)
    subscription = standing.change(world, subscription, **change.becomes)
    invoice = invoice_now(world, subscription, change.whole)
    subscription = standing.change(world, subscription, latest_invoice=invoice["id"])
    if payment_behavior == "default_incomplete":
        invoicing.finalize(world, invoice)
        return world.get(subscription["id"])
    invoice = collecting.finalize_and_collect(world, invoice)
    if payment_behavior == "error_if_incomplete" and invoice["status"] == "open":
        raise collecting.refusal_of(world, invoice, keep=False)
    return world.get(subscription["id"])


def invoice_now(world: World, subscription: Object, whole: Sequence[Object]) -> Object:
    """The invoice of a change: everything that waits, and the new periods that begin."""
    return invoicing.create(world, plan_of_invoice(world, subscription, whole, items.period_of(subscription)[0]))


def plan_of_invoice(world: World, subscription: Object, whole: Sequence[Object], since: int, added: Sequence[Object] = ()) -> invoicing.Plan:
    """What the invoice of a change is made of. added: prorations that are not kept, for a preview."""
    customer = world.get(subscription["customer"])
    waiting = [*invoicing.waiting_items(world, customer["id"], subscription["id"]), *added]
    own = [lines.of_invoice_item(world, one) for one in waiting] + list(whole)
    discounts = invoicing.holding(world, subscription, world.now())
    period = (world.now(), world.now()) if not whole else (since, world.now())
    return invoicing.Plan(customer, subscription, "subscription_update", own, period, discounts, subscription["automatic_tax"]["enabled"])


def refuse_with_pending(given: Object) -> None:
    """Refuse what cannot wait for a payment, as Stripe does."""
    for name in given:
        if name not in (*pending.ALLOWED, "expand", "off_session", "payment_settings"):
            raise invalid(f"When `payment_behavior` is set to `pending_if_incomplete`, you cannot pass `{name}`.", name)


def _once_paid(world: World, subscription: Object, change: Change) -> Object:
    """Invoice the change first; the subscription follows when it is paid."""
    invoice = invoice_now(world, subscription, change.whole)
    pending.begin(world, subscription, invoice["id"], change.becomes)
    invoice = collecting.finalize_and_collect(world, invoice)
    if invoice["status"] == "open" and pending.waits_for(world, subscription, invoice["id"]):
        invoicing.stop(world, invoice)
        return pending.show(world, subscription)
    return world.get(subscription["id"])


def _is_of(line: Object, item: Object) -> bool:
    parent = line["parent"] or {}
    details = parent.get("subscription_item_details") or {}
    return bool(details.get("subscription_item") == item["id"])


def _name(world: World, item: Object) -> str:
    return lines.name_of(world, item["price"])
