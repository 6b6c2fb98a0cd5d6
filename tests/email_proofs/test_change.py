"""Another email: the new address confirms it, the old one can take it back."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from tests.email_proofs.conftest import Post, press, seen
from tests.users.browser import PASSWORD, Browser

Owner = psycopg.AsyncConnection[Any]
NEW = "maya.okafor@example.org"


@pytest.fixture
async def browser(app: FastAPI, post: Post) -> AsyncIterator[Browser]:
    """Maya's, who has just registered and confirmed her email."""
    async with Browser(app) as hers:
        await hers.register()
        await press(hers, await post.link("verification"))
        yield hers


async def ask(browser: Browser, email: str = NEW) -> Any:
    return await browser.send("/account/email", page="/account/email", email=email)


async def emails(owner: Owner) -> list[str]:
    return [one for (one,) in await seen(owner, "select email from auth.users order by email")]


async def test_an_email_changes_when_the_new_address_confirms_and_the_old_one_is_told(app: FastAPI, browser: Browser, post: Post, owner: Owner) -> None:
    assert (await ask(browser, " Maya.Okafor@Example.org ")).headers["location"] == "/account/email"
    assert f"A link was sent to {NEW}" in (await browser.get("/account/email")).text
    assert await emails(owner) == ["maya@example.com"]
    [(reader, letter)] = await post.of("change")
    assert reader == NEW and "in place of maya@example.com" in letter.text
    async with Browser(app) as phone:
        link = await post.link("change")
        assert f"From maya@example.com to {NEW}." in (await phone.get(link)).text
        await press(phone, link)
        assert (await phone.sign_in("maya@example.com")).status_code == 422
        assert (await phone.sign_in(NEW)).status_code == 303
        assert (await phone.get(link)).status_code == 410
    assert NEW in (await browser.get("/account")).text
    [(told, notice)] = await post.of("undo")
    assert told == "maya@example.com" and notice.subject == "Your email was changed" and NEW in notice.text
    log = await seen(owner, "select action, details from public.audit_logs where action like 'user.email%' order by seq")
    assert log[1:] == [
        ("user.email_change_requested", {}),
        ("user.email_changed", {"changed": {"email": {"from": "maya@example.com", "to": NEW}}}),
    ]


async def test_the_old_address_takes_the_email_back_and_everybody_is_signed_out(app: FastAPI, browser: Browser, post: Post, owner: Owner) -> None:
    await ask(browser)
    await press(browser, await post.link("change"))
    await ask(browser, "mallory@example.net")
    undo = await post.link("undo")
    await press(browser, await post.link("change"))  # a second change, from the first one's address
    await owner.execute("insert into private.user_identities (id, user_id, issuer, subject) select gen_random_uuid(), id, 'https://sso', 'm' from auth.users")
    async with Browser(app) as hers:
        assert "Your email becomes maya@example.com again, in place of mallory@example.net." in (await hers.get(undo)).text
        assert (await press(hers, undo)).headers["location"] == "/login"
        assert (await hers.get(undo)).status_code == 410
        assert await emails(owner) == ["maya@example.com"]
        assert (await browser.get("/account")).headers["location"].startswith("/login")
        assert (await hers.sign_in()).status_code == 422  # whoever took it away may know the password
        await press(hers, await post.link("reset"), password="a wholly new horse 7")
        assert (await hers.sign_in(password="a wholly new horse 7")).status_code == 303
    assert await seen(owner, "select count(*) from private.user_identities") == [(0,)]
    assert await seen(owner, "select count(*) from private.email_proofs") == [(0,)]
    assert ("user.email_change_undone",) in await seen(owner, "select action from public.audit_logs")


