"""Signing in in two steps, through the front door."""

import asyncio
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from frontdesk.users import find_visitor
from tests.users.browser import AWAY, PASSWORD, WRONG, Browser, hidden_fields, signed_in
from tests.users.factors import CODES, STEP, as_if_later, code, enrol, logged, password_step

pytestmark = pytest.mark.usefixtures("maya_signed_out")
Owner = psycopg.AsyncConnection[Any]
PENDING = "frontdesk_sign_in"


@pytest.fixture
async def enrolled(app: FastAPI, owner: Owner) -> tuple[str, list[str]]:
    """Maya has an authenticator; its secret, and her recovery codes. She is signed in nowhere."""
    async with signed_in(app) as browser:
        made = await enrol(browser)
    await owner.execute("delete from private.sessions")
    await as_if_later(owner)
    return made


async def test_the_password_leads_to_the_second_step_and_the_code_on_to_where_one_wanted(app: FastAPI, owner: Owner, enrolled: Any) -> None:
    async with Browser(app) as browser:
        assert await password_step(browser, "/dashboard/inbox") == f"{STEP}?next=/dashboard/inbox"
        assert browser.token is None
        page = await browser.get(f"{STEP}?next=/dashboard/inbox")
        assert page.status_code == 200 and "Code of your authenticator app" in page.text
        answer = await browser.send(STEP, page=f"{STEP}?next=/dashboard/inbox", code=code(enrolled[0]))
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/inbox")
        assert browser.token and browser.client.cookies.get(PENDING) is None
        assert (await browser.get("/account")).status_code == 200
    assert (await logged(owner))[-1] == ("user.signed_in", {"by": "password", "second_factor": "authenticator"})


async def test_before_the_second_step_nothing_is_reached(app: FastAPI, owner: Owner, database: Any, enrolled: Any) -> None:
    async with Browser(app) as browser:
        await password_step(browser)
        pending = browser.client.cookies.get(PENDING)
        assert pending and await find_visitor(database, pending) is None
        browser.client.cookies.set("frontdesk_session", pending, domain="localhost.local", path="/")
        for path in ("/account", "/account/password", CODES, "/account/reauthentication"):
            assert (await browser.get(path)).headers["location"].startswith("/login"), path
        assert (await browser.get("/")).headers["location"] == "/login"
    [(count,)] = await (await owner.execute("select count(*) from private.sessions")).fetchall()
    assert count == 0 and "user.signed_in" not in [action for action, _ in (await logged(owner))[2:]]


async def test_a_code_works_once(app: FastAPI, enrolled: Any) -> None:
    typed = code(enrolled[0])
    async with Browser(app) as first, Browser(app) as second:
        await password_step(first)
        await password_step(second)
        assert (await first.send(STEP, page=STEP, code=typed)).status_code == 303
        answer = await second.send(STEP, page=STEP, code=typed)
        assert answer.status_code == 422 and "it was used before" in answer.text.split('id="code-help"')[1].split("</p>")[0]
        assert second.token is None


async def test_of_one_code_at_many_doors_at_once_one_opens(app: FastAPI, owner: Owner, enrolled: Any) -> None:
    typed = code(enrolled[0])

    async def enter() -> int:
        async with Browser(app) as browser:
            await password_step(browser)
            return (await browser.send(STEP, page=STEP, code=typed)).status_code

    assert sorted(await asyncio.gather(*(enter() for _ in range(4)))) == [303, 422, 422, 422]


async def test_a_recovery_code_works_once_and_its_user_learns_how_many_are_left(app: FastAPI, owner: Owner, enrolled: Any) -> None:
    typed = enrolled[1][3].upper().replace("-", " ")
    async with Browser(app) as first, Browser(app) as second:
        await password_step(first)
        await password_step(second)
        answer = await first.send(STEP, page=STEP, recovery_code=typed)
        assert answer.status_code == 303
        assert "9 recovery codes are left." in (await first.get("/account")).text
        answer = await second.send(STEP, page=STEP, recovery_code=typed)
        assert answer.status_code == 422 and "none of your recovery codes" in answer.text and second.token is None
    assert [action for action, _ in await logged(owner)][-3:] == ["user.signed_in", "recovery_code.used", "user.second_factor_failed"]
    assert typed not in str(await logged(owner))


async def test_when_few_are_left_it_says_so(app: FastAPI, owner: Owner, enrolled: Any) -> None:
    async with Browser(app) as browser:
        await owner.execute("update private.recovery_codes set used_at = now() where code_hash in (select code_hash from private.recovery_codes limit 10)")
        await password_step(browser)
        assert (await browser.send(STEP, page=STEP, recovery_code=enrolled[1][0])).status_code == 422
        await owner.execute("update private.recovery_codes set used_at = null where code_hash in (select code_hash from private.recovery_codes limit 10)")
        await browser.send(STEP, page=STEP, recovery_code=enrolled[1][0])
        await owner.execute("update private.recovery_codes set used_at = now()")
        assert "0 of 10 left" in (page := (await browser.get("/account")).text) and "Few left" in page


