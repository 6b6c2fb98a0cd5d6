"""The sample shop as rows: contacts, their addresses, conversations and messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from frontdesk.channels import ConnectedChannel, derived_id, simulated_bsuid
from frontdesk.contacts import search_text
from frontdesk.database import new_id
from frontdesk.demo.people import Person
from frontdesk.demo.rules import RULES
from frontdesk.demo.script import Said, Thread

SAMPLE_SOURCE = "Sample data"  # the contacts' attribute `source`; the overview knows them by it
WINDOW_CLOSED = (131047, "More than 24 hours have passed since the customer last wrote.")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the sample lives, and who works there. scope: within which the simulator's ids of people are the same."""

    channel: ConnectedChannel
    scope: str
    user_id: UUID | None
    rules: Mapping[str, UUID]


def contact(thread: Thread, contact_id: UUID, place: Place) -> Row:
    """The row of a customer."""
    person, first, last = thread.person, thread.said[0].at, thread.said[-1].at
    blocked = thread.standing == "blocked"
    name = "" if person.phone is None else person.name
    return {
        "id": contact_id, "name": name, "given_name": person.given, "username": person.username, "phone": person.phone,
        "search_text": search_text(person.given, name, person.username), "language": person.language,
        "tags": person.tags,
        "attributes": {"source": SAMPLE_SOURCE}, "note": person.note,
        "blocked_at": last + timedelta(minutes=9) if blocked else None,
        "blocked_by": place.user_id if blocked else None, "last_seen_at": last, "created_at": first,
    }  # fmt: skip


def identities(thread: Thread, contact_id: UUID, place: Place) -> list[Row]:
    """The addresses of a customer, as the simulated phone has them too."""
    person, since = thread.person, thread.said[0].at
    bsuid = simulated_bsuid(phone=person.phone, username=person.username)
    found = [{"kind": "bsuid", "scope": place.scope, "value": bsuid, "contact_id": contact_id, "created_at": since}]
    if person.phone:
        found.append({"kind": "phone", "scope": "", "value": person.phone, "contact_id": contact_id, "created_at": since})
    return found


def conversation(thread: Thread, conversation_id: UUID, contact_id: UUID, place: Place) -> Row:
    """The row of a conversation as it stands."""
    last, me = thread.said[-1], place.user_id
    since = last.at + timedelta(seconds=50)
    is_closed, is_assigned, bot_off = (thread.standing == one for one in ("closed", "assigned", "bot_off"))
    return {
        "id": conversation_id, "channel_id": place.channel.id, "contact_id": contact_id,
        "last_position": len(thread.said),
        "last_message_at": last.at, "last_text": text_of(last, thread.person)[:200], "last_author": last.line.author,
        "last_inbound_at": max(one.at for one in thread.said if one.line.author == "contact"),
        "unread_count": thread.unread,
        "closed_at": since if is_closed else None, "closed_by": me if is_closed else None,
        "assigned_to": me if is_assigned else None,
        "assigned_at": since if is_assigned else None, "bot_off_at": since if bot_off else None,
        "bot_off_by": me if bot_off else None,
        "created_at": thread.said[0].at,
    }  # fmt: skip


def messages(thread: Thread, conversation_id: UUID, place: Place, number: int) -> list[Row]:
    """The rows of a conversation's messages in order. number: of the thread, for the ids WhatsApp would have given."""
    answered_at = max(one.at for one in thread.said if one.line.author == "contact")
    rows = []
    for n, one in enumerate(thread.said, 1):
        shared = {"conversation_id": conversation_id, "text": text_of(one, thread.person), "position": n,
        "occurred_at": one.at,
                  "provider_message_id": f"wamid.sample.{number}.{n}"}  # fmt: skip
        rows.append(shared | (_received(one, place, shared) if one.line.author == "contact" else _sent(one, place, number, answered_at)))
    return rows


def text_of(said: Said, person: Person) -> str:
    """What stands in the message: for the bot the text of its rule."""
    if said.line.rule is None:
        return said.line.text
    return _REPLIES[said.line.rule].replace("{{contact.name}}", person.given or person.name)


def _received(said: Said, place: Place, shared: Row) -> Row:
    message_id = derived_id(place.channel.id, shared["provider_message_id"], said.at)
    return {"id": message_id, "direction": "in", "author": "contact", "status": "received"}


def _sent(said: Said, place: Place, number: int, answered_at: datetime) -> Row:
    """One of ours. What the customer answered was read; the last word of a talk has come as far as it has."""
    by_bot = said.line.author == "bot"
    status = "read" if said.at < answered_at or by_bot else _FATES[number % len(_FATES)]
    moments = {name: said.at + timedelta(seconds=after) for name, after in _REACHED[status].items()}
    code, text = WINDOW_CLOSED if status == "failed" else (None, None)
    return moments | {
        "id": new_id(said.at), "direction": "out", "author": said.line.author, "status": status, "error_code": code,
        "error_text": text,
        "user_id": None if by_bot else place.user_id, "auto_reply_id": place.rules.get(said.line.rule or ""),
    }  # fmt: skip


_REPLIES = {rule.key: rule.reply for rule in RULES}
_FATES = ("read", "delivered", "read", "read", "sent", "read", "delivered", "read", "read", "failed", "read")
# seconds after which a message had come so far
_REACHED: dict[str, dict[str, int]] = {
    "sent": {"sent_at": 1},
    "delivered": {"sent_at": 1, "delivered_at": 2},
    "read": {"sent_at": 1, "delivered_at": 2, "read_at": 15},
    "failed": {"failed_at": 1},
}
