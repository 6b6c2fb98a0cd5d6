"""Two shops with their teams, the product over real HTTP, and customers who write to them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import uvicorn

from frontdesk import app, channels, messages, users
from frontdesk.access import Actor
from frontdesk.bell import Bell
from frontdesk.database import Database, new_id
from frontdesk.endings import StreamsThatEnd
from frontdesk.live import Live
from frontdesk.messages import Inbound, NewMessage, Status
from frontdesk.settings import Settings
from tests.messages.inbox.browser import Browser


@dataclass
class Site:
    """The product, as it is served. `rung`: the lanes the bell was rung for."""

    url: str
    live: Live
    database: Database
    stop: asyncio.Event
    routes: Sequence[Any]
    rung: list[Any] = field(default_factory=list)


@asynccontextmanager
async def served(settings: Settings, database: Database, url: str) -> AsyncIterator[Site]:
    """The product on a free port."""
    stop = asyncio.Event()
    async with Live(url) as live:
        bell = Bell(live)
        built: Any = app.build(settings, database, live, bell)
        with socket.socket() as port:
            port.bind(("127.0.0.1", 0))
            site = Site(f"http://127.0.0.1:{port.getsockname()[1]}", live, database, stop, built.app.routes)
            bell.answer("out", site.rung.extend)
            config = uvicorn.Config(
                StreamsThatEnd(built, stop),
                log_level="warning",
                timeout_graceful_shutdown=3,
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve(sockets=[port]))
            while not server.started:
                await asyncio.sleep(0.01)
            try:
                await live.connected()
                yield site
            finally:
                stop.set()
                server.should_exit = True
                await serving


@pytest.fixture
async def site(settings: Settings, database: Database, urls: Any) -> AsyncIterator[Site]:
    """The product over HTTP, without its simulator."""
    async with served(settings.model_copy(update={"simulator": False}), database, urls.app) as site:
        yield site


@dataclass
class Shop:
    """One organization with its number, its owner's browser, and its customers."""

    database: Database
    owner: psycopg.AsyncConnection[Any]
    site: Site
    id: UUID
    channel_id: UUID
    boss: Browser

    async def customer_writes(
        self,
        text: str = "hi",
        *,
        who: str = "Amina Okafor",
        phone: str = "2348035550142",
        at: datetime | None = None,
        type: str = "text",
        reply_to: str | None = None,
        emoji: str | None = None,
        provider_id: str | None = None,
    ) -> NewMessage:
        """A message arrives, as the inbound road stores it."""
        at = (at or datetime.now(UTC)).replace(microsecond=0)
        provider_id = provider_id or f"wamid.{new_id()}"
        contact_id = await self._meet(who, phone)
        inbound = Inbound(
            organization_id=self.id,
            channel_id=self.channel_id,
            contact_id=contact_id,
            id=channels.derived_id(self.channel_id, provider_id, at),
            provider_message_id=provider_id,
            occurred_at=at,
            type=type,
            text=text,
            payload=None,
            reply_to=reply_to,
            emoji=emoji,
            contact_name=who,
            recipient=phone,
            blocked=False,
        )
        async with self.database.tenants([self.id]) as db:
            return (await messages.record_inbound(db, [inbound], 6))[0]

    async def _meet(self, who: str, phone: str) -> UUID:
        await self.owner.execute(
            """
            insert into public.contacts (organization_id, id, name, phone, search_text) values (%s, %s, %s, %s, %s)
            on conflict do nothing
            """,
            [self.id, _same_id(phone), who, phone, who.lower()],
        )
        return _same_id(phone)

    async def whatsapp_says(self, message_id: UUID, *statuses: str, provider_id: str = "", error: str | None = None) -> None:
        """Statuses arrive, one webhook each, in this order."""
        for status in statuses:
            async with self.database.tenants([self.id]) as db:
                await messages.record_statuses(
                    db,
                    [
                        Status(
                            self.id,
                            message_id,
                            provider_id or f"wamid.{message_id}",
                            status,
                            datetime.now(UTC),
                            None,
                            error,
                        )
                    ],
                )

    async def stored(self, conversation_id: UUID) -> list[dict[str, Any]]:
        """The messages of a conversation as they stand in the database, oldest first."""
        cursor = self.owner.cursor(row_factory=psycopg.rows.dict_row)
        await cursor.execute("select * from public.messages where conversation_id = %s order by occurred_at, position", [conversation_id])
        return await cursor.fetchall()

    async def conversation(self, conversation_id: UUID) -> dict[str, Any]:
        """A conversation as it stands in the database."""
        cursor = self.owner.cursor(row_factory=psycopg.rows.dict_row)
        await cursor.execute("select * from public.conversations where id = %s", [conversation_id])
        found = await cursor.fetchone()
        assert found is not None
        return found

    async def colleague(self, role: str, name: str) -> Browser:
        """Another member of this team, in a browser of their own."""
        user_id, token = await _sign_up(self.database, name, f"{name.lower()}@example.com", f"{name}'s own")
        await self.owner.execute("delete from public.organizations where created_by = %s", [user_id])
        await self.owner.execute(
            'update auth.users set raw_user_meta_data = raw_user_meta_data || \'{"joins_by_invitation": "true"}\' where id = %s', [user_id]
        )
        await self.owner.execute(
            "insert into public.organization_members (organization_id, user_id, role) values (%s, %s, %s)",
            [self.id, user_id, role],
        )
        return await _browser(self.database, self.site, user_id, token)


