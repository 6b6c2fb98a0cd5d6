"""Previews: the invoice that a change, or the next period, would bring. The same arithmetic as the change itself, and nothing is kept."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from frontdesk.billing.simulator import changing, discounting, invoice_items, invoicing, items, lines, renewing, shapes, standing
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.periods import containing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FIELDS = ("customer", "subscription", "subscription_details", "discounts", "invoice_items", "automatic_tax", "currency", "preview_mode", "schedule")
DETAILS = (
    "items", "proration_behavior", "proration_date", "cancel_at_period_end", "cancel_at", "cancel_now", "trial_end", "billing_cycle_anchor", "billing_mode",
    "start_date", "default_tax_rates", "resume_at",
)  # fmt: skip


def preview(world: World, params: p.Params) -> Object:
    """The preview that these parameters ask for. Raises StripeError; 404 `invoice_upcoming_none` where no invoice would come."""
    p.known(params, FIELDS)
    details = p.inner(params, "subscription_details", DETAILS) or {}
    p.choice(params, "preview_mode", ("next", "recurring"))
    if params.get("schedule"):
        params = params | {"subscription": world.get(str(params["schedule"]), "subscription_schedule", "schedule")["subscription"]}
    if not params.get("subscription"):
        return _of_beginning(world, params, details)
    subscription = world.get(str(params["subscription"]), "subscription", "subscription")
    if params.get("customer") not in (None, "", subscription["customer"]):
        raise invalid("The subscription does not belong to the customer.", "subscription")
    return _of_change(world, params, details, subscription)


def _of_change(world: World, params: p.Params, details: p.Params, subscription: Object) -> Object:
    if subscription["status"] in standing.OVER:
        raise _none(subscription["customer"])
    behavior = p.choice(details, "proration_behavior", changing.BEHAVIORS, "create_prorations") or ""
    at = p.moment(details, "proration_date") or world.now()
    new_anchor = details.get("billing_cycle_anchor") == "now"
    added: list[Object] = []
    if details.get("items") or new_anchor:
        wanted = items.read(world, p.several(details, "items"), subscription["items"]["data"], subscription["id"])
        change = changing.plan(world, subscription, wanted, behavior, at, new_anchor=new_anchor)
        added = [lines.of_proration(world, subscription["customer"], subscription["id"], one) for one in change.prorations]
        if change.invoices_now(behavior) and params.get("preview_mode") != "recurring":
            becomes = subscription | change.becomes
            plan = changing.plan_of_invoice(world, becomes, change.whole, items.period_of(becomes)[0], added)
            return invoicing.compose(world, _with(world, plan, params), world.new_id("upcoming_in"))
        subscription = subscription | change.becomes
    if p.flag(details, "cancel_at_period_end") is not None:
        subscription = subscription | {"cancel_at": items.period_of(subscription)[1] if p.flag(details, "cancel_at_period_end") else None}
    found = renewing.upcoming(world, subscription, [] if params.get("preview_mode") == "recurring" else added)
    if found is None:
        raise _none(subscription["customer"])
    return found


def _of_beginning(world: World, params: p.Params, details: p.Params) -> Object:
    """What a new subscription would cost at once; without any, what waits for the customer."""
    customer = world.get(str(p.required(params, "customer")), "customer", "customer")
    waiting = [lines.of_invoice_item(world, one) for one in invoicing.waiting_items(world, customer["id"], None)]
    own: list[Object] = []
    if details.get("items"):
        wanted = items.read(world, p.several(details, "items"), [], "")
        now = world.now()
        period = containing(now, wanted[0]["price"]["recurring"], now)
        own = [lines.of_item(world, None, one, period) for one in wanted]
    elif not waiting and not params.get("invoice_items"):
        living = [one for one in world.find("subscription", customer=customer["id"]) if one["status"] in renewing.LIVING]
        found = renewing.upcoming(world, living[-1]) if living else None
        if found is None:
            raise _none(customer["id"])
        return found
    taxed = bool(p.flag(p.inner(params, "automatic_tax") or {}, "enabled"))
    reason = "subscription_create" if own else "manual"
    plan = invoicing.Plan(customer, None, reason, [*waiting, *own], (world.now(), world.now()), (), taxed)
    return invoicing.compose(world, _with(world, plan, params), world.new_id("upcoming_in"))


def _with(world: World, plan: invoicing.Plan, params: p.Params) -> invoicing.Plan:
    """The plan with the discounts and the items that a preview is asked to assume."""
    made = [lines.of_invoice_item(world, one) for one in _assumed(world, plan.customer, p.several(params, "invoice_items"))]
    whole = replace(plan, lines=[*made, *plan.lines])
    if "discounts" not in params:
        return whole
    amount = sum(int(one["amount"]) for one in whole.lines)
    return replace(whole, discounts=discounting.read(world, p.several(params, "discounts"), plan.customer["id"], amount))


def _assumed(world: World, customer: Object, given: Sequence[Any]) -> list[Object]:
    return [invoice_items.read(world, one, customer["id"], shapes.make("invoiceitem")) for one in given]


def _none(customer: str) -> StripeError:
    return StripeError("invalid_request_error", f"No upcoming invoices for customer: {customer}", "invoice_upcoming_none", None, 404)
