"""The statements about second factors and sign-ins that wait for one: each calls one narrow function."""

from collections.abc import Sequence
from uuid import UUID

from frontdesk.database import Platform
from frontdesk.users.factors.records import Authenticator, Factors, PendingSignIn


async def has_any(db: Platform, user_id: UUID) -> bool:
    """Whether the user has a second factor."""
    return bool(await db.value("select private.has_second_factor(%(user_id)s)", {"user_id": user_id}))


async def owes_one(db: Platform, user_id: UUID) -> bool:
    """Whether the user, who has proved one factor, owes a second; nobody adds or removes one until this transaction is over."""
    return bool(await db.value("select private.owes_second_factor(%(user_id)s)", {"user_id": user_id}))


async def asking(db: Platform, user_id: UUID) -> list[str]:
    """The names of the user's organizations that ask him for a second factor."""
    rows = await db.rows("select name from private.asking_for_second_factor(%(user_id)s) as asking (name)", {"user_id": user_id})
    return [row["name"] for row in rows]


async def factors_of(db: Platform, user_id: UUID) -> Factors:
    """What the user has beside his password."""
    found = await db.record(
        Factors, "select authenticator_since, passkeys, recovery_codes_left from private.second_factors_of(%(user_id)s)", {"user_id": user_id}
    )  # fmt: skip
    return found or Factors(None, 0, 0)


async def offer_authenticator(db: Platform, user_id: UUID, sealed_secret: str) -> str:
    """Offer a secret and return the one that counts: an offer that is still open stays."""
    return str(
        await db.value("select private.offer_authenticator(%(user_id)s, %(secret)s)", {"user_id": user_id, "secret": sealed_secret}),
    )


async def find_offer(db: Platform, user_id: UUID) -> str | None:
    """The sealed secret that is offered to the user at the moment."""
    found: str | None = await db.value("select private.find_authenticator_offer(%(user_id)s)", {"user_id": user_id})
    return found


async def confirm_authenticator(db: Platform, user_id: UUID, offered: str, sealed_secret: str, step: int) -> bool:
    """Make the offered secret the factor. False when the offer is gone."""
    return bool(
        await db.value(
            "select private.confirm_authenticator(%(user_id)s, %(offered)s, %(secret)s, %(step)s)",
            {"user_id": user_id, "offered": offered, "secret": sealed_secret, "step": step},
        )
    )


async def find_authenticator(db: Platform, user_id: UUID) -> Authenticator | None:
    """The user's authenticator app."""
    return await db.record(Authenticator, "select secret, last_step from private.find_authenticator(%(user_id)s)", {"user_id": user_id})


async def use_step(db: Platform, user_id: UUID, step: int) -> bool:
    """Use up a time step and all before it. False when that has happened already."""
    return bool(await db.value("select private.use_authenticator_step(%(user_id)s, %(step)s)", {"user_id": user_id, "step": step}))


async def remove_authenticator(db: Platform, user_id: UUID) -> bool:
    """Take the authenticator away. False when there is none."""
    return bool(await db.value("select private.remove_authenticator(%(user_id)s)", {"user_id": user_id}))


async def release(db: Platform, user_id: UUID) -> bool:
    """Take every second factor and recovery code of a user away, and end his sessions. False when he has none."""
    return bool(await db.value("select private.release_user(%(user_id)s)", {"user_id": user_id}))


async def replace_recovery_codes(db: Platform, user_id: UUID, salt: bytes, hashes: Sequence[bytes]) -> None:
    """Keep these codes in place of all before them."""
    await db.run(
        "select private.replace_recovery_codes(%(user_id)s, %(salt)s, %(hashes)s)",
        {"user_id": user_id, "salt": salt, "hashes": list(hashes)},
    )


async def recovery_salt(db: Platform, user_id: UUID) -> bytes | None:
    """The salt of the codes that are left."""
    found: bytes | None = await db.value("select private.recovery_salt(%(user_id)s)", {"user_id": user_id})
    return found


async def use_recovery_code(db: Platform, user_id: UUID, code_hash: bytes) -> int | None:
    """Use up a code and say how many are left. None when it is none, or was used before."""
    found: int | None = await db.value(
        "select private.use_recovery_code(%(user_id)s, %(code_hash)s)", {"user_id": user_id, "code_hash": code_hash}
    )  # fmt: skip
    return found


async def open_pending(db: Platform, user_id: UUID, token_hash: bytes, proved_by: str) -> None:
    """Let a sign-in wait for the second factor."""
    await db.run(
        "select private.open_pending_sign_in(%(user_id)s, %(token_hash)s, %(proved_by)s)",
        {"user_id": user_id, "token_hash": token_hash, "proved_by": proved_by},
    )


async def find_pending(db: Platform, token_hash: bytes) -> PendingSignIn | None:
    """The sign-in that waits behind this token."""
    return await db.record(
        PendingSignIn,
        "select user_id, email, name, proved_by from private.find_pending_sign_in(%(token_hash)s)",
        {"token_hash": token_hash},
    )


async def close_pending(db: Platform, token_hash: bytes) -> bool:
    """End the wait. False when it is over already."""
    return bool(await db.value("select private.close_pending_sign_in(%(token_hash)s)", {"token_hash": token_hash}))