async def test_five_wrong_codes_and_one_has_to_wait_while_recovery_codes_still_open(app: FastAPI, owner: Owner, enrolled: Any) -> None:
    secret, codes = enrolled
    async with Browser(app, "https://desk.example", AWAY) as browser:
        await password_step(browser)
        wrong = "000000" if code(secret) != "000000" else "000001"
        assert [(await browser.send(STEP, page=STEP, code=wrong)).status_code for _ in range(5)] == [422] * 5
        answer = await browser.send(STEP, page=STEP, code=code(secret))
        assert answer.status_code == 429 and 800 < int(answer.headers["retry-after"]) <= 900
        await password_step(browser)  # the password once more does not give new tries
        assert (await browser.send(STEP, page=STEP, code=code(secret))).status_code == 429
        assert (await browser.send(STEP, page=STEP, recovery_code=codes[0])).status_code == 303
    assert [action for action, _ in await logged(owner)].count("user.second_factor_failed") == 5


async def test_a_right_code_gives_back_the_tries_of_the_quarter_of_an_hour_and_not_those_of_the_day(app: FastAPI, owner: Owner, enrolled: Any) -> None:
    async with Browser(app) as browser:
        await password_step(browser)
        await browser.send(STEP, page=STEP, code="12")
        assert (await browser.send(STEP, page=STEP, code=code(enrolled[0]))).status_code == 303
    tries = await (await owner.execute("select tries from private.attempts where window_ends_at > now() + interval '1 hour'")).fetchall()
    assert tries == [(1,)]


async def test_the_wait_ends_after_ten_minutes_and_with_every_change_of_the_password(app: FastAPI, owner: Owner, enrolled: Any) -> None:
    async with Browser(app) as browser:
        for ending in (
            "update private.pending_sign_ins set expires_at = now() - interval '1 second'",
            "select private.revoke_other_sessions(user_id, null) from private.pending_sign_ins",
            "update auth.users set banned_until = now() + interval '1 day'",
        ):
            await password_step(browser)
            fields = hidden_fields((await browser.get(STEP)).text)
            await owner.execute(ending)  # type: ignore[arg-type]  # literals above
            answer = await browser.post(STEP, fields | {"code": code(enrolled[0])})
            assert answer.headers["location"] == "/login" and browser.token is None
            assert browser.client.cookies.get(PENDING) is None
            assert "This sign-in took too long." in (await browser.get("/login")).text
            await owner.execute("update auth.users set banned_until = null")


@pytest.mark.parametrize("token", [None, "", "x", "x" * 43])
async def test_without_a_first_step_there_is_no_second(app: FastAPI, token: str | None) -> None:
    async with Browser(app) as browser:
        fields = hidden_fields((await browser.get("/login")).text)
        if token is not None:
            browser.client.cookies.set(PENDING, token, domain="localhost.local", path="/")
        assert (await browser.get(STEP)).headers["location"] == "/login"
        assert (await browser.post(STEP, fields | {"code": "123456"})).headers["location"] == "/login"


async def test_whether_somebody_has_a_second_factor_is_told_to_nobody_without_the_password(app: FastAPI, enrolled: Any) -> None:
    answers = []
    for email in ("maya@example.com", "nobody@example.com"):
        async with Browser(app) as browser:
            answer = await browser.sign_in(email, WRONG)
            answers.append((answer.status_code, "The email or the password is not right." in answer.text, sorted(browser.client.cookies.keys())))
    assert answers[0] == answers[1]


async def test_the_session_before_ends_when_the_new_one_opens_and_not_before(app: FastAPI, owner: Owner, enrolled: Any) -> None:
    async with Browser(app) as browser:
        await password_step(browser)
        await browser.send(STEP, page=STEP, code=code(enrolled[0]))
        planted = browser.token
        await as_if_later(owner)
        answer = await browser.send("/login", page="/account", email="maya@example.com", password=PASSWORD)
        assert answer.headers["location"] == STEP and browser.token == planted
        assert (await browser.send(STEP, page=STEP, code=code(enrolled[0]))).status_code == 303
        assert browser.token != planted
    rows = await (await owner.execute("select revoked_at is null from private.sessions order by created_at")).fetchall()
    assert rows == [(False,), (True,)]


async def test_the_second_step_leads_to_this_site_only(app: FastAPI, enrolled: Any) -> None:
    async with Browser(app) as browser:
        await password_step(browser)
        fields = hidden_fields((await browser.client.get(STEP, params={"next": "//evil.example"})).text)
        assert fields["next"] == ""
        answer = await browser.post(STEP, fields | {"code": code(enrolled[0]), "next": "//evil.example"})
        assert answer.headers["location"] == "/dashboard"


async def test_over_tls_the_token_between_the_steps_is_bound_to_this_very_host(app: FastAPI, enrolled: Any) -> None:
    async with Browser(app, "https://desk.example", AWAY) as browser:
        answer = await browser.sign_in()
    [cookie] = [one for one in answer.headers.get_list("set-cookie") if "sign-in" in one]
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-frontdesk-sign-in=")
    assert {"HttpOnly", "Secure", "SameSite=lax", "Path=/", "Max-Age=600"} == set(attributes) - {a for a in attributes if a.startswith("expires")}


async def test_a_copy_of_the_table_opens_nothing(app: FastAPI, owner: Owner, enrolled: Any) -> None:
    async with Browser(app) as browser:
        await password_step(browser)
        [(row,)] = await (await owner.execute("select p::text from private.pending_sign_ins p")).fetchall()
        assert browser.client.cookies.get(PENDING) not in row
