"""API keys, as people look at them. The key itself is nowhere: it was shown once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network
from uuid import UUID

Network = IPv4Network | IPv6Network
SHOWN = ("live", "ended")  # ended: revoked or expired


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is wished for. scopes: permissions; networks: where it may be used, none is everywhere."""

    name: str
    scopes: tuple[str, ...]
    networks: tuple[Network, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. lost: scopes that whoever made it does not hold any more; maker_role: None when he has left."""

    id: UUID
    name: str
    prefix: str
    scopes: Sequence[str]
    lost: Sequence[str]
    networks: Sequence[Network]
    maker_name: str | None
    maker_role: str | None
    expires_at: datetime | None
    last_used_at: datetime | None
    last_used_from: str | None
    revoked_at: datetime | None
    created_at: datetime

    @property
    def state(self) -> str:
        """`revoked`, `expired`, `stopped` (whoever made it has left), `smaller` (may do less than it was made for) or `live`."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= datetime.now(UTC):
            return "expired"
        if self.maker_role is None:
            return "stopped"
        return "smaller" if self.lost else "live"
