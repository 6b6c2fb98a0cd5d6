"""Adding, naming and removing passkeys, and proving oneself with one."""

import secrets
from dataclasses import replace
from uuid import UUID

from frontdesk.access import Actor
from frontdesk.database import Database, Platform, new_id
from frontdesk.errors import Conflict, NotFound
from frontdesk.users import actions as users
from frontdesk.users import attempts, log
from frontdesk.users import store as sessions
from frontdesk.users.attempts import Limit, TooManyAttempts
from frontdesk.users.factors import recovery
from frontdesk.users.factors import store as factors
from frontdesk.users.factors.actions import demand_another
from frontdesk.users.passkeys import ceremonies, store
from frontdesk.users.passkeys.ceremonies import PasskeyRefused
from frontdesk.users.passkeys.records import KnownPasskey, Passkey, Signature, Site
from frontdesk.users.records import Admission
from frontdesk.users.tokens import hash_of_bytes
from frontdesk.web import Visitor

REGISTRATION, SIGN_IN, SECOND_FACTOR, REAUTHENTICATION = "registration", "sign_in", "second_factor", "reauthentication"
PASSKEY = "passkey"
PER_ADDRESS, WINDOW_SECONDS = 100, 15 * 60


class PasskeyKnown(Conflict):
    """This passkey is known already, or you have twenty of them."""


class NoSuchPasskey(NotFound):
    """This passkey is gone already."""


async def passkeys_of(database: Database, visitor: Visitor) -> list[Passkey]:
    """The user's passkeys."""
    async with database.platform() as db:
        return await store.passkeys_of(db, visitor.user_id)


async def creation_options(database: Database, site: Site, visitor: Visitor) -> str:
    """What the user's browser is told to make a passkey, with a challenge that counts once."""
    challenge = secrets.token_bytes(32)
    async with database.platform() as db:
        await store.open_challenge(db, hash_of_bytes(challenge), REGISTRATION, visitor.user_id)
        known = await store.passkeys_of(db, visitor.user_id)
    return ceremonies.creation_options(site, visitor.user_id, visitor.email, visitor.name, challenge, known)


async def request_options(database: Database, site: Site, caller: Actor, purpose: str, user_id: UUID | None = None) -> str:
    """What a browser is told to sign with a passkey, for this purpose only. Raises TooManyAttempts."""
    challenge = secrets.token_bytes(32)
    async with database.platform_in_line() as db:
        wait = await attempts.take(db, Limit(f"passkey|{attempts.network(caller.address)}", PER_ADDRESS, WINDOW_SECONDS))
        if not wait:
            await store.open_challenge(db, hash_of_bytes(challenge), purpose, user_id)
        known = await store.passkeys_of(db, user_id) if user_id else []
    if wait:
        raise TooManyAttempts(wait)
    return ceremonies.request_options(site, challenge, known)


async def add(database: Database, user: Actor, visitor: Visitor, site: Site, credential: str, name: str) -> list[str]:
    """Add the passkey that a device has made, and return recovery codes to show where there were none left.

    Raises PasskeyRefused, PasskeyKnown or PasswordsBusy.
    """
    challenge = await _used_up(database, credential, REGISTRATION, visitor.user_id)
    made = ceremonies.check_creation(site, challenge, credential)
    async with database.platform() as db:
        owned = await factors.factors_of(db, visitor.user_id)
    first = await recovery.first_set(owned.recovery_codes_left)
    async with database.platform() as db:
        if not await store.add(db, new_id(), visitor.user_id, made, name):
            raise PasskeyKnown
        if first.codes:
            await factors.replace_recovery_codes(db, visitor.user_id, first.salt, first.hashes)
        await sessions.note_second_factor(db, visitor.session_id)
        ended = await sessions.revoke_other_sessions(db, visitor.user_id, visitor.session_id)
        await log.record(db, visitor.user_id, user, "passkey.added", details={"name": name, "sessions": ended})
    return first.codes


async def rename(database: Database, user: Actor, visitor: Visitor, passkey_id: UUID, name: str) -> None:
    """Call a passkey something else. Raises NoSuchPasskey, also for a stranger's."""
    async with database.platform() as db:
        before = await store.rename(db, visitor.user_id, passkey_id, name)
        if before is None:
            raise NoSuchPasskey
        await log.record(db, visitor.user_id, user, "passkey.renamed", details={"changed": {"name": {"from": before, "to": name}}})


async def remove(database: Database, user: Actor, visitor: Visitor, passkey_id: UUID) -> None:
    """Take a passkey away. Raises NoSuchPasskey, also for a stranger's, or LastFactor."""
    async with database.platform() as db:
        name = await store.remove(db, visitor.user_id, passkey_id)
        if name is None:
            raise NoSuchPasskey
        await demand_another(db, visitor.user_id)
        ended = await sessions.revoke_other_sessions(db, visitor.user_id, visitor.session_id)
        await log.record(db, visitor.user_id, user, "passkey.removed", details={"name": name, "sessions": ended})


async def sign_in(database: Database, caller: Actor, site: Site, credential: str) -> Admission:
    """Let in whoever has the passkey, and let its device see him: those are two factors. Raises PasskeyRefused."""
    challenge = await _used_up(database, credential, SIGN_IN, None)
    async with database.platform() as db:
        passkey = await store.find(db, ceremonies.credential_id_in(credential))
    if passkey is None:
        raise PasskeyRefused
    user = replace(caller, user_id=passkey.user_id, name=passkey.user_name)
    try:
        signature = ceremonies.check_signature(site, challenge, credential, passkey)
        async with database.platform() as db:
            await spend(db, signature)
            return Admission(await users.open_session(db, user, "user.signed_in", {"by": PASSKEY}, proved=True))
    except PasskeyRefused:
        async with database.platform() as db:
            await log.record(db, passkey.user_id, user, "user.sign_in_failed", details={"by": PASSKEY})
        raise


async def prove(database: Database, user: Actor, site: Site, credential: str, purpose: str) -> Signature:
    """The signature of one of this user's passkeys, for this purpose. Raises PasskeyRefused, which the log keeps."""
    assert user.user_id is not None
    try:
        challenge = await _used_up(database, credential, purpose, user.user_id)
        passkey = await _of(database, user.user_id, credential)
        return ceremonies.check_signature(site, challenge, credential, passkey)
    except PasskeyRefused:
        async with database.platform() as db:
            await log.record(db, user.user_id, user, "user.second_factor_failed", details={"by": PASSKEY})
        raise


async def spend(db: Platform, signature: Signature) -> None:
    """Write down that the passkey was used, in the transaction of what it opens. Raises PasskeyRefused when a copy of it was faster."""
    if not await store.use(db, signature):
        raise PasskeyRefused


async def _of(database: Database, user_id: UUID, credential: str) -> KnownPasskey:
    async with database.platform() as db:
        passkey = await store.find(db, ceremonies.credential_id_in(credential))
    if passkey is None or passkey.user_id != user_id:
        raise PasskeyRefused
    return passkey


async def _used_up(database: Database, credential: str, purpose: str, user_id: UUID | None) -> bytes:
    """The challenge of this credential, which counts no second time, whatever comes of it."""
    challenge = ceremonies.challenge_in(credential)
    async with database.platform() as db:
        if not await store.close_challenge(db, hash_of_bytes(challenge), purpose, user_id):
            raise PasskeyRefused
    return challenge
