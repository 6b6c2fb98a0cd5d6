"""Linking and unlinking an account at the provider."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from tests.single_sign_on.browser import BASE, complaint, register, sent_back, through
from tests.single_sign_on.idp import Idp
from tests.users.browser import Browser, hidden_fields

Owner = psycopg.AsyncConnection[Any]


@pytest.fixture
async def maya(app: FastAPI) -> AsyncIterator[Browser]:
    """Maya, who has registered with a password, and is signed in."""
    async with Browser(app, BASE) as browser:
        await browser.register()
        yield browser


async def linked(owner: Owner) -> list[Any]:
    rows = await owner.execute("select i.id, u.email from private.user_identities i join auth.users u on u.id = i.user_id order by i.linked_at")
    return await rows.fetchall()


async def set_out_to_link(browser: Browser) -> str:
    answer = await browser.send("/account/provider/link", page="/account/provider")
    return await sent_back(answer.headers["location"])


async def link(browser: Browser) -> str:
    answer = await browser.get(await set_out_to_link(browser))
    assert answer.headers["location"] == "/account/provider"
    return (await browser.get("/account/provider")).text


async def test_a_user_links_an_account_signs_in_with_it_and_unlinks_it(app: FastAPI, maya: Browser, owner: Owner) -> None:
    assert "Nothing of Example is linked." in (await maya.get("/account/provider")).text
    page = await link(maya)
    assert "You can sign in with Example now." in page and "maya@example.com" in page and "Link Example" not in page
    async with Browser(app, BASE) as browser:
        assert (await through(browser)).headers["location"] == "/dashboard"
    [(identity, _)] = await linked(owner)
    answer = await maya.send(f"/account/provider/{identity}/unlinking", page="/account/provider")
    assert "You cannot sign in with Example any more." in await complaint(maya, answer)
    assert await linked(owner) == []
    async with Browser(app, BASE) as browser:
        await complaint(browser, await through(browser))
        assert browser.token is None
    log = await (await owner.execute("select action from public.audit_logs where action like 'user.identity%' order by seq")).fetchall()
    assert log == [("user.identity_linked",), ("user.identity_unlinked",)]


async def test_the_last_way_to_sign_in_is_not_taken_away(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
        [(identity, _)] = await linked(owner)
        answer = await browser.send(f"/account/provider/{identity}/unlinking", page="/account/provider")
        assert "This is your only way to sign in. Set a password first." in await complaint(browser, answer)
    assert len(await linked(owner)) == 1


async def test_two_windows_do_not_take_away_one_of_two_each(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        await register(browser)
        await owner.execute(
            "insert into private.user_identities (id, user_id, issuer, subject) select gen_random_uuid(), id, 'https://sso', 'm' from auth.users"
        )
        fields = hidden_fields((await browser.get("/account/provider")).text)
        paths = [f"/account/provider/{identity}/unlinking" for identity, _ in await linked(owner)]
        answers = await asyncio.gather(*[browser.post(path, fields) for path in paths])
        assert [answer.status_code for answer in answers] == [303, 303]
    assert len(await linked(owner)) == 1


async def test_what_is_linked_to_one_user_is_not_linked_to_another(app: FastAPI, maya: Browser, owner: Owner) -> None:
    await link(maya)
    async with Browser(app, BASE) as olga:
        await olga.register(email="olga@example.com", name="Olga")
        page = await complaint(olga, await olga.get(await set_out_to_link(olga)))
        assert "linked to somebody here already" in page
    assert [email for _, email in await linked(owner)] == ["maya@example.com"]


async def test_one_account_of_each_provider(maya: Browser, house: Idp, owner: Owner) -> None:
    back = await set_out_to_link(maya)
    await link(maya)
    house.person["sub"] = "another"
    assert "you have linked another one" in await complaint(maya, await maya.get(back))
    assert len(await linked(owner)) == 1


async def test_a_link_begun_in_one_session_is_not_finished_in_another(app: FastAPI, maya: Browser, owner: Owner) -> None:
    """Nobody slips his own account at the provider to somebody who is signed in."""
    async with Browser(app, BASE) as olga:
        await olga.register(email="olga@example.com", name="Olga")
        back = await set_out_to_link(olga)
        assert "another browser" in await complaint(maya, await maya.get(back))
        for cookie in olga.client.cookies.jar:
            if "visit" in cookie.name:
                maya.client.cookies.set(cookie.name, cookie.value or "")
        await complaint(maya, await maya.get(back))  # even with its cookie
    assert await linked(owner) == []


async def test_nobody_unlinks_what_is_somebody_elses(app: FastAPI, maya: Browser, owner: Owner) -> None:
    await link(maya)
    [(identity, _)] = await linked(owner)
    async with Browser(app, BASE) as olga:
        await olga.register(email="olga@example.com", name="Olga")
        answer = await olga.send(f"/account/provider/{identity}/unlinking", page="/account/provider")
        assert answer.status_code == 404
        assert "maya@example.com" not in (await olga.get("/account/provider")).text
    assert len(await linked(owner)) == 1


async def test_asvs_7_5_1_a_session_that_is_not_fresh_links_and_unlinks_nothing(maya: Browser, owner: Owner) -> None:
    await link(maya)
    [(identity, _)] = await linked(owner)
    await owner.execute("update private.sessions set reauthenticated_at = now() - interval '11 minutes'")
    for path in ("/account/provider/link", f"/account/provider/{identity}/unlinking"):
        answer = await maya.send(path, page="/account")
        assert answer.headers["location"].startswith("/account/reauthentication")
    assert (await maya.get("/account/provider")).headers["location"].startswith("/account/reauthentication")
    assert len(await linked(owner)) == 1


async def test_without_a_provider_there_is_no_such_door(database: Any, settings: Any) -> None:
    from tests.users.browser import doors

    async with Browser(doors(database, settings), BASE) as browser:
        assert (await browser.get("/login/provider")).status_code == 404
        assert "Continue with" not in (await browser.get("/login")).text


async def test_with_one_it_stands_on_both_doors(app: FastAPI) -> None:
    async with Browser(app, BASE) as browser:
        assert 'href="/login/provider?next=/account"' in (await browser.get("/login?next=/account")).text
        assert "Continue with Example" in (await browser.get("/register")).text
