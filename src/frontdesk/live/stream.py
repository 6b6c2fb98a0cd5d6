"""A stream of server-sent events: what a browser hears of one organization while its page is open."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from psycopg import Error as DatabaseError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from frontdesk.errors import Unavailable
from frontdesk.live.hub import ANYTHING, SESSIONS, Listener, Live

PING = 15.0  # seconds of silence that proxies bear
CHECK = 30.0  # seconds after which session and membership are looked at again
SPACING = 0.1  # seconds between two events of one stream
# seconds by which a page may show less than its time says: clocks differ, and it was read before it was written
MARGIN = 2.0
RETRY = 2_000  # milliseconds after which a browser comes back

_numbers = itertools.count(int(time.time() * 1000))


@dataclass(slots=True)
class Stream:
    """What one browser is told: that something changed, never what. `allowed` says whether it may still be."""

    live: Live
    organization_id: UUID
    listener: Listener
    allowed: Callable[[], Awaitable[bool]]
    page_made_at: float | None = None  # seconds since 1970
    last_event_id: str = ""
    _checked: float = field(default_factory=time.monotonic)

    async def events(self) -> AsyncIterator[bytes]:
        """The events, until the browser may not hear more or everything ends."""
        try:
            yield b"retry: %d\n\n" % RETRY
            if self._missed_something():
                yield _event(ANYTHING)
            while not self.listener.closed:
                topic = await self._next()
                if (topic == SESSIONS or time.monotonic() - self._checked >= CHECK) and not await self._may_go_on():
                    return
                if topic is None:
                    yield b": ping\n\n"
                elif topic != SESSIONS:
                    yield _event(topic)
                    await asyncio.sleep(SPACING)
        finally:
            self.live.leave(self.organization_id, self.listener)

    def _missed_something(self) -> bool:
        made_at = self.page_made_at
        return bool(self.last_event_id) or made_at is None or self.live.changed_since(self.organization_id, made_at - MARGIN)

    async def _next(self) -> str | None:
        """The next topic, None when it is time for a sign of life."""
        try:
            async with asyncio.timeout(PING):
                return await anext(self.listener)
        except (TimeoutError, StopAsyncIteration):
            return None

    async def _may_go_on(self) -> bool:
        try:
            going_on = await self.allowed()
        except (DatabaseError, Unavailable):
            self._checked = -CHECK  # nothing changes while the database is away, so nothing is told; it is looked again before the next that is
            return True
        self._checked = time.monotonic()
        return going_on


class EventStream(Response):
    """Sends the events; ends at once when the browser goes away, when the server stops, or when there are no more."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes]) -> None:
        """Send what `events` yields, unbuffered by proxies."""
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        gone, pouring = asyncio.create_task(_until_gone(receive)), asyncio.create_task(self._pour(send))
        try:
            await asyncio.wait([gone, pouring], return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            pouring.cancel()
            outcomes = await asyncio.gather(gone, pouring, return_exceptions=True)
            await self._close()
        for outcome in outcomes:
            if isinstance(outcome, Exception) and not isinstance(outcome, OSError):
                raise outcome
        with suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _pour(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for event in self._events:
            await send({"type": "http.response.body", "body": event, "more_body": True})

    async def _close(self) -> None:
        close = getattr(self._events, "aclose", None)
        if close is not None:
            await close()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(topic: str) -> bytes:
    """A named event: what listens on the page triggers by the name, and may look at the topic."""
    return f"event: {ANYTHING}\nid: {next(_numbers)}\ndata: {topic}\n\n".encode()
