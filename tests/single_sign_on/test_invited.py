"""Somebody who was invited comes in through the provider, and no organization of his own is made."""

import re
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from frontdesk.database import Database
from frontdesk.invitations import web as invitations_web
from frontdesk.invitations.acceptance import web as acceptance_web
from frontdesk.settings import Settings
from tests.mailbox import letters
from tests.single_sign_on.browser import BASE, complaint, register, set_out, through
from tests.single_sign_on.idp import Idp
from tests.users.browser import Browser

Owner = psycopg.AsyncConnection[Any]
TEAM = "/dashboard/team/invitations"
ADA = "ada@example.org"


@pytest.fixture
async def link(app: FastAPI, database: Database, settings: Settings, owner: Owner, house: Idp) -> str:
    """The path of an invitation of Ada, by Maya; before the provider, Ada sits now."""
    app.include_router(invitations_web.door.router)
    app.include_router(acceptance_web.door.router)
    async with Browser(app, BASE) as maya:
        await maya.register()
        await owner.execute("update auth.users set email_confirmed_at = now()")
        await maya.send(TEAM, page=TEAM, email=ADA, role="member", locale="en")
    [letter] = await letters(owner, settings, ADA)
    house.person = {"sub": "ada", "email": ADA, "email_verified": False, "name": "Ada Lovelace"}
    found = re.search(r"/invitations/[\w-]{43}", letter.links[0])
    assert found
    return found[0]


async def seen(owner: Owner) -> list[Any]:
    rows = await owner.execute(
        "select o.name, u.email, m.role, u.email_confirmed_at is not null from public.organizations o"
        " left join public.organization_members m on m.organization_id = o.id left join auth.users u on u.id = m.user_id order by 1, 2"
    )
    return await rows.fetchall()


ALONE = ("Lagos Glow Salon", "maya@example.com", "owner", True)


async def join(browser: Browser, **fields: str) -> Any:
    return await browser.send("/register/provider", page="/register/provider", **({"name": "Ada Lovelace"} | fields))


async def test_a_newcomer_joins_the_organization_that_invited_him(app: FastAPI, owner: Owner, link: str) -> None:
    async with Browser(app, BASE) as ada:
        assert f'href="/login/provider?next={link}"' in (await ada.get(link)).text
        assert (await through(ada, link)).headers["location"] == "/register/provider"
        page = (await ada.get("/register/provider")).text
        assert "Join Lagos Glow Salon" in page and "Organization" not in page.split("<form")[1]
        assert (await join(ada)).headers["location"] == "/dashboard" and ada.token
        assert "Lagos Glow Salon" in (await ada.get("/account")).text
    assert await seen(owner) == [("Lagos Glow Salon", ADA, "member", True), ALONE]
    async with Browser(app, BASE) as ada:
        assert (await through(ada)).headers["location"] == "/dashboard"
    log = await (await owner.execute("select action from public.audit_logs where actor_name = 'Ada Lovelace' order by seq")).fetchall()
    assert sorted(log[:2]) == [("member.joined",), ("user.registered",)]


async def test_the_address_of_an_invitation_stands_in_no_table(app: FastAPI, owner: Owner, link: str) -> None:
    token = link.removeprefix("/invitations/")
    async with Browser(app, BASE) as ada:
        await set_out(ada, link)
        await through(ada, link)
    for table in ("private.provider_visits", "private.provider_newcomers", "public.organization_invitations", "private.mail_outbox"):
        rows = await (await owner.execute(f"select t::text from {table} t")).fetchall()  # type: ignore[arg-type]  # one of the above
        assert rows and token not in str(rows), table


async def test_whoever_has_an_account_already_comes_back_to_the_invitation(app: FastAPI, owner: Owner, link: str) -> None:
    async with Browser(app, BASE) as ada:
        await register(ada, organization_name="Ada's own", name="Ada")
    async with Browser(app, BASE) as ada:
        assert (await through(ada, link)).headers["location"] == link
        answer = await ada.send(f"{link}/acceptance", page=link)
        assert answer.headers["location"] == "/dashboard"
    assert [row[:3] for row in await seen(owner)] == [("Ada's own", ADA, "owner"), ("Lagos Glow Salon", ADA, "member"), ALONE[:3]]


async def test_an_invitation_of_another_email_lets_nobody_in(app: FastAPI, owner: Owner, house: Idp, link: str) -> None:
    house.person |= {"email": "eve@example.org", "email_verified": True}
    async with Browser(app, BASE) as eve:
        await through(eve, link)
        answer = await eve.get("/register/provider")
        page = await complaint(eve, answer)
        assert answer.headers["location"] == link
        assert f"The provider knows you as eve@example.org, and this invitation is for {ADA}." in page
        answer = await eve.send("/register/provider", page="/login", name="Eve", organization_name="Eve's")
        assert answer.headers["location"] == "/login" and eve.token is None
    assert await seen(owner) == [ALONE]


async def test_an_invitation_that_is_taken_back_meanwhile_makes_nobody(app: FastAPI, owner: Owner, link: str) -> None:
    async with Browser(app, BASE) as ada:
        await through(ada, link)
        await owner.execute("update public.organization_invitations set revoked_at = now()")
        answer = await ada.send("/register/provider", page="/register/provider", name="Ada")
        assert answer.status_code == 422  # she is asked for an organization of her own
    assert await seen(owner) == [ALONE]


async def test_without_a_seat_nobody_is_made(app: FastAPI, owner: Owner, link: str) -> None:
    await owner.execute("update public.subscription_plans set limits = jsonb_set(limits, '{members}', '1')")
    async with Browser(app, BASE) as ada:
        await through(ada, link)
        assert "All seats of this organization are taken." in await complaint(ada, await join(ada))
        assert ada.token is None
    assert await seen(owner) == [ALONE]
    assert await (await owner.execute("select count(*) from auth.users where email = %s", (ADA,))).fetchone() == (0,)


async def test_a_path_that_only_looks_like_an_invitation_is_none(app: FastAPI, owner: Owner) -> None:
    async with Browser(app, BASE) as browser:
        for wanted in ("/invitations/" + "x" * 43, "/invitations/short", "/invitations/"):
            assert (await browser.get(await set_out(browser, wanted))).headers["location"] == "/register/provider"
            assert "Create an organization" in (await browser.get("/register/provider")).text
