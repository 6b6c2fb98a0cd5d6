"""Invitations as the domain knows them: frozen, and without their tokens, which stand in the mail only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

LASTS = timedelta(days=7)
Withholdable = Literal["contacts:export", "conversations:oversee", "phone_numbers:read"]


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """Whom to invite. email: already checked; role: admin, member or viewer; locale: the language of the mail; withheld: of the role's permissions."""

    email: str
    role: str
    locale: str
    withheld: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that nobody has answered or taken back, as the team sees it.

    invited_by: None when that user is gone. state: "open", "expired", or "orphaned" when whoever invited may not do so any more.
    mail_state: how far its mail is, as the outbox of mails says; None when that is forgotten. withheld: what of the role whoever comes in may not do.
    """

    id: UUID
    email: str
    role: str
    invited_by: str | None
    sent_at: datetime
    expires_at: datetime
    state: str
    mail_state: str | None
    withheld: list[str]


@dataclass(frozen=True, slots=True)
class Held:
    """The invitation behind a link, as whoever holds the link sees it.

    state: "open", "accepted", "revoked", "expired" or "orphaned". has_account: whether its address is a user's.
    """

    organization_id: UUID
    id: UUID
    organization_name: str
    email: str
    role: str
    invited_by: str | None
    expires_at: datetime
    state: str
    has_account: bool
    accepted_by: UUID | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of accepting. outcome: "joined", or why not."""

    outcome: str
    organization_id: UUID | None
    invitation_id: UUID | None
    role: str | None
    invited_by: UUID | None
