"""What reaches other people waits until the user's email is confirmed."""

import psycopg
import pytest
from fastapi import FastAPI, Request
from starlette.responses import PlainTextResponse, Response

from frontdesk.web import SIGNED_IN, Door
from tests.email_proofs.conftest import Owner, Post, press
from tests.users.browser import PASSWORD, Browser, hidden_fields
from tests.users.factors import STEP, as_if_later, code, enrol


@pytest.fixture
def app(app: FastAPI) -> FastAPI:
    """The doors of users, and one that reaches other people."""
    door = Door()

    @door.post("/write-to-everybody", needs=SIGNED_IN, verified=True)
    async def write(request: Request) -> Response:
        return PlainTextResponse("written")

    app.include_router(door.router)
    return app


async def test_a_door_waits_for_the_confirmation_and_says_so(app: FastAPI, post: Post) -> None:
    async with Browser(app) as browser:
        await browser.register()
        fields = hidden_fields((await browser.get("/account")).text)
        answer = await browser.post("/write-to-everybody", fields)
        assert answer.status_code == 403 and "Confirm your email first" in answer.text
        await press(browser, await post.link("verification"))
        assert (await browser.post("/write-to-everybody", fields)).text == "written"


async def test_the_database_lets_nobody_invite_before_that_whatever_asks(app: FastAPI, owner: Owner) -> None:
    async with Browser(app) as browser:
        await browser.register()
    invite = """
        insert into public.organization_invitations (organization_id, id, email, role, token_hash, invited_by, expires_at)
        select o.id, gen_random_uuid(), 'ada@example.org', 'member', sha256('token'), o.created_by, now() + interval '7 days' from public.organizations o
    """
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="must have confirmed his email"):
        await owner.execute(invite)
    await owner.execute("update auth.users set email_confirmed_at = now()")
    await owner.execute(invite)
    await owner.execute("update auth.users set email_confirmed_at = null")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await owner.execute("update public.organization_invitations set token_hash = sha256('another')")
    await owner.execute("update public.organization_invitations set revoked_at = now()")  # taking back is always possible


async def test_asvs_6_4_3_a_new_password_goes_past_no_second_factor(app: FastAPI, post: Post, owner: Owner) -> None:
    async with Browser(app) as browser:
        await browser.register()
        secret, _ = await enrol(browser)
    await as_if_later(owner)
    async with Browser(app) as browser:
        await browser.send("/forgotten-password", page="/forgotten-password", email="maya@example.com")
        answer = await press(browser, await post.link("reset"), password=PASSWORD + " anew")
        assert answer.headers["location"] == "/login" and browser.token is None
        answer = await browser.sign_in(password=PASSWORD + " anew")
        assert answer.headers["location"] == STEP and browser.token is None
        await browser.send(STEP, page=STEP, code=code(secret))
        assert browser.token


async def test_a_sign_in_between_its_two_steps_ends_with_the_password(app: FastAPI, post: Post, owner: Owner) -> None:
    async with Browser(app) as browser:
        await browser.register()
        secret, _ = await enrol(browser)
        await browser.send("/forgotten-password", page="/forgotten-password", email="maya@example.com")
    await as_if_later(owner)
    async with Browser(app) as thief, Browser(app) as maya:
        assert (await thief.sign_in()).headers["location"] == STEP  # he knows the old password
        await press(maya, await post.link("reset"), password=PASSWORD + " anew")
        await thief.send(STEP, page="/login", code=code(secret))
        assert thief.token is None
