"""A street with two shops: Maya's, which has something of everything, and that of Olga, who pays as well and wants to know."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from frontdesk import app as application
from frontdesk.bell import Bell
from frontdesk.database import Database
from frontdesk.live import Live
from frontdesk.settings import Settings
from tests.mailbox import Received, letters
from tests.strangers import tenant_table_names
from tests.test_strangers import SECRET, furnish
from tests.users.browser import Browser, hidden_fields


@dataclass
class Street:
    """The product, Maya's browser and Olga's, and what is whose. of_maya: the ids of her things, by the words of the paths."""

    built: Any
    settings: Settings
    database: Database
    owner: psycopg.AsyncConnection[Any]
    maya: Browser
    olga: Browser
    shop_id: UUID
    olgas_id: UUID
    of_maya: dict[str, str]

    async def see(self, query: str, *params: Any) -> list[Any]:
        """What the owner of the database sees."""
        return await (await self.owner.execute(query, params or None)).fetchall()  # type: ignore[arg-type]  # literal in every test

    async def state(self) -> dict[str, Any]:
        """All rows of Maya's shop, table by table."""
        seen = {}
        for table in await tenant_table_names(self.owner):
            key = "id" if table == "organizations" else "organization_id"
            seen[table] = await self.see(f"select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t where {key} = %s", self.shop_id)
        return seen

    async def mails(self, to: str | None = None) -> list[Received]:
        """What the product has written to somebody."""
        return await letters(self.owner, self.settings, to)

    async def send(self, browser: Browser, path: str, fields: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Send a form with the proofs of the browser's own pages, whatever else it says."""
        proofs = hidden_fields((await browser.get("/dashboard")).text)
        mine = {name: proofs[name] for name in ("csrf_token", "organization_id") if name in proofs}
        return await browser.client.post(path, data=mine | (fields or {}), headers={"origin": browser.base} | headers)


def gives_away(street: Street, answer: httpx.Response) -> list[str]:
    """What of Maya's shop an answer holds."""
    named = {one for word, one in street.of_maya.items() if word != "phone_number_id" and one not in str(answer.request.url)}
    return [said for said in (SECRET, *named) if said in answer.text]


@pytest.fixture
async def street(settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any]) -> AsyncIterator[Street]:
    """Both shops, both owners signed in."""
    async with Live(database.url) as live:
        built: Any = application.build(settings, database, live, Bell(live))
        async with built.app.router.lifespan_context(built.app), Browser(built) as maya, Browser(built) as olga:
            await maya.register(email="maya@example.com", organization_name="Lagos Glow Salon")
            await olga.register(email="olga@example.com", name="Olga Rossi", organization_name="Moretti")
            for browser in (maya, olga):
                await browser.send("/dashboard/sample-data", page="/dashboard")
            await owner.execute("update auth.users set email_confirmed_at = now()")
            rows = await (await owner.execute("select id from organizations order by created_at, id")).fetchall()
            of_maya = await furnish(owner, rows[0][0])
            yield Street(built, settings, database, owner, maya, olga, rows[0][0], rows[1][0], of_maya)
            await live.close()
