"""Another password, through the front door."""

import asyncio
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from frontdesk.database import Database
from frontdesk.live import SESSIONS
from frontdesk.users import find_visitor
from tests.users.browser import PASSWORD, PHONE, WRONG, Browser, hidden_fields, signed_in

pytestmark = pytest.mark.usefixtures("maya_signed_out")
Owner = psycopg.AsyncConnection[Any]
NEW = "quiet lamps under rivers 7"


async def change(browser: Browser, password: str = PASSWORD, new_password: str = NEW) -> httpx.Response:
    return await browser.send("/account/password", page="/account/password", password=password, new_password=new_password)


async def test_a_new_password_opens_and_the_old_one_does_not(app: FastAPI) -> None:
    async with signed_in(app) as browser, Browser(app) as later:
        answer = await change(browser)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account")
        assert "Your password is changed." in (await browser.get("/account")).text
        assert (await later.sign_in()).status_code == 422
        assert (await later.sign_in(password=NEW)).status_code == 303


async def test_it_ends_every_other_session_and_this_browser_gets_a_new_token(app: FastAPI, database: Database) -> None:
    async with signed_in(app, agent=PHONE) as phone, signed_in(app) as browser:
        before = browser.token
        await change(browser)
        assert (await phone.get("/account")).headers["location"] == "/login?next=/account"
        assert before and browser.token not in (None, before)
        assert await find_visitor(database, before) is None
        page = (await browser.get("/account")).text
        assert "1 other device is signed out." in page and page.count("This device") == 1


async def test_live_streams_of_the_other_sessions_are_told_to_look_again(app: FastAPI, owner: Owner) -> None:
    [(organization_id,)] = await (await owner.execute("select id from public.organizations")).fetchall()
    listener = app.state.live.listen(organization_id)
    async with signed_in(app) as browser:
        await change(browser)
    assert await asyncio.wait_for(anext(listener), 5) == SESSIONS


@pytest.mark.parametrize(
    ("password", "new_password", "field", "complaint"),
    [
        (WRONG, NEW, "password", "This is not your password."),
        ("", NEW, "password", "This is not your password."),
        (PASSWORD, "", "new_password", "Fill this in."),
        (PASSWORD, "short", "new_password", "Use at least 10 characters. This has 5."),
        (PASSWORD, "password1234", "new_password", "Attackers try this password first."),
        (PASSWORD, "maya bello 1", "new_password", "your own name"),
        (PASSWORD, "x" * 1001, "new_password", "Use at most 1,000 characters."),
        (PASSWORD, PASSWORD, "new_password", "the password you have already"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field_and_nothing_changes(
    app: FastAPI, owner: Owner, password: str, new_password: str, field: str, complaint: str
) -> None:
    async with signed_in(app, agent=PHONE) as phone, signed_in(app) as browser:
        answer = await change(browser, password, new_password)
        assert answer.status_code == 422
        assert complaint in answer.text.split(f'id="{field}-help"')[1].split("</p>")[0]
        assert NEW not in answer.text
        assert (await phone.get("/account")).status_code == 200
        async with Browser(app) as later:
            assert (await later.sign_in()).status_code == 303


async def test_guesses_at_the_current_password_are_limited(app: FastAPI) -> None:
    async with signed_in(app) as browser:
        assert [(await change(browser, WRONG)).status_code for _ in range(10)] == [422] * 10
        answer = await change(browser)
        assert answer.status_code == 429 and "retry-after" in answer.headers


async def test_of_two_changes_at_once_only_one_is_made(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as one, signed_in(app, agent=PHONE) as other:
        answers = await asyncio.gather(change(one, new_password=NEW + "1"), change(other, new_password=NEW + "2"))
    assert [answer.headers["location"] for answer in answers if answer.status_code == 303].count("/account") == 1
    [(count,)] = await (await owner.execute("select count(*) from private.sessions where revoked_at is null")).fetchall()
    assert count == 1


async def test_the_log_says_that_it_was_changed_and_not_to_what(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        await change(browser)
    rows = await (await owner.execute("select action, details, a::text from public.audit_logs a order by seq desc limit 1")).fetchall()
    [(action, details, everything)] = rows
    assert (action, details) == ("user.password_changed", {"sessions": 0})
    assert PASSWORD not in everything and NEW not in everything and "argon2" not in everything


async def test_who_has_none_proves_himself_another_way_and_sets_one(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        await owner.execute("update auth.users set encrypted_password = null")
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
        fields = hidden_fields((await browser.get("/account")).text)
        assert (await browser.get("/account/password")).headers["location"] == "/account/reauthentication?next=/account/password"
        answer = await browser.post("/account/password", fields | {"new_password": NEW})
        assert answer.headers["location"].startswith("/account/reauthentication")
        await owner.execute("update private.sessions set reauthenticated_at = now()")
        assert "Current password" not in (await browser.get("/account/password")).text
        assert (await browser.send("/account/password", page="/account/password", new_password=NEW)).headers["location"] == "/account"
    async with Browser(app) as later:
        assert (await later.sign_in(password=NEW)).status_code == 303
