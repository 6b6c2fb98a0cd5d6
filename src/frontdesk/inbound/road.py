"""Driving the inbound lanes: take what is kept on all lanes that have something, and tell it."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from time import monotonic
from uuid import UUID

import structlog
from psycopg import Error as DatabaseError

from frontdesk.channels import Lane, Lanes, note_inbound
from frontdesk.database import Database
from frontdesk.errors import Unavailable
from frontdesk.inbound.actions import NotYet, ToldBefore, tell
from frontdesk.inbound.records import PARTS, Place, Told
from frontdesk.outbound import Ahead

LANES_AT_ONCE = 400
DELIVERIES_AT_ONCE = 1000
LANES_SHARE = 20  # deliveries a lane may have told at once whatever the others hold; fewer cost more each
POLL_SECONDS = 0.5
LOOK_SHARE = 20  # looking for what waits takes at most one of so many parts of the time
# how exactly a number knows when somebody last wrote to it; the row of a busy one is not written with every batch
NOTE_SECONDS = 30.0
# WhatsApp sends most messages once; after one that came again, each batch asks for a while which are stored already
LOOK_SECONDS = 60.0
# a batch costs as much as some fifty messages, so the next one waits the longer the more the last one told; never when it is quiet
LINGER_EACH, LINGER_MOST = 0.000_6, 0.050
FIRST = UUID(int=0)
log = structlog.get_logger()


class _Part:
    """The lanes on which something of one part waits."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.waiting: dict[Lane, None] = {}
        self.something = asyncio.Event()
        self.looks_until = 0.0  # until then each batch asks which of its messages are stored already
        self.reach = LANES_AT_ONCE  # lanes the next batch names: what it would not come to costs time as well

    def wake(self, lanes: Iterable[Lane]) -> None:
        self.waiting.update(dict.fromkeys(lanes))
        self.something.set()

    def learn(self, told: Told) -> None:
        """A batch that was full may name somewhat more lanes than it came to; any other names all it may."""
        full = told.deliveries >= DELIVERIES_AT_ONCE
        self.reach = min(LANES_AT_ONCE, len(told.served) * 5 // 4 + 5) if full else LANES_AT_ONCE


class InboundRoad:
    """The lanes on which something waits, and a runner for each part of them."""

    def __init__(self, database: Database, lanes: Lanes, told: Callable[[Told], None], answers_per_minute: int,
                 ahead: Callable[[], Ahead] | None = None) -> None:  # fmt: skip
        """`told` hears of every batch after its commit; `ahead` lets its answers be claimed at once."""
        self._database, self._lanes, self._told, self._per_minute, self._ahead = database, lanes, told, answers_per_minute, ahead
        self._parts = tuple(_Part(number) for number in range(PARTS))
        self._look = asyncio.Event()
        self._noted: dict[Lane, float] = {}
        self._stopping = False

    def wake(self, places: Iterable[Place]) -> None:
        """Something was kept in these places."""
        for lane, part in places:
            self._parts[part].waiting[lane] = None
            self._parts[part].something.set()

    def look(self) -> None:
        """Another process says that something waits somewhere."""
        self._look.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop; what is being told is told to its end."""
        async with asyncio.TaskGroup() as group:
            for part in self._parts:
                group.create_task(self._runner(part))
            group.create_task(self._poll(stop))
            await stop.wait()
            self._stopping = True
            for part in self._parts:
                part.something.set()
            self._look.set()

    async def _runner(self, part: _Part) -> None:
        told = 0
        while not self._stopping:
            if not part.waiting:
                part.something.clear()
                await part.something.wait()
                told = 0
            if 0 < told < DELIVERIES_AT_ONCE and len(part.waiting) < LANES_AT_ONCE:
                await asyncio.sleep(min(told * LINGER_EACH, LINGER_MOST))
            told = await self._serve(part)

    async def _serve(self, part: _Part) -> int:
        """One batch. Returns how many deliveries it told."""
        picked = list(islice(part.waiting, part.reach))
        for lane in picked:
            del part.waiting[lane]
        try:
            return await self._tell(picked, part)
        except ToldBefore:
            part.looks_until = monotonic() + LOOK_SECONDS
            part.wake(picked)
            return 0
        except (NotYet, DatabaseError, Unavailable) as error:
            log.warning("the inbound road waits for the database", error=str(error) or type(error).__name__)
        except Exception as error:  # nothing that happens to one lane ends the telling of all
            log.error("the inbound road stumbled and goes on", exc_info=error)
        part.wake(picked)
        await asyncio.sleep(POLL_SECONDS)
        return 0

    async def _tell(self, picked: list[Lane], part: _Part) -> int:
        held = await self._lanes.hold(picked)
        if not held:
            return 0
        channels = {lane: leased.channel for lane, leased in held.items()}
        each = max(LANES_SHARE, DELIVERIES_AT_ONCE // len(held))
        looked_for = monotonic() < part.looks_until
        ahead = self._ahead() if self._ahead else None
        told = await tell(self._database, channels, each, DELIVERIES_AT_ONCE, self._per_minute, part.number, looked_for=looked_for, ahead=ahead)
        part.wake(_unfinished(list(held), told, each))
        part.learn(told)
        self._told(told)
        await self._note(told.heard)
        return told.deliveries

    async def _note(self, heard: Iterable[Lane]) -> None:
        """Show on the channels that somebody writes to them; once in a while is often enough."""
        due = [lane for lane in heard if monotonic() - self._noted.get(lane, -NOTE_SECONDS) >= NOTE_SECONDS]
        if due:
            self._noted.update(dict.fromkeys(due, monotonic()))
            async with self._database.tenants(list({lane.organization_id for lane in due}), durable=False) as db:
                await note_inbound(db, sorted(due))

    async def _poll(self, stop: asyncio.Event) -> None:
        """Find what nobody woke us for: kept by another process, or left behind by one that died."""
        after = Lane(FIRST, FIRST)
        while not stop.is_set():
            began = monotonic()
            try:
                rows = await self._database.call(
                    "select * from private.waiting_inbound(%(organization_id)s, %(channel_id)s, %(many)s)",
                    {**after._asdict(), "many": LANES_AT_ONCE},
                )
                lanes = [Lane(row["organization_id"], row["channel_id"]) for row in rows]
                for part in self._parts:
                    part.wake(lanes)
                after = lanes[-1] if len(lanes) == LANES_AT_ONCE else Lane(FIRST, FIRST)
            except (DatabaseError, Unavailable) as error:
                log.warning("cannot look for waiting deliveries", error=str(error) or type(error).__name__)
            except Exception as error:  # looked for again in a moment
                log.error("looking for waiting deliveries went wrong", exc_info=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(POLL_SECONDS, LOOK_SHARE * (monotonic() - began))):
                    await self._look.wait()
            self._look.clear()


def _unfinished(lanes: list[Lane], told: Told, each: int) -> list[Lane]:
    """Those of the lanes that may hold more: first those that were not reached, which have waited longest."""
    if told.deliveries < DELIVERIES_AT_ONCE:
        return [lane for lane in lanes if told.served.get(lane.channel_id.int, 0) >= each]
    return sorted(lanes, key=lambda lane: lane.channel_id.int in told.served)
