"""Conversations and messages as the inbox shows them. Imports nothing of ours but what a message is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Self
from urllib.parse import urlencode
from uuid import UUID

from frontdesk.messages.records import FREE_ANSWERS

SHOWN = ("open", "mine", "unassigned", "unread", "closed")
PAGE, LONGEST_PAGE = 50, 200  # conversations
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REPEATABLE = ("failed", "unknown")


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the list of conversations: newest first."""

    last_message_at: datetime
    id: UUID

    def written(self) -> str:
        """As it stands in an address: microseconds and the id."""
        return f"{(self.last_message_at - _EPOCH) // timedelta(microseconds=1)}.{self.id}"

    @classmethod
    def read(cls, written: str) -> Self | None:
        """The place, or None for what is none."""
        moment, _, id_text = written.partition(".")
        try:
            return cls(_EPOCH + timedelta(microseconds=int(moment)), UUID(id_text))
        except (ValueError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many open conversations are mine and how many are unread, counted up to 100."""

    mine: int
    unread: int


@dataclass(frozen=True, slots=True)
class Filter:
    """Which conversations are listed.

    show: one of SHOWN; q: words to find; limit: how many; after: where the page begins.
    """

    show: str
    q: str
    limit: int
    after: Cursor | None
    counts: Counts

    @property
    def query(self) -> str:
        """The filter as it stands in the address of a page; the usual one is nothing."""
        said = {
            "show": "" if self.show == "open" else self.show,
            "q": self.q,
            "after": self.after.written() if self.after else "",
        }
        return urlencode({name: value for name, value in said.items() if value})

    def asking(self, limit: int | None = None) -> str:
        """The same for fetching the list again, as long as it is, or longer."""
        return "&".join(filter(None, (self.query, f"limit={limit or self.limit}")))


@dataclass(frozen=True, slots=True)
class Person:
    """Who writes. name: what to call them, empty for who hides everything."""

    id: UUID
    name: str
    blocked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list."""

    id: UUID
    last_message_at: datetime
    last_text: str
    last_author: str
    unread_count: int
    closed_at: datetime | None
    assigned_to: UUID | None
    bot_off: bool
    contact_id: UUID
    contact_name: str
    assigned_name: str | None = None

    @property
    def contact(self) -> Person:
        """Whose conversation it is."""
        return Person(self.contact_id, self.contact_name)


@dataclass(frozen=True, slots=True)
class Number:
    """The number of ours that was written to."""

    id: UUID
    name: str
    display_number: str
    kind: str
    stopped_at: datetime | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation with what may be done in it."""

    id: UUID
    channel_id: UUID
    channel_name: str
    channel_number: str
    channel_kind: str
    channel_stopped_at: datetime | None
    channel_held_back_at: datetime | None
    contact_id: UUID
    contact_name: str
    blocked_at: datetime | None
    last_position: int
    last_inbound_at: datetime | None
    unread_count: int
    closed_at: datetime | None
    assigned_to: UUID | None
    assigned_name: str | None
    bot_off: bool

    @property
    def contact(self) -> Person:
        """Whose conversation it is."""
        return Person(self.contact_id, self.contact_name, self.blocked_at)

    @property
    def channel(self) -> Number:
        """The number of ours that was written to."""
        return Number(self.channel_id, self.channel_name, self.channel_number, self.channel_kind, self.channel_stopped_at)

    @property
    def window_ends_at(self) -> datetime | None:
        """Until when free text may be sent; None when the contact never wrote."""
        return self.last_inbound_at + FREE_ANSWERS if self.last_inbound_at else None


@dataclass(frozen=True, slots=True)
class Quote:
    """What a message answers to."""

    author: str
    text: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """The latest reaction of one side to one message; an empty emoji is one that was taken back."""

    reply_to: str
    direction: Literal["in", "out"]
    emoji: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a thread, as it is stored. rule: the name of the auto reply that wrote it; program: that of the API key."""

    id: UUID
    author: str
    user_id: UUID | None
    rule: str | None
    api_key_id: UUID | None
    program: str | None
    type: str
    text: str
    status: str
    error_text: str | None
    reply_to: str | None
    provider_message_id: str | None
    resend_of: UUID | None
    occurred_at: datetime
    position: int


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message as it is shown. written_by: a name, if there is one. again: whether it may be sent again."""

    id: UUID
    author: str
    written_by: str
    type: str
    text: str
    status: str
    error_text: str | None
    occurred_at: datetime
    quoted: Quote | None = None
    reactions: Sequence[str] = field(default_factory=list)
    again: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    """The newest messages of a conversation, oldest first. earlier: there are older ones."""

    messages: Sequence[Bubble]
    earlier: bool


@dataclass(frozen=True, slots=True)
class Address:
    """Where a contact can be reached. kind: phone, bsuid or lid."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Panel:
    """What stands beside a thread. per_day: messages of the last 14 days, oldest first."""

    phone: str | None
    username: str | None
    tags: Sequence[str]
    first_seen_at: datetime
    messages: int
    addresses: Sequence[Address]
    per_day: Sequence[int]


def repeatable(message: Message, repeated: frozenset[UUID]) -> bool:
    """Whether a message of ours may be sent again: it failed, or nobody knows, and it was not repeated yet."""
    return message.author != "contact" and message.status in _REPEATABLE and message.id not in repeated
