"""The second step of a sign-in: whoever proved one factor proves another, and gets the session."""

from dataclasses import replace

from frontdesk.access import Actor
from frontdesk.database import Database, Platform
from frontdesk.errors import NotAllowed
from frontdesk.users import actions, log
from frontdesk.users.factors import codes, store
from frontdesk.users.factors.codes import Claim, Spent
from frontdesk.users.factors.records import Factors, PendingSignIn
from frontdesk.users.passkeys import actions as passkeys
from frontdesk.users.passkeys.records import Site
from frontdesk.users.records import Admission
from frontdesk.users.tokens import hash_of, is_token
from frontdesk.vault import Vault


class SignInExpired(NotAllowed):
    """This sign-in took too long. Begin again with your password."""


async def find(database: Database, token: str | None) -> tuple[PendingSignIn, Factors]:
    """Who waits behind this token, and what he may prove himself with. Raises SignInExpired."""
    if token is None or not is_token(token):
        raise SignInExpired
    async with database.platform() as db:
        pending = await store.find_pending(db, hash_of(token))
        if pending is None:
            raise SignInExpired
        return pending, await store.factors_of(db, pending.user_id)


async def by_authenticator(database: Database, vault: Vault, caller: Actor, token: str | None, code: str) -> tuple[Admission, Spent]:
    """Sign in with a code of the app. Raises SignInExpired, WrongCode, TooManyAttempts or CannotCheck."""
    pending, _ = await find(database, token)
    return await _finish(database, caller, pending, str(token), await codes.claim_authenticator(database, vault, pending.user_id, code))


async def by_recovery_code(database: Database, caller: Actor, token: str | None, code: str) -> tuple[Admission, Spent]:
    """Sign in with a recovery code. Raises SignInExpired, WrongRecoveryCode, TooManyAttempts or PasswordsBusy."""
    pending, _ = await find(database, token)
    return await _finish(database, caller, pending, str(token), await codes.claim_recovery_code(database, pending.user_id, code))


async def by_passkey(database: Database, site: Site, caller: Actor, token: str | None, credential: str) -> tuple[Admission, Spent]:
    """Sign in with a passkey of the user. Raises SignInExpired or PasskeyRefused."""
    pending, _ = await find(database, token)
    user = replace(caller, user_id=pending.user_id, name=pending.name)
    signature = await passkeys.prove(database, user, site, credential, passkeys.SECOND_FACTOR)
    async with database.platform() as db:
        await passkeys.spend(db, signature)
        return await open_after(db, user, pending, str(token), passkeys.PASSKEY), Spent(passkeys.PASSKEY)


async def open_after(db: Platform, user: Actor, pending: PendingSignIn, token: str, by: str) -> Admission:
    """Open the session of a sign-in whose second factor is proved. Raises SignInExpired when it was opened already."""
    if not await store.close_pending(db, hash_of(token)):
        raise SignInExpired
    return Admission(await actions.open_session(db, user, "user.signed_in", {"by": pending.proved_by, "second_factor": by}, proved=True))


async def _finish(database: Database, caller: Actor, pending: PendingSignIn, token: str, claim: Claim) -> tuple[Admission, Spent]:
    user = replace(caller, user_id=pending.user_id, name=pending.name)
    async with database.platform() as db:
        spent = await codes.spend(db, pending.user_id, claim)
        if spent is not None:
            admission = await open_after(db, user, pending, token, spent.by)
            if spent.codes_left is not None:
                await log.record(db, pending.user_id, user, "recovery_code.used", details={"left": spent.codes_left})
            return admission, spent
    raise await codes.refuse(database, user, claim)
