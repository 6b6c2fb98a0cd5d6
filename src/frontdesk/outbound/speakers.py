"""Who speaks on a lane: where, with which token, how fast; and taking a channel out of service that cannot."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

import structlog

from frontdesk import audit
from frontdesk.channels import Lane, Lanes, Leased
from frontdesk.database import Database
from frontdesk.outbound import store
from frontdesk.outbound.pacing import Pace

CANNOT_SPEAK = "Its access token cannot be opened any more. Give it a new one; if that does not help, the log of Frontdesk says why."
# how long a channel is left alone that could not even be stopped
REST_SECONDS = 60.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Speaker:
    """What speaking on a lane needs: where, with which token, how fast."""

    leased: Leased
    endpoint: str
    token: str
    pace: Pace


class Speakers:
    """The speakers of the lanes that are ours."""

    def __init__(self, database: Database, lanes: Lanes, voice: Callable[[Leased], tuple[str, str]], stopped: Callable[[Iterable[UUID]], None]) -> None:
        """`voice` gives a lane's address and token; `stopped` hears of the organizations whose channel was stopped."""
        self._database, self._lanes, self._voice, self._stopped = database, lanes, voice, stopped
        self._known: dict[Lane, Speaker] = {}
        self._stopping: dict[Lane, asyncio.Task[None]] = {}

    async def of(self, lanes: Iterable[Lane]) -> dict[Lane, Speaker]:
        """Whoever may speak on these lanes; none where the lane is not ours, or its channel is or has to be stopped."""
        speakers = {}
        for lane, leased in (await self._lanes.hold(lanes)).items():
            known = self._known.get(lane)
            if known is None or known.leased is not leased:
                known = self._renew(lane, leased, known)
            if known is not None and lane not in self._stopping:
                speakers[lane] = known
        return speakers

    def now(self, lane: Lane) -> Speaker | None:
        """Who may speak on this lane, if that is known without asking anybody."""
        leased, known = self._lanes.held(lane), self._known.get(lane)
        return known if known is not None and known.leased is leased and lane not in self._stopping else None

    def _renew(self, lane: Lane, leased: Leased, known: Speaker | None) -> Speaker | None:
        if leased.channel.status == "stopped" or lane in self._stopping:
            return None
        try:
            endpoint, token = self._voice(leased)
        except Exception as error:  # whatever is wrong with one channel, the others go on speaking
            log.error("a channel cannot be spoken on", channel=str(lane.channel_id), exc_info=error)
            self.stop_later(lane, CANNOT_SPEAK)
            return None
        rate = leased.channel.rate_per_second
        pace = known.pace if known and known.pace.rate == rate else Pace(rate)
        self._known[lane] = Speaker(leased, endpoint, token, pace)
        return self._known[lane]

    def stop_later(self, lane: Lane, reason: str) -> None:
        """Take a channel out of service, with the reason its people will read; from now on nobody speaks on it."""
        if lane not in self._stopping:  # or else another message of this lane said so a moment ago
            self._stopping[lane] = asyncio.create_task(self._stop(lane, reason))

    async def finish(self) -> None:
        """Wait, but not for ever, until what has to be stopped is stopped."""
        if self._stopping:
            await asyncio.wait(self._stopping.values(), timeout=5.0)

    async def _stop(self, lane: Lane, reason: str) -> None:
        try:
            async with self._database.tenants([lane.organization_id]) as db:
                if number := await store.stop_channel(db, lane, reason):
                    details = {"number": number, "reason": reason}
                    await audit.append(
                        db, "channel.stopped", organization_id=lane.organization_id, target_type="channel", target_id=lane.channel_id, details=details
                    )
            self._known.pop(lane, None)
            self._stopped([lane.organization_id])
        except Exception as error:  # noqa: BLE001 - the next message it refuses says so again
            log.error("a channel could not be stopped", channel=str(lane.channel_id), reason=reason, error=repr(error))
            if known := self._known.get(lane):
                known.pace.rest(REST_SECONDS)
        finally:
            self._lanes.forget(lane)  # asked anew, it says that it is stopped
            del self._stopping[lane]
