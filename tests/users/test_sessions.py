"""Sessions and the account page, through the front door."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI

from frontdesk.database import Database, new_id
from frontdesk.users import find_visitor
from tests.users.browser import PHONE, Browser, hidden_fields, signed_in

pytestmark = pytest.mark.usefixtures("maya_and_olga")
Owner = psycopg.AsyncConnection[Any]


async def session_ids(owner: Owner) -> list[UUID]:
    rows = await (await owner.execute("select id from private.sessions where revoked_at is null order by created_at")).fetchall()
    return [one for (one,) in rows]


@pytest.mark.parametrize(
    ("change", "stays"),
    [
        ("last_seen_at = now() - interval '11 hours 59 minutes'", True),
        ("last_seen_at = now() - interval '12 hours 1 second'", False),
        ("expires_at = now() + interval '1 minute'", True),
        ("expires_at = now() - interval '1 second'", False),
        ("revoked_at = now()", False),
    ],
)
async def test_a_session_ends_after_twelve_idle_hours_or_fourteen_days(app: FastAPI, owner: Owner, change: str, stays: bool) -> None:
    async with signed_in(app) as browser:
        [(length,)] = await (await owner.execute("select extract(day from expires_at - created_at) from private.sessions")).fetchall()
        assert length == 14
        await owner.execute(f"update private.sessions set {change}")  # type: ignore[arg-type]  # literal above
        assert ((await browser.get("/account")).status_code == 200) is stays


async def test_being_seen_is_written_down_at_most_once_a_minute(app: FastAPI, owner: Owner) -> None:
    async def seen() -> Any:
        return (await (await owner.execute("select last_seen_at, xmin::text from private.sessions")).fetchall())[0]

    async with signed_in(app) as browser:
        before = await seen()
        await browser.get("/account")
        assert await seen() == before
        await owner.execute("update private.sessions set last_seen_at = now() - interval '61 seconds'")
        before = await seen()
        await browser.get("/account")
        assert (await seen())[0] > before[0]


async def test_the_account_page_lists_where_one_is_signed_in(app: FastAPI) -> None:
    async with signed_in(app, agent=PHONE), signed_in(app) as browser:
        page = (await browser.get("/account")).text
    assert "Safari on iPhone" in page and "Firefox on Linux" in page and "127.0.0.1" in page
    assert page.count("This device") == 1


async def test_one_other_device_is_signed_out(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app, agent=PHONE) as phone, signed_in(app) as browser:
        [first, _] = await session_ids(owner)
        answer = await browser.send(f"/account/sessions/{first}/revocation", page="/account")
        assert answer.headers["location"] == "/account"
        assert (await phone.get("/account")).status_code == 303
        assert (await browser.get("/account")).status_code == 200


async def test_all_others_are_signed_out_and_this_device_stays(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app, agent=PHONE) as phone, signed_in(app) as third, signed_in(app) as browser:
        answer = await browser.send("/account/sessions/others/revocation", page="/account")
        assert answer.headers["location"] == "/account"
        assert "2 other devices are signed out." in (await browser.get("/account")).text
        assert [(await one.get("/account")).status_code for one in (phone, third)] == [303, 303]
        assert len(await session_ids(owner)) == 1


async def test_signing_out_everywhere_includes_this_device(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app, agent=PHONE) as phone, signed_in(app) as browser:
        answer = await browser.send("/account/sessions/revocation", page="/account")
        assert answer.headers["location"] == "/login" and browser.token is None
        assert (await phone.get("/account")).status_code == 303
        assert await session_ids(owner) == []


async def test_nobody_ends_a_strangers_session(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as maya, Browser(app) as olga:
        [mayas] = await session_ids(owner)
        await olga.sign_in("olga@example.com")
        assert (await olga.send(f"/account/sessions/{mayas}/revocation", page="/account")).status_code == 404
        assert (await olga.send(f"/account/sessions/{new_id()}/revocation", page="/account")).status_code == 404
        assert (await maya.get("/account")).status_code == 200


async def test_a_token_is_worth_nothing_after_the_sign_out(app: FastAPI, database: Database) -> None:
    async with signed_in(app) as browser:
        token = browser.token
        assert token and await find_visitor(database, token)
        answer = await browser.send("/logout", page="/account")
        assert answer.headers["location"] == "/login" and "storage" in answer.headers["clear-site-data"]
        assert browser.token is None
        assert await find_visitor(database, token) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "é" * 43, "x" * 10_000])
async def test_a_made_up_token_is_nobodys(database: Database, token: str) -> None:
    assert await find_visitor(database, token) is None


async def test_nothing_changes_without_the_sessions_own_form_token(app: FastAPI, owner: Owner) -> None:
    async with signed_in(app) as browser, Browser(app) as olga:
        await olga.sign_in("olga@example.com")
        foreign = hidden_fields((await olga.get("/account")).text)
        own = hidden_fields((await browser.get("/account")).text)
        for path in (
            "/logout",
            "/account/name",
            "/account/sessions/revocation",
            "/account/sessions/others/revocation",
            "/account/password",
            "/account/reauthentication",
            f"/account/sessions/{new_id()}/revocation",
            "/session/organization",
        ):
            for fields in ({}, {"csrf_token": foreign["csrf_token"], "organization_id": own["organization_id"]}):
                assert (await browser.post(path, fields | {"name": "Mallory"})).status_code == 403
        assert len(await session_ids(owner)) == 2
        assert "Mallory" not in (await browser.get("/account")).text


async def test_a_user_is_called_what_he_wants(app: FastAPI) -> None:
    async with signed_in(app) as browser:
        assert (await browser.send("/account/name", page="/account", name="  Maya Adé ")).headers["location"] == "/account"
        assert "Maya Adé" in (await browser.get("/account")).text


@pytest.mark.parametrize(("name", "complaint"), [("", "Fill this in."), ("x" * 10_000, "Use at most 200 characters. This has 10,000.")])
async def test_a_name_that_is_none_is_refused_beside_its_field(app: FastAPI, name: str, complaint: str) -> None:
    async with signed_in(app) as browser:
        answer = await browser.send("/account/name", page="/account", name=name)
        assert answer.status_code == 422
        assert complaint in answer.text.split('id="name-help"')[1].split("</p>")[0]
        assert 'dir="auto">Maya Bello</span>' in answer.text


async def test_the_root_leads_to_the_sign_in_or_to_the_overview(app: FastAPI) -> None:
    async with Browser(app) as browser:
        assert (await browser.get("/")).headers["location"] == "/login"
        await browser.sign_in()
        assert (await browser.get("/")).headers["location"] == "/dashboard"


async def test_what_a_user_does_to_his_account_stands_in_the_log_of_each_of_his_organizations_and_of_no_other(app: FastAPI, owner: Owner) -> None:
    await owner.execute(
        "with another as (insert into public.organizations (id, slug, name) values (gen_random_uuid(), 'another', 'Another') returning id)"
        " insert into public.organization_members (organization_id, user_id, role) select a.id, u.id, 'viewer' from another a, auth.users u"
        " where u.email = 'maya@example.com'"
    )
    async with signed_in(app, agent=PHONE), signed_in(app) as browser:
        await browser.send("/account/name", page="/account", name="Maya Adé")
        await browser.send(f"/account/sessions/{(await session_ids(owner))[0]}/revocation", page="/account")
        await browser.send("/account/sessions/others/revocation", page="/account")
        await browser.send("/account/sessions/revocation", page="/account")
    rows = await (
        await owner.execute("select o.slug, a.action from public.audit_logs a join public.organizations o on o.id = a.organization_id order by o.slug, a.seq")
    ).fetchall()
    told = [
        "user.signed_in", "user.signed_in", "user.renamed", "session.revoked", "user.other_sessions_revoked", "user.signed_out_everywhere",
    ]  # fmt: skip
    for slug in ("lagos-glow-salon", "another"):
        assert [action for of, action in rows if of == slug][-6:] == told
    assert [action for slug, action in rows if slug == "moretti-calzature" and action != "channel.connected"] == ["organization.created", "user.registered"]


async def test_a_stolen_copy_of_the_table_opens_nothing(app: FastAPI, owner: Owner, database: Database) -> None:
    async with signed_in(app) as browser:
        [(row, token_hash)] = await (await owner.execute("select s::text, encode(token_hash, 'hex') from private.sessions s")).fetchall()
        assert browser.token and browser.token not in row
        assert await find_visitor(database, token_hash[:43]) is None


@pytest.mark.parametrize("role", ["frontdesk_member", "frontdesk_worker", "authenticated", "anon"])
async def test_the_functions_of_users_are_the_applications_own(owner: Owner, role: str) -> None:
    rows = await (
        await owner.execute(
            "select p.proname from pg_proc p where p.pronamespace = 'private'::regnamespace and"
            " has_function_privilege(%s, p.oid, 'execute')"
            " and p.proname in ('register_user', 'repair_user', 'find_account', 'open_session', 'find_session',"
            " 'revoke_session', 'revoke_sessions', 'revoke_other_sessions', 'renew_session', 'find_user', 'change_password', 'organizations_of',"
            " 'list_sessions', 'switch_organization', 'rename_user', 'take_attempt', 'forget_attempts',"
            " 'audit_faults', 'home_of', 'user_name')",
            (role,),
        )
    ).fetchall()
    assert rows == []
