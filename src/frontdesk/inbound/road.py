"""Driving the inbound lanes: take what is kept on all lanes that have something, and tell it."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from uuid import UUID

import structlog
from psycopg import Error as DatabaseError

from frontdesk.channels import Lane, Lanes
from frontdesk.database import Database
from frontdesk.errors import Unavailable
from frontdesk.inbound.actions import NotYet, tell
from frontdesk.inbound.records import Told

LANES_AT_ONCE = 200
DELIVERIES_AT_ONCE = 300
RUNNERS = 2
POLL_SECONDS = 0.5
# while messages pour in, waiting this long makes batches larger and everything cheaper; never when it is quiet
LINGER_SECONDS = 0.004
FIRST = UUID(int=0)
log = structlog.get_logger()


class InboundRoad:
    """The lanes on which something waits, and the runners that serve them."""

    def __init__(self, database: Database, lanes: Lanes, told: Callable[[Told], None], answers_per_minute: int) -> None:
        """`told` hears of every batch after its commit."""
        self._database, self._lanes, self._told, self._per_minute = database, lanes, told, answers_per_minute
        self._waiting: dict[Lane, None] = {}
        self._busy: set[Lane] = set()
        self._something = asyncio.Event()
        self._look = asyncio.Event()
        self._stopping = False

    def wake(self, lanes: Iterable[Lane]) -> None:
        """Something was kept on these lanes."""
        self._waiting.update(dict.fromkeys(lanes))
        self._something.set()

    def look(self) -> None:
        """Another process says that something waits somewhere."""
        self._look.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop; what is being told is told to its end."""
        async with asyncio.TaskGroup() as group:
            for _ in range(RUNNERS):
                group.create_task(self._runner())
            group.create_task(self._poll(stop))
            await stop.wait()
            self._stopping = True
            self._something.set()
            self._look.set()

    async def _runner(self) -> None:
        busy = False
        while not self._stopping:
            if not self._waiting:
                self._something.clear()
                await self._something.wait()
                busy = False
            if busy and len(self._waiting) < LANES_AT_ONCE:
                await asyncio.sleep(LINGER_SECONDS)
            busy = await self._serve()

    async def _serve(self) -> bool:
        """One batch. Returns whether there was anything to tell."""
        picked = [lane for lane in self._waiting if lane not in self._busy][:LANES_AT_ONCE]
        if not picked:  # the other runner has them all
            await asyncio.sleep(LINGER_SECONDS)
            return True
        for lane in picked:
            del self._waiting[lane]
        self._busy.update(picked)
        try:
            return await self._tell(picked)
        except (NotYet, DatabaseError, Unavailable) as error:
            log.warning("the inbound road waits for the database", error=str(error) or type(error).__name__)
            self.wake(picked)
            await asyncio.sleep(POLL_SECONDS)
            return False
        finally:
            self._busy.difference_update(picked)

    async def _tell(self, picked: list[Lane]) -> bool:
        held = await self._lanes.hold(picked)
        if not held:
            return False
        channels = {lane: leased.channel for lane, leased in held.items()}
        each = max(4, 2 * DELIVERIES_AT_ONCE // len(held))
        told = await tell(self._database, channels, each, DELIVERIES_AT_ONCE, self._per_minute)
        if told.deliveries >= min(each, DELIVERIES_AT_ONCE):  # some lane may hold more than was taken
            self.wake(held)
        self._told(told)
        return told.deliveries > 0

    async def _poll(self, stop: asyncio.Event) -> None:
        """Find what nobody woke us for: kept by another process, or left behind by one that died."""
        after = Lane(FIRST, FIRST)
        while not stop.is_set():
            try:
                rows = await self._database.call(
                    "select * from private.waiting_inbound(%(organization_id)s, %(channel_id)s, %(many)s)",
                    {**after._asdict(), "many": LANES_AT_ONCE},
                )
                lanes = [Lane(row["organization_id"], row["channel_id"]) for row in rows]
                self.wake(lane for lane in lanes if lane not in self._busy)
                after = lanes[-1] if len(lanes) == LANES_AT_ONCE else Lane(FIRST, FIRST)
            except (DatabaseError, Unavailable) as error:
                log.warning("cannot look for waiting deliveries", error=str(error) or type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._look.wait()
            self._look.clear()
