"""Events: what happened, for thirty days."""

from fnmatch import fnmatchcase
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.thin_events import written
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
LAST = 30 * 86400
"""Seconds that Stripe lists an event. Source: https://docs.stripe.com/api/events/list"""
MOST_TYPES = 20


def retrieve(world: World, params: p.Params, event: str) -> Object:
    """GET /v1/events/{event}."""
    return world.get(event, "event")


def index(world: World, params: p.Params) -> Object:
    """GET /v1/events: by `type` (which may be `invoice.*`) or `types`, and whether every endpoint has taken them."""
    p.known(params, (*PAGING, "created", "delivery_success", "type", "types"))
    wanted, types, delivered = p.text(params, "type"), p.several(params, "types"), p.flag(params, "delivery_success")
    if wanted and types:
        raise invalid("You may only specify one of these parameters: type, types.", "types")
    if len(types) > MOST_TYPES:
        raise invalid(f"You may give at most {MOST_TYPES} types.", "types")
    since = world.now() - LAST

    def shown(event: Object) -> bool:
        return (
            event["created"] >= since
            and (wanted is None or fnmatchcase(event["type"], wanted))
            and (not types or event["type"] in types)
            and (delivered is None or delivered == (event["pending_webhooks"] == 0))
        )

    return listing(world, "event", params, where=shown)


def forget_old(world: World) -> None:
    """Drop events that are listed no more, with what became of them."""
    end = world.now() - LAST
    world.db.execute("delete from objects where kind = 'event' and json_extract(body, '$.created') < ?", (end,))
    world.db.execute("delete from objects where kind = 'v2.core.event' and json_extract(body, '$.created') < ?", (written(end),))
    world.db.execute("delete from deliveries where event not in (select id from objects where kind in ('event', 'v2.core.event'))")
