"""Every route of the product, called by every role: what the table role_permissions says is what happens, no more and no less."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest

from frontdesk import app as application
from frontdesk.access import Permission, Role
from frontdesk.bell import Bell
from frontdesk.database import Database, new_id
from frontdesk.live import Live
from frontdesk.settings import Settings
from frontdesk.web import PUBLIC, SIGNED_IN, needs_of
from tests.test_house import OPEN_ROUTES
from tests.test_strangers import ask
from tests.users.browser import Browser

REFUSED = "Your role in this organization does not allow this. Ask an owner or an admin."
STREAM = 0.5  # seconds after which an answer that has not ended is a stream, and so was given
# These end what a caller has, so that they are called last, the most final one at the end.
FINAL = ("/account/sessions/revocation", "/departure", "/logout")


@dataclass
class House:
    """The assembled product and somebody of each role in one organization."""

    built: Any
    people: dict[str, Browser]
    held: set[tuple[str, str]]

    def routes(self) -> list[tuple[str, str, Any]]:
        """Method, path and need of every route; the final ones last."""
        found = [
            (method, path, needed) for (method, path), needed in needs_of(self.built.app.routes).items() if not path.startswith(("/api/", "/operator"))
        ]  # tests/operator
        return sorted(found, key=lambda one: (next((n for n, end in enumerate(FINAL, 1) if one[1].endswith(end)), 0), one[1], one[0]))


@pytest.fixture
async def house(settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any]) -> AsyncIterator[House]:
    async with Live(database.url) as live:
        built: Any = application.build(settings, database, live, Bell(live))
        people = {role.value: Browser(built) for role in Role}
        async with built.app.router.lifespan_context(built.app):
            for role, browser in people.items():
                await browser.register(email=f"{role}@example.com", name=role.title(), organization_name=f"Shop of the {role}")
            await owner.execute(
                "with joined as (insert into organization_members (organization_id, user_id, role)"
                " select o.id, u.id, split_part(u.email, '@', 1) from organizations o, auth.users u"
                " where o.slug = 'shop-of-the-owner' and u.email <> 'owner@example.com')"
                " delete from organizations where slug <> 'shop-of-the-owner'"
            )
            await owner.execute("update auth.users set email_confirmed_at = now()")
            held = {tuple(row) for row in await (await owner.execute("select role, permission from role_permissions")).fetchall()}
            yield House(built, people, held)
        for browser in people.values():
            await browser.client.aclose()
        await live.close()


async def answered(browser: Browser, method: str, path: str) -> httpx.Response | None:
    """What a route says to somebody who names things that do not exist; None for a stream, which does not end."""
    named = {word: new_id() for word in ("channel_id", "contact_id", "conversation_id", "invitation_id", "member_id", "message_id", "rule_id", "session_id")}
    asking = asyncio.create_task(ask(browser, method, path.format_map(Named(named))))
    done, _ = await asyncio.wait([asking], timeout=STREAM if path == "/dashboard/live" else 30)
    if done:
        return asking.result()
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    assert path == "/dashboard/live", path
    return None


class Named(dict[str, Any]):
    """Whatever a path names, it gets an id of that."""

    def __missing__(self, word: str) -> str:
        return str(new_id())


async def test_every_route_says_what_it_needs_or_is_known_to_need_nothing(house: House) -> None:
    unknown = [
        f"{method} {path}" for method, path, needed in house.routes() if needed is None and path not in OPEN_ROUTES and not path.startswith("/simulator")
    ]
    assert unknown == []
    assert {needed for *_, needed in house.routes() if isinstance(needed, Permission)} >= {Permission.MEMBERS_WRITE, Permission.OWNERSHIP_WRITE}


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_is_let_in_where_the_table_says_so_and_nowhere_else(house: House, role: Role) -> None:
    wrong, counted = {}, {True: 0, False: 0}
    for method, path, needed in house.routes():
        if needed is PUBLIC or needed is None:
            continue
        answer = await answered(house.people[role], method, path)
        allowed = needed is SIGNED_IN or (role.value, needed.value) in house.held
        counted[allowed] += 1
        refused = answer is not None and answer.status_code == 403
        if refused == allowed or (not allowed and answer is not None and REFUSED not in answer.text) or (answer is not None and answer.status_code >= 500):
            wrong[f"{method} {path}"] = "no end" if answer is None else f"{answer.status_code} {answer.text[:200]}"
    assert wrong == {}
    assert counted[True] > 20 and (counted[False] > 5 or role in (Role.OWNER, Role.ADMIN))
