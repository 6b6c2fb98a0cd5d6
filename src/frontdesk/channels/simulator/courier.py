"""Carries webhooks to Frontdesk: in order for each number, signed, tried again until they are confirmed."""

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError

from frontdesk.channels.simulator.faults import Switchboard
from frontdesk.channels.simulator.records import Post, SimulatorSettings, Update
from frontdesk.channels.simulator.webhooks import envelope, signature

LOG_LENGTH = 100
CONNECTIONS = 64

Settled = Callable[[str, Sequence[Update], bool], None]


@dataclass(slots=True)
class Parcel:
    """One request body and what is in it; it stays the same however often it is tried."""

    updates: list[Update]
    body: bytes
    tries: int = 0


@dataclass(slots=True)
class Lane:
    """The webhooks of one number, by the time they are due."""

    heap: list[tuple[float, int, Update | Parcel]] = field(default_factory=list)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    runner: "asyncio.Task[None] | None" = None
    log: deque[Post] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))


class Courier:
    """Every number has a lane; a lane that is empty costs nothing."""

    def __init__(self, settings: SimulatorSettings, faults: Switchboard, settled: Settled) -> None:
        """Call `settled` with what Frontdesk has taken, or with what is given up, and whether it was taken."""
        self._settings = settings
        self._faults = faults
        self._settled = settled
        self._lanes: dict[str, Lane] = {}
        self._turn = 0
        self._client: Client | None = None

    async def open(self) -> None:
        """Open the connections and go on with what was added before."""
        timeout = timedelta(seconds=self._settings.pace.webhook_timeout)
        builder = ClientBuilder().no_proxy().follow_redirects(False).user_agent("facebookexternalua")
        self._client = builder.timeout(timeout).max_connections(CONNECTIONS).build()
        for phone_number_id, lane in self._lanes.items():
            self._start(phone_number_id, lane)

    async def close(self) -> None:
        """Stop at once; what is not confirmed stays in the store."""
        runners = [lane.runner for lane in self._lanes.values() if lane.runner]
        for runner in runners:
            runner.cancel()
        await asyncio.gather(*runners, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
            self._client = None

    def add(self, update: Update) -> None:
        """Deliver this when it is due."""
        lane = self._lanes.setdefault(update.phone_number_id, Lane())
        self._push(lane, update.due, update)
        self._start(update.phone_number_id, lane)

    def log(self, phone_number_id: str) -> list[Post]:
        """What Frontdesk was told lately about this number, the latest first."""
        lane = self._lanes.get(phone_number_id)
        return list(lane.log)[::-1] if lane else []

    def note(self, phone_number_id: str, post: Post) -> None:
        """Write into the log what did not become a request."""
        self._lanes.setdefault(phone_number_id, Lane()).log.append(post)

    def waiting(self, phone_number_id: str) -> int:
        """How many requests or events still wait on this number."""
        lane = self._lanes.get(phone_number_id)
        return len(lane.heap) if lane else 0

    def forget(self) -> None:
        """Drop everything that waits, and the log."""
        for lane in self._lanes.values():
            lane.heap.clear()
            lane.log.clear()

    def _push(self, lane: Lane, due: float, item: Update | Parcel) -> None:
        self._turn += 1
        heapq.heappush(lane.heap, (due, self._turn, item))
        lane.wake.set()

    def _start(self, phone_number_id: str, lane: Lane) -> None:
        if self._client is not None and lane.runner is None and lane.heap:
            lane.runner = asyncio.create_task(self._run(phone_number_id, lane))

    async def _run(self, phone_number_id: str, lane: Lane) -> None:
        try:
            while lane.heap:
                wait = lane.heap[0][0] - time.time()
                if wait > 0:
                    await _until(lane.wake, wait)
                    continue
                await self._deliver(phone_number_id, lane, self._parcel(phone_number_id, lane))
        finally:
            lane.runner = None

    def _parcel(self, phone_number_id: str, lane: Lane) -> Parcel:
        """The next request: one to be tried again, or what is due now."""
        _, _, item = heapq.heappop(lane.heap)
        if isinstance(item, Parcel):
            return item
        updates, now = [item], time.time()
        while lane.heap and lane.heap[0][0] <= now and len(updates) < self._settings.webhooks_per_request:
            following = lane.heap[0][2]
            if isinstance(following, Parcel):
                break
            heapq.heappop(lane.heap)
            updates.append(following)
        return Parcel(updates, envelope(phone_number_id, [update.change for update in updates]))

    async def _deliver(self, phone_number_id: str, lane: Lane, parcel: Parcel) -> None:
        """Try; wait a little for a Frontdesk that restarts; then put it aside, so that the rest goes on."""
        pace = self._settings.pace
        while not await self._try(phone_number_id, lane, parcel):
            parcel.tries += 1
            if parcel.tries <= len(pace.hold_for):
                await asyncio.sleep(pace.hold_for[parcel.tries - 1])
                continue
            if time.time() - parcel.updates[0].born < pace.give_up_after:
                later = min(pace.retry_longest, pace.retry_first * 2 ** (parcel.tries - len(pace.hold_for) - 1))
                self._push(lane, time.time() + later, parcel)
            else:
                self._settled(phone_number_id, parcel.updates, False)
            return
        self._settled(phone_number_id, parcel.updates, True)

    async def _try(self, phone_number_id: str, lane: Lane, parcel: Parcel) -> bool:
        """Send once, twice if the number's fault says so; true if Frontdesk has taken it."""
        taken = await self._post(lane, parcel, "")
        if taken and self._faults.strike(phone_number_id, "duplicate"):
            await self._post(lane, parcel, ", again")
        return taken

    async def _post(self, lane: Lane, parcel: Parcel, remark: str) -> bool:
        assert self._client is not None
        at, began = time.time(), time.perf_counter()
        request = self._client.post(self._settings.webhook_url).header("content-type", "application/json")
        signed = request.header("x-hub-signature-256", signature(self._settings.app_secret, parcel.body))
        try:
            answer = str((await signed.body_bytes(parcel.body).build().send()).status)
        except RequestTimeoutError:
            answer = "no answer in time"
        except PyreqwestError:
            answer = "not reached"
        label = ", ".join(update.label for update in parcel.updates[:3]) + (" …" if len(parcel.updates) > 3 else "")
        lane.log.append(Post(at, label + remark, answer, time.perf_counter() - began, parcel.body.decode()))
        return answer == "200"


async def _until(wake: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until something earlier was added."""
    wake.clear()
    try:
        await asyncio.wait_for(wake.wait(), seconds)
    except TimeoutError:
        return
