"""Another password for a signed-in user."""

from frontdesk.access import Actor
from frontdesk.database import Database
from frontdesk.errors import BadInput, Conflict
from frontdesk.mail import Mailer
from frontdesk.users import log, store
from frontdesk.users.passwords import hashed, normal
from frontdesk.users.reauthentication.actions import check_password, renew
from frontdesk.users.records import Account
from frontdesk.users.strength import weakness
from frontdesk.web import ReauthenticationNeeded, SignInNeeded, Visitor


class WeakPassword(BadInput):
    """This password is among the first that somebody would try."""


class SamePassword(BadInput):
    """This is the password you have already."""


class PasswordChangedMeanwhile(Conflict):
    """Your password was changed somewhere else a moment ago. Nothing was saved."""


async def exists(database: Database, visitor: Visitor) -> bool:
    """Whether the user has a password at all: who came by another provider may have none."""
    async with database.platform() as db:
        account = await store.find_user(db, visitor.user_id)
    return account is not None and account.password_hash is not None


async def change(
    database: Database, mailer: Mailer, user: Actor, visitor: Visitor, password: str, new_password: str, locale: str | None
) -> tuple[str, int]:  # fmt: skip
    """Take another password, end all other sessions, and return the new token of this one with the number of those that ended. A mail tells the user.

    Raises WeakPassword, SamePassword, WrongPassword, TooManyAttempts, PasswordsBusy, PasswordChangedMeanwhile, or
    ReauthenticationNeeded where there is no password yet that could be asked for.
    """
    account = await _proved(database, user, visitor, password)
    why = weakness(new_password, about=(visitor.name, visitor.email, *(one.name for one in visitor.organizations)))
    if why:
        raise WeakPassword(why, field="new_password")
    if account.password_hash and normal(new_password) == normal(password):
        raise SamePassword(field="new_password")
    new_hash = await hashed(new_password)
    async with database.platform() as db:
        if not await store.change_password(db, account, new_hash):
            raise PasswordChangedMeanwhile
        token = await renew(db, visitor)
        ended = await store.revoke_other_sessions(db, visitor.user_id, visitor.session_id)
        await mailer.queue(db, "users/password_changed", to=visitor.email, locale=locale, values={"name": visitor.name})
        await log.record(db, visitor.user_id, user, "user.password_changed", visitor.session_id, {"sessions": ended})
    return token, ended


async def _proved(database: Database, user: Actor, visitor: Visitor, password: str) -> Account:
    async with database.platform() as db:
        account = await store.find_user(db, visitor.user_id)
    if account is None:
        raise SignInNeeded
    if account.password_hash:
        return await check_password(database, user, visitor, password)
    if not visitor.is_fresh:
        raise ReauthenticationNeeded
    return account
