"""An organization asks its members for a second factor: whoever has none reaches his own account and nothing else."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from frontdesk.access import Actor, Permission
from frontdesk.database import Database, NotAMember, SecondFactorNeeded, Statements, new_id
from frontdesk.live import SESSIONS
from frontdesk.organizations import web as organizations_web
from frontdesk.settings import Settings
from frontdesk.web import Db, Door
from tests.strangers import join
from tests.users.browser import Browser, doors, hidden_fields
from tests.users.factors import AUTHENTICATOR, enrol
from tests.world import World

SETTINGS = "/dashboard/settings"
SWITCH = f"{SETTINGS}/second-factor"
Owner = psycopg.AsyncConnection[Any]


@pytest.fixture
def app(database: Database, settings: Settings) -> FastAPI:
    """The doors of users and of the settings, and one of an organization."""
    built, door = doors(database, settings), Door()

    @door.get("/dashboard", needs=Permission.CONTACTS_READ)
    async def look(request: Request, db: Db) -> Response:
        return PlainTextResponse("inside")

    built.include_router(organizations_web.door.router)
    built.include_router(door.router)
    return built


@pytest.fixture
async def maya(app: FastAPI) -> AsyncIterator[Browser]:
    """The owner of the salon, signed in."""
    async with Browser(app) as browser:
        await browser.register()
        yield browser


@pytest.fixture
async def olga(app: FastAPI, maya: Browser, owner: Owner) -> AsyncIterator[Browser]:
    """An admin of the salon, who has an organization of her own besides; signed in, at work in the salon."""
    async with Browser(app) as browser:
        await browser.register(email="olga@example.com", name="Olga", organization_name="Moretti")
        await owner.execute(
            "insert into organization_members (organization_id, user_id, role)"
            " select o.id, u.id, 'admin' from organizations o, auth.users u where o.slug = 'lagos-glow-salon' and u.email = 'olga@example.com'"
        )
        await browser.send("/session/organization", page="/account", to=str(await salon(owner)))
        assert (await browser.get("/dashboard")).text == "inside"
        yield browser


async def salon(owner: Owner) -> Any:
    [(found,)] = await (await owner.execute("select id from organizations where slug = 'lagos-glow-salon'")).fetchall()
    return found


async def switch_on(browser: Browser) -> None:
    await enrol(browser)
    answer = await browser.send(SWITCH, page=SETTINGS)
    assert answer.headers.get("location") == SETTINGS, answer.text


async def test_whoever_asks_for_it_has_one_himself(app: FastAPI, maya: Browser, owner: Owner) -> None:
    answer = await maya.send(SWITCH, page=SETTINGS)
    assert answer.status_code == 409 and "You have no second factor yourself" in answer.text
    await switch_on(maya)
    page = (await maya.get(SETTINGS)).text
    assert "Every member needs a second factor now." in page and "0 members have none" in page
    assert (await maya.get("/dashboard")).text == "inside"
    rows = await (await owner.execute("select action from audit_logs where action like 'organization.second%'")).fetchall()
    assert rows == [("organization.second_factor_required",)]


async def test_members_without_one_reach_their_account_alone_and_are_told_why(app: FastAPI, maya: Browser, olga: Browser, owner: Owner) -> None:
    await switch_on(maya)
    assert (await olga.get("/dashboard")).headers["location"] == "/account"
    page = (await olga.get("/account")).text
    assert "Lagos Glow Salon asks for a second factor" in page and 'id="live"' not in page and ">Inbox<" not in page
    assert (await olga.get(SETTINGS)).headers["location"] == "/account"
    fields = hidden_fields(page)
    assert (await olga.post(f"{SWITCH}/removal", fields)).headers["location"] == "/account"
    scripts = await olga.client.get("/dashboard", headers={"hx-request": "true"})
    assert (scripts.status_code, scripts.headers["hx-redirect"]) == (403, "/account")
    program = await olga.client.get("/dashboard", headers={"accept": "application/json"})
    assert program.status_code == 403 and program.json()["title"] == "Add a second factor first"


async def test_with_a_factor_one_is_in_again_at_once(app: FastAPI, maya: Browser, olga: Browser, owner: Owner) -> None:
    await switch_on(maya)
    await owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
    sent = (await olga.get(AUTHENTICATOR)).headers["location"]
    assert (await olga.get(sent)).status_code == 200  # the way to the proof is open too
    await olga.send("/account/reauthentication", page=sent, password="correct horse battery 42")
    await enrol(olga)
    assert (await olga.get("/dashboard")).text == "inside"
    assert "asks for a second factor" not in (await olga.get("/account")).text


async def test_their_other_organizations_stay_open(app: FastAPI, maya: Browser, olga: Browser, owner: Owner) -> None:
    await switch_on(maya)
    [(other,)] = await (await owner.execute("select id from organizations where slug = 'moretti'")).fetchall()
    await olga.send("/session/organization", page="/account", to=str(other))
    assert (await olga.get("/dashboard")).text == "inside"
    assert "asks for a second factor" not in (await olga.get("/account")).text


async def test_open_pages_of_the_organization_are_told_to_look_again(app: FastAPI, maya: Browser, owner: Owner) -> None:
    await enrol(maya)
    listener = app.state.live.listen(await salon(owner))
    await maya.send(SWITCH, page=SETTINGS)
    assert await asyncio.wait_for(anext(listener), 5) == SESSIONS


async def test_the_last_factor_stays_while_it_is_asked_for(app: FastAPI, maya: Browser, owner: Owner) -> None:
    await switch_on(maya)
    answer = await maya.send(f"{AUTHENTICATOR}/removal", page=AUTHENTICATOR)
    assert answer.status_code == 409 and "Lagos Glow Salon asks its members for a second factor." in answer.text
    assert "10 of 10 left" in (await maya.get("/account")).text
    assert (await maya.send(f"{SWITCH}/removal", page=SETTINGS)).headers["location"] == SETTINGS
    assert (await maya.send(f"{AUTHENTICATOR}/removal", page=AUTHENTICATOR)).headers["location"] == "/account"
    rows = await (await owner.execute("select action from audit_logs where action like 'organization.second%' order by seq")).fetchall()
    assert rows == [("organization.second_factor_required",), ("organization.second_factor_optional",)]


@pytest.mark.parametrize("role", ["member", "viewer"])
async def test_only_who_may_change_the_organization_may_change_this(app: FastAPI, olga: Browser, owner: Owner, role: str) -> None:
    await owner.execute("update organization_members set role = %s where role = 'admin'", (role,))
    assert "Ask everybody for it" not in (await olga.get(SETTINGS)).text
    fields = hidden_fields((await olga.get("/account")).text)
    for path in (SWITCH, f"{SWITCH}/removal"):
        assert (await olga.post(path, fields)).status_code == 403


async def test_it_asks_for_a_fresh_proof(app: FastAPI, maya: Browser, owner: Owner) -> None:
    await enrol(maya)
    await owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
    fields = hidden_fields((await maya.get("/account")).text)
    for path in (SWITCH, f"{SWITCH}/removal"):
        assert (await maya.post(path, fields)).headers["location"].startswith("/account/reauthentication")


async def test_the_database_lets_nobody_in_without_one_whatever_the_page_says(world: World) -> None:
    await world.owner.execute("update organizations set second_factor_required_at = now() where id = %s", (world.shop.organization_id,))
    with pytest.raises(SecondFactorNeeded):
        async with world.database.tenant(world.shop.organization_id, world.shop.actor):
            pass
    with pytest.raises(NotAMember) as refused:
        async with world.database.tenant(world.shop.organization_id, world.neighbour.actor):
            pass
    assert not isinstance(refused.value, SecondFactorNeeded)  # a stranger does not even learn that much
    await world.owner.execute("insert into private.authenticators (user_id, secret, last_step) values (%s, repeat('x', 40), 0)", (world.shop.owner_id,))
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        assert len(await db.rows("select id from channels")) > 0
    colleague = await join(world, world.shop, "admin")
    with pytest.raises(SecondFactorNeeded):
        async with world.database.tenant(world.shop.organization_id, replace(world.shop.actor, user_id=colleague)):
            pass


async def test_the_application_has_no_way_around_it(world: World) -> None:
    rows = await world.see("select has_function_privilege('frontdesk_app', 'private.enter(uuid, uuid)', 'execute')")
    assert rows == [(False,)]


async def test_clients_of_supabase_are_asked_for_it_too(world: World) -> None:
    await world.owner.execute("update organizations set second_factor_required_at = now() where id = %s", (world.shop.organization_id,))

    async def seen() -> int:
        async with world.owner.transaction():
            await world.owner.execute("select set_config('request.jwt.claims', %s, true)", (f'{{"sub": "{world.shop.owner_id}"}}',))
            await world.owner.execute("set local role authenticated")
            found = await Statements(world.owner).rows("select id from channels")
            await world.owner.execute("reset role")
        return len(found)

    assert await seen() == 0
    await world.owner.execute("insert into private.authenticators (user_id, secret, last_step) values (%s, repeat('x', 40), 0)", (world.shop.owner_id,))
    assert await seen() > 0


async def test_api_keys_work_on(world: World) -> None:
    key, key_id = b"fd_live_test", new_id()
    await world.owner.execute(
        "insert into api_keys (organization_id, id, name, prefix, scopes, networks, created_by) values (%s, %s, 'Cash desk', 'fd_live_abcdef', %s, '{}', %s)",
        (world.shop.organization_id, key_id, ["contacts:read", "channels:read"], world.shop.owner_id),
    )
    await world.owner.execute(
        "insert into private.api_key_hashes (key_hash, organization_id, api_key_id) values (%s, %s, %s)",
        (hashlib.sha256(key).digest(), world.shop.organization_id, key_id),
    )
    await world.owner.execute("update organizations set second_factor_required_at = now() where id = %s", (world.shop.organization_id,))
    async with world.database.tenant_of_key(hashlib.sha256(key).digest(), Actor(kind="api_key", address="127.0.0.1")) as db:
        assert len(await db.rows("select id from channels")) > 0
