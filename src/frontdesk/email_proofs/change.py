"""Another email for a user: the new address confirms, the old one is told and may take it back."""

from dataclasses import replace
from uuid import UUID

from frontdesk import users
from frontdesk.access import Actor
from frontdesk.database import Database, Platform
from frontdesk.email_proofs import links, store
from frontdesk.email_proofs.records import Change, Proof
from frontdesk.errors import BadInput, Conflict
from frontdesk.mail import Mailer
from frontdesk.web import Visitor

PER_USER, WINDOW_SECONDS = 5, 3600


class SameEmail(BadInput):
    """This is your email already."""


class EmailTaken(Conflict):
    """This email belongs to another account here."""


async def ask(database: Database, mailer: Mailer, user: Actor, visitor: Visitor, email: str, locale: str | None) -> None:
    """Send a link to the new address; nothing changes before it is followed. Raises SameEmail, EmailTaken or TooManyAttempts."""
    if email == visitor.email:
        raise SameEmail(field="email")
    async with database.platform() as db:
        wait = await users.take_attempt(db, users.Limit(f"email change|{visitor.user_id}", PER_USER, WINDOW_SECONDS))
        free = not wait and await store.is_email_free(db, email, visitor.user_id)
        if free:
            await links.send(db, mailer, "change", visitor.user_id, email, locale, name=visitor.name, old_email=visitor.email)
            await users.record(db, visitor.user_id, user, "user.email_change_requested")
    if wait:
        raise users.TooManyAttempts(wait)
    if not free:
        raise EmailTaken(field="email")


async def asked_for(database: Database, visitor: Visitor) -> str | None:
    """The address that waits to be confirmed."""
    async with database.platform() as db:
        return await store.email_in_change(db, visitor.user_id)


async def withdraw(database: Database, visitor: Visitor) -> None:
    """Let everything be as it is."""
    async with database.platform() as db:
        await store.forget_change(db, visitor.user_id)


async def confirm(database: Database, mailer: Mailer, caller: Actor, token: str, locale: str | None) -> str:
    """Take the new email and return it. The old address gets a mail, and the way back if it was ever confirmed. Raises LinkOver or EmailTaken.

    Who reads an address that was never confirmed may be anybody; he must not get the account by a way back.
    """
    proof = await links.find(database, token, "change")
    async with database.platform() as db:
        change = await store.change_email(db, users.hash_of_token(token))
        if change is not None and change.outcome == "changed":
            await _tell_before(db, mailer, change, proof.name, locale)
            await _record(db, caller, proof, "user.email_changed", change)
    return _settled(change)


async def undo(database: Database, mailer: Mailer, caller: Actor, token: str, locale: str | None) -> tuple[str, list[UUID]]:
    """Give the user his email back, and return it with his organizations; every session has ended. Raises LinkOver or EmailTaken."""
    proof = await links.find(database, token, "undo")
    async with database.platform() as db:
        change = await store.undo_change(db, users.hash_of_token(token))
        if change is not None and change.outcome == "changed":
            await links.send(db, mailer, "reset", change.user_id, change.new_email, locale, name=proof.name)
            await _record(db, caller, proof, "user.email_change_undone", change)
        places = await users.organizations_of(db, proof.user_id)
    return _settled(change), places


async def _tell_before(db: Platform, mailer: Mailer, change: Change, name: str, locale: str | None) -> None:
    if change.was_verified:
        await links.send(db, mailer, "undo", change.user_id, change.old_email, locale, name=name, new_email=change.new_email)
    else:
        await mailer.queue(db, "email_proofs/email_changed", to=change.old_email, locale=locale, values={"name": name})


async def _record(db: Platform, caller: Actor, proof: Proof, action: str, change: Change) -> None:
    user = replace(caller, user_id=change.user_id, name=proof.name)
    await users.record(db, change.user_id, user, action, details={"changed": {"email": {"from": change.old_email, "to": change.new_email}}})


def _settled(change: Change | None) -> str:
    if change is None:
        raise links.LinkOver
    if change.outcome != "changed":
        raise EmailTaken
    return change.new_email
