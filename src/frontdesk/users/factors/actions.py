"""Adding, replacing and removing second factors. Every change ends the user's other sessions."""

import time
from uuid import UUID

from frontdesk.access import Actor
from frontdesk.database import Database, Platform
from frontdesk.errors import Conflict
from frontdesk.users import log
from frontdesk.users import store as users
from frontdesk.users.factors import recovery, store, totp
from frontdesk.users.factors.codes import WrongCode, context_of
from frontdesk.users.factors.records import Factors
from frontdesk.vault import CannotOpen, Vault
from frontdesk.web import Visitor

OFFERS = "authenticator_offers"


class OfferGone(Conflict):
    """This QR code is too old, or another one took its place. Begin again with a new one."""


class NoAuthenticator(Conflict):
    """The authenticator is off already."""


class LastFactor(Conflict):
    """An organization asks for a second factor. Add another one before you take this away."""

    title = "This is your only second factor"


class NoSecondFactor(Conflict):
    """Recovery codes stand in for a second factor. Add one first."""


async def factors_of(database: Database, visitor: Visitor) -> Factors:
    """What the user has beside his password."""
    async with database.platform() as db:
        return await store.factors_of(db, visitor.user_id)


async def offer_authenticator(database: Database, vault: Vault, visitor: Visitor) -> None:
    """Make a secret for the user's app. It is no factor until he has typed a code made from it."""
    sealed = vault.seal(totp.new_secret(), context=context_of(visitor.user_id, OFFERS))
    async with database.platform() as db:
        await store.offer_authenticator(db, visitor.user_id, sealed)


async def offered_secret(database: Database, vault: Vault, visitor: Visitor) -> str | None:
    """The secret that is offered to the user at the moment."""
    async with database.platform() as db:
        sealed = await store.find_offer(db, visitor.user_id)
    return _opened(vault, visitor.user_id, sealed)


async def confirm_authenticator(database: Database, vault: Vault, user: Actor, visitor: Visitor, code: str) -> list[str]:
    """Turn the authenticator on, in place of the one before, and return recovery codes to show where there were none left.

    Raises WrongCode, OfferGone or PasswordsBusy.
    """
    async with database.platform() as db:
        sealed, factors = await store.find_offer(db, visitor.user_id), await store.factors_of(db, visitor.user_id)
    secret = _opened(vault, visitor.user_id, sealed)
    if secret is None or sealed is None:
        raise OfferGone
    step = totp.step_of(secret, code, time.time())
    if step is None:
        raise WrongCode(field="code")
    first = await recovery.first_set(factors.recovery_codes_left)
    async with database.platform() as db:
        if not await store.confirm_authenticator(db, visitor.user_id, sealed, vault.seal(secret, context=context_of(visitor.user_id)), step):
            raise OfferGone
        if first.codes:
            await store.replace_recovery_codes(db, visitor.user_id, first.salt, first.hashes)
        await users.note_second_factor(db, visitor.session_id)
        ended = await users.revoke_other_sessions(db, visitor.user_id, visitor.session_id)
        await log.record(db, visitor.user_id, user, "authenticator.added", details={"sessions": ended, "replaced": bool(factors.authenticator_since)})
    return first.codes


async def demand_another(db: Platform, user_id: UUID) -> None:
    """Raise LastFactor when the user has none left and an organization asks him for one. Call it in the transaction that removes."""
    if not await store.has_any(db, user_id) and (names := await store.asking(db, user_id)):
        raise LastFactor(f"{names[0]} asks its members for a second factor. Add another one before you take this away.")


async def remove_authenticator(database: Database, user: Actor, visitor: Visitor) -> None:
    """Turn the authenticator off. Raises NoAuthenticator or LastFactor."""
    async with database.platform() as db:
        if not await store.remove_authenticator(db, visitor.user_id):
            raise NoAuthenticator
        await demand_another(db, visitor.user_id)
        ended = await users.revoke_other_sessions(db, visitor.user_id, visitor.session_id)
        await log.record(db, visitor.user_id, user, "authenticator.removed", details={"sessions": ended})


async def renew_recovery_codes(database: Database, user: Actor, visitor: Visitor) -> list[str]:
    """Ten new codes in place of all before them. Raises NoSecondFactor or PasswordsBusy."""
    new = await recovery.first_set(0)
    async with database.platform() as db:
        if not await store.has_any(db, visitor.user_id):
            raise NoSecondFactor
        await store.replace_recovery_codes(db, visitor.user_id, new.salt, new.hashes)
        ended = await users.revoke_other_sessions(db, visitor.user_id, visitor.session_id)
        await log.record(db, visitor.user_id, user, "recovery_codes.renewed", details={"sessions": ended})
    return new.codes


async def release(db: Platform, operator: Actor, user_id: UUID) -> bool:
    """Let a user who has lost every second factor in by his password again. False when he has none."""
    released = await store.release(db, user_id)
    if released:
        await log.record(db, user_id, operator, "user.released_by_operator")
    return released


def _opened(vault: Vault, user_id: UUID, sealed: str | None) -> str | None:
    """The plain secret of an offer; none where its key is gone: then there is a new offer to be made."""
    try:
        return vault.open(sealed, context=context_of(user_id, OFFERS)) if sealed else None
    except CannotOpen:
        return None
