"""A signed-in browser at the doors of auto replies, and rules to look at."""

import re
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from frontdesk import auto_replies, web
from frontdesk.auto_replies import Proposal
from frontdesk.auto_replies import web as auto_replies_web
from frontdesk.database import Tenant, new_id
from frontdesk.web import Membership, Visitor
from tests.world import Shop, World

LIST = "/dashboard/auto-replies"
SESSION = new_id()


def doors(world: World) -> FastAPI:
    """The application with these doors only; the cookie of a session is its owner's id."""
    app = FastAPI(openapi_url=None)
    roles = {str(shop.owner_id): (shop, "owner") for shop in (world.shop, world.neighbour)}

    async def find(token: str) -> Visitor | None:
        shop, role = roles[token]
        here = Membership(shop.organization_id, "slug", shop.name, role)
        return Visitor(shop.owner_id, "Maya", "maya@example.com", SESSION, "token", (here,), here)

    async def frame(db: Tenant) -> dict[str, Any]:
        return {}

    app.state.database, app.state.find_visitor, app.state.load_frame = world.database, find, frame
    app.include_router(auto_replies_web.door.router)
    web.install(app)
    return app


class Desk:
    """A signed-in browser in one organization."""

    def __init__(self, app: FastAPI, shop: Shop) -> None:
        self.shop = shop
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://localhost:3002",
            cookies={"frontdesk_session": str(shop.owner_id)},
            headers={"origin": "http://localhost:3002"},
        )

    async def get(self, path: str = LIST) -> str:
        return (await self.client.get(path)).text

    async def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> httpx.Response:
        hidden = {"csrf_token": "token", "organization_id": str(self.shop.organization_id)}
        return await self.client.post(path, data=hidden | fields, headers=headers or {})

    async def names(self) -> list[str]:
        return re.findall(r'<a class="fw-medium text-reset" href="[^"]+"><bdi>([^<]+)</bdi></a>', await self.get())


async def add(world: World, *names: str, **more: Any) -> list[UUID]:
    wished: dict[str, Any] = {"trigger": "keyword", "match": "contains", "keywords": ("price",), "reply": "Hello"}
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        return [await auto_replies.create(db, Proposal(name=name, **wished | more)) for name in names]
