"""How often a key may call, and an address may come with a key that is none.

Counted in PostgreSQL, so that it holds over every process: one statement that waits for no disk, before anything else is done.
"""

import hashlib
import ipaddress
from dataclasses import dataclass

from starlette.requests import Request

from frontdesk.database import Database, UnknownKey
from frontdesk.errors import TooManyRequests
from frontdesk.settings import Settings
from frontdesk.web.requests import address, state

NO_KEY = bytes(32)  # the hash of no key


class TooManyCalls(TooManyRequests):
    """This key has made all its calls of this minute."""


class TooManyFailures(TooManyRequests):
    """Too many calls with keys that open nothing came from this address. Wait a minute."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How a caller stands in its minute. seconds: until the next one begins."""

    limit: int
    used: int
    seconds: int

    @property
    def exceeded(self) -> bool:
        """Whether this call was one too many."""
        return self.used > self.limit

    @property
    def headers(self) -> dict[str, str]:
        """What every answer says of it."""
        said = {"RateLimit-Limit": self.limit, "RateLimit-Remaining": max(0, self.limit - self.used), "RateLimit-Reset": self.seconds}
        if self.exceeded:
            said["Retry-After"] = self.seconds
        return {name: str(value) for name, value in said.items()}


async def admit(request: Request, key_hash: bytes | None) -> None:
    """Count this call. Raises UnknownKey, TooManyCalls or TooManyFailures; the answer's headers say how it stands."""
    database: Database = request.app.state.database
    settings: Settings = request.app.state.settings
    caller = caller_address(request)
    ((known, used, seconds),) = [
        tuple(row.values())
        for row in await database.call(
            "select known, used, seconds from private.admit_api_call(%(key_hash)s, %(address)s, %(subject)s, %(calls)s, %(failures)s)",
            {"key_hash": key_hash or NO_KEY, "address": caller, "subject": _subject(caller), "calls": settings.api_calls_per_minute,
             "failures": settings.api_failures_per_minute},
        )
    ]  # fmt: skip
    rate = Rate(settings.api_calls_per_minute if known else settings.api_failures_per_minute, used, seconds)
    state(request)["rate"] = rate
    if known and rate.exceeded:
        raise TooManyCalls(f"This key may be used {rate.limit:,} times a minute. Go on in {seconds} seconds.")
    if not known:
        raise TooManyFailures if rate.exceeded else UnknownKey


def caller_address(request: Request) -> str | None:
    """Where the call comes from, as an address that can be compared with networks; None where nobody knows."""
    try:
        known = ipaddress.ip_address((address(request) or "").partition("%")[0])
    except ValueError:
        return None
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    return str(mapped or known)


def _subject(caller: str | None) -> bytes:
    """What counts as one address: an IPv4 address, or the /64 that a single IPv6 line has to itself."""
    line = str(ipaddress.ip_network((caller, 64), strict=False)) if caller and ":" in caller else caller or "unknown"
    return hashlib.sha256(b"api:" + line.encode()).digest()