async def test_nobody_takes_an_address_that_may_still_be_taken_back(app: FastAPI, browser: Browser, post: Post, owner: Owner) -> None:
    await ask(browser)
    await press(browser, await post.link("change"))
    async with Browser(app) as mallory:
        answer = await mallory.register(email="maya@example.com")
        assert answer.status_code == 409 and "already registered" in answer.text
        await mallory.register(email="mallory@example.com")
        assert "belongs to another account" in (await ask(mallory, "maya@example.com")).text
    await owner.execute("update private.email_proofs set expires_at = now() - interval '1 second'")
    async with Browser(app) as later:
        assert (await later.register(email="maya@example.com")).status_code == 303


async def test_an_old_address_that_was_never_confirmed_gets_a_notice_and_no_way_in(app: FastAPI, post: Post, owner: Owner) -> None:
    """It may be a stranger's, by a slip of the finger."""
    async with Browser(app) as browser:
        await browser.register(email="typo@example.com")
        old = await post.link("verification")
        await ask(browser)
        await press(browser, await post.link("change"))
        [(told, notice)] = await post.of("email_changed")
        assert told == "typo@example.com" and "token" not in notice.text and NEW not in notice.text
        assert await post.of("undo") == []
        assert (await browser.get(old)).status_code == 410
        assert "Confirmed" in (await browser.get("/account")).text


async def test_asvs_7_5_1_only_a_fresh_session_asks_for_another_email(browser: Browser, post: Post, owner: Owner) -> None:
    await owner.execute("update private.sessions set reauthenticated_at = now() - interval '11 minutes'")
    assert (await browser.get("/account/email")).headers["location"].startswith("/account/reauthentication?next=/account/email")
    answer = await browser.send("/account/email", page="/account", email=NEW)
    assert answer.headers["location"].startswith("/account/reauthentication")
    assert await post.of("change") == []


async def test_an_address_that_somebody_has_is_refused_now_and_when_the_link_is_followed(app: FastAPI, browser: Browser, post: Post, owner: Owner) -> None:
    async with Browser(app) as olga:
        await olga.register(email="olga@example.com", name="Olga")
    answer = await ask(browser, "olga@example.com")
    assert answer.status_code == 409 and "This email belongs to another account here." in answer.text
    await ask(browser)
    async with Browser(app) as other:
        await other.register(email=NEW, name="Other")
        answer = await press(other, await post.link("change"))
        assert answer.status_code == 410 and "This email belongs to another account here." in answer.text
    assert await emails(owner) == ["maya.okafor@example.org", "maya@example.com", "olga@example.com"]


@pytest.mark.parametrize(("email", "complaint"), [("maya@example.com", "This is your email already."), ("no email", "not an email"), ("", "Fill this in.")])
async def test_what_cannot_be_the_new_email_is_said_beside_the_field(browser: Browser, email: str, complaint: str) -> None:
    answer = await ask(browser, email)
    assert answer.status_code == 422 and complaint in answer.text


async def test_the_last_one_asked_for_counts_and_it_can_be_withdrawn(browser: Browser, post: Post, owner: Owner) -> None:
    await ask(browser, "first@example.org")
    first = await post.link("change")
    await ask(browser, "second@example.org")
    assert (await browser.get(first)).status_code == 410
    second = await post.link("change")
    await browser.send("/account/email/withdrawal", page="/account/email")
    assert (await browser.get(second)).status_code == 410
    assert await emails(owner) == ["maya@example.com"]


async def test_five_in_an_hour(browser: Browser, post: Post) -> None:
    for n in range(5):
        assert (await ask(browser, f"{n}@example.org")).status_code == 303
    answer = await ask(browser, "5@example.org")
    assert answer.status_code == 429 and "Too many tries" in answer.text
    assert len(await post.of("change")) == 5


async def test_links_to_the_old_address_end_with_it(app: FastAPI, browser: Browser, post: Post) -> None:
    async with Browser(app) as stranger:
        await stranger.send("/forgotten-password", page="/forgotten-password", email="maya@example.com")
    reset = await post.link("reset")
    await ask(browser)
    await press(browser, await post.link("change"))
    assert (await browser.get(reset)).status_code == 410
    async with Browser(app) as phone:
        assert (await phone.sign_in(NEW, PASSWORD)).status_code == 303
