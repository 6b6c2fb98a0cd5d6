"""Tells open phone pages that something changed on their number; the pages fetch what they show."""

import asyncio
from collections.abc import AsyncIterator

COALESCE = 0.08
PING = 15.0


class News:
    """Listeners by number. Nothing is kept: a page that reconnects loads itself anew."""

    def __init__(self) -> None:
        """Start with nobody listening."""
        self._listeners: dict[str, set[asyncio.Event]] = {}
        self._closed = False

    def tell(self, phone_number_id: str) -> None:
        """Something changed on this number."""
        for event in self._listeners.get(phone_number_id, ()):
            event.set()

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closed = True
        for phone_number_id in self._listeners:
            self.tell(phone_number_id)

    async def follow(self, phone_number_id: str) -> AsyncIterator[str]:
        """Server-sent events: `changed` when something did, and a comment now and then to keep the line open."""
        event = asyncio.Event()
        self._listeners.setdefault(phone_number_id, set()).add(event)
        try:
            yield "retry: 1000\nevent: changed\ndata: now\n\n"
            while not self._closed:
                try:
                    await asyncio.wait_for(event.wait(), PING)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                await asyncio.sleep(COALESCE)
                event.clear()
                yield "event: changed\ndata: now\n\n"
        finally:
            self._listeners[phone_number_id].discard(event)
