"""What an organization knows of one contact: given out as a file, and taken away for good."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import orjson

from frontdesk import audit, contacts
from frontdesk.access import Actor, Permission
from frontdesk.database import Database, Tenant
from frontdesk.erasure import store
from frontdesk.errors import NotAllowed

PIECE = 500  # messages that are read at once
EMPTIED = 5_000  # messages that one transaction empties: longer it would keep the road waiting, on which the contact may just be writing


class SeesTooLittle(NotAllowed):
    """You see only a part of the conversations, so you cannot take all of a contact away. Ask a colleague who sees everything."""


async def begin_export(db: Tenant, contact_id: UUID) -> dict[str, Any]:
    """Write down that a contact is given out. Returns what is known beside its messages. Raises NoSuchContact."""
    contact = await contacts.find(db, contact_id)
    await audit.append(db, "contact.exported", target_type="contact", target_id=contact_id, details=_named(contact))
    known = {name: getattr(contact, name) for name in ("id", "name", "given_name", "username", "phone", "language", "tags", "attributes", "note")}
    known |= {name: getattr(contact, name) for name in ("marketing_consent", "marketing_consent_at", "blocked_at", "last_seen_at", "created_at")}
    return {"contact": known, "addresses": await store.addresses(db, contact_id), "conversations": await store.conversations(db, contact_id)}


async def stream(database: Database, organization_id: UUID, actor: Actor, known: dict[str, Any]) -> AsyncIterator[bytes]:
    """One JSON object: the contact, and all messages, newest first in each conversation; read piece by piece while it is sent.

    Who may not take contacts along any more gets no further.
    """
    yield orjson.dumps(known)[:-1] + b',"messages":['
    parted = b"\n"
    for conversation in known["conversations"]:
        place: dict[str, Any] | None = None
        while True:
            async with database.tenant(organization_id, actor) as db:
                if Permission.CONTACTS_EXPORT not in db.permissions:
                    raise NotAllowed
                found = await store.messages(db, conversation["id"], place, PIECE)
            if found:
                yield parted + b",\n".join(orjson.dumps(one) for one in found)
                parted = b",\n"
            if len(found) < PIECE:
                break
            place = found[-1]
    yield b"\n]}\n"


async def erase(db: Tenant, contact_id: UUID) -> int:
    """Take away what a contact said and who that was; counts stay. Returns how many messages there were. Raises NoSuchContact or SeesTooLittle.

    Of a very long conversation the newest messages go at once, and the others by `sweep`.
    """
    contact = await contacts.find(db, contact_id)
    if Permission.CONVERSATIONS_OVERSEE not in db.permissions:
        raise SeesTooLittle
    messages = await store.erase(db, contact.id, EMPTIED)
    if messages is None:
        raise contacts.NoSuchContact
    await audit.append(db, "contact.erased", target_type="contact", target_id=contact_id, details={"messages": messages})
    return messages


async def sweep(database: Database) -> bool:
    """Empty one more piece of the conversations of erased contacts. False when there is nothing left to empty."""
    async with database.platform() as db:
        return await store.erase_a_piece(db, EMPTIED)


def _named(contact: contacts.Contact) -> dict[str, str]:
    name = contact.given_name or contact.name or contact.username
    return {"name": name} if name else {}
