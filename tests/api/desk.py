"""The assembled product with two organizations, and programs that come in with keys of theirs."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import httpx

from frontdesk import api_keys
from frontdesk import app as application
from frontdesk.api_keys import NewKey
from frontdesk.bell import Bell
from frontdesk.database import new_id
from frontdesk.live import Live
from frontdesk.settings import Settings
from tests import world as world_
from tests.world import Shop, World

HERE = "203.0.113.5"
EVERYTHING = (
    "organization:read", "organization:write", "members:read", "members:write", "contacts:read", "messages:read", "messages:write", "auto_replies:read",
    "auto_replies:write", "audit:read", "billing:read", "billing:write",
)  # fmt: skip
_numbers = itertools.count(1)


class Program:
    """One program with its key. `address`: where it runs."""

    def __init__(self, built: Any, key: str | None, address: str = HERE) -> None:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self.key, self.client = (
            key,
            httpx.AsyncClient(
                transport=httpx.ASGITransport(built, client=(address, 50_000), raise_app_exceptions=False), base_url="http://desk.test/api/v1", headers=headers
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def get(self, path: str, **params: Any) -> httpx.Response:
        return await self.client.get(path, params=params or None)

    async def post(self, path: str, body: Any, key: str | None = None) -> httpx.Response:
        """Send something, once: with a new Idempotency-Key unless one is given."""
        return await self.client.post(path, json=body, headers={"idempotency-key": key or f"test-{next(_numbers)}"})


@dataclass
class Desk:
    """The product and its two organizations."""

    built: Any
    world: World

    @property
    def shop(self) -> Shop:
        return self.world.shop

    async def make_key(self, shop: Shop | None = None, *scopes: str, user_id: UUID | None = None, **more: Any) -> tuple[UUID, str]:
        """A key of the shop's owner, or of another member."""
        shop, key_id = shop or self.shop, new_id()
        actor = shop.actor if user_id is None else world_.Actor(kind="user", user_id=user_id, name="Somebody")
        async with self.world.database.tenant(shop.organization_id, actor) as db:
            all_he_may = tuple(one for one in EVERYTHING if one in db.permissions)
            return key_id, await api_keys.create(db, key_id, NewKey(more.pop("name", "Web shop"), scopes or all_he_may, **more))

    async def program(self, *scopes: str, shop: Shop | None = None, address: str = HERE, **more: Any) -> Program:
        """A program with a new key."""
        return Program(self.built, (await self.make_key(shop, *scopes, **more))[1], address)

    def with_key(self, key: str | None, address: str = HERE) -> Program:
        return Program(self.built, key, address)

    async def conversation(self, shop: Shop | None = None) -> UUID:
        """Somebody has just written to the shop: the conversation."""
        shop = shop or self.shop
        await self.world.arrive(shop, world_.webhook(shop, world_.text("hello")))
        ((found,),) = await self.world.see("select id from conversations where organization_id = %s order by id desc limit 1", shop.organization_id)
        assert isinstance(found, UUID)
        return found

    async def rows(self, query: str, *params: Any) -> Sequence[Any]:
        return await self.world.see(query, *params)


@asynccontextmanager
async def opened(settings: Settings, world: World, **settings_too: Any) -> AsyncIterator[Desk]:
    """The product, ready for calls."""
    async with Live(world.database.url) as live:
        built: Any = application.build(settings.model_copy(update=settings_too), world.database, live, Bell(live))
        async with built.app.router.lifespan_context(built.app):
            yield Desk(built, world)
            await live.close()
