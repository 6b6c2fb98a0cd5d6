"""A forgotten password: nobody learns who has an account, and a link does what it should and nothing more."""

import asyncio
import re
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from tests.email_proofs.conftest import Post, press, seen
from tests.users.browser import AWAY, PASSWORD, Browser, hidden_fields, signed_in

pytestmark = pytest.mark.usefixtures("maya")
Owner = psycopg.AsyncConnection[Any]
PASSKEY = """
    insert into private.passkeys (id, user_id, credential_id, public_key, sign_count, backup_eligible, backed_up, name)
    select gen_random_uuid(), id, %s, 'key', 0, true, true, 'Phone' from auth.users
"""
NEW = "another battery horse 24"


async def forget(app: Any, email: str = "maya@example.com", address: str = AWAY) -> Any:
    async with Browser(app, "https://desk.example", address) as browser:
        return await browser.send("/forgotten-password", page="/forgotten-password", email=email)


async def test_asvs_6_4_3_whoever_forgot_sets_another_password_and_signs_in_with_it(app: FastAPI, post: Post, owner: Owner) -> None:
    async with signed_in(app) as before:
        await forget(app, " Maya@Example.com ")
        [(reader, letter)] = await post.of("reset")
        assert reader == "maya@example.com" and letter.subject == "Set a new password"
        async with Browser(app) as browser:
            answer = await press(browser, await post.link("reset"), password=NEW)
            assert answer.headers["location"] == "/login"
            assert browser.token is None  # the link signs nobody in
            assert "every device is signed out" in (await browser.get("/login")).text
            assert (await browser.sign_in(password=PASSWORD)).status_code == 422
            assert (await browser.sign_in(password=NEW)).headers["location"] == "/dashboard"
        assert (await before.get("/account")).headers["location"].startswith("/login")
    log = await seen(owner, "select action, address from public.audit_logs where action like 'user.password%' order by seq")
    assert log == [("user.password_reset_requested", AWAY), ("user.password_reset", "127.0.0.1")]
    [(told, notice)] = await post.of("users/password_changed")
    assert told == "maya@example.com" and notice.subject == "Your password was changed" and "token" not in notice.text


async def test_asvs_6_3_1_nobody_learns_who_has_an_account(app: FastAPI, post: Post) -> None:
    def neutral(answer: Any, email: str) -> str:
        nonce = answer.headers["content-security-policy"].split("'nonce-")[1].split("'")[0]
        return re.sub(r'value="[^"]*"', "", answer.text.replace(nonce, "").replace(email, "EMAIL").replace(answer.headers["x-request-id"], ""))

    known, unknown = await forget(app), await forget(app, "olga@example.com")
    assert known.status_code == unknown.status_code == 200
    assert neutral(known, "maya@example.com") == neutral(unknown, "olga@example.com")
    assert set(known.headers) == set(unknown.headers)
    assert (await post.count())["reset"] == 1


