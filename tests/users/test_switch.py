"""Switching between organizations, through the front door."""

from typing import Any
from uuid import UUID

import psycopg
import pytest
from fastapi import FastAPI
from starlette.responses import Response

from frontdesk.access import Permission
from frontdesk.database import Database, new_id
from frontdesk.users import find_visitor
from frontdesk.users.web import same_section
from frontdesk.web import Db, Door
from tests.users.browser import hidden_fields, signed_in

pytestmark = pytest.mark.usefixtures("maya_and_olga")
Owner = psycopg.AsyncConnection[Any]


async def join(owner: Owner, email: str, slug: str) -> UUID:
    rows = await (
        await owner.execute(
            "insert into public.organization_members (organization_id, user_id, role)"
            " select o.id, u.id, 'viewer' from public.organizations o, auth.users u where o.slug = %s and u.email"
            " = %s returning organization_id",
            (slug, email),
        )
    ).fetchall()
    organization: UUID = rows[0][0]
    return organization


async def test_a_user_of_two_organizations_switches_and_starts_there_next_time(app: FastAPI, database: Database, owner: Owner) -> None:
    moretti = await join(owner, "maya@example.com", "moretti-calzature")
    async with signed_in(app) as browser:
        assert browser.token
        visitor = await find_visitor(database, browser.token)
        assert visitor and visitor.current and visitor.current.slug == "lagos-glow-salon"
        assert [(one.slug, one.role) for one in visitor.organizations] == [
            ("lagos-glow-salon", "owner"),
            ("moretti-calzature", "viewer"),
        ]
        fields = hidden_fields((await browser.get("/account")).text)
        answer = await browser.post(
            "/session/organization",
            fields | {"to": str(moretti)},
            referer=f"{browser.base}/dashboard/contacts/{new_id()}?q=ada",
        )
        assert answer.headers["location"] == "/dashboard/contacts"
        visitor = await find_visitor(database, browser.token)
        assert visitor and visitor.current and visitor.current.slug == "moretti-calzature"
    async with signed_in(app) as again:
        assert again.token
        visitor = await find_visitor(database, again.token)
        assert visitor and visitor.current and visitor.current.slug == "moretti-calzature"


async def test_a_form_of_one_organization_sent_under_another_is_refused_not_misfiled(app: FastAPI, owner: Owner) -> None:
    moretti, door, written = await join(owner, "maya@example.com", "moretti-calzature"), Door(), []

    @door.post("/note", needs=Permission.ORGANIZATION_READ)
    async def note(db: Db) -> Response:
        written.append(db.organization_id)
        return Response()

    app.include_router(door.router)
    async with signed_in(app) as browser:
        rendered_before = hidden_fields((await browser.get("/account")).text)
        await browser.send("/session/organization", page="/account", to=str(moretti))
        refused = await browser.post("/note", rendered_before)
        assert refused.status_code == 409 and "This form belongs to Lagos Glow Salon. Nothing was saved." in refused.text
        assert (await browser.send("/note", page="/account")).status_code == 200
    assert written == [moretti]


async def test_nobody_switches_to_an_organization_he_is_not_in(app: FastAPI, database: Database, owner: Owner) -> None:
    [(moretti,)] = await (await owner.execute("select id from public.organizations where slug = 'moretti-calzature'")).fetchall()
    async with signed_in(app) as browser:
        for wanted in (str(moretti), str(new_id()), "", "no id"):
            assert (await browser.send("/session/organization", page="/account", to=wanted)).status_code == 404
        assert browser.token
        visitor = await find_visitor(database, browser.token)
        assert visitor and visitor.current and visitor.current.slug == "lagos-glow-salon"


async def test_whoever_is_removed_from_the_chosen_organization_falls_back_to_another(app: FastAPI, database: Database, owner: Owner) -> None:
    moretti = await join(owner, "maya@example.com", "moretti-calzature")
    async with signed_in(app) as browser:
        await browser.send("/session/organization", page="/account", to=str(moretti))
        await owner.execute("delete from public.organization_members where organization_id = %s and role = 'viewer'", (moretti,))
        assert browser.token
        visitor = await find_visitor(database, browser.token)
        assert visitor and visitor.current and visitor.current.slug == "lagos-glow-salon"


@pytest.mark.parametrize(
    ("referer", "goes_to"),
    [
        ("http://h/dashboard/contacts/019", "/dashboard/contacts"), ("http://h/dashboard/inbox",
        "/dashboard/inbox"), ("http://h/dashboard", "/dashboard"),
        ("http://h/account", "/account"), ("http://h/dashboard//evil.example", "/dashboard"),
        ("http://evil/dashboard/inbox", "/dashboard"),
        ("http://h//evil.example/", "/dashboard"), ("", "/dashboard"), (None, "/dashboard"),
    ],
)  # fmt: skip
def test_after_a_switch_the_same_kind_of_page_is_shown(referer: str | None, goes_to: str) -> None:
    assert same_section(referer, "h") == goes_to
