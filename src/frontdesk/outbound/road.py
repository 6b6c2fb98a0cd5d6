"""Driving the outbound lanes: claim what may be sent now, speak, record."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from uuid import UUID

import structlog
from psycopg import Error as DatabaseError

from frontdesk.channels import Lane, Lanes, Leased, Session
from frontdesk.database import Database
from frontdesk.errors import Unavailable
from frontdesk.outbound import store
from frontdesk.outbound.actions import deliver
from frontdesk.outbound.ahead import Ahead, Granted
from frontdesk.outbound.ledger import Ledger
from frontdesk.outbound.records import Claim
from frontdesk.outbound.speakers import Speaker, Speakers
from frontdesk.outbound.turns import Turns

LANES_AT_ONCE = 200
IN_FLIGHT = 400  # claims unspoken or unrecorded at any moment; a crash leaves at most these uncertain
WORTH_A_CLAIM = IN_FLIGHT // 4  # while there is room for fewer, waiting makes claims larger and everything cheaper
POLL_SECONDS = 0.5
LOOK_SHARE = 20  # looking for what waits takes at most one of so many parts of the time
FIRST = UUID(int=0)
log = structlog.get_logger()


class OutboundRoad:
    """The lanes on which messages wait to be sent, and the one claimer that serves them."""

    def __init__(self, database: Database, lanes: Lanes, session: Session, worker: UUID,
                 voice: Callable[[Leased], tuple[str, str]], sent: Callable[[Iterable[UUID]], None]) -> None:  # fmt: skip
        """`voice` gives a lane's address and token; `sent` hears of the organizations whose messages moved."""
        self._database, self._session, self._worker, self._sent = database, session, worker, sent
        self._turns = Turns()
        self._speakers = Speakers(database, lanes, voice, sent)
        self._ledger = Ledger(database, worker, sent)
        self._look = asyncio.Event()
        self._flying: set[asyncio.Task[None]] = set()
        self._granted = 0  # places given to answers that are not committed yet
        self._closed = False

    def wake(self, lanes: Iterable[Lane]) -> None:
        """Something was queued on these lanes."""
        self._turns.wake(lanes)

    def ahead(self) -> Ahead:
        """What the answers of one batch may claim while they are queued."""
        return Ahead(self._worker, self._grant, self._say, self._take_back)

    def look(self) -> None:
        """Another process says that something waits somewhere."""
        self._look.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop; what is being spoken is spoken and recorded. Raises if a part of it dies: then the process must end."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ledger.run())
            serving = [group.create_task(self._claim_all(stop)), group.create_task(self._poll(stop))]
            await stop.wait()
            self._closed = True
            self._turns.wake(())
            self._look.set()
            await asyncio.wait(serving)
            await self._all_said()
            if self._flying:
                await asyncio.wait(self._flying, timeout=5.0)
            await self._speakers.finish()
            self._ledger.finish()

    async def _all_said(self) -> None:
        """Wait, but not for ever, for answers that are claimed and not committed: what is on disk as claimed has to be said."""
        patience = monotonic() + 5.0
        while self._granted and monotonic() < patience:  # noqa: ASYNC110 - once in the life of a process, for some milliseconds
            await asyncio.sleep(0.005)

    async def _claim_all(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._turns.some()
                await self._claim_some()
            except (DatabaseError, Unavailable) as error:
                log.warning("the outbound road waits for the database", error=str(error) or type(error).__name__)
                await asyncio.sleep(POLL_SECONDS)
            except Exception as error:  # nothing that happens to one lane ends the sending of all
                log.error("the outbound road stumbled and goes on", exc_info=error)
                await asyncio.sleep(POLL_SECONDS)

    async def _claim_some(self) -> None:
        """One claim over the lanes whose turn it is and that have room."""
        free = self._free()
        if free < WORTH_A_CLAIM:
            await asyncio.sleep(0.002)
            return
        picked = self._turns.first(LANES_AT_ONCE)
        speakers = await self._speakers.of(picked)
        room = self._room(picked, speakers, free)
        if not room:
            return
        async with self._database.tenants([lane.organization_id for lane in room]) as db:
            claims = await store.claim(db, room, free, self._worker)
        self._send(claims, speakers)
        self._look_again(claims, room, free)

    def _room(self, picked: Sequence[Lane], speakers: Mapping[Lane, Speaker], free: int) -> dict[Lane, int]:
        """How many each lane may claim now, if the others leave it what is free."""
        room: dict[Lane, int] = {}
        for lane in picked:
            if (speaker := speakers.get(lane)) is None:
                self._turns.leave(lane)
            elif (most := speaker.pace.room()) <= 0:
                self._turns.rest(lane, speaker.pace.wait())
            else:
                room[lane] = min(most, free)
                self._turns.leave(lane)
        return room

    def _free(self) -> int:
        return IN_FLIGHT - len(self._flying) - len(self._ledger) - self._granted

    def _grant(self, lane: Lane) -> Speaker | None:
        """A place for an answer on a lane where nothing waits; enough are left for whatever does wait somewhere."""
        if self._closed or self._free() <= WORTH_A_CLAIM or self._turns.waits(lane):
            return None
        speaker = self._speakers.now(lane)
        if speaker is None or speaker.pace.room() <= 0:
            return None
        speaker.pace.take(1)
        self._granted += 1
        return speaker

    def _take_back(self, granted: Sequence[Granted]) -> None:
        self._granted -= len(granted)
        for one in granted:
            one.speaker.pace.take(-1)

    def _say(self, granted: Sequence[Granted]) -> None:
        self._granted -= len(granted)
        for one in granted:
            self._fly(one.lane, one.speaker, one.claim)

    def _send(self, claims: list[Claim], speakers: dict[Lane, Speaker]) -> None:
        for claim in claims:
            lane = Lane(claim.organization_id, claim.channel_id)
            speakers[lane].pace.take(1)
            self._fly(lane, speakers[lane], claim)

    def _fly(self, lane: Lane, speaker: Speaker, claim: Claim) -> None:
        task = asyncio.create_task(self._speak(lane, speaker, claim))
        self._flying.add(task)
        task.add_done_callback(self._flying.discard)

    def _look_again(self, claims: list[Claim], room: dict[Lane, int], free: int) -> None:
        """A lane that filled its room may hold more; if nothing is free any more, each may: those first that were not reached."""
        taken = Counter(claim.channel_id.int for claim in claims)
        if len(claims) < free:
            self.wake(lane for lane, most in room.items() if taken[lane.channel_id.int] >= most)
        else:
            self.wake(sorted(room, key=lambda lane: lane.channel_id.int in taken))

    async def _speak(self, lane: Lane, speaker: Speaker, claim: Claim) -> None:
        result = await deliver(self._session, speaker.endpoint, speaker.token, speaker.leased, speaker.pace, claim)
        if result is None:
            log.warning("a message's fate is unknown until its status arrives", message=str(claim.id))
            return
        self._ledger.add(result)
        if result.verdict == "again" and not result.counts and result.error_text:
            self._speakers.stop_later(lane, result.error_text)

    async def _poll(self, stop: asyncio.Event) -> None:
        """Find what nobody woke us for: queued by another process, due for another try, or left behind."""
        after, checked = Lane(FIRST, FIRST), 0.0
        while not stop.is_set():
            began = monotonic()
            try:
                after = await self._find(after)
                if monotonic() - checked > 5:
                    checked = monotonic()
                    self._sent([row["expire_claims"] for row in await self._database.call("select private.expire_claims(interval '2 minutes')")])
            except (DatabaseError, Unavailable) as error:
                log.warning("cannot look for waiting messages", error=str(error) or type(error).__name__)
            except Exception as error:  # looked for again in a moment
                log.error("looking for waiting messages went wrong", exc_info=error)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(POLL_SECONDS, LOOK_SHARE * (monotonic() - began))):
                    await self._look.wait()
            self._look.clear()

    async def _find(self, after: Lane) -> Lane:
        """Wake the next lanes on which something waits; returns where to go on."""
        rows = await self._database.call(
            "select * from private.waiting_outbound(%(organization_id)s, %(channel_id)s, %(many)s)", {**after._asdict(), "many": LANES_AT_ONCE}
        )
        lanes = [Lane(row["organization_id"], row["channel_id"]) for row in rows]
        self.wake(lanes)
        return lanes[-1] if len(lanes) == LANES_AT_ONCE else Lane(FIRST, FIRST)
