"""How subscriptions begin, and how they go on after a pause."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from frontdesk.billing.simulator import collecting, discounting, invoicing, items, lines, methods, shapes, standing
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.periods import containing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be subscribed to. fields: further fields of the subscription, as they stand in it; authenticated: the bank has asked the customer."""

    customer: Object
    wanted: Sequence[Object]
    discounts: Sequence[Object] = ()
    trial_end: int | None = None
    anchor: int | None = None
    payment_behavior: str = "allow_incomplete"
    authenticated: bool = False
    fields: Object = field(default_factory=dict)


def begin(world: World, order: Order) -> Object:
    """A new subscription with its first invoice. Raises StripeError for what cannot be paid, if the order says so."""
    now = world.now()
    subscription = _made(world, order, now)
    wanted = items.read(world, order.wanted, [], subscription["id"])
    trial = order.trial_end is not None and order.trial_end > now
    anchor = int(order.trial_end or now) if trial else order.anchor or now
    period = (now, anchor) if anchor > now else containing(now, wanted[0]["price"]["recurring"], now)
    subscription |= {"billing_cycle_anchor": anchor, "currency": wanted[0]["price"]["currency"], "items": items.of_list(subscription, wanted, period)}
    subscription["discounts"] = discounting.redeem(world, order.discounts, subscription=subscription["id"])
    if trial:
        subscription |= {"status": "trialing", "trial_start": now, "trial_end": anchor}
    free = trial or not _first_amount(subscription)
    subscription["status"] = subscription["status"] if trial else "active" if free or order.fields.get("collection_method") == "send_invoice" else "incomplete"
    _refuse_without_card(world, order, subscription, free)
    world.put(subscription)
    world.emit("customer.subscription.created", subscription)
    return _first_invoice(world, order, subscription, period)


def resume(world: World, subscription: Object) -> Object:
    """Go on after a pause: a new period begins, and is paid at once. Raises StripeError for what is not paused."""
    if subscription["status"] != "paused":
        raise StripeError("invalid_request_error", f"Only paused subscriptions can be resumed. This subscription's status is `{subscription['status']}`.")
    now = world.now()
    wanted = subscription["items"]["data"]
    period = containing(now, wanted[0]["price"]["recurring"], now)
    subscription |= {"billing_cycle_anchor": now, "items": items.of_list(subscription, wanted, period)}
    world.put(subscription)
    invoice = invoicing.create(world, period_plan(world, subscription, "subscription_cycle", (now, now), period))
    subscription = standing.change(world, subscription, latest_invoice=invoice["id"])
    collecting.finalize_and_collect(world, invoice)
    return world.get(subscription["id"])


def period_plan(world: World, subscription: Object, reason: str, looks_back: tuple[int, int], period: tuple[int, int]) -> invoicing.Plan:
    """What the invoice for a period is made of: the items, and everything that waits for it."""
    customer = world.get(subscription["customer"])
    waiting = [lines.of_invoice_item(world, one) for one in invoicing.waiting_items(world, customer["id"], subscription["id"])]
    own = [lines.of_item(world, subscription["id"], one, period) for one in subscription["items"]["data"]]
    if subscription["status"] == "trialing":
        own = [free(line) for line in own]
    discounts = invoicing.holding(world, subscription, period[0])
    return invoicing.Plan(customer, subscription, reason, [*waiting, *own], looks_back, discounts, subscription["automatic_tax"]["enabled"])


def _made(world: World, order: Order, now: int) -> Object:
    subscription = shapes.make(
        "subscription", id=world.new_id("sub"), created=now, start_date=now, customer=order.customer["id"], status="incomplete",
        collection_method="charge_automatically", invoice_settings={"account_tax_ids": None, "issuer": {"type": "self"}, "custom_fields": None,
        "description": None, "footer": None}, billing_mode={"type": "flexible", "flexible": None}, default_tax_rates=[],
        cancellation_details=shapes.make("subscription.cancellation_details"), payment_settings=shapes.make("subscription.payment_settings"),
        trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
    )  # fmt: skip
    subscription["payment_settings"] |= {"save_default_payment_method": "off"}
    return subscription | order.fields


def _first_amount(subscription: Object) -> int:
    return sum(int(one["price"]["unit_amount"] or 0) * int(one["quantity"] or 0) for one in subscription["items"]["data"])


def _refuse_without_card(world: World, order: Order, subscription: Object, free: bool) -> None:
    """Stripe begins nothing that it could not charge, unless the payment is to come later."""
    if free or order.payment_behavior == "default_incomplete" or subscription["collection_method"] == "send_invoice":
        return
    if methods.default_of(world, order.customer, subscription) is None:
        raise StripeError("invalid_request_error", collecting.NOTHING_TO_CHARGE, "resource_missing")


def _first_invoice(world: World, order: Order, subscription: Object, period: tuple[int, int]) -> Object:
    now = world.now()
    plan = period_plan(world, subscription, "subscription_create", (now, now), period)
    invoice = invoicing.create(world, plan)
    world.put(subscription | {"latest_invoice": invoice["id"]})
    paid_later = order.payment_behavior == "default_incomplete" and subscription["status"] == "incomplete"
    if paid_later or subscription["collection_method"] == "send_invoice":
        invoicing.finalize(world, invoice)
    else:
        invoice = collecting.finalize_and_collect(world, invoice, authenticated=order.authenticated)
        if order.payment_behavior == "error_if_incomplete" and invoice["status"] == "open" and not collecting.is_processing(world, invoice):
            raise collecting.refusal_of(world, invoice, keep=False)
    return world.get(subscription["id"])


def free(line: Object) -> Object:
    """The line of a trial: it says what it is about, and costs nothing."""
    said = f"Trial period for {str(line['description']).split(' × ', 1)[-1].split(' (at ')[0]}"
    return line | {"amount": 0, "subtotal": 0, "description": said, "pricing": line["pricing"] | {"unit_amount_decimal": "0"}}
