"""The assembled product with a shop, a customer who owns it, and an operator whose session a second factor has opened."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest

from frontdesk import app as application
from frontdesk import users
from frontdesk.bell import Bell
from frontdesk.database import Database, new_id
from frontdesk.live import Live
from frontdesk.settings import Settings
from tests.users.browser import Browser, hidden_fields

REASON = "the owner asked for help by phone"
JONAS, MAYA = "jonas@example.com", "maya@example.com"


@dataclass
class Console:
    """Two browsers at the whole product: the operator's, and the customer's."""

    built: Any
    operator: Browser
    customer: Browser
    owner: psycopg.AsyncConnection[Any]
    database: Database
    shop_id: UUID
    operator_id: UUID
    customer_id: UUID

    @property
    def shop(self) -> str:
        """The shop's page at the console."""
        return f"/operator/organizations/{self.shop_id}"

    async def see(self, query: str, *params: Any) -> list[Any]:
        """What the owner of the database sees."""
        return await (await self.owner.execute(query, params)).fetchall()  # type: ignore[arg-type]  # literal in every test

    async def act(self, path: str, **fields: str) -> Any:
        """Send a form of the console."""
        return await send(self.operator, path, **fields)

    async def look(self) -> UUID:
        """Begin to look into the shop; the session that does."""
        answer = await self.act(f"{self.shop}/viewing", reason=REASON)
        assert answer.headers.get("location") == "/dashboard", answer.text
        ((session,),) = await self.see("select id from private.sessions where view_id is not null")
        return UUID(str(session))

    async def logged(self) -> list[tuple[str, str, Any]]:
        """What the shop's own log says: who, what, why; the newest first."""
        return await self.see(
            "select actor_kind, action, details ->> 'reason' from audit_logs where organization_id = %s order by seq desc limit 20", self.shop_id
        )

    async def has_factor(self, user_id: UUID) -> None:
        """Give a user a second factor, and open his sessions with it."""
        await self.owner.execute("insert into private.authenticators (user_id, secret, last_step) values (%s, repeat('s', 40), 0)", (user_id,))
        await self.owner.execute("update private.sessions set second_factor_at = now() where user_id = %s", (user_id,))


async def send(browser: Browser, path: str, **fields: str) -> Any:
    """A form with the hidden fields of this session's pages, or of a stranger's sign-in page."""
    page = await browser.get("/account")
    hidden = hidden_fields(page.text if page.status_code == 200 else (await browser.get("/login")).text)
    return await browser.post(path, {name: value for name, value in hidden.items() if name in ("csrf_token", "organization_id")} | fields)


async def signed_in(owner: psycopg.AsyncConnection[Any], browser: Browser, email: str, name: str, organization: str) -> tuple[UUID, UUID]:
    """A user with a session in this browser, without the slow way there; his id, and his organization's."""
    user_id, token = new_id(), users.new_token()
    await owner.execute(
        "insert into auth.users (id, email, email_confirmed_at, raw_user_meta_data)"
        " values (%s, %s, now(), jsonb_build_object('name', %s::text, 'organization_name', %s::text))",
        (user_id, email, name, organization),
    )
    await owner.execute("select private.open_session(%s, %s, repeat('c', 40), %s, '127.0.0.1', 'a test')", (new_id(), users.hash_of_token(token), user_id))
    browser.client.cookies.set("frontdesk_session", token)
    row = await (await owner.execute("select organization_id from organization_members where user_id = %s", (user_id,))).fetchone()
    assert row is not None
    return user_id, row[0]


@pytest.fixture
async def console(settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any]) -> AsyncIterator[Console]:
    await owner.set_autocommit(True)
    async with Live(database.url) as live:
        built: Any = application.build(settings, database, live, Bell(live))
        async with built.app.router.lifespan_context(built.app), Browser(built) as operator, Browser(built) as customer:
            jonas, _ = await signed_in(owner, operator, JONAS, "Jonas Weber", "Frontdesk Hosting")
            maya, shop = await signed_in(owner, customer, MAYA, "Maya Bello", "Lagos Glow Salon")
            console = Console(built, operator, customer, owner, database, shop, jonas, maya)
            await console.has_factor(jonas)
            await database.call("select private.grant_operator('jonas@example.com', 'a test')")
            yield console
            await live.close()
