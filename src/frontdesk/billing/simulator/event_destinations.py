"""Where thin events go, beside the address that the product was mounted with."""

import secrets
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import invalid
from frontdesk.billing.simulator.links import target
from frontdesk.billing.simulator.thin_events import DESTINATION, written
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
URL, SECRET = "webhook_endpoint.url", "webhook_endpoint.signing_secret"


def create(world: World, params: p.Params) -> Object:
    """POST /v2/core/event_destinations: thin events, to a webhook endpoint. Its secret is shown here to whoever includes it, and never again."""
    p.known(params, ("description", "enabled_events", "event_payload", "events_from", "include", "metadata", "name", "type", "webhook_endpoint"))
    p.choice(params, "type", ("webhook_endpoint",)) or p.required(params, "type")
    p.choice(params, "event_payload", ("thin",)) or p.required(params, "event_payload")
    endpoint, now = p.inner(params, "webhook_endpoint", ("url",)) or {}, written(world.now())
    id = world.new_id("ed_test")
    made = {
        "id": id, "object": DESTINATION, "created": now, "updated": now, "description": p.text(params, "description") or "",
        "enabled_events": _events(params), "event_payload": "thin", "events_from": ["@self"], "livemode": False, "metadata": p.metadata(params),
        "name": str(p.required(params, "name")), "snapshot_api_version": None, "status": "enabled", "status_details": None, "type": "webhook_endpoint",
        "webhook_endpoint": None, "amazon_eventbridge": None, "azure_event_grid": None,
    }  # fmt: skip
    private = {"url": target(endpoint), "secret": "whsec_" + secrets.token_urlsafe(24)}
    world.put_private(id, private)
    world.put(made)
    return _shown(made, {URL: private["url"], SECRET: private["secret"]}, params)


def retrieve(world: World, params: p.Params, destination: str) -> Object:
    """GET /v2/core/event_destinations/{destination}."""
    p.known(params, ("include",))
    return _with_url(world, world.get(destination, DESTINATION), params)


def index(world: World, params: p.Params) -> Object:
    """GET /v2/core/event_destinations, all on one page."""
    p.known(params, ("include", "limit"))
    return {"data": [_with_url(world, one, params) for one in world.find(DESTINATION)], "next_page_url": None, "previous_page_url": None}


def update(world: World, params: p.Params, destination: str) -> Object:
    """POST /v2/core/event_destinations/{destination}."""
    p.known(params, ("description", "enabled_events", "include", "metadata", "name", "webhook_endpoint"))
    found = world.get(destination, DESTINATION)
    found |= {name: p.text(params, name) or "" for name in ("description", "name") if name in params}
    if "enabled_events" in params:
        found["enabled_events"] = _events(params)
    if endpoint := p.inner(params, "webhook_endpoint", ("url",)):
        world.put_private(destination, world.private(destination) | {"url": target(endpoint)})
    found |= {"metadata": p.metadata(params, found["metadata"]), "updated": written(world.now())}
    return _with_url(world, world.put(found), params)


def enable(world: World, params: p.Params, destination: str) -> Object:
    """POST /v2/core/event_destinations/{destination}/enable."""
    return world.put(world.get(destination, DESTINATION) | {"status": "enabled", "status_details": None})


def disable(world: World, params: p.Params, destination: str) -> Object:
    """POST /v2/core/event_destinations/{destination}/disable."""
    return world.put(world.get(destination, DESTINATION) | {"status": "disabled", "status_details": {"disabled": {"reason": "user"}}})


def delete(world: World, params: p.Params, destination: str) -> Object:
    """DELETE /v2/core/event_destinations/{destination}."""
    world.get(destination, DESTINATION)
    return world.delete(destination)


def _events(params: p.Params) -> list[str]:
    types = [str(one) for one in p.several(params, "enabled_events")]
    if not types or any("." not in one for one in types):
        raise invalid("enabled_events names types of thin events.", "enabled_events")
    return types


def _with_url(world: World, destination: Object, params: p.Params) -> Object:
    return _shown(destination, {URL: world.private(destination["id"])["url"]}, params)


def _shown(destination: Object, known: Object, params: p.Params) -> Object:
    """What is told only to whoever includes it."""
    included = [str(one) for one in p.several(params, "include")]
    return destination | {
        "webhook_endpoint": {name.partition(".")[2]: known.get(name) if name in included else None for name in (URL, SECRET)} if included else None
    }
