"""Somebody of a team in front of the product: pages, forms and the stream of live updates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import httpx

from frontdesk.database import new_id


@dataclass
class Browser:
    """Somebody of a team, signed in. Sends the proofs that every form of ours carries."""

    client: httpx.AsyncClient
    user_id: UUID
    organization_id: UUID
    csrf_token: str
    token: str

    async def get(self, path: str, *, htmx: bool = False, **query: str) -> httpx.Response:
        """Open a page, or fetch a fragment as the script does."""
        return await self.client.get(path, params=query or None, headers={"hx-request": "true"} if htmx else {})

    async def post(self, path: str, *, htmx: bool = False, **fields: str) -> httpx.Response:
        """Submit a form."""
        proofs = {"csrf_token": self.csrf_token, "organization_id": str(self.organization_id)}
        return await self.client.post(path, data=proofs | fields, headers={"hx-request": "true"} if htmx else {})

    async def write(self, conversation_id: UUID, text: str, *, htmx: bool = False, message_id: UUID | None = None) -> httpx.Response:
        """Send a text from the composer."""
        return await self.post(f"/dashboard/inbox/{conversation_id}/messages", htmx=htmx, text=text, message_id=str(message_id or new_id()))

    @asynccontextmanager
    async def listening(self, **query: str) -> AsyncIterator["Ear"]:
        """The page's stream, while it is open."""
        async with self.client.stream("GET", "/dashboard/live", params=query, timeout=20) as response:
            ear = Ear(response)
            reading = asyncio.create_task(ear.read())
            try:
                yield ear
            finally:
                reading.cancel()
                with suppress(asyncio.CancelledError, httpx.HTTPError):
                    await reading


class Ear:
    """What a stream said so far."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.heard: list[str] = []
        self.ended = asyncio.Event()
        self._news = asyncio.Condition()

    async def read(self) -> None:
        """Read on until the stream ends."""
        try:
            async for line in self.response.aiter_lines():
                if line.startswith("data: "):
                    async with self._news:
                        self.heard.append(line.removeprefix("data: "))
                        self._news.notify_all()
        finally:
            self.ended.set()

    async def hears(self, how_many: int, within: float = 5) -> list[str]:
        """Wait for so many events."""
        async with asyncio.timeout(within), self._news:
            await self._news.wait_for(lambda: len(self.heard) >= how_many)
        return self.heard
