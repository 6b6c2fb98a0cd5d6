"""A simulated Stripe on a real socket, the official library in front of it, and somebody for it to tell."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import stripe

from frontdesk.billing.simulator import Pace, SimulatorSettings, build
from tests.billing.simulator.published import Checking, differences
from tests.channels.simulator.stage import Ear, serving

SECRET = "whsec_of_the_stage"
KEY = "sk_test_simulator_stage"
QUICK = Pace(webhook_timeout=0.5, retry_first=0.05, retry_longest=0.2)


@dataclass
class Stage:
    """The simulator's address, the library's client for it, and what it told."""

    url: str
    ear: Ear
    client: stripe.StripeClient
    http: httpx.AsyncClient
    account: Any = field(repr=False)
    app: Any = field(default=None, repr=False)

    @property
    def v1(self) -> Any:
        return self.client.v1

    async def ask(self, method: str, path: str, key: str = KEY, **more: Any) -> httpx.Response:
        """What the library would never say."""
        return await self.http.request(method, path, headers={"authorization": f"Bearer {key}"} | more.pop("headers", {}), **more)

    async def quiet(self) -> None:
        """Wait until every event was taken."""
        assert await self.account.courier.quiet(10)

    def events(self, *types: str) -> list[Any]:
        """The events that were taken, in their order; verified as the product verifies them, and held against what Stripe published."""
        unlike = [wrong for body in self.ear.bodies for wrong in differences(json.loads(body))]
        assert unlike == [], unlike[0][:500]
        told = [
            stripe.Webhook.construct_event(body, headers["stripe-signature"], SECRET) for body, headers in zip(self.ear.bodies, self.ear.headers, strict=True)
        ]
        return [event for event in told if not types or event.type in types]


@contextlib.asynccontextmanager
async def staged(path: Path | None = None, *, ear: Ear | None = None, pace: Pace = QUICK, checked: bool = True) -> AsyncIterator[Stage]:
    """A stage. path: the file to keep everything in, or none. checked: hold every object that is answered against what Stripe published."""
    ear = ear or Ear()
    async with serving(ear) as ear_url:
        settings = SimulatorSettings(store_path=path, webhook_url=ear_url, webhook_secret=SECRET, pace=pace)
        app = build(settings, development=True)
        async with serving(Checking(app) if checked else app) as url, httpx.AsyncClient(base_url=url, timeout=30) as http:
            client = stripe.StripeClient(KEY, base_addresses={"api": url}, http_client=stripe.HTTPXClient(), max_network_retries=0)
            yield Stage(url, ear, client, http, app.state.account, app)
