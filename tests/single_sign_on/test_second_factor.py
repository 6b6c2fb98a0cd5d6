"""The provider is one factor; an account that has a second is asked for it after the provider as after the password."""

from typing import Any

import psycopg
from fastapi import FastAPI

from tests.email_proofs.conftest import Post
from tests.single_sign_on.browser import BASE, register, sent_back, through
from tests.single_sign_on.idp import Idp
from tests.users.browser import Browser
from tests.users.factors import STEP, as_if_later, code, enrol

Owner = psycopg.AsyncConnection[Any]


async def test_asvs_6_3_4_the_provider_goes_past_no_second_factor(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
        secret, _ = await enrol(browser)
    await as_if_later(owner)
    async with Browser(app, BASE) as browser:
        answer = await through(browser, "/account")
        assert answer.headers["location"] == f"{STEP}?next=/account" and browser.token is None
        assert (await browser.get("/account")).headers["location"].startswith("/login")
        await browser.send(STEP, page=f"{STEP}?next=/account", code=code(secret))
        assert browser.token and "Maya Bello" in (await browser.get("/account")).text
    rows = await (await owner.execute("select details from public.audit_logs where action = 'user.signed_in'")).fetchall()
    assert [row[0]["by"] for row in rows] == ["openid"]


async def test_a_user_without_a_password_proves_himself_at_the_provider_once_more(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '11 minutes'")
        sent_away = (await browser.get("/account/provider")).headers["location"]
        page = (await browser.get(sent_away)).text
        assert "/login/provider?again=1&amp;next=/account/provider" in page
        begun = await browser.get("/login/provider?again=1&next=/account/provider")
        assert "prompt=login" in begun.headers["location"]
        before = browser.token
        answer = await browser.get(await sent_back(begun.headers["location"]))
        assert answer.headers["location"] == "/account/provider" and browser.token != before
        assert (await browser.get("/account/provider")).status_code == 200
    assert await (await owner.execute("select count(*) from private.sessions where revoked_at is null")).fetchone() == (1,)


async def test_an_email_for_which_the_provider_does_not_vouch_is_confirmed_by_a_link(app: FastAPI, house: Idp) -> None:
    post = Post(app)
    async with Browser(app, BASE) as browser:
        await register(browser)
    assert await post.count() == {}
    house.person = {"sub": "olga", "email": "olga@example.com", "email_verified": False, "name": "Olga"}
    async with Browser(app, BASE) as browser:
        await register(browser, organization_name="Moretti")
        assert "Confirm your email" in (await browser.get("/account")).text
    [(reader, _)] = await post.of("verification")
    assert reader == "olga@example.com"
