"""Whose turn it is to send: of the lanes on which something waits, the one that waits longest comes first."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import islice
from time import monotonic

from frontdesk.channels import Lane

# a lane that rests for long is looked at this often, so that its lease stays with whoever knows that it rests
LONGEST_REST = 5.0


class Turns:
    """The lanes on which something waits. One that rests has no turn and holds nobody up; afterwards it queues like the others."""

    def __init__(self) -> None:
        """Nothing waits yet."""
        self._ready: dict[Lane, None] = {}
        self._resting: set[Lane] = set()
        self._ends: list[tuple[float, Lane]] = []
        self._news = asyncio.Event()

    def wake(self, lanes: Iterable[Lane]) -> None:
        """Something waits on these lanes."""
        self._ready.update(dict.fromkeys(lane for lane in lanes if lane not in self._resting))
        self._news.set()

    def waits(self, lane: Lane) -> bool:
        """Whether something waits, or may wait, on this lane."""
        return lane in self._ready or lane in self._resting

    def first(self, many: int) -> list[Lane]:
        """Those whose turn it is. They keep it until they `leave` or `rest`."""
        now = monotonic()
        while self._ends and self._ends[0][0] <= now:
            lane = heappop(self._ends)[1]
            self._resting.discard(lane)
            self._ready[lane] = None
        return list(islice(self._ready, many))

    def leave(self, lane: Lane) -> None:
        """This lane had its turn."""
        self._ready.pop(lane, None)

    def rest(self, lane: Lane, seconds: float) -> None:
        """This lane may not speak for so long."""
        self._ready.pop(lane, None)
        self._resting.add(lane)
        heappush(self._ends, (monotonic() + max(0.001, min(seconds, LONGEST_REST)), lane))

    async def some(self) -> None:
        """Wait until it may be somebody's turn, or `wake` was called."""
        if self._ready:
            return
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._next_end()):
                await self._news.wait()

    def _next_end(self) -> float | None:
        """When the first rest ends, in the time of the event loop."""
        return asyncio.get_running_loop().time() + self._ends[0][0] - monotonic() if self._ends else None
