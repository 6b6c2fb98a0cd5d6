"""What leaves: a claimed message, and what became of it."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID


class Claim(NamedTuple):
    """A message of the outbox that is ours to send, once. content: JSON; attempts: how often it was claimed, this time included."""

    organization_id: UUID
    id: UUID
    channel_id: UUID
    recipient: str
    content: str
    window_ends_at: datetime | None
    attempts: int


class Result(NamedTuple):
    """What became of a claim. verdict: "accepted", "failed", "unknown", or "again" (then not before `wait` seconds from now)."""

    claim: Claim
    verdict: str
    provider_message_id: str | None = None
    error_code: int | None = None
    error_text: str | None = None
    wait: float = 0.0
    counts: bool = True  # whether this try uses up one of the attempts
