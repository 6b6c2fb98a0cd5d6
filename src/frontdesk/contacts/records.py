"""The people who write, as the pages show them. Imports nothing of ours."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Contact:
    """One person of an organization. given_name: what the team calls them; it wins over the name from WhatsApp.

    over_limit: whether there are more contacts than the plan allows, and this one came after those that it does: it can only be read.
    """

    id: UUID
    name: str
    given_name: str | None
    username: str | None
    phone: str | None
    language: str | None
    tags: list[str]
    attributes: dict[str, Any]
    note: str
    marketing_consent: str
    marketing_consent_at: datetime | None
    blocked_at: datetime | None
    blocked_by: UUID | None
    last_seen_at: datetime | None
    created_at: datetime
    over_limit: bool

    @property
    def called(self) -> str:
        """What to call them: the first that says something, or nothing for who hides everything."""
        return called(self.given_name, self.name, self.username, self.phone)


@dataclass(frozen=True, slots=True)
class Listed:
    """A contact as a row of the list. messages: how many there were in all; conversation_id: the one of the newest.

    over_limit: as of a contact.
    """

    id: UUID
    name: str
    given_name: str | None
    username: str | None
    phone: str | None
    tags: list[str]
    blocked_at: datetime | None
    last_seen_at: datetime | None
    messages: int
    conversation_id: UUID | None
    over_limit: bool

    @property
    def called(self) -> str:
        """What to call them, or nothing."""
        return called(self.given_name, self.name, self.username, self.phone)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a contact can be reached. kind: phone, bsuid or lid."""

    kind: str
    scope: str
    value: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation of a contact, on one channel."""

    id: UUID
    channel_name: str
    channel_number: str
    sandbox: bool
    last_text: str
    last_author: str
    last_message_at: datetime
    unread_count: int
    closed_at: datetime | None
    assigned_name: str | None


@dataclass(frozen=True, slots=True)
class Talk:
    """How much was said with a contact. `more`: there is more than was counted."""

    theirs: int
    team: int
    bot: int
    more: bool

    @property
    def all(self) -> int:
        """Everything that was counted."""
        return self.theirs + self.team + self.bot


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list: newest first, who was never seen last."""

    last_seen_at: datetime | None
    id: UUID

    def written(self) -> str:
        """As it stands in an address: microseconds or a dash, and the id."""
        return f"{_microseconds(self.last_seen_at)}.{self.id}"

    @classmethod
    def read(cls, written: str) -> "Cursor | None":
        """The place, or None for what is none."""
        seen, _, id_text = written.partition(".")
        try:
            moment = None if seen == "-" else _EPOCH + timedelta(microseconds=int(seen))
            return cls(moment, UUID(id_text))
        except (ValueError, OverflowError):
            return None


def called(given_name: str | None, name: str, username: str | None, phone: str | None) -> str:
    """The first of these that says something; a phone number as a last resort."""
    return next((text for text in (given_name, name, username) if text and text.strip()), f"+{phone}" if phone else "")


def _microseconds(moment: datetime | None) -> str:
    return "-" if moment is None else str((moment - _EPOCH) // timedelta(microseconds=1))
