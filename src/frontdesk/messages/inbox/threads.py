"""Putting a thread together: names, quotes and reactions on the messages they belong to."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from frontdesk.database import Tenant
from frontdesk.messages.inbox import store
from frontdesk.messages.inbox.records import Bubble, Conversation, Message, Quote, Thread, repeatable

SHOWN = 50  # messages at first, and with each look back
QUOTED = 200  # characters of a quoted message


async def read(db: Tenant, conversation: Conversation, *, since: UUID | None = None, before: UUID | None = None) -> Thread:
    """The thread: its newest messages, or from `since` on, or from fifty before `before` on."""
    found, earlier = await _messages(db, conversation.id, since, before)
    found.reverse()
    return Thread(await _bubbles(db, conversation, found), earlier)


async def _messages(db: Tenant, conversation_id: UUID, since: UUID | None, before: UUID | None) -> tuple[list[Message], bool]:
    """Newest first, and whether there are older ones."""
    place = since or before
    start = await store.message(db, conversation_id, place) if place else None
    if start is None:
        found = await store.latest(db, conversation_id, SHOWN + 1)
        return found[:SHOWN], len(found) > SHOWN
    newer = await store.since(db, conversation_id, start.occurred_at, start.position)
    older = await store.before(db, conversation_id, start.occurred_at, start.position, SHOWN + 1 if before else 1)
    shown = older[:SHOWN] if before else []
    return newer + shown, len(older) > len(shown)


async def _bubbles(db: Tenant, conversation: Conversation, found: Sequence[Message]) -> list[Bubble]:
    originals = await _originals(db, conversation.id, found)
    names = await store.names(db, list({message.user_id for message in (*found, *originals.values()) if message.user_id}))
    reactions = await _reactions(db, conversation.id, found)
    repeated = frozenset(message.resend_of for message in found if message.resend_of)
    return [
        Bubble(
            message.id,
            message.author,
            _writer(message, names),
            message.type,
            message.text,
            message.status,
            message.error_text,
            message.occurred_at,
            _quote(originals.get(message.reply_to), conversation, names) if message.reply_to else None,
            reactions.get(message.provider_message_id or "", []),
            repeatable(message, repeated),
        )
        for message in found
    ]


async def _originals(db: Tenant, conversation_id: UUID, found: Sequence[Message]) -> dict[str, Message]:
    """What is quoted, by WhatsApp's id: mostly shown already, else looked up in the same conversation."""
    wanted = {message.reply_to for message in found if message.reply_to}
    here = [message for message in found if message.provider_message_id in wanted]
    missing = wanted - {message.provider_message_id for message in here}
    earlier = await store.quoted(db, conversation_id, list(missing)) if missing else []
    return {message.provider_message_id: message for message in (*here, *earlier) if message.provider_message_id}


def _writer(message: Message, names: dict[UUID, str]) -> str:
    return (names.get(message.user_id) if message.user_id else message.rule or message.program) or ""


def _quote(message: Message | None, conversation: Conversation, names: dict[UUID, str]) -> Quote:
    if message is None:
        return Quote("", "…")
    return Quote(conversation.contact_name if message.author == "contact" else _writer(message, names), message.text[:QUOTED])


async def _reactions(db: Tenant, conversation_id: UUID, found: Iterable[Message]) -> dict[str, list[str]]:
    ids = [message.provider_message_id for message in found if message.provider_message_id]
    shown: dict[str, list[str]] = {}
    for reaction in await store.reactions(db, conversation_id, ids) if ids else []:
        if reaction.emoji:
            shown.setdefault(reaction.reply_to, []).append(reaction.emoji)
    return shown
