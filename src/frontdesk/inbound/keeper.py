"""Keep first: what WhatsApp gives us is on disk before it gets its 200. Requests that arrive together share one commit."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any
from uuid import UUID

from frontdesk.channels import Event, Lane
from frontdesk.database import Database, batch
from frontdesk.inbound.packs import Arrived, packed
from frontdesk.inbound.records import Pack, Place

# a few milliseconds of waiting let requests share a commit; more events than this are not worth waiting for
WINDOW_SECONDS = 0.002
ENOUGH_EVENTS = 500
GROUPS_AT_ONCE = 2
ROUTE_SECONDS = 600.0  # what keeps a delivery asks for its channel, so a route that has ended is noticed
NO_ROUTE_SECONDS = 2.0

Group = asyncio.Future[frozenset[UUID]]  # when it is on disk: the channels that are gone, whose events are not


class Keeper:
    """Writes deliveries durably, a group at a time: while some are on their way to the disk, the next gather."""

    def __init__(self, database: Database, kept: Callable[[Iterable[Place]], None]) -> None:
        """`kept` is told of the places whenever a group has been committed."""
        self._database, self._kept = database, kept
        self._gathered: list[Arrived] = []
        self._group: Group | None = None
        self._writers: set[asyncio.Task[None]] = set()
        self._writing = 0  # how many of them have not come to their end

    async def keep(self, arrived: list[Arrived]) -> list[Event]:
        """Return when these events are on disk, with those that are not because their channel is gone.

        Raises what the database raised, for everybody in the group.
        """
        if not arrived:
            return []
        gone = await asyncio.shield(self.keep_soon(arrived))
        return [event for lane, event in arrived if lane.channel_id in gone] if gone else []

    def keep_soon(self, arrived: list[Arrived]) -> Group:
        """Keep these events with all that come at the same time. The group they are in knows when it is on disk."""
        self._gathered += arrived
        if self._group is None:
            self._group = asyncio.get_running_loop().create_future()
            if self._writing < GROUPS_AT_ONCE:
                self._writing += 1
                writer = asyncio.create_task(self._write())
                self._writers.add(writer)
                writer.add_done_callback(self._writers.discard)
        return self._group

    async def _write(self) -> None:
        """Write one group after the other until nothing gathers."""
        try:
            if len(self._gathered) < ENOUGH_EVENTS:
                await asyncio.sleep(WINDOW_SECONDS)
            while self._group is not None:
                arrived, group = self._gathered, self._group
                self._gathered, self._group = [], None
                await self._commit(packed(arrived), group)
        finally:
            self._writing -= 1

    async def _commit(self, packs: list[Pack], group: Group) -> None:
        try:
            gone = await self._database.call("select * from private.keep_packs(%(packs)s, %(payloads)s) as channel_id", as_sent(packs))
        except BaseException as error:
            group.set_exception(error)
            group.exception()  # whoever waited may be gone; that is no error of its own
            if not isinstance(error, Exception):
                raise
        else:
            group.set_result(frozenset(row["channel_id"] for row in gone))
            places = {(pack.channel_id.int, pack.part): pack for pack in packs}.values()
            self._kept([Place(Lane(pack.organization_id, pack.channel_id), pack.part) for pack in places])


class Routes:
    """Which channel a number means; remembered for ten minutes, and unknown numbers for two seconds."""

    def __init__(self, database: Database) -> None:
        """Remember nothing yet."""
        self._database = database
        self._known: dict[tuple[str, str], tuple[Lane | None, float]] = {}

    def known(self, kind: str, numbers: Iterable[str]) -> dict[str, Lane] | None:
        """The lanes of these numbers if every one of them is remembered, without asking anybody."""
        now, found = monotonic(), dict[str, Lane]()
        for number in numbers:
            lane, until = self._known.get((kind, number), (None, 0.0))
            if lane is None or until < now:
                return None
            found[number] = lane
        return found

    async def find(self, kind: str, numbers: Iterable[str]) -> dict[str, Lane | None]:
        """The lane of each number, or None for a number nobody here has connected."""
        now = monotonic()
        answer = {number: self._known.get((kind, number), (None, 0.0)) for number in numbers}
        if missing := [number for number, (_, until) in answer.items() if until < now]:
            rows = await self._database.call("select * from private.route_channels(%(kind)s, %(numbers)s)", {"kind": kind, "numbers": missing})
            found = {row["phone_number_id"]: Lane(row["organization_id"], row["channel_id"]) for row in rows}
            if len(self._known) > 100_000:
                self._known.clear()
            for number in missing:
                lane = found.get(number)
                answer[number] = self._known[kind, number] = (lane, now + (ROUTE_SECONDS if lane else NO_ROUTE_SECONDS))
        return {number: lane for number, (lane, _) in answer.items()}

    def forget(self) -> None:
        """Ask the database anew for everything."""
        self._known.clear()


def as_sent(packs: Sequence[Pack]) -> dict[str, Any]:
    """The parameters of `private.keep_packs`: what a pack is as one batch, what it says beside it."""
    about = ("organization_id", "channel_id", "id", "part", "kind", "events")
    return {"packs": batch([{name: getattr(pack, name) for name in about} for pack in packs]), "payloads": "\x1e".join([pack.payload for pack in packs])}
