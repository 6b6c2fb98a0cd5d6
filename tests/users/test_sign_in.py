"""Signing in, through the front door."""

from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI

from frontdesk.users import passwords
from tests.users.browser import AWAY, HOME, PASSWORD, WRONG, Browser, hidden_fields, signed_in

pytestmark = pytest.mark.usefixtures("maya")
Owner = psycopg.AsyncConnection[Any]


async def actions_logged(owner: Owner) -> list[str]:
    rows = await (await owner.execute("select action from public.audit_logs where action <> 'channel.connected' order by seq")).fetchall()
    return [action for (action,) in rows][2:]  # after the making of the organization with its sandbox number, and the registration


async def test_a_user_signs_in_and_goes_on_to_the_overview(app: FastAPI) -> None:
    async with Browser(app) as browser:
        answer = await browser.sign_in("Maya@Example.com")
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
        assert "Maya Bello" in (await browser.get("/account")).text


async def test_an_unknown_email_and_a_wrong_password_get_the_same_answer(app: FastAPI) -> None:
    def neutral(page: str, email: str) -> str:
        for once in (browser_of_page := hidden_fields(page)).values():
            page = page.replace(once, "") if once else page
        return page.replace(email, "EMAIL") if browser_of_page else page

    pages = []
    for email in ("maya@example.com", "olga@example.com"):
        async with Browser(app) as browser:
            answer = await browser.sign_in(email, WRONG)
            assert answer.status_code == 422 and browser.token is None
            number, nonce = (
                answer.headers["x-request-id"],
                answer.headers["content-security-policy"].split("'nonce-")[1].split("'")[0],
            )
            pages.append(neutral(answer.text.replace(number, "").replace(nonce, ""), email))
            assert "The email or the password is not right." in answer.text and WRONG not in answer.text
    assert pages[0] == pages[1]


