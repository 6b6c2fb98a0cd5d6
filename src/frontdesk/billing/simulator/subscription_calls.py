"""The API of subscriptions and their items."""

from typing import Any

from frontdesk.billing.simulator import changing, discounting, items, shapes, standing, subscribing
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.listing import PAGING, listing, page
from frontdesk.billing.simulator.periods import DAY
from frontdesk.billing.simulator.subscription_fields import CHANGED, CREATED, fields_of
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
STATUSES = ("active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid")


def create(world: World, params: p.Params) -> Object:
    """POST /v1/subscriptions."""
    p.known(params, CREATED)
    customer = world.get(str(p.required(params, "customer")), "customer", "customer")
    p.required(params, "items")
    discounts = discounting.read(world, p.several(params, "discounts"), customer["id"], 0)
    fields = fields_of(world, params, shapes.make("subscription") | {"customer": customer["id"], "payment_settings": None}, creating=True)
    order = subscribing.Order(
        customer, p.several(params, "items"), discounts, trial_end_of(world, params), p.moment(params, "billing_cycle_anchor"),
        p.choice(params, "payment_behavior", changing.PAYMENT_BEHAVIORS, "allow_incomplete") or "", fields=fields,
    )  # fmt: skip
    subscription = subscribing.begin(world, order)
    return _cancelled_later(world, subscription, params)


def retrieve(world: World, params: p.Params, subscription: str) -> Object:
    """GET /v1/subscriptions/{subscription}."""
    p.known(params, ())
    return world.get(subscription, "subscription", "id")


def index(world: World, params: p.Params) -> Object:
    """GET /v1/subscriptions: all but those that are over, unless a status is asked for."""
    p.known(params, (*PAGING, "created", "customer", "price", "status", "collection_method", "automatic_tax", "current_period_end", "current_period_start"))
    status, price = p.choice(params, "status", STATUSES), p.text(params, "price")

    def fits(one: Object) -> bool:
        if status not in (None, "all", "ended"):
            return bool(one["status"] == status)
        if status is None and one["status"] == "canceled":
            return False
        return status != "ended" or one["status"] in standing.OVER

    def sells(one: Object) -> bool:
        return price is None or any(item["price"]["id"] == price for item in one["items"]["data"])

    return listing(world, "subscription", params, {"customer": p.text(params, "customer")}, lambda one: fits(one) and sells(one))


def update(world: World, params: p.Params, subscription: str) -> Object:
    """POST /v1/subscriptions/{subscription}."""
    p.known(params, CHANGED)
    found = _living(world, subscription)
    payment_behavior = p.choice(params, "payment_behavior", changing.PAYMENT_BEHAVIORS, "allow_incomplete") or ""
    if payment_behavior == "pending_if_incomplete":
        changing.refuse_with_pending(params)
    found = _change_fields(world, params, found)
    if params.get("trial_end"):
        found = _move_trial(world, params, found)
    if p.text(params, "billing_cycle_anchor") not in (None, "now", "unchanged"):
        raise invalid("Invalid billing_cycle_anchor: must be one of now, unchanged", "billing_cycle_anchor")
    new_anchor = params.get("billing_cycle_anchor") == "now"
    if params.get("items") or new_anchor:
        wanted = items.read(world, p.several(params, "items"), found["items"]["data"], found["id"])
        behavior = p.choice(params, "proration_behavior", changing.BEHAVIORS, "create_prorations") or ""
        change = changing.plan(world, found, wanted, behavior, p.moment(params, "proration_date") or world.now(), new_anchor=new_anchor)
        found = changing.make(world, found, change, behavior, payment_behavior)
    return _cancelled_later(world, found, params)


def cancel(world: World, params: p.Params, subscription: str) -> Object:
    """DELETE /v1/subscriptions/{subscription}: now, without waiting for the period's end."""
    p.known(params, ("invoice_now", "prorate", "cancellation_details"))
    found = _living(world, subscription)
    if p.flag(params, "prorate"):
        raise invalid("The simulated Stripe gives nothing back when a subscription is cancelled at once (`prorate`).", "prorate")
    details = p.inner(params, "cancellation_details", ("comment", "feedback")) or {}
    found["cancellation_details"] = (found["cancellation_details"] or {}) | {"comment": p.text(details, "comment"), "feedback": p.text(details, "feedback")}
    return standing.cancel(world, found, reason="cancellation_requested")


