"""The verbs of contacts that members use."""

import re
from uuid import UUID

from frontdesk import audit
from frontdesk.contacts import store
from frontdesk.contacts.records import Contact, Cursor, Listed, called
from frontdesk.database import Tenant
from frontdesk.errors import BadInput, Conflict, NotFound
from frontdesk.folding import fold

LONGEST_NAME = 400
MOST_WORDS = 10  # of a search; more would only slow it down
_NUMBER = re.compile(r"\+?[0-9][0-9\s()./-]*")


class NoSuchContact(NotFound):
    """There is no such contact."""


class ContactIsBlocked(Conflict):
    """This contact is blocked. Unblock it before writing."""


class ContactIsOverTheLimit(Conflict):
    """This contact is beyond what your plan allows, so it can only be read. Choose a larger plan under Billing. Their conversations go on as before."""


class NameTooLong(BadInput):
    """Use at most 400 characters."""


async def find(db: Tenant, contact_id: UUID) -> Contact:
    """One contact. Raises NoSuchContact."""
    contact = await store.find(db, contact_id)
    if contact is None:
        raise NoSuchContact
    return contact


async def search(
    db: Tenant, text: str = "", *, blocked: bool | None = None, after: Cursor | None = None, how_many: int = 50
) -> tuple[list[Listed], Cursor | None]:
    """Contacts by name, username or number, newest first, and where the next page begins."""
    found = await store.newest(db, patterns(text), blocked, after, how_many + 1)
    page = found[:how_many]
    return page, Cursor(page[-1].last_seen_at, page[-1].id) if len(found) > how_many else None


async def block(db: Tenant, contact_id: UUID) -> Contact:
    """Stop answering a contact: what they write is still kept. Raises NoSuchContact."""
    contact = await find(db, contact_id)
    if await store.block(db, contact_id):
        await audit.append(db, "contact.blocked", target_type="contact", target_id=contact_id, details=_named(contact))
    return contact


async def unblock(db: Tenant, contact_id: UUID) -> Contact:
    """Answer a contact again. Raises NoSuchContact."""
    contact = await find(db, contact_id)
    if await store.unblock(db, contact_id):
        await audit.append(db, "contact.unblocked", target_type="contact", target_id=contact_id, details=_named(contact))
    return contact


async def rename(db: Tenant, contact_id: UUID, typed: str) -> Contact:
    """Call a contact by a name of the team's; nothing typed goes back to the name from WhatsApp. Raises
    NoSuchContact, ContactIsOverTheLimit or NameTooLong."""
    given_name = " ".join(typed.split()) or None
    if given_name is not None and len(given_name) > LONGEST_NAME:
        raise NameTooLong(f"{NameTooLong.__doc__} This has {len(given_name):,}.", field="given_name")
    contact = await find(db, contact_id)
    if contact.over_limit:
        raise ContactIsOverTheLimit
    if given_name != contact.given_name:
        await store.rename(db, contact_id, given_name, search_text(given_name, contact.name, contact.username))
        details = {"changed": {"given_name": {"from": contact.given_name, "to": given_name}}}
        await audit.append(db, "contact.renamed", target_type="contact", target_id=contact_id, details=details)
    return await find(db, contact_id)


def _named(contact: Contact) -> dict[str, str]:
    """What the log calls a contact: never by the number, which not everybody who reads the log may see."""
    name = called(contact.given_name, contact.name, contact.username, None)
    return {"name": name} if name else {}


def search_text(*texts: str | None) -> str:
    """What a contact is found by beside the number, folded: given name, name, username."""
    return fold(" ".join(filter(None, texts)))


def patterns(text: str) -> list[str]:
    """One LIKE pattern for each word: all must occur. A phone number may be written with blanks, signs and a plus."""
    folded = fold(text).lstrip("@")
    if _NUMBER.fullmatch(folded):
        return [f"%{re.sub('[^0-9]', '', folded)}%"]
    return [f"%{_literal(word)}%" for word in folded.split()[:MOST_WORDS]]


def _literal(word: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", word)
