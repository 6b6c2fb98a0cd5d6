"""Keep first: what WhatsApp gives us is on disk before it gets its 200. Requests that arrive together share one commit."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any
from uuid import UUID
from zlib import crc32

from frontdesk.channels import Event, Lane
from frontdesk.database import Database, batch, new_ids
from frontdesk.inbound.records import PARTS, Place

# a few milliseconds of waiting let requests share a commit; more rows than this are not worth waiting for
WINDOW_SECONDS = 0.002
ENOUGH_ROWS = 500
GROUPS_AT_ONCE = 2
ROUTE_SECONDS = 600.0  # what keeps a delivery asks for its channel, so a route that has ended is noticed
NO_ROUTE_SECONDS = 2.0

Row = dict[str, Any]
Group = asyncio.Future[set[UUID]]  # when it is on disk: the ids of those that are not, because their channel is gone


class Keeper:
    """Writes deliveries durably, a group at a time: while some are on their way to the disk, the next gather."""

    def __init__(self, database: Database, kept: Callable[[Iterable[Place]], None]) -> None:
        """`kept` is told of the places whenever a group has been committed."""
        self._database, self._kept = database, kept
        self._rows: list[Row] = []
        self._group: Group | None = None
        self._writers: set[asyncio.Task[None]] = set()
        self._writing = 0  # how many of them have not come to their end

    async def keep(self, rows: list[Row]) -> list[Row]:
        """Return when these rows are on disk, with those that are not because their channel is gone.

        Raises what the database raised, for everybody in the group.
        """
        if not rows:
            return []
        homeless = await asyncio.shield(self.keep_soon(rows))
        return [row for row in rows if row["id"] in homeless] if homeless else []

    def keep_soon(self, rows: list[Row]) -> Group:
        """Keep these rows with all that come at the same time. The group they are in knows when it is on disk."""
        self._rows += rows
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
            if len(self._rows) < ENOUGH_ROWS:
                await asyncio.sleep(WINDOW_SECONDS)
            while self._group is not None:
                rows, group = self._rows, self._group
                self._rows, self._group = [], None
                await self._commit(rows, group)
        finally:
            self._writing -= 1

    async def _commit(self, rows: list[Row], group: Group) -> None:
        try:
            homeless = await self._database.call("select * from private.keep_deliveries(%(batch)s, %(payloads)s) as id", as_sent(rows))
        except BaseException as error:
            group.set_exception(error)
            group.exception()  # whoever waited may be gone; that is no error of its own
            if not isinstance(error, Exception):
                raise
        else:
            group.set_result({row["id"] for row in homeless})
            places = {(row["channel_id"].int, row["part"]): row for row in rows}.values()
            self._kept([Place(Lane(row["organization_id"], row["channel_id"]), row["part"]) for row in places])


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


def delivery_rows(arrived: Sequence[tuple[Lane, Event]]) -> list[Row]:
    """Deliveries as `private.keep_deliveries` takes them; their ids rise with their arrival."""
    return [
        {"organization_id": lane.organization_id, "channel_id": lane.channel_id, "id": new, "part": crc32(event.party.encode()) % PARTS,
         "kind": event.kind, "payload": event.payload}
        for (lane, event), new in zip(arrived, new_ids(len(arrived)), strict=True)
    ]  # fmt: skip


def as_sent(rows: Sequence[Row]) -> dict[str, Any]:
    """The parameters of `private.keep_deliveries`: what a delivery is as one batch, what it says as a line of its own."""
    about = ("organization_id", "channel_id", "id", "part", "kind")
    return {"batch": batch([{name: row[name] for name in about} for row in rows]), "payloads": "\n".join([row["payload"] for row in rows])}
