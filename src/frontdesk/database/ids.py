"""UUIDv7: the keys of every row, in order of creation (RFC 9562, section 5.7)."""

import os
import threading
import time
from datetime import UTC, datetime
from uuid import UUID

_lock = threading.Lock()
_last = (0, 0)


def new_id(at: datetime | None = None) -> UUID:
    """A UUIDv7 for now, rising within this process, or for a given time with a random rest."""
    if at is not None:
        return _assemble(int(at.timestamp() * 1000), int.from_bytes(os.urandom(2)) & 0xFFF)
    global _last
    with _lock:
        now = time.time_ns() // 1_000_000
        then, counter = _last
        _last = (now, int.from_bytes(os.urandom(1))) if now > then else (then, counter + 1)
        if _last[1] > 0xFFF:
            _last = (then + 1, 0)
        return _assemble(*_last)


def id_time(value: UUID) -> datetime:
    """When an id was made, to the millisecond."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def _assemble(milliseconds: int, counter: int) -> UUID:
    tail = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=(milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | tail)
