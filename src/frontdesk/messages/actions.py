"""What happens to messages on the road: recorded, raised by their statuses, queued to be sent."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from frontdesk import entitlements
from frontdesk.database import Tenant, Tenants, new_ids
from frontdesk.messages import store
from frontdesk.messages.records import FREE_ANSWERS, Draft, Inbound, NewMessage, Queued, Status, Talking

OVER_THE_LIMIT = "Not sent: the messages of your plan are used up for this month. Choose a larger plan to send more."

_MOMENTS = {"sent": "sent_at", "delivered": "delivered_at", "read": "read_at", "played": "read_at", "failed": "failed_at"}
RANKS = {"accepted": 3, "sent": 4, "failed": 5, "delivered": 6, "read": 7, "played": 8}


async def record_inbound(db: Tenants, inbound: Sequence[Inbound], answers_per_minute: int, *, looked_for: bool = True) -> list[NewMessage]:
    """Store what arrived, each once however often it comes, in order; return what was new. The caller has it counted, at the end.

    looked_for: False spares the question which are stored already. Then UniqueViolation is raised if one is, and nothing was done.
    """
    once: dict[int, Inbound] = {}
    for message in inbound:
        once.setdefault(message.id.int, message)
    known = await store.stored_already(db, [_key_row(n, message) for n, message in enumerate(once.values())]) if once and looked_for else set()
    fresh = [message for n, message in enumerate(once.values()) if n not in known]
    if not fresh:
        return []
    keys = [(message.channel_id.int, message.contact_id.int) for message in fresh]  # numbers, because hashing UUIDs is slow
    talking = {(one.channel_id.int, one.contact_id.int): one for one in await store.open_conversations(db, _threads(keys, fresh))}
    positions = {key: one.last_position for key, one in talking.items()}
    new, rows = [], []
    for key, message in zip(reversed(keys), reversed(fresh), strict=True):  # the newest of a conversation takes its last position
        position = positions[key]
        positions[key] = position - 1
        new.append(_new_message(message, talking[key], position, answers_per_minute))
        rows.append(_inbound_row(message, talking[key], position))
    await store.add_inbound(db, rows[::-1])
    return new[::-1]


async def count_received(db: Tenants, new: Sequence[NewMessage]) -> None:
    """Count what was new, in its transaction. Nobody waits for anybody here: counters are not touched."""
    if new:
        await store.count_received(db, Counter([message.organization_id for message in new]))


def _key_row(n: int, message: Inbound) -> dict[str, Any]:
    return {"n": n, "organization_id": message.organization_id, "id": message.id}


def _threads(keys: Sequence[tuple[int, int]], fresh: Sequence[Inbound]) -> list[dict[str, Any]]:
    """What these messages mean for each conversation, in the one order in which conversations are locked."""
    threads: dict[tuple[int, int], dict[str, Any]] = {}
    for key, message, new in zip(keys, fresh, new_ids(len(fresh)), strict=True):
        thread = threads.get(key)
        if thread is None:
            thread = threads[key] = {
                "organization_id": message.organization_id, "id": new, "channel_id": message.channel_id, "contact_id": message.contact_id,
                "added": 0, "spoken": 0, "spoken_at": None, "last_text": "", "newest": message.occurred_at,
            }  # fmt: skip
        thread["added"] += 1
        if message.occurred_at > thread["newest"]:
            thread["newest"] = message.occurred_at
        if message.type != "reaction":
            thread["spoken"] += 1
            if thread["spoken_at"] is None or message.occurred_at > thread["spoken_at"]:
                thread["spoken_at"] = message.occurred_at
            thread["last_text"] = message.text[:200]
    return [threads[key] for key in sorted(threads)]


def _inbound_row(message: Inbound, talking: Talking, position: int) -> dict[str, Any]:
    row = {
        "organization_id": message.organization_id, "id": message.id, "conversation_id": talking.id, "position": position,
        "type": message.type, "text": message.text, "provider_message_id": message.provider_message_id, "occurred_at": message.occurred_at,
    }  # fmt: skip
    if message.type != "text" or message.reply_to is not None:  # most have none of these, and what is not there is null
        row |= {"payload": message.payload, "reply_to": message.reply_to, "emoji": message.emoji}
    return row


def _new_message(message: Inbound, talking: Talking, position: int, answers_per_minute: int) -> NewMessage:
    return NewMessage(
        organization_id=message.organization_id, id=message.id, conversation_id=talking.id, channel_id=message.channel_id,
        contact_id=message.contact_id, type=message.type, text=message.text, first_contact=position == 1,
        bot_off=talking.bot_off or message.blocked, answers_left=max(0, answers_per_minute - talking.answers), contact_name=message.contact_name,
        recipient=message.recipient, window_ends_at=(talking.last_inbound_at or message.occurred_at) + FREE_ANSWERS,
    )  # fmt: skip


async def record_statuses(db: Tenants, statuses: Sequence[Status]) -> list[UUID]:
    """Raise messages to what WhatsApp said of them: `read` beats a late `delivered`. Returns the organizations concerned."""
    rows = highest(statuses)
    return await store.raise_statuses(db, rows) if rows else []


def highest(statuses: Sequence[Status]) -> list[dict[str, Any]]:
    """One row per message: its highest status, the first moment of each, the last reason of a failure."""
    told: dict[tuple[UUID, UUID], dict[str, Any]] = {}
    for status in statuses:
        if status.status not in RANKS:
            continue
        row = told.setdefault((status.organization_id, status.message_id), {"organization_id": status.organization_id, "id": status.message_id})
        if RANKS[status.status] > RANKS.get(row.get("status", ""), -1):
            row |= {"status": status.status, "error_code": status.error_code, "error_text": status.error_text}
        row |= {"provider_message_id": status.provider_message_id}
        if moment := _MOMENTS.get(status.status):
            row.setdefault(moment, status.at)
    return list(told.values())


async def queue(db: Tenant | Tenants, drafts: Sequence[Draft], claim: Callable[[Draft], UUID | None] | None = None) -> list[Queued]:
    """Store texts as messages and put them into the outbox. Over the plan's limit the message is stored as failed, with the reason.

    claim: says which worker, if any, claims a place at once and will send it itself.
    A draft for a conversation that does not exist in its organization goes nowhere and is not among what is returned.
    """
    if not drafts:
        return []
    continued = await store.continue_conversations(db, _moves(drafts))
    # answers are for conversations that have just gone on: what the plan allows them can be asked in the same breath
    asked = None if isinstance(db, Tenant) else await store.grant_sends(db, _counts(draft.organization_id for draft in drafts if not draft.free))
    talking = {row["id"].int: row for row in await continued()}
    possible = [draft for draft in drafts if draft.conversation_id.int in talking]
    if not possible:
        return []
    grants = await _granted(db, len(possible), asked)
    refusal = OVER_THE_LIMIT if asked or all(grants.values()) else await _why_not(db)
    queued, rows = [], []
    for draft in possible:
        allowed = draft.free or grants[draft.organization_id] > 0
        grants[draft.organization_id] -= not draft.free
        queued.append(Queued(draft.id, None if allowed else refusal))
        rows.append(_draft_row(draft, queued[-1].refused, claim(draft) if claim and allowed else None))
    for row in reversed(rows):
        conversation = talking[row["conversation_id"].int]
        row |= {"position": conversation["last_position"], "occurred_at": conversation["last_message_at"]}
        conversation["last_position"] -= 1
    await store.add_outbound(db, rows)
    await _count_free(db, possible)
    return queued


async def _count_free(db: Tenant | Tenants, drafts: Sequence[Draft]) -> None:
    free = _counts(draft.organization_id for draft in drafts if draft.free)
    if free and isinstance(db, Tenants):
        await store.count_sent(db, free)


async def _granted(db: Tenant | Tenants, many: int, asked: Callable[[], Awaitable[list[dict[str, Any]]]] | None) -> Counter[UUID]:
    """What each organization may send. A Counter: whoever has no subscription at all is granted nothing, and what arrived for him is stored all the same."""
    if asked is not None:
        return Counter({row["organization_id"]: row["granted"] for row in await asked()})
    return Counter({db.organization_id: sum([await store.grant_send(db) for _ in range(many)])} if isinstance(db, Tenant) else {})


async def _why_not(db: Tenant | Tenants) -> str:
    """What is in the way of a member's message: what is not paid, or the plan's limit. Asked only where one was refused."""
    has = await entitlements.allowance(db, db.organization_id, "messages_sent") if isinstance(db, Tenant) else None
    reason = has.refusal("messages_sent") if has is not None else None
    return f"Not sent: {reason[0].lower()}{reason[1:]}" if reason else OVER_THE_LIMIT


def _moves(drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    """What these drafts mean for each conversation."""
    moves: dict[int, dict[str, Any]] = {}
    for draft in drafts:
        key = draft.conversation_id.int
        move = moves.setdefault(key, {"organization_id": draft.organization_id, "id": draft.conversation_id, "added": 0, "answers": 0})
        move["added"] += 1
        move["answers"] += draft.author == "bot"
        move |= {"last_text": draft.text[:200], "last_author": draft.author}
    return [moves[key] for key in sorted(moves)]


def _counts(organization_ids: Iterable[UUID]) -> list[dict[str, Any]]:
    counted = Counter(one.int for one in organization_ids)
    return [{"organization_id": UUID(int=key), "amount": n} for key, n in sorted(counted.items())]


def content_of(draft: Draft) -> dict[str, Any]:
    """What it says, in no channel's own form."""
    return {"type": "text", "text": draft.text, "reply_to": draft.reply_to}


def _draft_row(draft: Draft, refused: str | None, claimed_by: UUID | None) -> dict[str, Any]:
    return {
        "organization_id": draft.organization_id, "id": draft.id, "conversation_id": draft.conversation_id, "channel_id": draft.channel_id,
        "text": draft.text, "author": draft.author, "recipient": draft.recipient, "window_ends_at": draft.window_ends_at, "priority": draft.priority,
        "auto_reply_id": draft.auto_reply_id, "user_id": draft.user_id, "api_key_id": draft.key_id,
        "reply_to": draft.reply_to, "resend_of": draft.resend_of, "refused": refused,
        "content": content_of(draft), "claimed_by": claimed_by,
    }  # fmt: skip
