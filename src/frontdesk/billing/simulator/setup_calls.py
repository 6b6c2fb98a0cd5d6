"""The API of setup intents."""

from typing import Any

from frontdesk.billing.simulator import methods, setting_up
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.cards import BY_TOKEN
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.links import link
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
REASONS = ("abandoned", "duplicate", "requested_by_customer")


def create(world: World, params: p.Params) -> Object:
    """POST /v1/setup_intents. Raises StripeError 402 where it is confirmed at once with what a bank refuses."""
    p.known(
        params, ("automatic_payment_methods", "confirm", "customer", "description", "metadata", "payment_method", "payment_method_types", "return_url", "usage")
    )
    customer = world.get(str(params["customer"]), "customer", "customer")["id"] if params.get("customer") else None
    method = _method(world, str(params["payment_method"])) if params.get("payment_method") else None
    automatic = p.inner(params, "automatic_payment_methods", ("allow_redirects", "enabled"))
    intent = setting_up.intend(
        world, customer, description=p.text(params, "description"), metadata=p.metadata(params), payment_method=method,
        usage=p.choice(params, "usage", ("off_session", "on_session"), "off_session"), status="requires_confirmation" if method else "requires_payment_method",
        payment_method_types=[str(one) for one in p.several(params, "payment_method_types")] or ["card"],
        automatic_payment_methods={"allow_redirects": "always", "enabled": bool(p.flag(automatic, "enabled"))} if automatic else None,
    )  # fmt: skip
    if not p.flag(params, "confirm"):
        return intent
    return confirm(world, {name: params[name] for name in ("payment_method", "return_url") if name in params}, intent["id"])


def retrieve(world: World, params: p.Params, intent: str) -> Object:
    """GET /v1/setup_intents/{intent}."""
    p.known(params, ("client_secret",))
    return world.get(intent, "setup_intent", "intent")


def index(world: World, params: p.Params) -> Object:
    """GET /v1/setup_intents."""
    p.known(params, (*PAGING, "created", "customer", "payment_method"))
    return listing(world, "setup_intent", params, {"customer": p.text(params, "customer"), "payment_method": p.text(params, "payment_method")})


def update(world: World, params: p.Params, intent: str) -> Object:
    """POST /v1/setup_intents/{intent}."""
    p.known(params, ("description", "metadata", "payment_method"))
    found = _open(world, intent, "update")
    if params.get("payment_method"):
        found |= {"payment_method": _method(world, str(params["payment_method"])), "status": "requires_confirmation"}
    if "description" in params:
        found["description"] = p.text(params, "description")
    return world.put(found | {"metadata": p.metadata(params, found["metadata"])})


def confirm(world: World, params: p.Params, intent: str) -> Object:
    """POST /v1/setup_intents/{intent}/confirm: keep this method. Raises StripeError 402; the failed attempt stays."""
    p.known(params, ("payment_method", "return_url"))
    found = _open(world, intent, "confirm")
    method = _method(world, str(params.get("payment_method") or found["payment_method"] or p.required(params, "payment_method")))
    found = setting_up.attempt(world, found, method, return_url=link(params, "return_url"))
    if found["status"] == "requires_payment_method":
        raise methods.declined(found["last_setup_error"]["decline_code"], keep=True, setup_intent=found)
    return found


def cancel(world: World, params: p.Params, intent: str) -> Object:
    """POST /v1/setup_intents/{intent}/cancel."""
    p.known(params, ("cancellation_reason",))
    return setting_up.cancel(world, _open(world, intent, "cancel"), p.choice(params, "cancellation_reason", REASONS))


def _method(world: World, given: str) -> str:
    """A method that is kept, or a new one of a test card such as `pm_card_visa`."""
    made = methods.make(world, BY_TOKEN[given]) if given in BY_TOKEN else world.get(given, "payment_method", "payment_method")
    return str(made["id"])


def _open(world: World, intent: str, verb: str) -> Object:
    found = world.get(intent, "setup_intent", "intent")
    if found["status"] not in setting_up.OPEN:
        message = f"You cannot {verb} this SetupIntent because it has a status of {found['status']}."
        raise StripeError("invalid_request_error", message, "setup_intent_unexpected_state")
    return found
