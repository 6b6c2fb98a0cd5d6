"""Where events go."""

import secrets
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import invalid
from frontdesk.billing.simulator.links import target
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.records import API_VERSION, OWN
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
MOST = 16
"""Source: https://docs.stripe.com/webhooks"""


def keep_own(world: World) -> None:
    """Let the endpoint that the product was mounted with be as it says today: every event, to this address, under this secret."""
    if world.settings.webhook_url is None:
        if world.found(OWN) is not None:
            world.put(world.get(OWN) | {"status": "disabled"})
        return
    known = world.found(OWN) or shapes.make("webhook_endpoint", id=OWN, created=world.now(), api_version=API_VERSION, enabled_events=["*"])
    known |= {"url": world.settings.webhook_url, "status": "enabled", "description": "Made with the simulator"}
    world.put_private(OWN, {"secret": world.settings.webhook_secret or _secret()})
    world.put(known)


def create(world: World, params: p.Params) -> Object:
    """POST /v1/webhook_endpoints. Its secret is shown here and never again."""
    p.known(params, ("api_version", "connect", "description", "enabled_events", "metadata", "url"))
    if len(world.find("webhook_endpoint")) >= MOST:
        raise invalid(f"You have reached the maximum of {MOST} test webhook endpoints.")
    version = p.text(params, "api_version", API_VERSION)
    if version != API_VERSION:
        raise invalid(f"Invalid api_version: the simulated Stripe speaks {API_VERSION} and nothing else.", "api_version")
    endpoint = shapes.make(
        "webhook_endpoint", id=world.new_id("we"), created=world.now(), api_version=version, description=p.text(params, "description"),
        enabled_events=_events(params), metadata=p.metadata(params), status="enabled", url=target(params),
    )  # fmt: skip
    secret = _secret()
    world.put_private(endpoint["id"], {"secret": secret})
    return world.put(endpoint) | {"secret": secret}


def retrieve(world: World, params: p.Params, endpoint: str) -> Object:
    """GET /v1/webhook_endpoints/{endpoint}."""
    return world.get(endpoint, "webhook_endpoint")


def update(world: World, params: p.Params, endpoint: str) -> Object:
    """POST /v1/webhook_endpoints/{endpoint}. A disabled one gets nothing, and nothing later of what happened meanwhile."""
    p.known(params, ("description", "disabled", "enabled_events", "metadata", "url"))
    found = world.get(endpoint, "webhook_endpoint")
    if "description" in params:
        found["description"] = p.text(params, "description")
    if "enabled_events" in params:
        found["enabled_events"] = _events(params)
    if "url" in params:
        found["url"] = target(params)
    if (disabled := p.flag(params, "disabled")) is not None:
        found["status"] = "disabled" if disabled else "enabled"
    found["metadata"] = p.metadata(params, found["metadata"])
    return world.put(found)


def delete(world: World, params: p.Params, endpoint: str) -> Object:
    """DELETE /v1/webhook_endpoints/{endpoint}."""
    world.get(endpoint, "webhook_endpoint")
    return world.delete(endpoint)


def index(world: World, params: p.Params) -> Object:
    """GET /v1/webhook_endpoints."""
    p.known(params, PAGING)
    return listing(world, "webhook_endpoint", params)


def _events(params: p.Params) -> list[str]:
    types = p.several(params, "enabled_events") or [p.required(params, "enabled_events")]
    for place, type in enumerate(types):
        if type != "*" and "." not in str(type):
            raise invalid(f"Invalid enabled_events: {str(type)[:60]} is no type of event", f"enabled_events[{place}]")
    return [str(type) for type in types]


def _secret() -> str:
    return "whsec_" + secrets.token_urlsafe(24)
