"""What is said in a conversation, on its way in and on its way out."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from frontdesk.database import new_id

# how long after a contact's message free text may be sent (WhatsApp: customer service window)
FREE_ANSWERS = timedelta(hours=24)

# an automatic answer goes before a single message, and that before campaigns
AUTOMATIC, SINGLE, CAMPAIGN = 0, 1, 5


class Inbound(NamedTuple):
    """A message as it arrived, with the contact behind it found.

    id: derived from the channel, WhatsApp's id and its timestamp, so that arriving twice is storing once.
    payload: the event as JSON text, for types that are more than a text or a reaction.
    """

    organization_id: UUID
    channel_id: UUID
    contact_id: UUID
    id: UUID
    provider_message_id: str
    occurred_at: datetime
    type: str
    text: str
    payload: str | None
    reply_to: str | None
    emoji: str | None
    contact_name: str
    recipient: str
    blocked: bool


class NewMessage(NamedTuple):
    """An inbound message that was really stored, and what an answer needs to know.

    first_contact: nothing was said in this conversation before. answers_left: automatic answers allowed in this minute.
    """

    organization_id: UUID
    id: UUID
    conversation_id: UUID
    channel_id: UUID
    contact_id: UUID
    type: str
    text: str
    first_contact: bool
    bot_off: bool
    answers_left: int
    contact_name: str
    recipient: str
    window_ends_at: datetime


class Talking(NamedTuple):
    """A conversation that goes on, with room made for what has arrived. answers: automatic ones in this minute."""

    channel_id: UUID
    contact_id: UUID
    id: UUID
    last_position: int
    last_inbound_at: datetime | None
    bot_off: bool
    answers: int


@dataclass(frozen=True, slots=True)
class Status:
    """What WhatsApp said of a message of ours."""

    organization_id: UUID
    message_id: UUID
    provider_message_id: str
    status: str
    at: datetime
    error_code: int | None = None
    error_text: str | None = None


@dataclass(slots=True)  # not frozen: one is made for every answer, and freezing doubles its price
class Draft:
    """A text to be sent. author: "member" or "bot"; recipient: phone digits or a BSUID; key_id: of the program that writes in the team's name.

    free: it is said whatever the plan allows, and counted all the same.
    """

    organization_id: UUID
    conversation_id: UUID
    channel_id: UUID
    text: str
    author: str
    recipient: str
    window_ends_at: datetime | None
    priority: int
    auto_reply_id: UUID | None = None
    user_id: UUID | None = None
    key_id: UUID | None = None
    reply_to: str | None = None
    resend_of: UUID | None = None
    free: bool = False
    id: UUID = field(default_factory=new_id)


class Queued(NamedTuple):
    """A draft that became a message; `refused` says why it will not be sent."""

    id: UUID
    refused: str | None
