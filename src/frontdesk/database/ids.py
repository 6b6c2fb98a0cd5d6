"""UUIDv7: the keys of every row, in order of creation (RFC 9562, section 5.7)."""

import os
import random
import threading
import time
from datetime import UTC, datetime
from uuid import UUID, SafeUUID


def new_id(at: datetime | None = None) -> UUID:
    """A UUIDv7 for now, rising within this process, or for a given time with a random rest."""
    if at is not None:
        return _assemble(int(at.timestamp() * 1000), _chance(12))
    return _assemble(*_clock.tick())


def new_ids(many: int) -> list[UUID]:
    """As many UUIDv7 for now, rising, for a fraction of the price of making each by itself."""
    first = new_id().int
    return [uuid_of(first + n) for n in range(many)]


def id_time(value: UUID) -> datetime:
    """When an id was made, to the millisecond."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


class _Clock:
    """Milliseconds and a counter within them, never the same pair twice and never lower, whatever the machine's clock does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._then, self._counter = 0, 0

    def tick(self) -> tuple[int, int]:
        with self._lock:
            now = time.time_ns() // 1_000_000
            if now > self._then:
                self._then, self._counter = now, _chance(8)
            elif self._counter < 0xFFF:
                self._counter += 1
            else:
                self._then, self._counter = self._then + 1, 0
            return self._then, self._counter


_clock = _Clock()
_random = random.Random()  # seeded by the system; ids are names, not secrets, and this is five times as fast
_chance = _random.getrandbits
os.register_at_fork(after_in_child=_random.seed)  # or both would make the same ids


def _assemble(milliseconds: int, counter: int) -> UUID:
    return uuid_of((milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | _chance(62))


def uuid_of(number: int) -> UUID:
    """The UUID of this number below 2**128, in a third of the time: what its constructor makes sure of is known here."""
    made = _new(UUID)
    _set(made, "int", number)
    _set(made, "is_safe", SafeUUID.unknown)
    return made


_new, _set = object.__new__, object.__setattr__
