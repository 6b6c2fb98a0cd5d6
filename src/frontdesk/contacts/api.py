"""Contacts, for an organization's own programs."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from frontdesk.access import Permission
from frontdesk.api import PAGE, BadCursor, CursorText, Db, Door, Limit, Page, Search
from frontdesk.contacts import actions, store
from frontdesk.contacts.records import Cursor

door = Door("Contacts")


class ContactListed(BaseModel):
    """A contact in a list."""

    id: UUID
    name: str = Field(description="What the team calls them, else what they call themselves; empty for who hides everything.")
    username: str | None
    phone: str | None = Field(description="Digits with the country's code, without a plus; `49 ••• ••12` where the maker of the key sees numbers masked.")
    tags: list[str]
    blocked_at: datetime | None
    last_seen_at: datetime | None
    over_limit: bool = Field(description="Whether it came after as many contacts as the plan allows: it can only be read.")
    conversation_id: UUID | None = Field(description="The conversation with the newest message; needs messages:read.")


class AddressReply(BaseModel):
    """Where a contact can be reached."""

    kind: str
    value: str


class ContactReply(BaseModel):
    """One contact, with everything that is known of them."""

    id: UUID
    name: str
    whatsapp_name: str = Field(description="What they call themselves.")
    given_name: str | None = Field(description="What the team calls them.")
    username: str | None
    phone: str | None
    language: str | None
    tags: list[str]
    attributes: dict[str, Any]
    note: str
    marketing_consent: str
    marketing_consent_at: datetime | None
    blocked_at: datetime | None
    last_seen_at: datetime | None
    over_limit: bool = Field(description="Whether it came after as many contacts as the plan allows: it can only be read.")
    created_at: datetime
    addresses: list[AddressReply]
    conversation_ids: list[UUID] = Field(description="One for each number they wrote to, the newest first; needs messages:read.")


@door.get("/contacts", needs=Permission.CONTACTS_READ)
async def list_contacts(db: Db, q: Search = "", show: Literal["all", "blocked"] = "all", limit: Limit = PAGE, cursor: CursorText = None) -> Page[ContactListed]:
    """Contacts, those who wrote last first; searched by name, username or number."""
    after = Cursor.read(cursor) if cursor is not None else None
    if cursor is not None and after is None:
        raise BadCursor
    found, following = await actions.search(db, q, blocked=True if show == "blocked" else None, after=after, how_many=limit)
    data = [
        ContactListed(
            id=one.id, name=one.called, username=one.username, phone=one.phone, tags=one.tags, blocked_at=one.blocked_at, last_seen_at=one.last_seen_at,
            over_limit=one.over_limit, conversation_id=one.conversation_id,
        ) for one in found
    ]  # fmt: skip
    return Page[ContactListed](data=data, next_cursor=following.written() if following else None)


@door.get("/contacts/{contact_id}", needs=Permission.CONTACTS_READ)
async def show_contact(db: Db, contact_id: UUID) -> ContactReply:
    """One contact."""
    one = await actions.find(db, contact_id)
    return ContactReply(
        id=one.id, name=one.called, whatsapp_name=one.name, given_name=one.given_name, username=one.username, phone=one.phone, language=one.language,
        tags=one.tags, attributes=one.attributes, note=one.note, marketing_consent=one.marketing_consent, marketing_consent_at=one.marketing_consent_at,
        blocked_at=one.blocked_at, last_seen_at=one.last_seen_at, over_limit=one.over_limit, created_at=one.created_at,
        addresses=[AddressReply(kind=address.kind, value=address.value) for address in await store.addresses(db, contact_id)],
        conversation_ids=[thread.id for thread in await store.threads(db, contact_id)],
    )  # fmt: skip
