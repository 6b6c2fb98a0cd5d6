"""Kept deliveries as an operator sees them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Delivery:
    """One kept event: whose, of what kind, and why it stands here. organization: None of a number that nobody has connected."""

    id: UUID
    kind: str
    received_at: datetime
    error: str
    attempts: int
    organization_id: UUID | None
    organization: str | None
    channel: str
