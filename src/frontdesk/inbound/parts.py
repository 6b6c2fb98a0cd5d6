"""One part of the inbound lanes: what waits there, how much of it the next batch takes, and how long it waits for more."""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import islice
from time import monotonic

from frontdesk.channels import Lane
from frontdesk.inbound.records import Told

LANES_AT_ONCE = 400
DELIVERIES_AT_ONCE = 1000
LANES_SHARE = 20  # deliveries a lane may have told at once whatever the others hold; fewer cost more each
# a batch costs as much as some fifty messages, so the next one waits the longer the more the last one told; never when it is quiet,
LINGER_EACH, LINGER_MOST = 0.000_6, 0.100
LULL = 0.020  # and no longer than this if nothing more arrives
# a full batch tells that some lane may hold any number
CROWDED_SECONDS = 1.0
# WhatsApp sends most messages once; after one that came again, each batch asks for a while which are stored already
LOOK_SECONDS = 60.0


class Part:
    """The lanes on which something of one part waits."""

    def __init__(self, number: int) -> None:
        """Nothing waits yet."""
        self.number = number
        self.waiting: dict[Lane, None] = {}
        self.something = asyncio.Event()
        self.telling: Sequence[Lane] = ()
        self._looks_until = 0.0  # until then each batch asks which of its messages are stored already
        self._crowded_until = 0.0  # until then more may wait than a batch takes, so each lane gets its share
        self._reach = LANES_AT_ONCE  # lanes the next batch names: what it would not come to costs time as well
        self._rung = 0

    def wake(self, lanes: Iterable[Lane]) -> None:
        """Something waits on these lanes, or may."""
        self.waiting.update(dict.fromkeys(lanes))
        self.something.set()

    def ring(self, lane: Lane) -> None:
        """Something was kept on this lane."""
        self.waiting[lane] = None
        self._rung += 1
        self.something.set()

    def pick(self) -> list[Lane]:
        """The lanes of the next batch."""
        picked = list(islice(self.waiting, self._reach))
        for lane in picked:
            del self.waiting[lane]
        self.telling = picked
        return picked

    def share(self, lanes: int) -> int:
        """How many deliveries each of so many lanes may have told at once."""
        return max(LANES_SHARE, DELIVERIES_AT_ONCE // lanes)

    @property
    def looked_for(self) -> bool:
        """Whether the next batch asks which of its messages are stored already."""
        return monotonic() < self._looks_until

    @property
    def crowded(self) -> bool:
        """Whether more may wait than the next batch takes."""
        return monotonic() < self._crowded_until

    def came_again(self) -> None:
        """A message came that was stored before."""
        self._looks_until = monotonic() + LOOK_SECONDS

    def learn(self, told: Told) -> None:
        """A batch that was full may name somewhat more lanes than it came to; any other names all it may."""
        full = told.deliveries >= DELIVERIES_AT_ONCE
        self._reach = min(LANES_AT_ONCE, len(told.served) * 5 // 4 + 5) if full else LANES_AT_ONCE
        if full:
            self._crowded_until = monotonic() + CROWDED_SECONDS

    async def linger(self, told: int) -> None:
        """After a batch of so many deliveries: let more arrive for the next one, as long as they do."""
        if not 0 < told < DELIVERIES_AT_ONCE or len(self.waiting) >= LANES_AT_ONCE:
            return
        until, heard = monotonic() + min(told * LINGER_EACH, LINGER_MOST), -1
        while heard != self._rung and (left := until - monotonic()) > 0:
            heard = self._rung
            await asyncio.sleep(min(left, LULL))
