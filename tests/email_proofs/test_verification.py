"""An email is known to be its user's when he has followed a link that was sent there."""

import asyncio
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from tests.email_proofs.conftest import Post, press, seen
from tests.users.browser import Browser, hidden_fields, signed_in

Owner = psycopg.AsyncConnection[Any]
BANNER = "until you follow a link that we mail to maya@example.com."


async def confirmed(owner: Owner) -> list[bool]:
    return [one for (one,) in await seen(owner, "select email_confirmed_at is not null from auth.users order by email")]


async def test_whoever_registers_gets_a_link_and_a_banner_until_he_has_followed_it(app: FastAPI, post: Post, owner: Owner) -> None:
    async with Browser(app) as browser:
        await browser.register()
        [(reader, letter)] = await post.of("verification")
        assert reader == "maya@example.com" and letter.subject == "Confirm your email" and "Hello Maya Bello" in letter.text
        assert BANNER in (await browser.get("/account")).text
        answer = await press(browser, await post.link("verification"))
        assert answer.headers["location"] == "/dashboard"
        page = (await browser.get("/account")).text
        assert BANNER not in page and "Confirmed" in page and "Your email is confirmed." in page
    assert await confirmed(owner) == [True]
    assert ("user.email_verified", "Maya Bello") in await seen(owner, "select action, actor_name from public.audit_logs")


@pytest.mark.usefixtures("maya")
async def test_a_program_that_follows_links_uses_nothing_up(app: FastAPI, post: Post, owner: Owner) -> None:
    link = await post.link("verification")
    async with Browser(app) as scanner:
        for _ in range(3):
            page = await scanner.get(link)
            assert page.status_code == 200 and "Is maya@example.com your address?" in page.text
            assert (await scanner.client.head(link)).status_code == 405
    assert await confirmed(owner) == [False]
    async with Browser(app) as elsewhere:  # on the phone, where she is not signed in
        assert (await press(elsewhere, link)).headers["location"] == "/login"
    assert await confirmed(owner) == [True]


@pytest.mark.usefixtures("maya")
async def test_a_link_works_once(app: FastAPI, post: Post, owner: Owner) -> None:
    link = await post.link("verification")
    async with Browser(app) as browser:
        token = link.partition("=")[2]
        fields = hidden_fields((await browser.get(link)).text) | {"token": token}
        answers = await asyncio.gather(*[browser.post("/email/verification", fields) for _ in range(4)])
        assert sorted(answer.status_code for answer in answers) == [303, 410, 410, 410]
        page = await browser.get(link)
        assert page.status_code == 410 and "This link was used already, or it is too old." in page.text
    assert len(await seen(owner, "select 1 from public.audit_logs where action = 'user.email_verified'")) == 1


@pytest.mark.usefixtures("maya")
async def test_a_link_is_over_after_three_days(app: FastAPI, post: Post, owner: Owner) -> None:
    link = await post.link("verification")
    assert await seen(owner, "select round(extract(epoch from expires_at - created_at)) from private.email_proofs") == [(3 * 24 * 3600,)]
    await owner.execute("update private.email_proofs set expires_at = now() - interval '1 second'")
    async with signed_in(app) as browser:
        page = await browser.get(link)
        assert page.status_code == 410 and "Send a new link" in page.text


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "\x00" * 43, "ä" * 43, "../" * 20])
async def test_what_is_no_link_leads_nowhere(app: FastAPI, token: str) -> None:
    async with Browser(app) as browser:
        for path in ("/email/verification", "/email/change", "/email/undo", "/forgotten-password/new"):
            assert (await browser.client.get(path, params={"token": token})).status_code == 410
            answer = await browser.send(path, page="/login", token=token, password="correct horse battery 42")
            assert answer.status_code == 410, path


@pytest.mark.usefixtures("maya")
async def test_a_link_is_sent_again_five_times_an_hour_and_the_first_one_still_works(app: FastAPI, post: Post, owner: Owner) -> None:
    first = await post.link("verification")
    async with signed_in(app) as browser:
        for _ in range(5):
            answer = await browser.send("/account/email/verification", page="/account", back="/account")
            assert answer.headers["location"] == "/account"
        await browser.send("/account/email/verification", page="/account", back="/account")
        assert "Too many tries. Try again in 60 minutes." in (await browser.get("/account")).text
        assert await post.count() == {"verification": 6}
        await press(browser, first)
        assert await confirmed(owner) == [True]
        await browser.send("/account/email/verification", page="/account", back="//evil.example")
        assert "Your email is confirmed already." in (await browser.get("/account")).text
    assert await post.count() == {"verification": 6}
    assert await seen(owner, "select count(*) from private.email_proofs") == [(0,)]


@pytest.mark.usefixtures("maya")
async def test_the_mail_speaks_the_readers_language(app: FastAPI, post: Post) -> None:
    async with signed_in(app) as browser:
        browser.client.headers["accept-language"] = "de-AT,de;q=0.9,en;q=0.5"
        await browser.send("/account/email/verification", page="/account")
    (_, letter), *_ = await post.of("verification")
    assert letter.subject == "Bestätigen Sie Ihre E-Mail-Adresse" and "Guten Tag Maya Bello" in letter.text and "Adresse bestätigen" in letter.html


async def test_a_name_in_a_mail_is_no_link_and_no_markup(app: FastAPI, post: Post) -> None:
    async with Browser(app) as browser:
        await browser.register(name="Win a prize at http://evil.example <b>now</b> " + "é" * 150)
    [(_, letter)] = await post.of("verification")
    assert "http://evil" not in letter.text + letter.html and "<b>now" not in letter.html and "é" * 81 not in letter.text


@pytest.mark.usefixtures("maya")
async def test_the_table_opens_nothing(app: FastAPI, post: Post, owner: Owner) -> None:
    token = (await post.link("verification")).partition("=")[2]
    rows = str(await seen(owner, "select p::text from private.email_proofs p")) + str(await seen(owner, "select m::text from private.mail_outbox m"))
    assert token not in rows and len(rows) > 100


@pytest.mark.usefixtures("maya")
async def test_who_is_banned_confirms_nothing(app: FastAPI, post: Post, owner: Owner) -> None:
    link = await post.link("verification")
    await owner.execute("update auth.users set banned_until = now() + interval '1 day'")
    async with Browser(app) as browser:
        assert (await browser.get(link)).status_code == 410
