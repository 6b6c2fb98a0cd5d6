"""The assembled product, and somebody who invites."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import psycopg
import pytest

from frontdesk import app as application
from frontdesk.bell import Bell
from frontdesk.database import Database
from frontdesk.live import Live
from frontdesk.settings import Settings
from tests.mailbox import Received, letters
from tests.users.browser import PASSWORD, Browser, hidden_fields

TEAM = "/dashboard/team/invitations"
ADA = "ada@example.org"
See = Callable[..., Awaitable[list[Any]]]


@pytest.fixture
async def built(settings: Settings, database: Database) -> AsyncIterator[Any]:
    async with Live(database.url) as live:
        assembled: Any = application.build(settings, database, live, Bell(live))
        async with assembled.app.router.lifespan_context(assembled.app):
            yield assembled
        await live.close()


class Desk:
    """Maya's organization, her browser, and what is in the mail."""

    def __init__(self, built: Any, owner: psycopg.AsyncConnection[Any], settings: Settings, maya: Browser) -> None:
        self.built, self.owner, self.settings, self.maya = built, owner, settings, maya

    async def invite(self, email: str = ADA, role: str = "member", locale: str = "en", by: Browser | None = None) -> httpx.Response:
        return await (by or self.maya).send(TEAM, page=TEAM, email=email, role=role, locale=locale)

    async def mails(self, to: str = ADA) -> list[Received]:
        return [one for one in await letters(self.owner, self.settings, to) if one.template == "invitations/invitation"]

    async def link(self, to: str = ADA) -> str:
        """Where the latest mail leads."""
        return (await self.mails(to))[-1].links[0]

    async def see(self, query: str, *params: Any) -> list[Any]:
        return await (await self.owner.execute(query, params)).fetchall()  # type: ignore[arg-type]  # literal in every test

    async def ids(self) -> list[str]:
        return [str(row[0]) for row in await self.see("select id from organization_invitations order by id")]

    async def seats(self, allowed: int | None) -> None:
        """From now on the plan has so many."""
        await self.owner.execute("update subscription_plans set limits = jsonb_set(limits, '{members}', coalesce(to_jsonb(%s::int), 'null'))", (allowed,))

    async def used(self) -> int:
        return int((await self.see("select private.usage_level(id, 'members') from organizations where name = 'Lagos Glow Salon'"))[0][0])

    async def members(self) -> dict[str, str]:
        rows = await self.see(
            "select u.email, m.role from organization_members m join auth.users u on u.id = m.user_id"
            " join organizations o on o.id = m.organization_id where o.name = 'Lagos Glow Salon' order by 1"
        )
        return dict(rows)

    async def member(self, email: str) -> str:
        """The id of whoever came in with this email."""
        return str((await self.see("select id from auth.users where email = %s", email))[0][0])

    async def log(self) -> list[Any]:
        return await self.see("select action, details from audit_logs where action ~ '^(member|invitation)' order by seq")


async def accept(browser: Browser, link: str, name: str = "Ada Lovelace", password: str = PASSWORD) -> httpx.Response:
    """Come in by a link: with the form of a new user, or the button of one who is signed in; also where the page has none any more."""
    hidden = hidden_fields((await browser.get(link)).text) or hidden_fields((await browser.get("/login")).text)
    return await browser.post(f"{link}/acceptance", hidden | {"name": name, "password": password})


@pytest.fixture
async def desk(built: Any, owner: psycopg.AsyncConnection[Any], settings: Settings) -> AsyncIterator[Desk]:
    async with Browser(built) as maya:
        await maya.register()
        await owner.execute("update auth.users set email_confirmed_at = now()")
        yield Desk(built, owner, settings, maya)
