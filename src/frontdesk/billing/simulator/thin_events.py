"""Events that say no more than that something happened to something; whoever wants to know what asks for them.

Endpoints of the older API get none, as at Stripe: the endpoint that the product was mounted with stands for an event destination too.
https://docs.stripe.com/event-destinations#thin-events
"""

import time
from datetime import UTC, datetime
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.records import OWN
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
KIND, DESTINATION = "v2.core.event", "v2.core.event_destination"


def announce(world: World, type: str, about: Object, data: Object) -> Object:
    """Tell that this happened to an object. data: what is told to whoever asks for the event."""
    event = {
        "id": world.new_id("evt_test"), "object": KIND, "type": type, "created": written(world.now()), "livemode": False, "context": None, "changes": None,
        "reason": _reason(world), "related_object": about, "snapshot_event": None, "data": data,
    }  # fmt: skip
    world.put(event)
    hears = [one["id"] for one in world.find(DESTINATION, status="enabled") if type in one["enabled_events"]]
    own, born = world.found(OWN), time.time()
    for endpoint in [OWN, *hears] if own is not None and own["status"] == "enabled" else hears:
        world.db.execute("insert into deliveries (event, endpoint, born, due) values (?, ?, ?, ?)", (event["id"], endpoint, born, born))
    return event


def told(event: Object) -> Object:
    """What is sent of an event: of a thin one not what happened."""
    return event if event["object"] != KIND else {name: value for name, value in event.items() if name not in ("changes", "data", "snapshot_event")}


def retrieve(world: World, params: p.Params, event: str) -> Object:
    """GET /v2/core/events/{event}. `usage` is what the library notes for itself, and sends along where it does not wait for the answer."""
    p.known(params, ("usage",))
    return world.get(event, KIND)


def written(moment: int) -> str:
    """A time as the newer API writes it."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _reason(world: World) -> Object | None:
    if world.call.request_id is None:
        return None
    return {"type": "request", "request": {"id": world.call.request_id, "idempotency_key": world.call.idempotency_key or ""}}
