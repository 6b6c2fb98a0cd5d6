"""The fields of a subscription that callers set as they like, and which of them Stripe takes when."""

from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import invalid
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
BOTH = (
    "automatic_tax", "billing_cycle_anchor", "cancel_at", "cancel_at_period_end", "collection_method", "days_until_due", "default_payment_method",
    "description", "discounts", "items", "metadata", "off_session", "payment_behavior", "payment_settings", "proration_behavior", "trial_end",
    "trial_settings",
)  # fmt: skip
CREATED = (*BOTH, "customer", "trial_period_days", "billing_mode", "currency")
CHANGED = (*BOTH, "cancellation_details", "pause_collection", "proration_date")


def fields_of(world: World, params: p.Params, before: Object, *, creating: bool) -> Object:
    """The fields that these parameters give, as they stand in the object."""
    fields: Object = {}
    if "metadata" in params:
        fields["metadata"] = p.metadata(params, before["metadata"])
    if "description" in params:
        fields["description"] = p.text(params, "description", longest=500)
    if "default_payment_method" in params:
        fields["default_payment_method"] = p.text(params, "default_payment_method")
    if "collection_method" in params:
        fields["collection_method"] = p.choice(params, "collection_method", ("charge_automatically", "send_invoice"))
    if "days_until_due" in params:
        fields["days_until_due"] = p.integer(params, "days_until_due", least=0, most=1000)
    if "automatic_tax" in params:
        given = p.inner(params, "automatic_tax", ("enabled", "liability")) or {}
        fields["automatic_tax"] = before["automatic_tax"] | {"enabled": bool(p.flag(given, "enabled"))}
    if "trial_settings" in params:
        fields["trial_settings"] = _trial_settings(params)
    if "payment_settings" in params:
        given = p.inner(params, "payment_settings", ("save_default_payment_method", "payment_method_types", "payment_method_options")) or {}
        saves = p.choice(given, "save_default_payment_method", ("off", "on_subscription"), "off")
        fields["payment_settings"] = (before["payment_settings"] or shapes.make("subscription.payment_settings")) | {"save_default_payment_method": saves}
    if "billing_mode" in params:
        given = p.inner(params, "billing_mode", ("type", "flexible")) or {}
        fields["billing_mode"] = {"type": p.choice(given, "type", ("classic", "flexible"), "flexible"), "flexible": None}
    if "pause_collection" in params and not creating:
        fields["pause_collection"] = _pause(params)
    return fields


def _trial_settings(params: p.Params) -> Object:
    given = p.inner(params, "trial_settings", ("end_behavior",)) or {}
    behavior = p.inner(given, "end_behavior", ("missing_payment_method",)) or {}
    chosen = p.choice(behavior, "missing_payment_method", ("cancel", "create_invoice", "pause"), "create_invoice")
    return {"end_behavior": {"missing_payment_method": chosen}}


def _pause(params: p.Params) -> Object | None:
    given = p.inner(params, "pause_collection", ("behavior", "resumes_at"))
    if given is None:
        return None
    behavior = p.choice(given, "behavior", ("keep_as_draft", "mark_uncollectible", "void"))
    if behavior is None:
        raise invalid("Missing required param: pause_collection[behavior].", "pause_collection[behavior]", "parameter_missing")
    return {"behavior": behavior, "resumes_at": p.moment(given, "resumes_at")}
