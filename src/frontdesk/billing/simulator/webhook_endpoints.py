"""Where events go."""

import secrets

from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.records import API_VERSION
from frontdesk.billing.simulator.world import World

OWN = "we_simulatorsown"


def keep_own(world: World) -> None:
    """Let the endpoint that the product was mounted with be as it says today: every event, to this address, under this secret."""
    if world.settings.webhook_url is None:
        if world.found(OWN) is not None:
            world.put(world.get(OWN) | {"status": "disabled"})
        return
    known = world.found(OWN) or shapes.make("webhook_endpoint", id=OWN, created=world.now(), api_version=API_VERSION, enabled_events=["*"])
    known |= {"url": world.settings.webhook_url, "status": "enabled", "description": "Frontdesk itself"}
    world.put_private(OWN, {"secret": world.settings.webhook_secret or "whsec_" + secrets.token_urlsafe(24)})
    world.put(known)