async def test_both_take_the_same_road_one_check_and_the_same_statements(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    checks: list[str | None] = []
    original = passwords.check

    async def check(password: str, password_hash: str | None) -> passwords.Check:
        checks.append(password_hash)
        return await original(password, password_hash)

    monkeypatch.setattr(passwords, "check", check)
    for email in ("maya@example.com", "olga@example.com", "no email at all"):
        async with Browser(app) as browser:
            await browser.sign_in(email, WRONG)
    assert [one is None for one in checks] == [False, True, True]


async def test_a_planted_token_is_worth_nothing_after_the_sign_in(app: FastAPI) -> None:
    async with signed_in(app) as attacker, Browser(app) as browser:
        planted = attacker.token
        assert planted
        browser.client.cookies.set("frontdesk_session", planted, domain="localhost.local", path="/")
        assert (await browser.send("/login", page="/account", email="maya@example.com", password=PASSWORD)).status_code == 303
        assert browser.token not in (None, planted)
        assert (await attacker.get("/account")).status_code == 303  # the session before this one has ended


@pytest.mark.parametrize(
    ("wanted", "goes_to"),
    [
        ("/dashboard/inbox?filter=open", "/dashboard/inbox?filter=open"),
        ("//evil.example", "/dashboard"),
        ("https://evil.example/", "/dashboard"),
        ("/\\evil.example", "/dashboard"),
        ("/\t/evil.example", "/dashboard"),
        ("javascript:alert(1)", "/dashboard"),
    ],
)
async def test_the_sign_in_leads_to_where_one_wanted_on_this_site_only(app: FastAPI, wanted: str, goes_to: str) -> None:
    async with Browser(app) as browser:
        answer = await browser.post(
            "/login",
            hidden_fields((await browser.get("/login")).text) | {"email": "maya@example.com", "password": PASSWORD, "next": wanted},
        )
        assert answer.headers["location"] == goes_to
        assert (await browser.client.get("/login", params={"next": wanted})).headers["location"] == goes_to


async def test_a_page_behind_the_sign_in_comes_back_after_it(app: FastAPI) -> None:
    async with Browser(app) as browser:
        sent_away = (await browser.get("/account")).headers["location"]
        assert sent_away == "/login?next=/account"
        answer = await browser.send("/login", page=sent_away, email="maya@example.com", password=PASSWORD)
        assert answer.headers["location"] == "/account"


async def test_over_tls_the_cookie_is_bound_to_this_very_host(app: FastAPI) -> None:
    async with Browser(app, "https://desk.example", AWAY) as browser:
        answer = await browser.sign_in()
    [cookie] = [one for one in answer.headers.get_list("set-cookie") if "frontdesk" in one]
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-frontdesk=") and len(name.split("=")[1]) >= 43
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=1209600"} == set(attributes) - {a for a in attributes if a.startswith("expires")}


@pytest.mark.parametrize("base", ["http://localhost:3002", "http://127.0.0.1:3002", "http://[::1]:3002", "http://desk.localhost"])
async def test_plain_http_is_good_enough_on_this_machine(app: FastAPI, base: str) -> None:
    async with Browser(app, base) as browser:
        answer = await browser.sign_in()
    assert answer.status_code == 303
    [cookie] = [one for one in answer.headers.get_list("set-cookie") if "frontdesk" in one]
    assert cookie.startswith("frontdesk_session=") and "HttpOnly" in cookie and "Secure" not in cookie


async def test_plain_http_from_elsewhere_is_refused_in_words(app: FastAPI) -> None:
    async with Browser(app, "http://192.0.2.7:3002", AWAY) as browser:
        answer = await browser.sign_in()
    assert answer.status_code == 403 and "Signing in needs https." in answer.text
    assert not [one for one in answer.headers.get_list("set-cookie") if "frontdesk" in one]


async def test_a_form_without_its_token_or_from_another_site_signs_nobody_in(app: FastAPI) -> None:
    async with Browser(app) as browser:
        fields = {"email": "maya@example.com", "password": PASSWORD}
        assert (await browser.post("/login", fields)).status_code == 403
        assert (await browser.post("/login", fields | {"csrf_token": "x" * 43})).status_code == 403
        token = hidden_fields((await browser.get("/login")).text)
        assert (await browser.post("/login", fields | token, origin="https://evil.example")).status_code == 403
        assert browser.token is None


async def test_signing_in_failing_and_out_stand_in_the_organizations_log(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, address=HOME) as browser:
        await browser.sign_in(password=WRONG)
        await browser.sign_in("olga@example.com", WRONG)
        await browser.sign_in()
        await browser.send("/logout", page="/account")
    assert await actions_logged(owner) == ["user.sign_in_failed", "user.signed_in", "user.signed_out"]
    rows = await (await owner.execute("select details::text || coalesce(target_id, '') || actor_name from public.audit_logs")).fetchall()
    assert PASSWORD not in str(rows) and WRONG not in str(rows)


async def test_a_banned_or_deleted_user_gets_the_answer_of_a_stranger(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        await owner.execute("update auth.users set banned_until = now() + interval '1 day'")
        assert (await browser.get("/account")).status_code == 303  # and his open session ends at once
        assert (await browser.sign_in()).status_code == 422
        await owner.execute("update auth.users set banned_until = null, deleted_at = now()")
        assert (await browser.sign_in()).status_code == 422


async def test_a_weaker_hash_is_replaced_at_the_next_sign_in(app: FastAPI, owner: Owner) -> None:
    weak = "$argon2id$v=19$m=1024,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$"

    weak = PasswordHasher(memory_cost=1024, time_cost=1, parallelism=1).hash(PASSWORD)
    await owner.execute("update auth.users set encrypted_password = %s", (weak,))
    async with Browser(app) as browser:
        assert (await browser.sign_in()).status_code == 303
    [(kept,)] = await (await owner.execute("select encrypted_password from auth.users")).fetchall()
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_fields_that_are_missing_or_odd_are_a_wrong_password_and_no_crash(app: FastAPI) -> None:
    async with Browser(app) as browser:
        token = hidden_fields((await browser.get("/login")).text)
        for fields in (
            {},
            {"email": "maya@example.com"},
            {"email": "x" * 100_000, "password": "y" * 100_000},
            {"email": "a\x00b", "password": "\x00"},
        ):
            assert (await browser.post("/login", token | fields)).status_code == 422
        raw = b"email=%ff%fe&password=%ff&csrf_token=" + token["csrf_token"].encode()
        headers = {"origin": browser.base, "content-type": "application/x-www-form-urlencoded"}
        assert (await browser.client.post("/login", content=raw, headers=headers)).status_code == 422
