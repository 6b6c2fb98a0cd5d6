"""A number of WhatsApp's own: connected by the operator, called by Meta, answered through the Graph API. Only Meta is played."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from tests.conftest import Urls
from tests.graph import Graph, failure, graph, tokens_of
from tests.product import Product, Shop, eventually, installed, open_shop
from tests.world import sign, text

SECRET, VERIFY, TOKEN, NUMBER = "the app's own secret", "what Meta was told", "EAAG-a-real-token", "106540352242922"
QUESTION = f"/v26.0/{NUMBER}?fields=id,display_phone_number,verified_name"


@dataclass
class Stage:
    """The product with Meta's app in its environment, an organization, and Meta's side of it."""

    product: Product
    shop: Shop
    meta: Graph
    owner: psycopg.AsyncConnection[Any]

    async def connect(self, *more: str, token: str = TOKEN, organization: str = "lagos-glow-salon") -> tuple[int, str]:
        """`frontdesk channels connect`, as the operator types it."""
        words = ["channels", "connect", "--organization", organization, "--kind", "cloud_api", "--phone-number-id", NUMBER, "--waba-id",
                 "102290129340398", "--display-number", "+49 1511 2345678", "--access-token-stdin", *more]  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "frontdesk", *words, env=self.product.environment, cwd=self.product.folder,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate(token.encode() + b"\n")
        return process.returncode or 0, said.decode()

    async def call(self, value: dict[str, Any], secret: str = SECRET, to: str = "/webhooks/whatsapp") -> int:
        """Meta calls a webhook."""
        head = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "4915112345678", "phone_number_id": NUMBER}}
        entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": head | value}]}
        body = httpx.Request("POST", "http://x", json={"object": "whatsapp_business_account", "entry": [entry]}).content
        return (await self.shop.visitor.client.post(to, content=body, headers={"x-hub-signature-256": sign(body, secret)})).status_code

    async def answered(self) -> dict[str, Any]:
        """Wait until Meta is given the one answer to say."""

        async def so() -> bool:
            return bool(self.meta.said)

        await eventually(so, "an answer at Meta")
        (request,) = self.meta.said
        return request


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
    assert TOKEN not in said and stage.meta.asked == [(QUESTION, f"Bearer {TOKEN}")]

    assert await stage.call(text("hi", of="16505551234", name="Sheena"), secret=stage.product.secret("simulator_app_secret")) == 200
    assert await stage.call(text("hi", of="16505551234", name="Sheena"), secret="guess") == 401
    assert await stage.call(text("hi", of="16505551234", name="Sheena")) == 200

    request = await stage.answered()
    assert (request["to"], request["text"]["body"]) == ("16505551234", "Thanks for writing to Lagos Glow Salon. We will answer as soon as we can.")
    assert stage.meta.calls == [(f"/v26.0/{NUMBER}/messages", f"Bearer {TOKEN}")]
    sealed = await (await stage.owner.execute("select access_token from private.channel_credentials")).fetchall()
    assert all(TOKEN not in row[0] for row in sealed) and TOKEN not in stage.product.said()
    # what the simulator's secret signed for a real number reached nobody
    assert await (await stage.owner.execute("select source from private.unrouted_deliveries")).fetchall() == [("simulator",)]

    code, said = await stage.connect()
    assert code == 1 and "Traceback" not in said


async def test_a_number_in_an_app_of_its_own_is_connected_by_its_owner_and_heard_at_its_own_address_only(stage: Stage) -> None:
    own_secret, visitor = "0123456789abcdef0123456789abcdef", stage.shop.visitor
    new = {"name": "Main number", "display_number": "+49 1511 2345678", "phone_number_id": NUMBER, "waba_id": "102290129340398", "access_token": TOKEN}
    answer = await visitor.send("/dashboard/channels/new", page="/dashboard/channels/new", **new, own_app_secret=own_secret)
    assert answer.status_code == 303, answer.text
    page = await stage.shop.page("/dashboard/channels")
    address, verify_token = re.findall(r'data-copy="([^"]*/webhooks/whatsapp/[\w-]{43}|[\w-]{43})"', page)
    path = address.removeprefix(stage.product.url)
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": verify_token}
    assert (await visitor.client.get(path, params=query)).text == "1158201444"

    hi = text("hi", of="16505551234", name="Sheena")
    assert await stage.call(hi, secret=own_secret) == 401  # for all there is another app
    assert await stage.call(hi, to=path) == 401
    assert await stage.call(hi, secret=own_secret, to=path[:-1]) == 404
    assert await stage.call(hi) == 200  # the app for all does not speak for this number: kept aside
    assert [await stage.call(hi, secret=own_secret, to=path) for _ in range(3)] == [200] * 3
    assert (await stage.answered())["to"] == "16505551234"
    assert "hi" in await stage.shop.page(await stage.shop.conversation("Sheena"))
    stored = await (await stage.owner.execute("select count(*) from public.messages where direction = 'in'")).fetchall()
    aside = await (await stage.owner.execute("select source, reason from private.unrouted_deliveries")).fetchall()
    assert (stored, aside) == ([(1,)], [("cloud_api", "no channel has this phone number id")])
    assert own_secret not in stage.product.said() and path not in stage.product.said()


async def test_nobody_gets_the_messages_of_a_number_for_which_his_token_may_not_speak(stage: Stage) -> None:
    stage.meta.show = tokens_of(EAAG_a_real_token=NUMBER, EAAG_squatter="106540352240001")
    new = {"name": "Not mine", "display_number": "+49 1511 2345678", "phone_number_id": NUMBER, "waba_id": "102290129340398", "access_token": "EAAG-squatter"}
    async with open_shop(stage.product, "Squatters") as squatter:
        for own_app in ({}, {"own_app_secret": "0123456789abcdef0123456789abcdef"}):
            answer = await squatter.visitor.send("/dashboard/channels/new", page="/dashboard/channels/new", **new, **own_app)
            assert answer.status_code == 422 and "This token may not speak for this number." in answer.text
        code, said = await stage.connect(token="EAAG-squatter", organization="squatters")
        assert code == 1 and "may not speak for this number" in said and "Traceback" not in said and "EAAG" not in said

        code, said = await stage.connect()
        assert code == 0, said
        assert await stage.call(text("hi", of="16505551234", name="Sheena")) == 200
        assert (await stage.answered())["to"] == "16505551234"
        assert "Sheena" in await stage.shop.page() and "Sheena" not in await squatter.page()
    assert "EAAG" not in stage.product.said()


async def test_while_whatsapp_is_away_nothing_is_connected_and_the_next_try_works(stage: Stage) -> None:
    there, stage.meta.show = stage.meta.show, lambda number, token: failure(2, status=503)
    code, said = await stage.connect()
    assert code == 1 and "WhatsApp could not be asked" in said and "Traceback" not in said
    stage.meta.show = there
    assert (await stage.connect())[0] == 0
