"""The statements about links that prove an email: each calls one narrow function, since users belong to no organization."""

from uuid import UUID

from frontdesk.database import Platform
from frontdesk.email_proofs.records import LASTS, Change, Proof, Purpose


async def keep(db: Platform, proof_id: UUID, token_hash: bytes, purpose: Purpose, user_id: UUID, email: str) -> None:
    """Open a link for a user that is sent to this address."""
    await db.run(
        "select private.keep_email_proof(%(id)s, %(token_hash)s, %(purpose)s, %(user_id)s, %(email)s, %(seconds)s)",
        {"id": proof_id, "token_hash": token_hash, "purpose": purpose, "user_id": user_id, "email": email, "seconds": LASTS[purpose]},
    )


async def find(db: Platform, token_hash: bytes, purpose: Purpose) -> Proof | None:
    """What an open link is about; looking uses nothing up."""
    return await db.record(
        Proof,
        "select user_id, name, email, current_email from private.find_email_proof(%(token_hash)s, %(purpose)s)",
        {"token_hash": token_hash, "purpose": purpose},
    )


async def is_email_free(db: Platform, email: str, user_id: UUID) -> bool:
    """Whether this user may have this email."""
    return bool(await db.value("select private.is_email_free(%(email)s, %(user_id)s)", {"email": email, "user_id": user_id}))


async def email_in_change(db: Platform, user_id: UUID) -> str | None:
    """The address that the user has asked for and not yet confirmed."""
    found: str | None = await db.value("select private.email_in_change(%(user_id)s)", {"user_id": user_id})
    return found


async def forget_change(db: Platform, user_id: UUID) -> None:
    """Close the link of a change that is not wanted any more."""
    await db.run("select private.forget_email_change(%(user_id)s)", {"user_id": user_id})


async def verify(db: Platform, token_hash: bytes) -> UUID | None:
    """Use a link up: the email is its user's. None when the link is none any more."""
    found: UUID | None = await db.value("select private.verify_email(%(token_hash)s)", {"token_hash": token_hash})
    return found


async def reset_password(db: Platform, token_hash: bytes, password_hash: str) -> UUID | None:
    """Use a link up: another password, and the end of every session. None when the link is none any more."""
    found: UUID | None = await db.value(
        "select private.reset_password(%(token_hash)s, %(password_hash)s)", {"token_hash": token_hash, "password_hash": password_hash}
    )
    return found


async def change_email(db: Platform, token_hash: bytes) -> Change | None:
    """Use a link up: another email."""
    return await db.record(
        Change,
        "select outcome, user_id, old_email, new_email, was_verified from private.change_email(%(token_hash)s) where outcome <> 'gone'",
        {"token_hash": token_hash},
    )


async def undo_change(db: Platform, token_hash: bytes) -> Change | None:
    """Use a link up: the email before is the user's again, and every session has ended."""
    return await db.record(
        Change,
        "select outcome, user_id, old_email, new_email, true as was_verified from private.undo_email_change(%(token_hash)s) where outcome <> 'gone'",
        {"token_hash": token_hash},
    )
