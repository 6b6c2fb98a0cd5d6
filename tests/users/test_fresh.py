"""What is hard to undo asks for a proof of the last ten minutes, through the front door."""

from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from frontdesk.database import Database
from frontdesk.users import find_visitor
from frontdesk.web import SIGNED_IN, Door, fresh_of, needs_of
from tests.users.browser import PASSWORD, WRONG, Browser, hidden_fields, signed_in

pytestmark = pytest.mark.usefixtures("maya_signed_out")
Owner = psycopg.AsyncConnection[Any]
PROOF = "/account/reauthentication"


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    """The doors of users, and one behind which something is hard to undo."""
    door = Door()

    @door.get("/safe", needs=SIGNED_IN, fresh=True)
    async def look(request: Request) -> Response:
        return PlainTextResponse("inside")

    @door.post("/safe", needs=SIGNED_IN, fresh=True)
    async def act(request: Request) -> Response:
        return PlainTextResponse("done")

    app.include_router(door.router)
    return app


async def age(owner: Owner, interval: str) -> None:
    """The user's last proof was so long ago."""
    await owner.execute("update private.sessions set reauthenticated_at = now() - %s::interval", (interval,))


async def actions_logged(owner: Owner) -> list[tuple[str, Any]]:
    rows = await (await owner.execute("select action, details from public.audit_logs order by seq")).fetchall()
    return [tuple(row) for row in rows][2:]  # after the making of the organization and the registration


async def post(browser: Browser, path: str, **headers: str) -> httpx.Response:
    return await browser.post(path, hidden_fields((await browser.get("/account")).text), **headers)


async def prove(browser: Browser, password: str = PASSWORD, wanted: str = "/safe") -> httpx.Response:
    return await browser.send(PROOF, page=f"{PROOF}?next={wanted}", password=password)


def test_a_route_says_whether_it_asks_for_a_proof(app: FastAPI) -> None:
    found = fresh_of(app.routes)
    assert {("GET", "/safe"), ("POST", "/safe")} <= found and ("GET", "/account") not in found
    factors = {route for route in needs_of(app.routes) if route[1].startswith(("/account/authenticator", "/account/recovery-codes"))}
    assert len(factors) == 6 and factors <= found


@pytest.mark.parametrize(("ago", "inside"), [("9 minutes 50 seconds", True), ("10 minutes 1 second", False)])
async def test_a_proof_holds_for_ten_minutes(app: FastAPI, owner: Owner, ago: str, inside: bool) -> None:
    async with signed_in(app) as browser:
        await age(owner, ago)
        answer = await browser.get("/safe?which=1&how=a b")
        assert (answer.status_code == 200) is inside
        if not inside:
            assert (answer.status_code, answer.headers["location"]) == (303, f"{PROOF}?next=/safe%3Fwhich%3D1%26how%3Da%2520b")


async def test_after_the_proof_one_is_back_where_one_was_with_a_new_token(app: FastAPI, owner: Owner, database: Database) -> None:
    async with signed_in(app) as browser:
        await age(owner, "1 hour")
        before = browser.token
        answer = await prove(browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/safe")
        assert before and browser.token not in (None, before)
        assert await find_visitor(database, before) is None
        assert (await browser.get("/safe")).text == "inside"
        [(count,)] = await (await owner.execute("select count(*) from private.sessions where revoked_at is null")).fetchall()
        assert count == 1
    assert (await actions_logged(owner))[-1] == ("user.reauthenticated", {"by": "password"})


async def test_a_form_that_comes_too_late_leads_to_the_proof_and_back_to_its_page(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        await age(owner, "1 hour")
        answer = await post(browser, "/safe", referer="http://localhost:3002/dashboard/team?page=2")
        assert (answer.status_code, answer.headers["location"]) == (303, f"{PROOF}?next=/dashboard/team%3Fpage%3D2")
        assert "Nothing was saved yet." in (await browser.get(answer.headers["location"])).text
        for referer in ("https://evil.example/dashboard/team", "", "no address"):
            assert (await post(browser, "/safe", referer=referer)).headers["location"] == f"{PROOF}?next=/account"


async def test_a_script_and_a_program_get_a_clear_answer(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        await age(owner, "1 hour")
        answer = await post(browser, "/safe", **{"hx-request": "true", "hx-current-url": "http://localhost:3002/dashboard/keys"})
        assert answer.headers["hx-redirect"] == f"{PROOF}?next=/dashboard/keys"
        answer = await post(browser, "/safe", accept="application/json")
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert (answer.json()["title"], answer.json()["detail"]) == (
            "Confirm that it is you",
            "This needs a proof that it is you, no older than ten minutes. Nothing was saved.",
        )


async def test_who_is_not_signed_in_is_sent_to_the_sign_in(app: FastAPI) -> None:
    async with Browser(app) as browser:
        assert (await browser.get("/safe")).headers["location"] == "/login?next=/safe"
        assert (await browser.get(PROOF)).headers["location"] == f"/login?next={PROOF}"


async def test_a_wrong_password_proves_nothing_and_is_counted(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        await age(owner, "1 hour")
        before = browser.token
        for _ in range(10):
            answer = await prove(browser, WRONG)
            assert answer.status_code == 422 and "This is not your password." in answer.text.split('id="password-help"')[1].split("</p>")[0]
        answer = await prove(browser)
        assert answer.status_code == 429 and 800 < int(answer.headers["retry-after"]) <= 900
        assert browser.token == before and (await browser.get("/safe")).status_code == 303
        await owner.execute("update private.attempts set window_ends_at = now() - interval '1 second'")
        assert (await prove(browser)).headers["location"] == "/safe"
    assert [action for action, _ in await actions_logged(owner)].count("user.reauthentication_failed") == 10


@pytest.mark.parametrize("wanted", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"])
async def test_the_proof_leads_nowhere_else(app: FastAPI, owner: Owner, wanted: str) -> None:
    async with signed_in(app) as browser:
        assert (await browser.client.get(PROOF, params={"next": wanted})).headers["location"] == "/account"
        await age(owner, "1 hour")
        page = await browser.client.get(PROOF, params={"next": wanted})
        answer = await browser.post(PROOF, hidden_fields(page.text) | {"password": PASSWORD, "next": wanted})
        assert answer.headers["location"] == "/account"


async def test_a_session_that_ended_meanwhile_is_not_brought_back_by_a_proof(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        await age(owner, "1 hour")
        fields = hidden_fields((await browser.get(PROOF)).text)
        await owner.execute("update private.sessions set revoked_at = now()")
        answer = await browser.post(PROOF, fields | {"password": PASSWORD})
        assert answer.headers["location"] == "/login"


async def test_who_has_no_password_is_told_another_way(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        await owner.execute("update auth.users set encrypted_password = null")
        await age(owner, "1 hour")
        assert "You have no password here. Sign out and in again" in (await browser.get(PROOF)).text
        assert (await browser.post(PROOF, hidden_fields((await browser.get(PROOF)).text) | {"password": ""})).status_code == 422
