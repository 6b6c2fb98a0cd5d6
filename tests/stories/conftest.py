"""One product for all stories, and a look behind its walls."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from tests.conftest import Clones, Urls
from tests.product import Product, Shop, eventually, installed, open_shop
from tests.world import fold_received, sign


@pytest.fixture(scope="package")
def stage(clones: Clones) -> Iterator[tuple[Product, Urls]]:
    """The product with its worker on a database of its own, and the addresses of that."""
    urls = clones.make()
    with installed(DATABASE_URL=urls.app) as product:
        product.start()
        product.wait_until_healthy()
        yield product, urls
    clones.done_with(urls)


@pytest.fixture
def product(stage: tuple[Product, Urls]) -> Product:
    """The running product."""
    return stage[0]


@dataclass
class Backstage:
    """What the owner of the database sees, and can move forward in time."""

    owner: psycopg.AsyncConnection[Any]
    product: Product

    async def see(self, query: str, *params: Any) -> list[Any]:
        """The rows of a query."""
        return await (await self.owner.execute(query, params)).fetchall()  # type: ignore[arg-type]  # literal in every test

    async def sent(self, shop: Shop) -> list[tuple[str, str]]:
        """Texts and statuses of what a shop has written, the oldest first."""
        return await self.see(
            "select text, status from public.messages where organization_id = %s and direction = 'out' order by occurred_at, position", shop.organization_id
        )

    async def used(self, shop: Shop, metric: str) -> int:
        """How much of a metric a shop has used."""
        await fold_received(self.owner)
        question = "select coalesce(sum(used), 0) from public.organization_usage where organization_id = %s and metric = %s"
        rows = await self.see(question, shop.organization_id, metric)
        return int(rows[0][0])

    async def stands(self, shop: Shop, *statuses: str) -> None:
        """Wait until the shop's messages stand like this, the oldest first."""

        async def so() -> bool:
            return [status for _, status in await self.sent(shop)] == list(statuses)

        try:
            await eventually(so, "")
        except AssertionError:
            raise AssertionError(f"{await self.sent(shop)} instead of {statuses}; the product said: {self.product.said()[-3000:]}") from None

    async def stored(self, shop: Shop, how_many: int) -> list[str]:
        """Wait until so many messages of customers are stored; their texts, in order."""

        async def texts() -> list[str]:
            return [
                row[0]
                for row in await self.see(
                    "select text from public.messages where organization_id = %s and direction = 'in' order by occurred_at, position", shop.organization_id
                )
            ]

        async def enough() -> bool:
            return len(await texts()) >= how_many

        await eventually(enough, f"{how_many} messages stored")
        return await texts()

    async def two_minutes_pass(self, shop: Shop) -> None:
        """Nothing is heard of what was claimed for two minutes. The claims themselves are made older: nobody waits."""
        await self.owner.execute("update public.outbox set claimed_at = claimed_at - interval '2 minutes' where organization_id = %s", (shop.organization_id,))

    async def whatsapp_posts(self, body: bytes) -> int:
        """A webhook as WhatsApp would sign it; the status of the answer."""
        headers = {"x-hub-signature-256": sign(body, self.product.secret("simulator_app_secret")), "content-type": "application/json"}
        async with httpx.AsyncClient(base_url=self.product.url, trust_env=False, verify=False, timeout=30) as client:
            return (await client.post("/webhooks/whatsapp", content=body, headers=headers)).status_code


@pytest.fixture
async def backstage(stage: tuple[Product, Urls]) -> AsyncIterator[Backstage]:
    """A connection of the database's owner."""
    async with await psycopg.AsyncConnection.connect(stage[1].owner, autocommit=True) as owner:
        yield Backstage(owner, stage[0])


@pytest.fixture
async def shop(product: Product) -> AsyncIterator[Shop]:
    """A new organization with its sandbox number."""
    async with open_shop(product, "Lagos Glow Salon") as opened:
        yield opened


@pytest.fixture
async def neighbour(product: Product) -> AsyncIterator[Shop]:
    """Another one."""
    async with open_shop(product, "Moretti Calzature") as opened:
        yield opened
