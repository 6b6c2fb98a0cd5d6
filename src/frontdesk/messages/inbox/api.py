"""Conversations and messages, for an organization's own programs. What may be sent when is what the inbox knows: it is the same verb."""

from datetime import UTC, datetime, timedelta
from typing import Literal, Self
from uuid import UUID

from fastapi import BackgroundTasks, Request
from pydantic import BaseModel, ConfigDict, Field

from frontdesk import channels
from frontdesk.access import Permission
from frontdesk.api import PAGE, BadCursor, Body, CursorText, Db, Door, Limit, Page, Search
from frontdesk.database import new_id
from frontdesk.messages.inbox import actions, lists, store
from frontdesk.messages.inbox.records import Conversation, Counts, Cursor, Filter, Listed, Message

door = Door("Conversations")

READ, WRITE = Permission.MESSAGES_READ, Permission.MESSAGES_WRITE
ONE = "/conversations/{conversation_id}"
Author = Literal["contact", "member", "bot", "campaign"]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ConversationListed(BaseModel):
    """A conversation in a list."""

    id: UUID
    contact_id: UUID
    contact_name: str
    last_message_at: datetime
    last_text: str
    last_author: str
    unread_count: int
    closed_at: datetime | None
    assigned_to: UUID | None
    bot_on: bool

    @classmethod
    def of(cls, one: Listed) -> Self:
        """As it is told."""
        return cls(
            id=one.id, contact_id=one.contact_id, contact_name=one.contact_name, last_message_at=one.last_message_at, last_text=one.last_text,
            last_author=one.last_author, unread_count=one.unread_count, closed_at=one.closed_at, assigned_to=one.assigned_to, bot_on=not one.bot_off,
        )  # fmt: skip


class ConversationReply(BaseModel):
    """One conversation, and whether a text can be sent in it."""

    id: UUID
    contact_id: UUID
    contact_name: str
    channel_id: UUID
    channel_name: str
    unread_count: int
    closed_at: datetime | None
    assigned_to: UUID | None
    bot_on: bool
    blocked_at: datetime | None
    window_ends_at: datetime | None = Field(description="Until when WhatsApp takes free text; null when the contact never wrote.")

    @classmethod
    def of(cls, one: Conversation) -> Self:
        """As it is told."""
        return cls(
            id=one.id, contact_id=one.contact_id, contact_name=one.contact_name, channel_id=one.channel_id, channel_name=one.channel_name,
            unread_count=one.unread_count, closed_at=one.closed_at, assigned_to=one.assigned_to, bot_on=not one.bot_off, blocked_at=one.blocked_at,
            window_ends_at=one.window_ends_at,
        )  # fmt: skip


class MessageReply(BaseModel):
    """One message. status: how far it has come; received for what the contact wrote."""

    id: UUID
    conversation_id: UUID
    author: Author
    user_id: UUID | None = Field(description="The member who wrote it.")
    api_key_id: UUID | None = Field(description="The API key whose program wrote it.")
    type: str
    text: str
    status: str
    error: str | None = Field(description="Why it was not sent.")
    occurred_at: datetime

    @classmethod
    def of(cls, conversation_id: UUID, one: Message) -> Self:
        """As it is told."""
        return cls.model_validate(
            {"id": one.id, "conversation_id": conversation_id, "author": one.author, "user_id": one.user_id, "api_key_id": one.api_key_id,
             "type": one.type, "text": one.text,
             "status": one.status, "error": one.error_text, "occurred_at": one.occurred_at}
        )  # fmt: skip


class NewMessage(Body):
    """A text to be sent."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"text": "Your order is ready."}]})

    text: str = Field(min_length=1, max_length=actions.LONGEST_TEXT)


@door.get("/conversations", needs=READ)
async def list_conversations(
    db: Db, q: Search = "", show: Literal["open", "unassigned", "unread", "closed"] = "open", limit: Limit = PAGE, cursor: CursorText = None
) -> Page[ConversationListed]:
    """Conversations, that with the newest message first; searched by contact or by the last words."""
    after = Cursor.read(cursor) if cursor is not None else None
    if cursor is not None and after is None:
        raise BadCursor
    found, following = await lists.read(db, Filter(show, q.strip(), limit, after, Counts(0, 0)))
    return Page[ConversationListed](data=[ConversationListed.of(one) for one in found], next_cursor=following.written() if following else None)


@door.get(ONE, needs=READ)
async def show_conversation(db: Db, conversation_id: UUID) -> ConversationReply:
    """One conversation. Looking at it here does not make it read."""
    return ConversationReply.of(await actions.find(db, conversation_id))


@door.get(ONE + "/messages", needs=READ)
async def list_messages(db: Db, conversation_id: UUID, limit: Limit = PAGE, cursor: CursorText = None) -> Page[MessageReply]:
    """The messages of a conversation, the newest first; reactions are left out."""
    await actions.find(db, conversation_id)
    if cursor is None:
        found = await store.latest(db, conversation_id, limit + 1)
    else:
        found = await store.before(db, conversation_id, *_place(cursor), limit + 1)
    shown = found[:limit]
    following = f"{(shown[-1].occurred_at - _EPOCH) // timedelta(microseconds=1)}.{shown[-1].position}" if len(found) > limit else None
    return Page[MessageReply](data=[MessageReply.of(conversation_id, one) for one in shown], next_cursor=following)


@door.post(ONE + "/messages", needs=WRITE)
async def send_message(request: Request, db: Db, tasks: BackgroundTasks, conversation_id: UUID, message: NewMessage) -> MessageReply:
    """Send a text. It is queued when this is answered; its status tells how far it has come.

    Refused with 409 when WhatsApp's 24 hours are over, the contact is blocked or the number is stopped. Over the plan's limit the message is kept
    as failed, with the reason.
    """
    message_id = new_id()
    conversation = await actions.send(db, conversation_id, message.text, message_id)
    written = await _message(db, conversation_id, message_id)
    tasks.add_task(_tell, request, channels.Lane(db.organization_id, conversation.channel_id))
    return written


@door.get(ONE + "/messages/{message_id}", needs=READ)
async def show_message(db: Db, conversation_id: UUID, message_id: UUID) -> MessageReply:
    """One message of a conversation."""
    return await _message(db, conversation_id, message_id)


async def _message(db: Db, conversation_id: UUID, message_id: UUID) -> MessageReply:
    message = await store.message(db, conversation_id, message_id)
    if message is None:
        raise actions.NoSuchMessage
    return MessageReply.of(conversation_id, message)


async def _tell(request: Request, lane: channels.Lane) -> None:
    """Tell the open pages and the worker of this lane, once the answer has left: it is committed by then."""
    request.app.state.live.changed([lane.organization_id], "inbox")
    request.app.state.bell.ring("out", [lane])


def _place(cursor: str) -> tuple[datetime, int]:
    moment, _, position = cursor.partition(".")
    try:
        place = _EPOCH + timedelta(microseconds=int(moment)), int(position)
    except (ValueError, OverflowError):
        raise BadCursor from None
    if not 0 <= place[1] < 1 << 62:
        raise BadCursor
    return place
