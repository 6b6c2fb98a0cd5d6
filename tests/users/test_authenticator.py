"""The authenticator and the recovery codes on the account's pages, through the front door."""

import asyncio
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from tests.users.browser import PHONE, Browser, hidden_fields, signed_in
from tests.users.factors import AUTHENTICATOR, CODES, as_if_later, code, enrol, logged, offered, recovery_codes, shown_secret

pytestmark = pytest.mark.usefixtures("maya_signed_out")
Owner = psycopg.AsyncConnection[Any]


async def count(owner: Owner, table: str) -> int:
    [(found,)] = await (await owner.execute(f"select count(*) from private.{table}")).fetchall()  # type: ignore[arg-type]  # literals below
    return int(found)


async def test_a_secret_is_no_factor_until_a_code_of_it_was_typed(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        secret = await offered(browser)
        assert await count(owner, "authenticators") == 0
        wrong = await browser.send(AUTHENTICATOR, page=AUTHENTICATOR, code="000000" if code(secret) != "000000" else "000001")
        assert wrong.status_code == 422 and "This code is not right" in wrong.text.split('id="code-help"')[1].split("</p>")[0]
        assert shown_secret(wrong.text) == secret and await count(owner, "authenticators") == 0
        answer = await browser.send(AUTHENTICATOR, page=AUTHENTICATOR, code=code(secret))
        assert answer.status_code == 200 and len(recovery_codes(answer.text)) == 10
        assert await count(owner, "authenticators") == 1 and await count(owner, "authenticator_offers") == 0
        page = (await browser.get("/account")).text
        assert "10 of 10 left" in page and "Since:" in page
    assert (await logged(owner))[-1] == ("authenticator.added", {"sessions": 0, "replaced": False})


async def test_a_second_look_and_a_second_tab_show_the_same_secret(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        secret = await offered(browser)
        assert await offered(browser) == secret
        await owner.execute("update private.authenticator_offers set expires_at = now() - interval '1 second'")
        assert "Show the QR code" in (await browser.get(AUTHENTICATOR)).text
        stale = await browser.post(AUTHENTICATOR, hidden_fields((await browser.get("/account")).text) | {"code": code(secret)})
        assert stale.status_code == 409 and "This QR code is too old" in stale.text
        assert await offered(browser) != secret
    assert await count(owner, "authenticators") == 0


async def test_the_secret_is_sealed_in_its_own_row_and_the_codes_are_hashes(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        secret = await offered(browser)
        [(offer,)] = await (await owner.execute("select o::text from private.authenticator_offers o")).fetchall()
        answer = await browser.send(AUTHENTICATOR, page=AUTHENTICATOR, code=code(secret))
        codes = recovery_codes(answer.text)
    rows = await (await owner.execute("select a::text from private.authenticators a union all select c::text from private.recovery_codes c")).fetchall()
    everything = offer + "".join(row for (row,) in rows)
    assert secret not in everything and not any(one in everything or one.replace("-", "") in everything for one in codes)
    assert len(rows) == 11


async def test_adding_and_removing_end_every_other_session(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app, agent=PHONE) as phone, signed_in(app) as browser:
        await enrol(browser)
        assert (await phone.get("/account")).status_code == 303
        await owner.execute("update private.sessions set revoked_at = null")
        answer = await browser.send(f"{AUTHENTICATOR}/removal", page=AUTHENTICATOR)
        assert answer.headers["location"] == "/account"
        assert (await phone.get("/account")).status_code == 303
        assert "Your authenticator is off." in (await browser.get("/account")).text
    assert await count(owner, "authenticators") == await count(owner, "recovery_codes") == 0
    assert [action for action, _ in await logged(owner)][-2:] == ["authenticator.added", "authenticator.removed"]


async def test_another_phone_takes_the_place_of_the_first_and_the_recovery_codes_stay(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        await enrol(browser)
        before = await (await owner.execute("select secret from private.authenticators")).fetchall()
        secret = await offered(browser)
        answer = await browser.send(AUTHENTICATOR, page=AUTHENTICATOR, code=code(secret))
        assert answer.headers["location"] == "/account" and recovery_codes(answer.text) == []
        assert await (await owner.execute("select secret from private.authenticators")).fetchall() != before
    assert await count(owner, "authenticators") == 1 and await count(owner, "recovery_codes") == 10


async def test_new_recovery_codes_take_the_place_of_all_before(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        _, before = await enrol(browser)
        assert "10 of your codes are left." in (await browser.get(CODES)).text
        await owner.execute("update private.recovery_codes set used_at = now() where code_hash in (select code_hash from private.recovery_codes limit 8)")
        assert "2 codes are left" in (await browser.get(CODES)).text
        assert "Few left" in (await browser.get("/account")).text
        after = recovery_codes((await browser.send(CODES, page=CODES)).text)
        assert len(after) == 10 and not set(after) & set(before)
        page = (await browser.get(CODES)).text
        assert not any(one in page for one in after)
    assert await count(owner, "recovery_codes") == 10
    assert (await logged(owner))[-1] == ("recovery_codes.renewed", {"sessions": 0})


async def test_two_renewals_at_once_leave_the_codes_of_one(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        await enrol(browser)
        fields = hidden_fields((await browser.get(CODES)).text)
        await asyncio.gather(*(browser.post(CODES, fields) for _ in range(3)))
    assert await count(owner, "recovery_codes") == 10


async def test_without_a_factor_there_are_no_recovery_codes(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        assert "There is none yet." in (await browser.get(CODES)).text
        fields = hidden_fields((await browser.get("/account")).text)
        assert (await browser.post(CODES, fields)).status_code == 409
        assert (await browser.post(f"{AUTHENTICATOR}/removal", fields)).status_code == 409
    assert await count(owner, "recovery_codes") == 0


async def test_nothing_of_it_happens_on_an_old_proof(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        secret = await offered(browser)
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '11 minutes'")
        fields = hidden_fields((await browser.get("/account")).text) | {"code": code(secret)}
        assert (await browser.get(AUTHENTICATOR)).headers["location"] == "/account/reauthentication?next=/account/authenticator"
        for path in (AUTHENTICATOR, f"{AUTHENTICATOR}/offer", f"{AUTHENTICATOR}/removal", CODES):
            assert (await browser.post(path, fields)).headers["location"].startswith("/account/reauthentication")
    assert await count(owner, "authenticators") == 0


async def test_a_code_is_a_proof_too_but_only_once(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser:
        secret, _ = await enrol(browser)
        await as_if_later(owner)
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '11 minutes'")
        page, typed, before = f"/account/reauthentication?next={CODES}", code(secret), browser.token
        answer = await browser.send("/account/reauthentication", page=page, code=typed)
        assert answer.headers["location"] == CODES and browser.token != before
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '11 minutes'")
        answer = await browser.send("/account/reauthentication", page=page, code=typed)
        assert answer.status_code == 422 and "it was used before" in answer.text
    assert (await logged(owner))[-2:] == [
        ("user.reauthenticated", {"by": "authenticator"}),
        ("user.second_factor_failed", {"by": "authenticator"}),
    ]


async def test_a_secret_that_was_moved_to_another_user_does_not_open(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser, Browser(app) as olga:
        secret, _ = await enrol(browser)
        await olga.register(email="olga@example.com", name="Olga", organization_name="Moretti")
        await owner.execute(
            "insert into private.authenticators (user_id, secret, last_step) select u.id, a.secret, 0 from private.authenticators a, auth.users u"
            " where u.email = 'olga@example.com'"
        )
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '11 minutes'")
        answer = await olga.send("/account/reauthentication", page="/account/reauthentication", code=code(secret))
        assert answer.status_code == 503 and "cannot check your authenticator" in answer.text


@pytest.mark.parametrize("role", ["frontdesk_member", "frontdesk_worker", "authenticated", "anon", "service_role"])
async def test_the_functions_of_factors_are_the_applications_own(owner: Owner, role: str) -> None:
    rows = await (
        await owner.execute(
            "select p.proname from pg_proc p where p.pronamespace = 'private'::regnamespace and has_function_privilege(%s, p.oid, 'execute')"
            " and p.proname ~ '(authenticator|recovery|pending_sign|passkey|has_second_factor|owes_second|second_factors_of|hold_password)'",
            (role,),
        )
    ).fetchall()
    assert rows == []
