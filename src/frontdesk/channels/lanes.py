"""Lanes: the queue of one channel in one direction, driven by one worker at a time.

A lease is held while there is work and renewed well before it ends; another worker takes a lane over when its lease has run out.
Leases give order and fairness, not safety: what must not happen twice is guarded by rows and keys.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from frontdesk.channels.records import Channel
from frontdesk.database import Database, batch

LEASE_SECONDS = 20
RENEW_BEFORE = 8.0


class Lane(NamedTuple):
    """One channel of one organization; the direction is its road's."""

    organization_id: UUID
    channel_id: UUID

    def __hash__(self) -> int:
        """By the channel's number: a lane is looked up a dozen times with each batch, and hashing UUIDs is slow."""
        return hash(self.channel_id.int)


@dataclass(frozen=True, slots=True)
class Leased:
    """A lane in our hands. `until`: monotonic seconds; `sealed_token`: for sending only, still encrypted, with the wrapped key that opens it."""

    channel: Channel
    sealed_token: str | None
    data_key: str | None
    until: float


class Lanes:
    """The lanes this worker drives in one direction ("in" or "out")."""

    def __init__(self, database: Database, worker: UUID, direction: str) -> None:
        """Hold nothing yet."""
        self._database, self._worker, self._direction = database, worker, direction
        self._held: dict[Lane, Leased] = {}
        self._asking = asyncio.Lock()

    async def hold(self, wanted: Iterable[Lane]) -> dict[Lane, Leased]:
        """Those of the wanted lanes that are ours now, leasing or renewing where needed, in one question to the database."""
        lanes = list(wanted)
        now = monotonic()
        ours = {lane: held for lane in lanes if (held := self._held.get(lane)) is not None and held.until >= now + RENEW_BEFORE}
        if len(ours) == len(lanes):
            return ours
        async with self._asking:
            await self._lease(self._ending(lanes))
        now = monotonic()
        return {lane: held for lane in lanes if (held := self._held.get(lane)) and held.until > now}

    def held(self, lane: Lane) -> Leased | None:
        """A lane that is ours for a while yet, without asking anybody."""
        held = self._held.get(lane)
        return held if held and held.until - monotonic() > RENEW_BEFORE else None

    def forget(self, lane: Lane) -> None:
        """Ask anew next time: something about the channel changed."""
        self._held.pop(lane, None)

    def _ending(self, lanes: Iterable[Lane]) -> list[Lane]:
        """Those that are not ours, or not for long."""
        soon = monotonic() + RENEW_BEFORE
        return [lane for lane in lanes if (held := self._held.get(lane)) is None or held.until < soon]

    async def _lease(self, lanes: list[Lane]) -> None:
        if not lanes:
            return
        asked_at = monotonic()
        rows = await self._database.call(
            "select * from private.lease_lanes(%(worker)s, %(direction)s, %(wanted)s, %(seconds)s)",
            {"worker": self._worker, "direction": self._direction, "wanted": batch([lane._asdict() for lane in lanes]), "seconds": LEASE_SECONDS},
        )
        for lane in lanes:
            self._held.pop(lane, None)
        for row in rows:
            sealed, data_key, stopped = row.pop("access_token"), row.pop("data_key"), row.pop("stopped_at")
            channel = Channel(**row, status=("read_only" if self._direction == "in" else "stopped") if stopped else "connected")
            self._held[Lane(channel.organization_id, channel.id)] = Leased(channel, sealed, data_key, asked_at + LEASE_SECONDS - 1)
        if len(self._held) > 2 * len(rows) + 1000:
            self._held = {lane: held for lane, held in self._held.items() if held.until > monotonic()}
