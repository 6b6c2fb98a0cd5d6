"""Users as the domain knows them: frozen, and without a way to change anything."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. `organization_id`: where he lands, None when he is in no organization."""

    user_id: UUID
    email: str
    name: str
    password_hash: str | None
    organization_id: UUID | None


@dataclass(frozen=True, slots=True)
class NewUser:
    """Somebody who signs up, already checked; `email` in lower case."""

    name: str
    email: str
    password_hash: str
    organization_name: str


@dataclass(frozen=True, slots=True)
class OpenSession:
    """What a browser's token opens.

    organizations: dictionaries with the fields of a Membership. is_stale: not written down as seen for a minute.
    is_fresh: the user proved himself within the last ten minutes. email_verified: his email is known to be his. is_operator: he runs the
    installation. viewing: the organization that he looks into as such: organization_id, slug, name, until.
    """

    session_id: UUID
    user_id: UUID
    email: str
    email_verified: bool
    name: str
    csrf_token: str
    organization_id: UUID | None
    organizations: list[dict[str, Any]]
    is_stale: bool
    is_fresh: bool
    is_operator: bool
    viewing: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class Admission:
    """What somebody who proved one factor gets: the token of a session, or, while `is_pending`, of a sign-in that waits for the second factor."""

    token: str
    is_pending: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """One browser in which a user is signed in, as he sees it in his list."""

    id: UUID
    address: str | None
    user_agent: str | None
    created_at: datetime
    last_seen_at: datetime
