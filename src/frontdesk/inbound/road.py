"""Driving the inbound lanes: take what is kept on all lanes that have something, and tell it."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count
from time import monotonic
from uuid import UUID

import structlog
from psycopg import Error as DatabaseError

from frontdesk.channels import Lane, Lanes, note_inbound
from frontdesk.database import Database
from frontdesk.errors import Unavailable
from frontdesk.inbound.actions import NotYet, ToldBefore, tell
from frontdesk.inbound.parts import DELIVERIES_AT_ONCE, Part
from frontdesk.inbound.records import PARTS, Place, Told
from frontdesk.outbound import Ahead

POLL_SECONDS = 0.5
LANES_LOOKED_FOR = 2000
THOROUGH = 10  # every so many looks wake also lanes that are being told
LOOK_SHARE = 20  # looking for what waits takes at most one of so many parts of the time
# how exactly a number knows when somebody last wrote to it; the row of a busy one is not written with every batch
NOTE_SECONDS = 30.0
START = Lane(UUID(int=0), UUID(int=0))
log = structlog.get_logger()


class InboundRoad:
    """The lanes on which something waits, and a runner for each part of them."""

    def __init__(self, database: Database, lanes: Lanes, told: Callable[[Told], None], answers_per_minute: int,
                 ahead: Callable[[], Ahead] | None = None) -> None:  # fmt: skip
        """`told` hears of every batch after its commit; `ahead` lets its answers be claimed at once."""
        self._database, self._lanes, self._told, self._per_minute, self._ahead = database, lanes, told, answers_per_minute, ahead
        self._parts = tuple(Part(number) for number in range(PARTS))
        self._look = asyncio.Event()
        self._surveyed = False  # the lanes that wait are few enough to be known, all of them
        self._looked_to = START
        self._noted: dict[Lane, float] = {}
        self._stopping = False

    def wake(self, places: Iterable[Place]) -> None:
        """Something was kept in these places."""
        for lane, part in places:
            self._parts[part].ring(lane)

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

    async def _runner(self, part: Part) -> None:
        told = 0
        while not self._stopping:
            if not part.waiting:
                part.something.clear()
                await part.something.wait()
                told = 0
            await part.linger(told)
            told = await self._serve(part)

    async def _serve(self, part: Part) -> int:
        """One batch. Returns how many deliveries it told."""
        picked = part.pick()
        try:
            return await self._tell(picked, part)
        except ToldBefore:
            part.came_again()
            part.wake(picked)
            return 0
        except (NotYet, DatabaseError, Unavailable) as error:
            log.warning("the inbound road waits for the database", error=str(error) or type(error).__name__)
        except Exception as error:  # nothing that happens to one lane ends the telling of all
            log.error("the inbound road stumbled and goes on", exc_info=error)
        finally:
            part.telling = ()
        part.wake(picked)
        await asyncio.sleep(POLL_SECONDS)
        return 0

    async def _tell(self, picked: list[Lane], part: Part) -> int:
        held = await self._lanes.hold(picked)
        if not held:
            return 0
        channels = {lane: leased.channel for lane, leased in held.items()}
        # in order of arrival only what is known to be little: what waits for others, or in lanes this batch does not name, is gone through for nothing
        little = self._surveyed and not part.crowded and len(held) == len(picked)
        each = None if little else part.share(len(held))
        ahead = self._ahead() if self._ahead else None
        told = await tell(self._database, channels, each, DELIVERIES_AT_ONCE, self._per_minute, part.number, looked_for=part.looked_for, ahead=ahead)
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
        looks = count()
        while not stop.is_set():
            began = monotonic()
            thorough = self._look.is_set() or next(looks) % THOROUGH == 0
            self._look.clear()
            try:
                await self._survey(thorough)
            except (DatabaseError, Unavailable) as error:
                log.warning("cannot look for waiting deliveries", error=str(error) or type(error).__name__)
            except Exception as error:  # looked for again in a moment
                log.error("looking for waiting deliveries went wrong", exc_info=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(POLL_SECONDS, LOOK_SHARE * (monotonic() - began))):
                    await self._look.wait()

    async def _survey(self, thorough: bool) -> None:
        """Wake the lanes on which something waits. Not thorough: but for those that are being told, whose rows still stand there."""
        rows = await self._database.call(
            "select * from private.waiting_inbound(%(organization_id)s, %(channel_id)s, %(many)s)",
            {**self._looked_to._asdict(), "many": LANES_LOOKED_FOR},
        )
        lanes = [Lane(row["organization_id"], row["channel_id"]) for row in rows]
        known = set[Lane]() if thorough else set[Lane]().union(*((*part.telling, *part.waiting) for part in self._parts))
        for part in self._parts:
            part.wake(lane for lane in lanes if lane not in known)
        end = len(lanes) < LANES_LOOKED_FOR
        self._surveyed = end and self._looked_to == START
        self._looked_to = START if end else lanes[-1]


def _unfinished(lanes: list[Lane], told: Told, each: int | None) -> list[Lane]:
    """Those of the lanes that may hold more: first those that were not reached, which have waited longest."""
    if told.deliveries < DELIVERIES_AT_ONCE:
        return [lane for lane in lanes if told.served.get(lane.channel_id.int, 0) >= each] if each else []
    return sorted(lanes, key=lambda lane: lane.channel_id.int in told.served)
