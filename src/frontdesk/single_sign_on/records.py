"""What goes on between a browser, the provider and us: frozen."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Claims:
    """Whom the provider vouches for. `email` is what it says, which proves nothing unless it says `email_verified`."""

    issuer: str
    subject: str
    email: str | None
    email_verified: bool
    name: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit to the provider that has come back. `session_id`: whose session asked to link; None for a sign-in."""

    session_id: UUID | None


@dataclass(frozen=True, slots=True)
class Known:
    """The user behind an identity. `organization_id`: where he lands, if anywhere."""

    user_id: UUID
    name: str
    organization_id: UUID | None
    may_sign_in: bool


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody vouched for whom nobody knows here yet."""

    issuer: str
    email: str
    email_verified: bool
    name: str


@dataclass(frozen=True, slots=True)
class Identity:
    """One of a user's identities, as he sees it in his list. `email`: what the provider calls him."""

    id: UUID
    issuer: str
    email: str | None
    linked_at: datetime
    used_at: datetime | None
