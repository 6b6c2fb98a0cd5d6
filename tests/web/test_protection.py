"""Other sites, stale tabs and forged forms do nothing."""

import pytest

from tests.web.small import TOKEN, browser, form
from tests.world import World


async def test_a_form_of_ours_is_taken(world: World) -> None:
    async with browser(world) as owner:
        assert (await owner.post("/contacts", data=form(world, name="Ada"))).status_code == 303


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://desk.example.evil.example", "http://desk.example:81", ""])
async def test_another_site_is_turned_away(world: World, origin: str) -> None:
    async with browser(world, origin=origin) as owner:
        answer = await owner.post("/contacts", data=form(world, name="Ada"))
    assert answer.status_code == 403
    assert "did not come from a page of Frontdesk" in answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(("site", "status"), [("same-origin", 303), ("none", 303), ("cross-site", 403), ("same-site", 403), (None, 403)])
async def test_without_an_origin_the_browser_must_vouch_for_the_page(world: World, site: str | None, status: int) -> None:
    async with browser(world) as owner:
        del owner.headers["origin"]
        answer = await owner.post("/contacts", data=form(world, name="Ada"), headers={"sec-fetch-site": site} if site else {})
    assert answer.status_code == status


async def test_what_programs_call_needs_no_origin(world: World) -> None:
    async with browser(world, token=None, origin="https://evil.example") as program:
        assert (await program.post("/programs/x")).status_code == 404  # past the check, to nothing


@pytest.mark.parametrize("token", ["", "wrong", "ü", TOKEN + "x"])
async def test_a_form_without_the_sessions_token_is_refused(world: World, token: str) -> None:
    async with browser(world) as owner:
        answer = await owner.post("/contacts", data=form(world, name="Ada") | {"csrf_token": token})
    assert answer.status_code == 403
    assert "Load the page again" in answer.text


async def test_scripts_send_the_proof_in_headers(world: World) -> None:
    proof = {"x-csrf-token": TOKEN, "x-organization-id": str(world.shop.organization_id)}
    async with browser(world) as owner:
        assert (await owner.post("/contacts", data={"name": "Ada"}, headers=proof)).status_code == 303
        assert (await owner.post("/contacts", data={"name": "Ada"}, headers=proof | {"x-csrf-token": "no"})).status_code == 403


async def test_a_form_of_another_organization_is_not_misfiled(world: World) -> None:
    async with browser(world) as owner:
        stale = form(world, name="Ada") | {"organization_id": str(world.neighbour.organization_id)}
        answer = await owner.post("/contacts", data=stale)
        nameless = await owner.post("/contacts", data=form(world, name="Ada") | {"organization_id": "somewhere"})
    assert answer.status_code == 409
    assert "This form belongs to Moretti Calzature. Nothing was saved." in answer.text
    assert "<h1>You work in another organization now</h1>" in answer.text
    assert "This form belongs to another organization" in nameless.text


async def test_a_form_that_names_no_organization_is_refused(world: World) -> None:
    async with browser(world) as owner:
        answer = await owner.post("/contacts", data={"csrf_token": TOKEN, "name": "Ada"})
    assert answer.status_code == 403


async def test_a_strangers_form_needs_the_token_of_his_own_cookie(world: World) -> None:
    async with browser(world, token=None) as stranger:
        assert (await stranger.post("/large", headers={"x-csrf-token": "x"})).status_code == 403
        stranger.cookies.set("visit", "abc", domain="desk.example")
        assert (await stranger.post("/large", headers={"x-csrf-token": "abc"})).status_code == 200
        assert (await stranger.post("/large", headers={"x-csrf-token": "abd"})).status_code == 403
