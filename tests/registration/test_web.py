"""Registering, through the front door."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI

from frontdesk.access import Actor
from frontdesk.channels import sandbox_of
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.roles import leaves
from tests.users.browser import AWAY, Browser, doors, hidden_fields

Owner = psycopg.AsyncConnection[Any]


async def seen(owner: Owner, query: str, **params: Any) -> list[Any]:
    return await (await owner.execute(query, params)).fetchall()  # type: ignore[call-overload]  # literal in every test


async def test_a_stranger_becomes_the_owner_of_an_organization_and_is_signed_in(app: FastAPI, owner: Owner) -> None:
    async with Browser(app) as browser:
        answer = await browser.register(name="Jürgen Müller", organization_name="Meine Firma GmbH", email="Owner@Example.com")
        assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
        assert (await browser.get("/account")).status_code == 200
    [(slug, name, role, email, status, ends)] = await seen(
        owner,
        "select o.slug, o.name, m.role, u.email, s.status, s.trial_ends_at - now() from public.organizations o"
        " join public.organization_members m on m.organization_id = o.id join auth.users u on u.id = m.user_id"
        " join public.subscriptions s on s.organization_id = o.id",
    )
    assert (slug, name, role, email, status) == (
        "meine-firma-gmbh",
        "Meine Firma GmbH",
        "owner",
        "owner@example.com",
        "trialing",
    )
    assert timedelta(days=13, hours=23) < ends <= timedelta(days=14)


async def test_a_new_organization_has_a_sandbox_number_in_development(app: FastAPI, owner: Owner, database: Database) -> None:
    async with Browser(app) as browser:
        await browser.register()
    [(organization, user)] = await seen(owner, "select organization_id, user_id from public.organization_members")
    async with database.tenant(organization, Actor("user", user)) as db:
        sandbox = await sandbox_of(db)
    assert sandbox is not None and sandbox.kind == "simulator"


async def test_the_password_is_kept_as_argon2id_and_the_token_as_its_hash(app: FastAPI, owner: Owner) -> None:
    async with Browser(app) as browser:
        await browser.register(password="quiet lamps under rivers")
        [(kept, sessions)] = await seen(owner, "select encrypted_password, (select array_agg(s::text) from private.sessions s) from auth.users")
        assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert browser.token and len(sessions) == 1 and browser.token not in sessions[0]


async def test_every_field_at_fault_is_named_at_once_and_what_was_typed_stays(app: FastAPI) -> None:
    async with Browser(app) as browser:
        answer = await browser.register(name="", email="not an email", organization_name="x" * 10_000, password="glow24")
    assert answer.status_code == 422
    for complaint in (
        "Fill this in.",
        "This is not an email address.",
        "Use at most 200 characters. This has 10,000.",
        "Use at least 10 characters. This has 6.",
    ):
        assert complaint in answer.text
    assert 'value="not an email"' in answer.text
    assert "glow24" not in answer.text
    assert browser.token is None


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": "x" * 10_000}, "Use at most 200 characters. This has 10,000."),
        ({"name": " \u200b "}, "Fill this in."),
        ({"name": "Maya\x1b[31m"}, "Take out the control characters"),
        ({"organization_name": "Glow\nSalon"}, "Take out the control characters"),
        ({"organization_name": ""}, "Fill this in."),
        ({"organization_name": "x" * 10_000}, "Use at most 200 characters. This has 10,000."),
        ({"organization_name": "Glow \ufffd Salon"}, "A character arrived broken; take out the � and type it again."),
        ({"email": "ma ya@example.com"}, "This is not an email address."),
        ({"email": ""}, "Fill this in."),
        ({"email": "maya@"}, "This is not an email address."),
        ({"email": "x" * 10_000 + "@example.com"}, "This is not an email address."),
        ({"password": "password123"}, "Attackers try this password first."),
        ({"password": "maya@example.com"}, "This is made of your own name or address"),
        ({"password": "x" * 1001}, "Use at most 1,000 characters. This has 1,001."),
    ],
)  # fmt: skip
async def test_bad_input_is_refused_with_a_sentence_beside_the_field(app: FastAPI, owner: Owner, fields: dict[str, str], complaint: str) -> None:
    async with Browser(app) as browser:
        answer = await browser.register(**fields)
    assert answer.status_code == 422
    field = next(iter(fields))
    assert complaint in answer.text.split(f'id="{field}-help"')[1].split("</p>")[0]
    assert await seen(owner, "select 1 from auth.users") == []


@pytest.mark.parametrize("path", ["/register", "/login"])
async def test_bytes_that_are_no_text_break_nothing(app: FastAPI, owner: Owner, path: str) -> None:
    async with Browser(app) as browser:
        token = hidden_fields((await browser.get(path)).text)["csrf_token"]
        form = {"origin": browser.base, "content-type": "application/x-www-form-urlencoded"}
        for sent in ("%ff%fe", "%00", "%ed%a0%80", "%c3%28"):
            body = f"csrf_token={token}&organization_name=Glow{sent}&name={sent}&email={sent}maya@example.com&password={sent}"
            answer = await browser.client.post(path, content=body, headers=form)
            assert (answer.status_code, browser.token) == (422, None)
        for odd in (b"\xff\xfe", b"csrf_token=%ff", b"--x\r\nbroken", b"{"):
            assert (await browser.client.post(path, content=odd, headers=form)).status_code == 403
        for kind in ("multipart/form-data", "multipart/form-data; boundary=x", "text/plain; charset=nonsense"):
            assert 400 <= (await browser.client.post(path, content=b"--x\r\nbroken", headers=form | {"content-type": kind})).status_code < 500
    assert await seen(owner, "select 1 from auth.users") == []


async def test_an_email_that_is_taken_is_said_to_be_in_whatever_case(app: FastAPI, owner: Owner) -> None:
    async with Browser(app) as first, Browser(app) as second:
        await first.register()
        answer = await second.register(email="MAYA@example.com", organization_name="Another")
    assert answer.status_code == 409
    assert "This email is already registered. Sign in instead." in answer.text
    assert 'value="Another"' in answer.text
    assert await seen(owner, "select count(*) from public.organizations") == [(1,)]


async def test_ten_sign_ups_of_one_name_at_once_get_ten_numbered_slugs(app: FastAPI, owner: Owner) -> None:
    async def one(number: int) -> int:
        async with Browser(app) as browser:
            return (await browser.register(email=f"user{number}@example.com", organization_name="Café Zürich")).status_code

    assert await asyncio.gather(*map(one, range(10))) == [303] * 10
    slugs = {slug for (slug,) in await seen(owner, "select slug from public.organizations")}
    assert slugs == {"cafe-zuerich", *(f"cafe-zuerich-{number}" for number in range(2, 11))}


async def test_two_sign_ups_with_one_email_at_once_make_one_user(app: FastAPI, owner: Owner) -> None:
    async def one() -> int:
        async with Browser(app) as browser:
            return (await browser.register()).status_code

    assert sorted(await asyncio.gather(one(), one())) == [303, 409]
    assert await seen(owner, "select (select count(*) from auth.users), (select count(*) from public.organizations)") == [(1, 1)]


async def test_a_sign_up_goes_through_when_its_organization_cannot_be_made_and_the_first_visit_mends_it(app: FastAPI, owner: Owner) -> None:
    await owner.execute("alter table public.subscriptions add constraint planted check (plan_id <> 'starter') not valid")
    async with Browser(app) as browser:
        assert (await browser.register()).status_code == 303
        assert await seen(owner, "select count(*) from public.organizations") == [(0,)]
        page = await browser.get("/account")
        assert page.status_code == 200 and "Maya Bello" in page.text  # signed in, in no organization yet
        await owner.execute("alter table public.subscriptions drop constraint planted")
        await asyncio.gather(browser.get("/account"), browser.get("/account"))
        assert "Lagos Glow Salon" in (await browser.get("/account")).text
    assert await seen(owner, "select o.slug, c.kind from public.organizations o join public.channels c on c.organization_id = o.id") == [
        ("lagos-glow-salon", "simulator")
    ]


async def test_somebody_removed_from_his_organization_gets_no_other_by_visiting(app: FastAPI, owner: Owner) -> None:
    async with Browser(app) as browser:
        await browser.register()
        await leaves(owner)
        assert (await browser.get("/account")).status_code == 200
    assert await seen(owner, "select count(*) from public.organizations") == [(1,)]


async def test_the_twenty_first_registration_from_one_network_in_an_hour_has_to_wait(app: FastAPI, owner: Owner, settings: Settings) -> None:
    async with Browser(app, "https://desk.example", AWAY) as browser:
        await browser.register()
        for _ in range(19):
            browser.client.cookies.clear()
            assert (await browser.register(email="maya@example.com")).status_code == 409
        browser.client.cookies.clear()
        answer = await browser.register(email="other@example.com")
    assert answer.status_code == 429
    assert "Too many tries. Try again in 60 minutes." in answer.text
    assert 3500 < int(answer.headers["retry-after"]) <= 3600
    async with Browser(app, "https://desk.example", "203.0.113.6") as neighbour:
        assert (await neighbour.register(email="other@example.com")).status_code == 303
    await owner.execute("update private.attempts set window_ends_at = now() - interval '1 second'")
    async with Browser(app, "https://desk.example", AWAY) as later:
        assert (await later.register(email="later@example.com")).status_code == 303


async def test_production_opens_no_sandbox_number(database: Database, settings: Settings, owner: Owner) -> None:
    async with Browser(doors(database, settings.model_copy(update={"env": "production"}))) as browser:
        await browser.register()
    assert await seen(owner, "select count(*) from public.organizations") == [(1,)]
    assert await seen(owner, "select count(*) from public.channels") == [(0,)]


async def test_the_organizations_log_begins_with_its_making_and_the_registration(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, "https://desk.example", AWAY) as browser:
        await browser.register()
    entries = await seen(
        owner,
        "select action, actor_name, address, actor_id, request_id is not null from public.audit_logs order by seq",
    )
    assert [entry[0] for entry in entries][:2] == ["organization.created", "user.registered"]
    assert entries[1][1:3] == ("Maya Bello", AWAY)
    assert isinstance(entries[1][3], UUID) and entries[1][4]


async def test_a_form_without_its_token_or_from_another_site_registers_nobody(app: FastAPI, owner: Owner) -> None:
    async with Browser(app) as browser:
        fields = {
            "name": "M",
            "email": "m@example.com",
            "organization_name": "O",
            "password": "correct horse battery 42",
        }
        assert (await browser.post("/register", fields)).status_code == 403
        token = hidden_fields((await browser.get("/register")).text)
        assert (await browser.post("/register", fields | token, origin="https://evil.example")).status_code == 403
    assert await seen(owner, "select count(*) from auth.users") == [(0,)]


async def test_fields_nobody_asked_for_are_ignored(app: FastAPI, owner: Owner) -> None:
    async with Browser(app) as browser:
        assert (await browser.register(role="viewer", plan="enterprise", is_super_admin="true")).status_code == 303
    assert await seen(
        owner,
        "select m.role, s.plan_id from public.organization_members m join public.subscriptions s using (organization_id)",
    ) == [("owner", "starter")]


async def test_whoever_is_signed_in_is_not_asked_to_register(app: FastAPI) -> None:
    async with Browser(app) as browser:
        await browser.register()
        assert (await browser.get("/register")).headers["location"] == "/dashboard"
