"""What leaves: a claimed message, and what became of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Claim:
    """A message of the outbox that is ours to send, once. attempts: how often it was claimed, this time included."""

    organization_id: UUID
    id: UUID
    channel_id: UUID
    recipient: str
    content: dict[str, Any]
    window_ends_at: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a claim. verdict: "accepted", "failed", "unknown", or "again" (then not before `wait` seconds from now)."""

    claim: Claim
    verdict: str
    provider_message_id: str | None = None
    error_code: int | None = None
    error_text: str | None = None
    wait: float = 0.0
    counts: bool = True  # whether this try uses up one of the attempts
