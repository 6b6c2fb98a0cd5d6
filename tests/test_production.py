"""In production nothing is simulated: no door, no number, no signature, no command."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from frontdesk import app as application
from frontdesk import channels, secret_files
from frontdesk.bell import Bell
from frontdesk.database import Database
from frontdesk.live import Live
from frontdesk.settings import BadSettings, Settings
from frontdesk.vault import Vault
from tests.users.browser import Browser
from tests.world import World, sign, text, webhook

SECRETS = {"whatsapp_app_secret": "the app's own", "whatsapp_verify_token": "what Meta was told"}


@pytest.fixture
def production(settings: Settings) -> Settings:
    """The same installation, as production; the simulator had a secret here while it was development."""
    secret_files.load(settings)
    return settings.model_copy(update={"env": "production", "secret_keys": Vault.make_key(), **SECRETS})


@pytest.fixture
async def built(production: Settings, database: Database) -> AsyncIterator[Any]:
    async with Live(database.url) as live:
        yield application.build(production, database, live, Bell(live))
        await live.close()


@pytest.mark.parametrize(
    "path", ["/simulator", "/simulator/", "/simulator/messages?to=%2B4915112345678", "/simulator/faults/109400000004217", "/simulator/stripe/v1/customers"]
)
async def test_there_is_no_simulator(built: Any, path: str) -> None:
    async with Browser(built) as browser:
        assert (await browser.get(path)).status_code == 404


async def test_nobody_writes_as_a_simulated_customer(built: Any) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(built), base_url="http://127.0.0.1:3002") as script:
        body = {"to": "109400000004217", "from": "+4915112345678", "text": "hi"}
        answer = await script.post("/simulator/inbound", json=body, headers={"origin": "http://127.0.0.1:3002"})
        assert answer.status_code == 404
        answer = await script.post("/simulator/graph/v26.0/109400000004217/messages", json={}, headers={"origin": "http://127.0.0.1:3002"})
        assert answer.status_code == 404


async def test_what_the_simulators_old_secret_signs_is_refused(built: Any, settings: Settings, world: World) -> None:
    secret, body = secret_files.load(settings).simulator_app_secret or "", webhook(world.shop, text("hi"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(built), base_url="http://127.0.0.1:3002") as meta:
        assert (await meta.post("/webhooks/whatsapp", content=body, headers={"x-hub-signature-256": sign(body, secret)})).status_code == 401
        assert await world.see("select (select count(*) from inbound_deliveries) + (select count(*) from private.unrouted_deliveries)") == [(0,)]
        own = sign(body, SECRETS["whatsapp_app_secret"])
        assert (await meta.post("/webhooks/whatsapp", content=body, headers={"x-hub-signature-256": own})).status_code == 200


def test_the_simulator_does_not_run_alone_either(production: Settings) -> None:
    with pytest.raises(channels.NoSimulator, match="development only"):
        application.run_simulator(production)


async def test_whoever_sells_and_hears_nothing_of_it_is_not_started(production: Settings, database: Database) -> None:
    deaf = production.model_copy(update={"stripe_secret_key": "sk_live_1"})
    async with Live(database.url) as live:
        with pytest.raises(BadSettings, match="STRIPE_SECRET_KEY needs a STRIPE_WEBHOOK_SECRET"):
            application.build(deaf, database, live, Bell(live))
        await live.close()
