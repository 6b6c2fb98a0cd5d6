"""What members do in the inbox: write, repeat, close, take over, and keep the bot out."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from frontdesk.contacts import ContactIsBlocked
from frontdesk.database import Tenant, id_time, new_id
from frontdesk.errors import BadInput, Conflict, NotFound
from frontdesk.messages.actions import queue
from frontdesk.messages.inbox import changes, store
from frontdesk.messages.inbox.records import Conversation
from frontdesk.messages.records import SINGLE, Draft

LONGEST_TEXT = 4_096  # characters (WhatsApp: text.body)
FORM_LIVES = timedelta(days=30)  # an older form has lost its protection against being sent twice


class NoSuchConversation(NotFound):
    """There is no such conversation."""


class NoSuchMessage(NotFound):
    """There is no such message."""


class EmptyMessage(BadInput):
    """Write something first."""


class MessageTooLong(BadInput):
    """A message has at most 4,096 characters."""


class WindowClosed(Conflict):
    """The last message is more than 24 hours old. WhatsApp lets you write again as soon as the customer does."""


class ChannelIsStopped(Conflict):
    """This number is stopped, so nothing can be sent from it. Start it again under Channels."""


class ChannelIsOverTheLimit(Conflict):
    """This number is beyond what your plan allows, so it can only be read. Choose a larger plan under Billing, or disconnect another number."""


class NoAddress(Conflict):
    """This contact has no address that can be written to."""


class NotRepeatable(Conflict):
    """This message was not refused and did not get lost, so it is not sent again."""


async def send(db: Tenant, conversation_id: UUID, typed: str, message_id: UUID) -> Conversation:
    """Send a text. The same `message_id` twice is one message.

    Raises NoSuchConversation, EmptyMessage, MessageTooLong, ContactIsBlocked, ChannelIsStopped, ChannelIsOverTheLimit or WindowClosed.
    """
    text = _text(typed)
    conversation = await _locked(db, conversation_id)
    if not await store.is_written(db, message_id):
        await queue(db, [_draft(conversation, await _open_road(db, conversation), db, text, message_id)])
    return conversation


async def repeat(db: Tenant, conversation_id: UUID, message_id: UUID) -> Conversation:
    """Send a message again that was refused, or of which nobody knows. The old one stays; pressing twice sends once."""
    conversation = await _locked(db, conversation_id)
    message = await store.message(db, conversation_id, message_id)
    if message is None or message.author == "contact":
        raise NoSuchMessage
    if await store.was_repeated(db, conversation_id, message):
        return conversation
    if message.status not in ("failed", "unknown"):
        raise NotRepeatable
    address = await _open_road(db, conversation)
    await queue(db, [_draft(conversation, address, db, message.text, new_id(), resend_of=message_id, reply_to=message.reply_to)])
    return conversation


def form_id(written: str) -> UUID:
    """The id of the message that a form is going to write; a new one when what came with it cannot be ours.

    It is the message's key and carries its time, so one from nowhere would land in the wrong month.
    """
    try:
        found = UUID(written)
        age = datetime.now(UTC) - id_time(found)
    except (ValueError, OverflowError):
        return new_id()
    return found if found.version == 7 and timedelta(minutes=-1) < age < FORM_LIVES else new_id()


async def close(db: Tenant, conversation_id: UUID) -> Conversation:
    """Close the conversation. The next message of the contact opens it again."""
    return await _change(db, conversation_id, changes.close)


async def reopen(db: Tenant, conversation_id: UUID) -> Conversation:
    """Open the conversation again."""
    return await _change(db, conversation_id, changes.reopen)


async def assign(db: Tenant, conversation_id: UUID) -> Conversation:
    """Take the conversation over, also from a colleague."""
    return await _change(db, conversation_id, changes.assign)


async def release(db: Tenant, conversation_id: UUID) -> Conversation:
    """Give the conversation back to everybody."""
    return await _change(db, conversation_id, changes.release)


async def stop_bot(db: Tenant, conversation_id: UUID) -> Conversation:
    """Let no rule answer in this conversation."""
    return await _change(db, conversation_id, changes.stop_bot)


async def return_to_bot(db: Tenant, conversation_id: UUID) -> Conversation:
    """Let the rules answer in this conversation again."""
    return await _change(db, conversation_id, changes.return_to_bot)


async def find(db: Tenant, conversation_id: UUID) -> Conversation:
    """One conversation. Raises NoSuchConversation, also for another organization's."""
    conversation = await store.find(db, conversation_id)
    if conversation is None:
        raise NoSuchConversation
    return conversation


async def _change(db: Tenant, conversation_id: UUID, change: Callable[[Tenant, UUID], Awaitable[None]]) -> Conversation:
    await change(db, conversation_id)
    return await find(db, conversation_id)


async def _locked(db: Tenant, conversation_id: UUID) -> Conversation:
    if not await changes.lock(db, conversation_id):
        raise NoSuchConversation
    return await find(db, conversation_id)


def _text(typed: str) -> str:
    text = typed.strip()
    if not text:
        raise EmptyMessage(field="text")
    if len(text) > LONGEST_TEXT:
        raise MessageTooLong(f"{MessageTooLong.__doc__} This has {len(text):,}.", field="text")
    return text


async def _open_road(db: Tenant, conversation: Conversation) -> str:
    """Where to write to, if that can be done now."""
    if conversation.blocked_at:
        raise ContactIsBlocked(field="text")
    if conversation.channel_stopped_at:
        raise ChannelIsStopped(field="text")
    if conversation.channel_held_back_at:
        raise ChannelIsOverTheLimit(field="text")
    address = await changes.address(db, conversation.id)
    if not address:
        raise NoAddress(field="text")
    if conversation.window_ends_at is None or conversation.window_ends_at <= datetime.now(UTC):
        raise WindowClosed(field="text")
    return address


def _draft(
    conversation: Conversation,
    address: str,
    db: Tenant,
    text: str,
    message_id: UUID,
    *,
    resend_of: UUID | None = None,
    reply_to: str | None = None,
) -> Draft:
    return Draft(
        organization_id=db.organization_id,
        conversation_id=conversation.id,
        channel_id=conversation.channel_id,
        text=text,
        author="member",
        recipient=address,
        window_ends_at=conversation.window_ends_at,
        priority=SINGLE,
        user_id=db.actor.user_id,
        key_id=db.actor.key_id,
        reply_to=reply_to,
        resend_of=resend_of,
        id=message_id,
    )
