"""Proving the second factor with a code. Tries are counted before anything is looked at, and a code is spent in the transaction of what it opens."""

import time
from dataclasses import dataclass
from uuid import UUID

from frontdesk.access import Actor
from frontdesk.database import Database, Platform
from frontdesk.errors import BadInput, Unavailable
from frontdesk.users import attempts, log
from frontdesk.users.attempts import Limit, TooManyAttempts
from frontdesk.users.factors import recovery, store, totp
from frontdesk.vault import CannotOpen, Vault

AUTHENTICATOR, RECOVERY_CODE = "authenticator", "recovery_code"
TRIES, WINDOW_SECONDS = 5, 15 * 60
# A code of six digits is one of a million, and three hold at a time: thirty wrong ones a day are one chance in eleven thousand.
TRIES_A_DAY, DAY_SECONDS = 30, 24 * 3600


class WrongCode(BadInput):
    """This code is not right, or it was used before. Type the one that your app shows now."""


class WrongRecoveryCode(BadInput):
    """This is none of your recovery codes, or it was used before."""


class CannotCheck(Unavailable):
    """Frontdesk cannot check your authenticator's codes at the moment. Use a recovery code, and tell whoever runs Frontdesk."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody typed, as far as it can be known before it is spent: the time step of a code, or the hash of a recovery code."""

    by: str
    step: int | None = None
    code_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """A code that was right and is used up. `codes_left`: of the recovery codes, where it was one."""

    by: str
    codes_left: int | None = None


async def claim_authenticator(database: Database, vault: Vault, user_id: UUID, code: str) -> Claim:
    """Look at a code of the authenticator app. Raises TooManyAttempts or CannotCheck."""
    await _demand_turn(database, AUTHENTICATOR, user_id)
    async with database.platform() as db:
        kept = await store.find_authenticator(db, user_id)
    if kept is None:
        return Claim(AUTHENTICATOR)
    try:
        secret = vault.open(kept.secret, context=context_of(user_id))
    except CannotOpen as error:
        raise CannotCheck from error
    return Claim(AUTHENTICATOR, step=totp.step_of(secret, code, time.time()))


async def claim_recovery_code(database: Database, user_id: UUID, code: str) -> Claim:
    """Look at a recovery code. Raises TooManyAttempts or PasswordsBusy."""
    await _demand_turn(database, RECOVERY_CODE, user_id)
    async with database.platform() as db:
        salt = await store.recovery_salt(db, user_id)
    [code_hash] = await recovery.hashes_of([code], salt or recovery.new_salt())
    return Claim(RECOVERY_CODE, code_hash=code_hash if salt else None)


async def spend(db: Platform, user_id: UUID, claim: Claim) -> Spent | None:
    """Use the code up, for what this transaction does. None when it is not right or was used before."""
    spent: Spent | None = None
    if claim.step is not None and await store.use_step(db, user_id, claim.step):
        spent = Spent(claim.by)
    if claim.code_hash is not None and (left := await store.use_recovery_code(db, user_id, claim.code_hash)) is not None:
        spent = Spent(claim.by, left)
    if spent is not None:
        per_window, per_day = _limits(claim.by, user_id)
        await attempts.forget(db, per_window)
        await attempts.give_back(db, per_day)
    return spent


async def refuse(database: Database, user: Actor, claim: Claim) -> BadInput:
    """Write down that the second factor was not proved, and return what to raise. The answer names the field."""
    assert user.user_id is not None
    async with database.platform() as db:
        await log.record(db, user.user_id, user, "user.second_factor_failed", details={"by": claim.by})
    return WrongCode(field="code") if claim.by == AUTHENTICATOR else WrongRecoveryCode(field="recovery_code")


def context_of(user_id: UUID, table: str = "authenticators") -> str:
    """The place of a sealed secret, so that it opens in its own row only."""
    return f"{user_id}|{table}|secret"


async def _demand_turn(database: Database, by: str, user_id: UUID) -> None:
    async with database.platform() as db:
        wait = await attempts.take(db, *_limits(by, user_id))
    if wait:
        raise TooManyAttempts(wait)


def _limits(by: str, user_id: UUID) -> tuple[Limit, Limit]:
    return Limit(f"{by}|{user_id}", TRIES, WINDOW_SECONDS), Limit(f"{by} a day|{user_id}", TRIES_A_DAY, DAY_SECONDS)
