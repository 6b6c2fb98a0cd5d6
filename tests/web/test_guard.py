"""Who is let through, into which organization, and what is left when he is refused."""

import pytest
from fastapi import FastAPI

from frontdesk.access import Permission
from frontdesk.web import PUBLIC, SIGNED_IN, Door, needs_of
from tests.roles import becomes, leaves
from tests.web.small import app, browser, form
from tests.world import World


async def name_of(world: World) -> str:
    return str((await world.see("select name from public.organizations where id = %s", world.shop.organization_id))[0][0])


async def test_a_stranger_is_sent_to_sign_in_and_back(world: World) -> None:
    async with browser(world, token=None) as stranger:
        answer = await stranger.get("/contacts?q=a b&show=all")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/contacts%3Fq%3Da%2520b%26show%3Dall"


async def test_a_script_whose_session_ended_is_told_to_leave_the_page(world: World) -> None:
    async with browser(world, token="gone", **{"hx-request": "true"}) as stranger:
        answer = await stranger.get("/contacts")
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/login"


async def test_a_program_without_a_session_gets_401(world: World) -> None:
    async with browser(world, token=None, accept="application/json") as stranger:
        answer = await stranger.get("/contacts")
    assert answer.status_code == 401
    assert answer.json()["status"] == 401


async def test_the_owner_enters_with_his_permissions(world: World) -> None:
    async with browser(world) as owner:
        answer = await owner.get("/contacts")
    assert Permission.CONTACTS_WRITE in answer.text.split(",")


async def test_a_viewer_may_not_write(world: World) -> None:
    await becomes(world.owner, "viewer", world.shop.owner_id)
    async with browser(world) as viewer:
        assert (await viewer.get("/contacts")).status_code == 200
        answer = await viewer.post("/contacts", data=form(world, name="x"))
    assert answer.status_code == 403
    assert "Your role in this organization does not allow this" in answer.text
    assert await name_of(world) == world.shop.name


async def test_without_an_organization_one_may_still_see_the_own_account(world: World) -> None:
    async with browser(world, token="nowhere") as user:
        assert (await user.get("/mine")).text == "maya@example.com"
        answer = await user.get("/contacts")
    assert answer.status_code == 403
    assert "You do not belong to an organization" in answer.text


async def test_who_was_thrown_out_a_moment_ago_sees_nothing(world: World) -> None:
    await leaves(world.owner, world.shop.owner_id)
    async with browser(world) as former:
        assert (await former.get("/contacts")).status_code == 404


async def test_a_page_of_one_organization_gets_no_piece_of_another(world: World) -> None:
    async with browser(world, **{"hx-request": "true"}) as owner:
        here, there = world.shop.organization_id, world.neighbour.organization_id
        assert (await owner.get("/contacts", headers={"x-organization-id": str(here)})).status_code == 200
        assert (await owner.get("/contacts", headers={"x-organization-id": str(there)})).status_code == 409


async def test_a_page_without_an_organization_of_its_own_still_shows_the_frame(world: World) -> None:
    async with browser(world) as owner:
        page = (await owner.get("/account")).text
    assert "1 of 10 messages" in page
    assert '<span id="unread" class="count"' in page


async def test_what_succeeds_is_kept(world: World) -> None:
    async with browser(world) as owner:
        answer = await owner.post("/contacts", data=form(world, name="Ada"))
    assert answer.status_code == 303
    assert await name_of(world) == world.shop.name + "!"


@pytest.mark.parametrize(("typed", "status"), [("", 422), ("x" * 21, 422), ("taken", 409)])
async def test_what_is_refused_saves_nothing(world: World, typed: str, status: int) -> None:
    async with browser(world) as owner:
        answer = await owner.post("/contacts", data=form(world, name=typed))
    assert answer.status_code == status
    assert await name_of(world) == world.shop.name


def test_every_route_can_say_what_it_needs(world: World) -> None:
    listed = needs_of(app(world).router.routes)
    assert listed["GET", "/open"] is PUBLIC
    assert listed["GET", "/mine"] is SIGNED_IN
    assert listed["POST", "/contacts"] is Permission.CONTACTS_WRITE
    assert listed["GET", "/contacts"] is Permission.CONTACTS_READ


def test_a_route_that_says_nothing_is_found() -> None:
    built, door = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), Door()

    @built.get("/careless")
    async def careless() -> str:
        return ""

    built.include_router(door.router)
    assert needs_of(built.routes) == {("GET", "/careless"): None}
