"""How often somebody may try: counted in PostgreSQL, so that it holds over every process and restart."""

import hashlib
import ipaddress
from dataclasses import dataclass

from frontdesk.database import Platform
from frontdesk.errors import TooManyRequests


class TooManyAttempts(TooManyRequests):
    """Too many tries. Wait a little and try again."""

    def __init__(self, seconds: int) -> None:
        """`seconds`: until the next try may succeed."""
        minutes = -(-seconds // 60)
        super().__init__(f"Too many tries. Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}.")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `allowed` tries in `seconds`, from the first one on, of whatever `subject` names."""

    subject: str
    allowed: int
    seconds: int

    @property
    def key(self) -> bytes:
        """What stands for the subject in the table: nobody's email can be read from it."""
        return hashlib.sha256(self.subject.encode()).digest()


async def take(db: Platform, *limits: Limit) -> int:
    """Count one try against each limit and return 0, or the seconds to wait.

    Raise TooManyAttempts only when the transaction is over, else nothing was counted.
    """
    return max([await _take(db, limit) for limit in limits], default=0)


async def give_back(db: Platform, limit: Limit) -> None:
    """Take back one try that was a success."""
    await db.run("select private.give_back_attempt(%(key)s)", {"key": limit.key})


async def forget(db: Platform, limit: Limit) -> None:
    """Take back all tries."""
    await db.run("select private.forget_attempts(%(key)s)", {"key": limit.key})


def network(address: str | None) -> str:
    """What counts as one address: an IPv4 address, or the /64 that a single IPv6 line has to itself."""
    try:
        known = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(known, ipaddress.IPv6Address):
        return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))
    return str(known)


async def _take(db: Platform, limit: Limit) -> int:
    wait = await db.value(
        "select private.take_attempt(%(key)s, %(allowed)s, %(seconds)s)",
        {"key": limit.key, "allowed": limit.allowed, "seconds": limit.seconds},
    )
    return int(wait)
