"""The statements about passkeys and their challenges: each calls one narrow function."""

from uuid import UUID

from frontdesk.database import Platform
from frontdesk.users.passkeys.records import KnownPasskey, NewPasskey, Passkey, Signature


async def open_challenge(db: Platform, challenge_hash: bytes, purpose: str, user_id: UUID | None) -> None:
    """Let a challenge wait for its signature."""
    await db.run(
        "select private.open_passkey_challenge(%(challenge_hash)s, %(purpose)s, %(user_id)s)",
        {"challenge_hash": challenge_hash, "purpose": purpose, "user_id": user_id},
    )


async def close_challenge(db: Platform, challenge_hash: bytes, purpose: str, user_id: UUID | None) -> bool:
    """Use a challenge up. False when it is over, or was made for something or somebody else."""
    return bool(
        await db.value(
            "select private.close_passkey_challenge(%(challenge_hash)s, %(purpose)s, %(user_id)s)",
            {"challenge_hash": challenge_hash, "purpose": purpose, "user_id": user_id},
        )
    )


async def add(db: Platform, passkey_id: UUID, user_id: UUID, new: NewPasskey, name: str) -> bool:
    """Add a passkey. False when it is known already, or the user has twenty."""
    return bool(
        await db.value(
            "select private.add_passkey(%(id)s, %(user_id)s, %(credential_id)s, %(public_key)s, %(sign_count)s, %(transports)s, %(eligible)s,"
            " %(backed_up)s, %(name)s)",
            {
                "id": passkey_id, "user_id": user_id, "credential_id": new.credential_id, "public_key": new.public_key, "sign_count": new.sign_count,
                "transports": new.transports, "eligible": new.backup_eligible, "backed_up": new.backed_up, "name": name,
            },
        )
    )  # fmt: skip


async def passkeys_of(db: Platform, user_id: UUID) -> list[Passkey]:
    """The user's passkeys, the oldest first."""
    return await db.records(
        Passkey,
        "select id, credential_id, transports, backup_eligible, backed_up, name, created_at, last_used_at from private.passkeys_of(%(user_id)s)",
        {"user_id": user_id},
    )


async def find(db: Platform, credential_id: bytes) -> KnownPasskey | None:
    """The passkey of a credential, as long as its user may sign in."""
    return await db.record(
        KnownPasskey,
        "select id, user_id, user_name, public_key, sign_count from private.find_passkey(%(credential_id)s)",
        {"credential_id": credential_id},
    )


async def use(db: Platform, signature: Signature) -> bool:
    """Write down that a passkey was used. False when it was used since it was looked at."""
    passkey = signature.passkey
    return bool(
        await db.value(
            "select private.use_passkey(%(id)s, %(old)s, %(new)s, %(backed_up)s)",
            {"id": passkey.id, "old": passkey.sign_count, "new": signature.new_count, "backed_up": signature.backed_up},
        )
    )


async def rename(db: Platform, user_id: UUID, passkey_id: UUID, name: str) -> str | None:
    """Call a passkey something else, and say what it was called. None when the user has no such passkey."""
    before: str | None = await db.value(
        "select private.rename_passkey(%(user_id)s, %(id)s, %(name)s)", {"user_id": user_id, "id": passkey_id, "name": name}
    )  # fmt: skip
    return before


async def remove(db: Platform, user_id: UUID, passkey_id: UUID) -> str | None:
    """Take a passkey away, and say what it was called. None when the user has no such passkey."""
    name: str | None = await db.value("select private.remove_passkey(%(user_id)s, %(id)s)", {"user_id": user_id, "id": passkey_id})
    return name
