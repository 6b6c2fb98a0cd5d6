"""Who wants to know, and who is told: by organization, in this process and in every other on the same database."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Self
from uuid import UUID
from weakref import WeakSet

import structlog

from frontdesk.errors import TooManyRequests
from frontdesk.live.wire import Wire

ANYTHING = "changed"  # the topic that says no more than that
SESSIONS = "sessions"  # somebody signed out, or a member's place changed: streams look whether they may go on
MOST_TOPICS = 16  # that wait for one listener; more of them become ANYTHING
MOST_STREAMS = 8  # of one session, in this process
MOST_REMEMBERED = 20_000  # organizations whose latest change is remembered

log = structlog.get_logger()


class TooManyStreams(TooManyRequests):
    """Too many pages of Frontdesk are open in this browser. This one does not update by itself."""


class Listener:
    """An endless iterator of topics of one organization; a topic that was not fetched yet is not told twice."""

    def __init__(self, owner: UUID | None = None) -> None:
        """Made by `Live.listen`. owner: the session behind it."""
        self.owner = owner
        self.closed = False
        self._topics: dict[str, None] = {}
        self._ready = asyncio.Event()

    def tell(self, topic: str) -> None:
        """Something happened. Never waits, and never holds more than a few topics."""
        if len(self._topics) >= MOST_TOPICS:
            self._topics = {ANYTHING: None} | ({SESSIONS: None} if SESSIONS in (topic, *self._topics) else {})
        else:
            self._topics[topic] = None
        self._ready.set()

    def close(self) -> None:
        """End the iteration."""
        self.closed = True
        self._ready.set()

    def __aiter__(self) -> Self:
        """Itself."""
        return self

    async def __anext__(self) -> str:
        """The next topic; cancelling loses none. Whether one may go on at all comes first."""
        while not self.closed:
            for topic in (SESSIONS, *self._topics):
                if topic in self._topics:
                    del self._topics[topic]
                    return topic
            self._ready.clear()
            await self._ready.wait()
        raise StopAsyncIteration


class Live:
    """Tells listeners what changed. Local ones at once, other processes by one notice each 0.1 s at most."""

    def __init__(self, url: str) -> None:
        """Prepare for the database at `url`: PostgreSQL itself, or a pooler of sessions, not of transactions."""
        self._listeners: dict[UUID, WeakSet[Listener]] = {}
        self._wakers: list[Callable[[str], object]] = []
        self._heard: dict[UUID, float] = {}
        self._deaf_until = float("inf")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wire = Wire(url, self._hear, self._wake_here, self._missed, self._lost)

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every stream, and send what is still to be sent."""
        await self.close()

    def open(self) -> None:
        """Begin to listen. The database need not be there yet."""
        self._loop = asyncio.get_running_loop()
        self._wire.open()

    async def close(self) -> None:
        """End every stream, and send what is still to be sent."""
        self.end_streams()
        await self._wire.close()

    def end_streams(self) -> None:
        """End every stream; browsers come back by themselves."""
        for listener in self._everybody():
            listener.close()

    async def connected(self) -> None:
        """Wait until news of other processes arrive."""
        await self._wire.listening.wait()

    def changed(self, organization_ids: Iterable[UUID], topic: str = "inbox") -> None:
        """Say that something changed for these organizations, after it was committed.

        Cheap: no waiting, no statement. From any thread.
        """
        ids = set(organization_ids)
        if ids:
            self._in_loop(lambda: self._spread(ids, topic))

    def listen(self, organization_id: UUID, owner: UUID | None = None) -> Listener:
        """The topics of one organization from now on. Raises TooManyStreams when `owner` has too many already."""
        listeners = self._listeners.setdefault(organization_id, WeakSet())
        if owner is not None and sum(1 for one in self._everybody() if one.owner == owner and not one.closed) >= MOST_STREAMS:
            raise TooManyStreams
        listener = Listener(owner)
        listeners.add(listener)
        return listener

    def leave(self, organization_id: UUID, listener: Listener) -> None:
        """Listen no more."""
        listener.close()
        listeners = self._listeners.get(organization_id)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._listeners[organization_id]

    def changed_since(self, organization_id: UUID, moment: float) -> bool:
        """Whether something changed, or may have, since then (seconds since 1970)."""
        return moment <= max(self._heard.get(organization_id, 0.0), self._deaf_until)

    def wake(self, direction: str) -> None:
        """Say to the workers of every process that something waits. direction: "in" or "out"."""
        self._in_loop(lambda: self._rouse(direction))

    def on_wake(self, callback: Callable[[str], object]) -> None:
        """Call this with the direction whenever something waits, or may: after a lost connection both are called."""
        self._wakers.append(callback)

    def _in_loop(self, step: Callable[[], object]) -> None:
        """Do this now, or in the event loop when another thread asks: background tasks may run in one."""
        if self._loop is None or self._loop is _running_loop():
            step()
        else:
            self._loop.call_soon_threadsafe(step)

    def _spread(self, organization_ids: set[UUID], topic: str) -> None:
        self._hear(organization_ids, topic)
        self._wire.tell(topic, organization_ids)

    def _rouse(self, direction: str) -> None:
        self._wake_here(direction)
        self._wire.wake(direction)

    def _everybody(self) -> list[Listener]:
        return [listener for listeners in self._listeners.values() for listener in listeners]

    def _hear(self, organization_ids: Iterable[UUID], topic: str) -> None:
        now = time.time()
        for organization_id in organization_ids:
            self._heard[organization_id] = now
            for listener in self._listeners.get(organization_id, ()):
                listener.tell(topic)
        if len(self._heard) > MOST_REMEMBERED:
            self._heard.clear()
            self._deaf_until = now

    def _lost(self) -> None:
        self._deaf_until = float("inf")

    def _missed(self) -> None:
        """Nobody knows what was said while nothing was heard: everybody looks."""
        self._deaf_until = time.time()
        for listener in self._everybody():
            listener.tell(ANYTHING)
            listener.tell(SESSIONS)
        for direction in ("in", "out"):
            self._wake_here(direction)

    def _wake_here(self, direction: str) -> None:
        for callback in self._wakers:
            try:
                callback(direction)
            except Exception:
                log.exception("a waker failed", direction=direction)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
