"""A proof that it is still the same user: his password now, and whatever second factor he has."""

from uuid import UUID

from frontdesk.access import Actor
from frontdesk.database import Database, Platform
from frontdesk.errors import BadInput
from frontdesk.users import attempts, log, passwords, store
from frontdesk.users.attempts import Limit, TooManyAttempts
from frontdesk.users.factors import codes
from frontdesk.users.passkeys import actions as passkeys
from frontdesk.users.passkeys.records import Site
from frontdesk.users.records import Account
from frontdesk.users.tokens import hash_of, new_token
from frontdesk.vault import Vault
from frontdesk.web import SignInNeeded, Visitor

TRIES, WINDOW_SECONDS = 10, 15 * 60


class WrongPassword(BadInput):
    """This is not your password."""


async def by_password(database: Database, user: Actor, visitor: Visitor, password: str) -> str:
    """Take the password as the proof, and return the new token of this session.

    Raises WrongPassword, TooManyAttempts or PasswordsBusy.
    """
    await check_password(database, user, visitor, password)
    async with database.platform() as db:
        token = await renew(db, visitor)
        await log.record(db, visitor.user_id, user, "user.reauthenticated", visitor.session_id, {"by": "password"})
    return token


async def by_authenticator(database: Database, vault: Vault, user: Actor, visitor: Visitor, code: str) -> str:
    """Take a code of the authenticator app as the proof, and return the new token of this session.

    Raises WrongCode, TooManyAttempts or CannotCheck.
    """
    claim = await codes.claim_authenticator(database, vault, visitor.user_id, code)
    async with database.platform() as db:
        if await codes.spend(db, visitor.user_id, claim) is not None:
            token = await renew(db, visitor)
            await store.note_second_factor(db, visitor.session_id)
            await log.record(db, visitor.user_id, user, "user.reauthenticated", visitor.session_id, {"by": codes.AUTHENTICATOR})
            return token
    raise await codes.refuse(database, user, claim)


async def by_passkey(database: Database, site: Site, user: Actor, visitor: Visitor, credential: str) -> str:
    """Take the signature of a passkey as the proof, and return the new token of this session. Raises PasskeyRefused."""
    signature = await passkeys.prove(database, user, site, credential, passkeys.REAUTHENTICATION)
    async with database.platform() as db:
        await passkeys.spend(db, signature)
        token = await renew(db, visitor)
        await store.note_second_factor(db, visitor.session_id)
        await log.record(db, visitor.user_id, user, "user.reauthenticated", visitor.session_id, {"by": passkeys.PASSKEY})
    return token


async def check_password(database: Database, user: Actor, visitor: Visitor, password: str) -> Account:
    """The account of a signed-in user who knows his password. Wrong tries are counted, whatever they were for.

    Raises WrongPassword, TooManyAttempts or PasswordsBusy.
    """
    limit = _limit(visitor.user_id)
    async with database.platform() as db:
        wait = await attempts.take(db, limit)
        account = await store.find_user(db, visitor.user_id)
    if wait:
        raise TooManyAttempts(wait)
    checked = await passwords.check(password, account.password_hash if account else None)
    async with database.platform() as db:
        if account is not None and checked.right:
            await attempts.forget(db, limit)
            return account
        await log.record(db, visitor.user_id, user, "user.reauthentication_failed", visitor.session_id)
    raise WrongPassword(field="password")


async def renew(db: Platform, visitor: Visitor) -> str:
    """A new token for this session, whose user has just proved himself; the old one is worth nothing. Raises SignInNeeded."""
    token = new_token()
    if not await store.renew_session(db, visitor.user_id, visitor.session_id, hash_of(token)):
        raise SignInNeeded
    return token


def _limit(user_id: UUID) -> Limit:
    return Limit(f"reauthentication|{user_id}", TRIES, WINDOW_SECONDS)
