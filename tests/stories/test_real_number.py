"""A number of WhatsApp's own: connected by the operator, called by Meta, answered through the Graph API. Only Meta is played."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from tests.conftest import Urls
from tests.graph import Graph, graph
from tests.product import Product, Shop, eventually, installed, open_shop
from tests.world import sign, text

SECRET, VERIFY, TOKEN, NUMBER = "the app's own secret", "what Meta was told", "EAAG-a-real-token", "106540352242922"


@dataclass
class Stage:
    """The product with Meta's app in its environment, an organization, and Meta's side of it."""

    product: Product
    shop: Shop
    meta: Graph
    owner: psycopg.AsyncConnection[Any]

    async def connect(self, *more: str, token: str = TOKEN) -> tuple[int, str]:
        """`frontdesk channels connect`, as the operator types it."""
        words = ["channels", "connect", "--organization", "lagos-glow-salon", "--kind", "cloud_api", "--phone-number-id", NUMBER, "--waba-id",
                 "102290129340398", "--display-number", "+49 1511 2345678", "--access-token-stdin", *more]  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "frontdesk", *words, env=self.product.environment, cwd=self.product.folder,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate(token.encode() + b"\n")
        return process.returncode or 0, said.decode()

    async def call(self, value: dict[str, Any], secret: str = SECRET) -> int:
        """Meta calls the webhook."""
        head = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "4915112345678", "phone_number_id": NUMBER}}
        entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": head | value}]}
        body = httpx.Request("POST", "http://x", json={"object": "whatsapp_business_account", "entry": [entry]}).content
        return (await self.shop.visitor.client.post("/webhooks/whatsapp", content=body, headers={"x-hub-signature-256": sign(body, secret)})).status_code


@pytest.fixture
async def stage(urls: Urls) -> AsyncIterator[Stage]:
    async with graph() as meta, await psycopg.AsyncConnection.connect(urls.owner, autocommit=True) as owner:
        environment = {"WHATSAPP_GRAPH_URL": meta.url, "WHATSAPP_APP_SECRET": SECRET, "WHATSAPP_VERIFY_TOKEN": VERIFY}
        with installed(DATABASE_URL=urls.app, **environment) as product:
            product.start()
            await asyncio.to_thread(product.wait_until_healthy)
            async with open_shop(product, "Lagos Glow Salon") as shop:
                yield Stage(product, shop, meta, owner)


async def test_a_real_number_is_set_up_connected_called_and_answers(stage: Stage) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY}
    assert (await stage.shop.visitor.client.get("/webhooks/whatsapp", params=query)).text == "1158201444"
    code, said = await stage.connect()
    assert code == 0 and "Connected +49 1511 2345678 to lagos-glow-salon." in said and f"{stage.product.url}/webhooks/whatsapp" in said
    assert TOKEN not in said

    assert await stage.call(text("hi", of="16505551234", name="Sheena"), secret=stage.product.secret("simulator_app_secret")) == 200
    assert await stage.call(text("hi", of="16505551234", name="Sheena"), secret="guess") == 401
    assert await stage.call(text("hi", of="16505551234", name="Sheena")) == 200

    async def answered() -> bool:
        return bool(stage.meta.said)

    await eventually(answered, "an answer at Meta")
    (request,) = stage.meta.said
    assert (request["to"], request["text"]["body"]) == ("16505551234", "Thanks for writing to Lagos Glow Salon. We will answer as soon as we can.")
    assert stage.meta.calls == [(f"/v26.0/{NUMBER}/messages", f"Bearer {TOKEN}")]
    sealed = await (await stage.owner.execute("select access_token from private.channel_credentials")).fetchall()
    assert all(TOKEN not in row[0] for row in sealed) and TOKEN not in stage.product.said()
    # what the simulator's secret signed for a real number reached nobody
    assert await (await stage.owner.execute("select source from private.unrouted_deliveries")).fetchall() == [("simulator",)]

    code, said = await stage.connect()
    assert code == 1 and "Traceback" not in said
