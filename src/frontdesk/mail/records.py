"""Mails as the domain knows them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

Fate = Literal["sent", "queued", "failed", "uncertain"]


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says: its subject, and the same text twice."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Claim:
    """One mail that this worker, and nobody else, tries to send now. attempt: which try this is, from 1."""

    id: UUID
    recipient: str
    sealed: str
    attempt: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt.

    fate: "sent": the mail server took it; "queued": it surely did not, and may later; "failed": it never will;
    "uncertain": nobody knows, because the connection broke after the mail was on its way. reached: whether the server spoke with us at all.
    """

    fate: Fate
    why: str | None = None
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail whose text is still there, for the mailbox."""

    id: UUID
    recipient: str
    template: str
    locale: str
    sealed: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """A mail as the operator sees it: everything but what it says."""

    id: UUID
    organization: str | None
    recipient: str
    template: str
    state: str
    attempts: int
    created_at: datetime
    not_before: datetime
    last_error: str | None
    has_text: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How the mail stands: how many wait and since when, how many of this week want a look."""

    waiting: int
    oldest: datetime | None
    uncertain: int
    failed: int


def pause_before(attempt: int) -> float:
    """Seconds to wait before trying once more, after so many tries: ten seconds, then three times as long each time, at most two hours."""
    return min(10.0 * 3.0 ** min(attempt - 1, 10), 7200.0)