def _same_id(phone: str) -> UUID:
    return UUID(int=int(phone) << 80 | 0x7 << 76 | 0b10 << 62)


async def _sign_up(database: Database, name: str, email: str, shop: str) -> tuple[UUID, str]:
    async with database.platform() as db:
        made = await users.register(db, users.NewUser(name, email, "no password works", shop))
        assert made is not None
        token = await users.open_session(db, Actor(kind="user", user_id=made[0], name=name), "user.signed_in")
        return made[0], token


async def _browser(database: Database, site: Site, user_id: UUID, token: str) -> Browser:
    visitor = await users.find_visitor(database, token)
    assert visitor is not None and visitor.current is not None
    client = httpx.AsyncClient(
        base_url=site.url,
        cookies={"frontdesk_session": token},
        headers={"origin": site.url, "accept": "text/html"},
        timeout=10,
    )
    return Browser(client, user_id, visitor.current.organization_id, visitor.csrf_token, token)


async def _shop(database: Database, owner: psycopg.AsyncConnection[Any], site: Site, name: str, number: str) -> Shop:
    user_id, token = await _sign_up(database, f"{name} Boss", f"boss@{name.lower()}.example", name)
    boss = await _browser(database, site, user_id, token)
    channel_id = new_id()
    connected = await (
        await owner.execute(
            "select private.connect_channel(%s, %s, 'simulator', 'Front desk', %s, %s, '', '', 'sealed', null)",
            [boss.organization_id, channel_id, number, f"+{number}"],
        )
    ).fetchone()
    assert connected == (True,)
    return Shop(database, owner, site, boss.organization_id, channel_id, boss)


@pytest.fixture
async def shops(site: Site, database: Database, owner: psycopg.AsyncConnection[Any]) -> AsyncIterator[Sequence[Shop]]:
    """Two organizations that must know nothing of each other."""
    made = [
        await _shop(database, owner, site, "Salon", "15550104217"),
        await _shop(database, owner, site, "Bakery", "15550104218"),
    ]
    yield made
    for shop in made:
        await shop.boss.client.aclose()


@pytest.fixture
def salon(shops: Sequence[Shop]) -> Shop:
    """The shop that a test is about."""
    return shops[0]


@pytest.fixture
def bakery(shops: Sequence[Shop]) -> Shop:
    """Its neighbour."""
    return shops[1]


def days_ago(days: float) -> datetime:
    """So many days before now."""
    return datetime.now(UTC) - timedelta(days=days)
