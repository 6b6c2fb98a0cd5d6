"""The API of the customer portal's sessions. An address is a secret: whoever has it is the customer."""

import time
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes, standing
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.links import link
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FLOWS = ("payment_method_update", "subscription_cancel")
SESSIONS, LASTS = "portal:", 3600.0
"""Under which name a session is known by its secret, and how many real seconds it can be opened."""


def create(world: World, params: p.Params) -> Object:
    """POST /v1/billing_portal/sessions."""
    p.known(params, ("configuration", "customer", "flow_data", "locale", "return_url"))
    customer = world.get(str(p.required(params, "customer")), "customer", "customer")
    configuration = _configuration(world, params)
    flow = _flow(world, params, customer)
    secret = world.new_id("portal", 40)
    session = shapes.make(
        "billing_portal.session", id=world.new_id("bps"), configuration=configuration["id"], created=world.now(), customer=customer["id"], flow=flow,
        locale=p.text(params, "locale"), return_url=link(params, "return_url") or configuration["default_return_url"],
        url=f"{world.settings.public_url}/portal/{secret}",
    )  # fmt: skip
    world.put_private(SESSIONS + secret, {"session": session, "until": time.time() + LASTS})
    return session


def _configuration(world: World, params: p.Params) -> Object:
    if params.get("configuration"):
        found = world.get(str(params["configuration"]), "billing_portal.configuration", "configuration")
        if not found["active"]:
            raise invalid("The configuration is not active.", "configuration")
        return found
    usual = world.find("billing_portal.configuration", active=True)
    if not usual:
        message = "You can't create a portal session in test mode until you save your customer portal settings in test mode. Create a configuration first."
        raise StripeError("invalid_request_error", message)
    return next((one for one in usual if one["is_default"]), usual[0])


def _flow(world: World, params: p.Params, customer: Object) -> Object | None:
    """The one thing that a session is for, if it is not for everything."""
    given = p.inner(params, "flow_data", ("after_completion", "subscription_cancel", "type", "subscription_update", "subscription_update_confirm"))
    if given is None:
        return None
    kind = p.choice(given, "type", (*FLOWS, "subscription_update", "subscription_update_confirm"))
    if kind not in FLOWS:
        raise invalid("The simulated portal has flows for the payment method and for cancelling; plans are changed in the product.", "flow_data[type]")
    flow = shapes.make("billing_portal.session.flow", type=kind)
    if kind == "subscription_cancel":
        about = p.inner(given, "subscription_cancel", ("subscription", "retention")) or {}
        subscription = world.get(str(p.required(about, "subscription")), "subscription", "flow_data[subscription_cancel][subscription]")
        if subscription["customer"] != customer["id"] or subscription["status"] in standing.OVER:
            raise invalid("The subscription is not one of this customer that could be cancelled.", "flow_data[subscription_cancel][subscription]")
        flow["subscription_cancel"] = shapes.make("billing_portal.session.flow.subscription_cancel", subscription=subscription["id"])
    flow["after_completion"] = _after(p.inner(given, "after_completion", ("hosted_confirmation", "redirect", "type")) or {})
    return flow


def _after(given: p.Params) -> Object:
    kind = p.choice(given, "type", ("hosted_confirmation", "portal_homepage", "redirect"), "portal_homepage") or ""
    after: Object = {"hosted_confirmation": None, "redirect": None, "type": kind}
    if kind == "redirect":
        about = p.inner(given, "redirect", ("return_url",)) or {}
        after["redirect"] = {"return_url": link(about, "return_url") or p.required(about, "return_url")}
    if kind == "hosted_confirmation":
        about = p.inner(given, "hosted_confirmation", ("custom_message",)) or {}
        after["hosted_confirmation"] = {"custom_message": p.text(about, "custom_message")}
    return after
