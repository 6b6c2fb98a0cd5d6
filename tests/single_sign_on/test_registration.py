"""A newcomer names his organization; only he, once, in his browser."""

from typing import Any

import psycopg
from fastapi import FastAPI

from tests.single_sign_on.browser import BASE, complaint, register, through
from tests.single_sign_on.idp import Idp
from tests.users.browser import Browser

Owner = psycopg.AsyncConnection[Any]


async def users(owner: Owner) -> list[Any]:
    return await (await owner.execute("select email, raw_user_meta_data ->> 'name' from auth.users order by 1")).fetchall()


async def test_the_page_knows_the_name_and_says_which_account_it_is(app: FastAPI) -> None:
    async with Browser(app, BASE) as browser:
        await through(browser)
        page = (await browser.get("/register/provider")).text
    assert "Example knows you as maya@example.com." in page and 'value="Maya Bello"' in page


async def test_nobody_is_made_before_he_says_so(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        await through(browser)
        answer = await browser.send("/register/provider", page="/register/provider", organization_name="", name="Maya")
        assert answer.status_code == 422 and "Fill this in." in answer.text
    assert await users(owner) == []


async def test_another_browser_is_no_newcomer(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as maya, Browser(app, BASE) as mallory:
        await through(maya)
        assert "Try again." in await complaint(mallory, await mallory.get("/register/provider"))
        answer = await mallory.send("/register/provider", page="/login", organization_name="Mine", name="M")
        assert answer.headers["location"] == "/login"
    assert await users(owner) == []


async def test_what_a_form_says_of_the_email_is_not_heard(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser, email="olga@example.com", subject="another", issuer="https://evil.example", email_verified="true")
    assert await users(owner) == [("maya@example.com", "Maya Bello")]


async def test_a_newcomer_registers_once(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as first, Browser(app, BASE) as second:
        await through(first)
        await through(second)
        for browser in (first, second):
            answer = await browser.send("/register/provider", page="/register/provider", organization_name="Salon", name="Maya")
        assert answer.headers["location"] == "/login" and second.token is None
    assert await users(owner) == [("maya@example.com", "Maya")]


async def test_an_email_that_was_taken_meanwhile_stays_with_whoever_took_it(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as maya, Browser(app, BASE) as other:
        await through(maya)
        await other.register(email="maya@example.com", name="Other")
        answer = await maya.send("/register/provider", page="/register/provider", organization_name="Salon", name="Maya")
        assert "has an account here already" in await complaint(maya, answer)
    assert await users(owner) == [("maya@example.com", "Other")]
    assert await (await owner.execute("select count(*) from private.user_identities")).fetchone() == (0,)


async def test_after_half_an_hour_one_has_to_come_again(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        await through(browser)
        await owner.execute("update private.provider_newcomers set expires_at = expires_at - interval '30 minutes'")
        assert (await browser.get("/register/provider")).headers["location"] == "/login"
        assert (await register(browser)).headers["location"] == "/dashboard"
    assert await (await owner.execute("select count(*) from private.provider_newcomers")).fetchone() == (0,)


async def test_names_are_shown_as_they_are_and_do_no_harm(app: FastAPI, house: Idp, owner: Owner) -> None:
    house.person["name"] = "<script>alert(1)</script>\u202eevil\x00\n" + "é😀" * 300
    async with Browser(app, BASE) as browser:
        await through(browser)
        page = (await browser.get("/register/provider")).text
        assert "<script>alert" not in page and "\u202e" not in page
        answer = await browser.send("/register/provider", page="/register/provider", organization_name="مكتب الاستقبال 😀", name="مايا")
        assert answer.headers["location"] == "/dashboard"
    assert await users(owner) == [("maya@example.com", "مايا")]


async def test_a_registered_user_without_a_password_is_not_let_in_by_one(app: FastAPI) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
    for password in ("", "correct horse battery 42"):
        async with Browser(app, BASE) as browser:
            assert (await browser.sign_in(password=password)).status_code == 422
