"""Whether an email belongs to its user: a link is sent there, and whoever follows it says so."""

from dataclasses import replace
from uuid import UUID

from frontdesk import users
from frontdesk.access import Actor
from frontdesk.database import Database, Platform
from frontdesk.email_proofs import links, store
from frontdesk.errors import Conflict, NotFound
from frontdesk.mail import Mailer
from frontdesk.web import Visitor

PER_USER, WINDOW_SECONDS = 5, 3600
OPERATOR = Actor(kind="operator", name="Operator")


class AlreadyVerified(Conflict):
    """Your email is confirmed already."""


class NoSuchUser(NotFound):
    """Nobody who may sign in has this email."""


async def send(db: Platform, mailer: Mailer, user_id: UUID, email: str, name: str, locale: str | None) -> None:
    """Owe a new user the link that confirms his email."""
    await links.send(db, mailer, "verification", user_id, email, locale, name=name)


async def send_again(database: Database, mailer: Mailer, visitor: Visitor, locale: str | None) -> None:
    """Owe it once more. Raises AlreadyVerified or TooManyAttempts."""
    if visitor.email_verified:
        raise AlreadyVerified
    async with database.platform() as db:
        wait = await users.take_attempt(db, users.Limit(f"verification|{visitor.user_id}", PER_USER, WINDOW_SECONDS))
        if not wait:
            await send(db, mailer, visitor.user_id, visitor.email, visitor.name, locale)
    if wait:
        raise users.TooManyAttempts(wait)


async def verify(database: Database, caller: Actor, token: str) -> None:
    """Take the email for the user's. Raises LinkOver."""
    proof = await links.find(database, token, "verification")
    async with database.platform() as db:
        user_id = await store.verify(db, users.hash_of_token(token))
        if user_id is not None:
            await users.record(db, user_id, replace(caller, user_id=user_id, name=proof.name), "user.email_verified")
    if user_id is None:
        raise links.LinkOver


async def confirm(database: Database, email: str) -> bool:
    """Take it for the user's on the operator's word. False when it was confirmed already. Raises NoSuchUser."""
    async with database.platform() as db:
        account = await users.find_account(db, users.email_key(email))
        if account is None:
            raise NoSuchUser(f"Nobody who may sign in has the email {email!r}.")
        confirmed = await users.confirm_email(db, account.user_id)
        if confirmed:
            await users.record(db, account.user_id, OPERATOR, "user.email_confirmed_by_operator")
    return confirmed