async def test_who_has_the_email_is_asked_after_the_answer_has_gone(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    from frontdesk.email_proofs import recovery

    asked, original = list[str](), recovery.users.find_account

    async def find(db: Any, email: str) -> Any:
        asked.append(f"{email}, answered: {answered}")
        return await original(db, email)

    answered = False

    async def noted(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            nonlocal answered
            await send(message)
            answered = answered or (message["type"] == "http.response.body" and scope["method"] == "POST" and not message.get("more_body"))

        await app(scope, receive, sending)

    monkeypatch.setattr(recovery.users, "find_account", find)
    for email in ("maya@example.com", "olga@example.com"):
        answered = False
        await forget(noted, email)
    assert asked == ["maya@example.com, answered: True", "olga@example.com, answered: True"]


async def test_requests_are_limited_for_each_email_and_each_address_whoever_has_it(app: FastAPI, post: Post) -> None:
    for email in ("maya@example.com", "nobody@example.com"):
        assert [(await forget(app, email, f"203.0.113.{n}")).status_code for n in range(4)] == [200, 200, 200, 429]
    assert (await post.count())["reset"] == 3
    for n in range(20):
        await forget(app, f"{n}@example.com", "198.51.100.7")
    answer = await forget(app, "one.more@example.com", "198.51.100.7")
    assert answer.status_code == 429 and "Too many tries." in answer.text and int(answer.headers["retry-after"]) > 3000


async def test_a_link_works_once_and_closes_the_others(app: FastAPI, post: Post) -> None:
    await forget(app)
    first = await post.link("reset")
    await forget(app)
    second = await post.link("reset")
    assert first != second
    async with Browser(app) as browser:
        fields = hidden_fields((await browser.get(first)).text) | {"password": NEW}
        answers = await asyncio.gather(*[browser.post("/forgotten-password/new", fields) for _ in range(3)])
        assert sorted(answer.status_code for answer in answers) == [303, 410, 410]
        for link in (first, second):
            page = await browser.get(link)
            assert page.status_code == 410 and 'href="/forgotten-password"' in page.text
    assert (await post.count())["password_changed"] == 1


async def test_a_link_is_over_after_an_hour(app: FastAPI, post: Post, owner: Owner) -> None:
    await forget(app)
    link = await post.link("reset")
    ((left,),) = await seen(owner, "select extract(epoch from expires_at - now()) from private.email_proofs where purpose = 'reset'")
    assert 3500 < left <= 3600
    await owner.execute("update private.email_proofs set expires_at = expires_at - interval '1 hour'")
    async with Browser(app) as browser:
        assert (await browser.get(link)).status_code == 410


@pytest.mark.parametrize(
    ("password", "complaint"), [("short", "Use at least 10 characters."), ("password1234", "Attackers try"), ("maya bello", "your own name")]
)
async def test_asvs_6_2_4_a_weak_password_is_refused_and_the_link_still_works(app: FastAPI, post: Post, password: str, complaint: str) -> None:
    await forget(app)
    link = await post.link("reset")
    async with Browser(app) as browser:
        answer = await press(browser, link, password=password)
        assert answer.status_code == 422 and complaint in answer.text and password not in answer.text.replace("maya@", "")
        assert (await press(browser, link, password=NEW)).status_code == 303


async def test_a_link_to_one_thing_does_no_other(app: FastAPI, post: Post, owner: Owner) -> None:
    await forget(app)
    reset, verification = (await post.link("reset")).partition("=")[2], (await post.link("verification")).partition("=")[2]
    async with Browser(app) as browser:
        assert (await browser.get(f"/email/verification?token={reset}")).status_code == 410
        assert (await browser.get(f"/forgotten-password/new?token={verification}")).status_code == 410
        fields = hidden_fields((await browser.get("/login")).text) | {"token": verification, "password": NEW}
        assert (await browser.post("/forgotten-password/new", fields)).status_code == 410
    assert await seen(owner, "select count(*) from private.email_proofs") == [(2,)]


async def test_who_is_banned_gets_no_link_and_uses_none(app: FastAPI, post: Post, owner: Owner) -> None:
    await forget(app)
    link = await post.link("reset")
    await owner.execute("update auth.users set banned_until = now() + interval '1 day'")
    await forget(app)
    assert (await post.count())["reset"] == 1
    async with Browser(app) as browser:
        assert (await browser.get(link)).status_code == 410


async def test_a_link_to_an_email_that_was_changed_meanwhile_opens_nothing(app: FastAPI, post: Post, owner: Owner) -> None:
    await forget(app)
    link = await post.link("reset")
    await owner.execute("update auth.users set email = 'new@example.com'")
    async with Browser(app) as browser:
        assert (await browser.get(link)).status_code == 410


async def test_what_somebody_else_left_in_an_account_of_an_email_that_was_never_confirmed_is_gone(app: FastAPI, post: Post, owner: Owner) -> None:
    """Whoever registers with another's email before him keeps no key to what that one will do there."""
    await owner.execute(
        "insert into private.user_identities (id, user_id, issuer, subject) select gen_random_uuid(), id, 'https://sso', 'mallory' from auth.users"
    )
    await owner.execute(PASSKEY, (b"mallory",))
    await forget(app)
    async with Browser(app) as browser:
        await press(browser, await post.link("reset"), password=NEW)
    assert await seen(owner, "select (select count(*) from private.user_identities), (select count(*) from private.passkeys)") == [(0, 0)]
    assert await seen(owner, "select email_confirmed_at is not null from auth.users") == [(True,)]
    await owner.execute(
        "insert into private.user_identities (id, user_id, issuer, subject) select gen_random_uuid(), id, 'https://sso', 'maya' from auth.users"
    )
    await owner.execute(PASSKEY, (b"maya",))
    await forget(app)
    async with Browser(app) as browser:
        await press(browser, await post.link("reset"), password=NEW + "!")
    assert await seen(owner, "select (select count(*) from private.user_identities), (select count(*) from private.passkeys)") == [(1, 1)]


async def test_the_sign_in_page_leads_there(app: FastAPI) -> None:
    async with Browser(app) as browser:
        assert 'href="/forgotten-password"' in (await browser.get("/login")).text
        answer = await browser.send("/forgotten-password", page="/forgotten-password", email="no email")
        assert answer.status_code == 422 and "This is not an email address." in answer.text


async def test_a_password_that_is_changed_by_hand_is_told_by_mail_too(app: FastAPI, post: Post) -> None:
    async with signed_in(app) as browser:
        await browser.send("/account/password", page="/account/password", password="no it is not", new_password=NEW)
        assert await post.of("users/password_changed") == []
        await browser.send("/account/password", page="/account/password", password=PASSWORD, new_password=NEW)
    [(reader, letter)] = await post.of("users/password_changed")
    assert reader == "maya@example.com" and NEW not in letter.text and "/forgotten-password" in letter.text