def resume(world: World, params: p.Params, subscription: str) -> Object:
    """POST /v1/subscriptions/{subscription}/resume: after a pause at the end of a trial."""
    p.known(params, ("billing_cycle_anchor", "proration_behavior", "proration_date"))
    return subscribing.resume(world, world.get(subscription, "subscription", "subscription"))


def item_index(world: World, params: p.Params) -> Object:
    """GET /v1/subscription_items."""
    p.known(params, (*PAGING, "subscription"))
    found = world.get(str(p.required(params, "subscription")), "subscription", "subscription")
    return page(world, "subscription_item", found["items"]["data"], params)


def _living(world: World, subscription: str) -> Object:
    found = world.get(subscription, "subscription", "subscription")
    if found["status"] in standing.OVER:
        message = f"No such subscription: '{subscription}'" if found["status"] == "canceled" else "This subscription has expired and can't be changed."
        raise StripeError("invalid_request_error", message, "resource_missing", "id", 404)
    return found


def trial_end_of(world: World, params: p.Params) -> int | None:
    """When a trial ends that is asked for as a time or in days."""
    days = p.integer(params, "trial_period_days", None, least=1, most=730)
    if params.get("trial_end") == "now":
        return None
    return world.now() + days * DAY if days else p.moment(params, "trial_end")


def _change_fields(world: World, params: p.Params, subscription: Object) -> Object:
    fields = fields_of(world, params, subscription, creating=False)
    if "discounts" in params:
        found = discounting.read(world, p.several(params, "discounts"), subscription["customer"], 0)
        fields["discounts"] = discounting.redeem(world, found, subscription=subscription["id"])
    method = fields.get("default_payment_method")
    if method and world.get(method, "payment_method", "default_payment_method")["customer"] != subscription["customer"]:
        raise invalid("The customer does not have a payment method with the ID " + method, "default_payment_method", "resource_missing")
    return standing.change(world, subscription, **fields) if fields else subscription


def _move_trial(world: World, params: p.Params, subscription: Object) -> Object:
    """A trial ends at another time: later, or now, which begins the first period that is paid."""
    now = world.now()
    if subscription["status"] != "trialing":
        raise invalid("The simulated Stripe moves the end of a trial only while it lasts.", "trial_end")
    end = now if params["trial_end"] == "now" else p.moment(params, "trial_end") or now
    if end < now:
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future", "trial_end")
    own = items.of_list(subscription, subscription["items"]["data"], (items.period_of(subscription)[0], end))
    return standing.change(world, subscription, trial_end=end, billing_cycle_anchor=end, items=own)


def _cancelled_later(world: World, subscription: Object, params: p.Params) -> Object:
    """`cancel_at_period_end` and `cancel_at`, which can be taken back until it is over."""
    if "cancel_at_period_end" not in params and "cancel_at" not in params:
        return subscription
    if subscription["schedule"]:
        message = f"The subscription is managed by the subscription schedule `{subscription['schedule']}`, and updating any cancelation behavior directly"
        raise StripeError("invalid_request_error", message + " is not allowed. Please update the schedule instead.")
    at_end = p.flag(params, "cancel_at_period_end") or params.get("cancel_at") in ("max_period_end", "min_period_end")
    at = None if at_end else p.moment(params, "cancel_at")
    if at is not None and at < world.now():
        raise invalid("`cancel_at` must be a timestamp in the future.", "cancel_at")
    ends = items.period_of(subscription)[1] if at_end else at
    details = subscription["cancellation_details"] or shapes.make("subscription.cancellation_details")
    given = p.inner(params, "cancellation_details") or {}
    reason = None if ends is None else "cancellation_requested"
    told = {"comment": given.get("comment") or None, "feedback": given.get("feedback") or None, "reason": reason}
    canceled = None if ends is None else subscription["canceled_at"] or world.now()
    return standing.change(
        world, subscription, cancel_at=ends, cancel_at_period_end=bool(at_end), canceled_at=canceled, cancellation_details=details | told
    )  # fmt: skip
