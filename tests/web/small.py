"""A small application behind the real frame: a few doors, and browsers at them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI, Request
from psycopg import OperationalError
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse, Response

from frontdesk import web
from frontdesk.access import Permission
from frontdesk.database import Tenant
from frontdesk.errors import Conflict
from frontdesk.users.factors.records import Factors
from tests.world import Shop, World

BASE = "http://desk.example"
TOKEN = "the-csrf-token"


class NameTaken(Conflict):
    """This name is taken."""


class NameForm(BaseModel):
    """What the form sends."""

    name: str = Field(min_length=1, max_length=20)


def app(world: World) -> FastAPI:
    """The frame around a few doors."""
    built = FastAPI(openapi_url=None)
    built.state.database, built.state.find_visitor, built.state.load_frame = world.database, _finder(world), _frame
    built.include_router(_doors().router)
    web.install(built, programs=["/programs/"], body_limits={"/large": 3 * web.MEBIBYTE})
    return built


def visitor(world: World, shop: Shop, current: bool = True) -> web.Visitor:
    """The owner of a shop; of the neighbour too, when he owns both."""
    here = web.Membership(shop.organization_id, "shop", shop.name, "owner")
    there = web.Membership(world.neighbour.organization_id, "neighbour", world.neighbour.name, "member")
    return web.Visitor(shop.owner_id, "Maya Bello", "maya@example.com", UUID(int=1), TOKEN, (here, there), here if current else None)


@asynccontextmanager
async def browser(world: World, token: str | None = "owner", base: str = BASE, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the application, signed in with this token."""
    cookies = {"__Host-frontdesk" if base.startswith("https") else "frontdesk_session": token} if token else {}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app(world), raise_app_exceptions=False),
        base_url=base,
        cookies=cookies,
        headers={"origin": base, "accept": "text/html"} | headers,
    ) as client:
        yield client


def form(world: World, **fields: str) -> dict[str, str]:
    """A form as a page of the shop would send it."""
    return {"csrf_token": TOKEN, "organization_id": str(world.shop.organization_id)} | fields


def _finder(world: World) -> Any:
    async def find(token: str) -> web.Visitor | None:
        return {"owner": visitor(world, world.shop), "nowhere": visitor(world, world.shop, current=False)}.get(token)

    return find


async def _frame(db: Tenant) -> dict[str, Any]:
    return {"unread": 3, "plan": {"name": "Starter", "trial_ends_at": None, "used": 1, "limit": 10}}


def _doors() -> web.Door:
    door = web.Door()

    @door.get("/open", needs=web.PUBLIC)
    async def everybody(request: Request) -> Response:
        return PlainTextResponse("hello")

    @door.get("/mine", needs=web.SIGNED_IN)
    async def mine(request: Request, who: web.SignedIn) -> Response:
        return PlainTextResponse(who.email)

    @door.get("/contacts", needs=Permission.CONTACTS_READ)
    async def contacts(request: Request, db: web.Db) -> Response:
        return PlainTextResponse(",".join(sorted(db.permissions)))

    @door.get("/account", needs=web.SIGNED_IN)
    async def page(request: Request, who: web.SignedIn) -> Response:
        return await web.render(request, "users/account/show.html", sessions=[], factors=Factors(None, 0, 0), form=web.Form.of({"name": who.name}))

    @door.post("/contacts", needs=Permission.CONTACTS_WRITE)
    async def rename(request: Request, db: web.Db) -> Response:
        form = await web.read_form(request, NameForm)
        await db.run("update public.organizations set name = name || '!' where id = %(id)s", {"id": db.organization_id})
        if form.data is None:
            return await web.render(request, "users/account/show.html", status_code=422, sessions=[], factors=Factors(None, 0, 0), form=form)
        if form.data.name == "taken":
            raise NameTaken(field="name")
        return web.go(request, "/mine", f"Called {form.data.name} now.")

    @door.get("/contacts/{contact_id}", needs=Permission.CONTACTS_READ)
    async def one(request: Request, db: web.Db, contact_id: UUID) -> Response:
        return PlainTextResponse("one")

    @door.post("/large", needs=web.PUBLIC)
    async def large(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    @door.get("/broken", needs=web.PUBLIC)
    async def broken(request: Request) -> Response:
        raise RuntimeError("the secret of the machine room")

    @door.get("/down", needs=web.PUBLIC)
    async def down(request: Request) -> Response:
        raise OperationalError("connection to 10.0.0.1 refused")

    return door
