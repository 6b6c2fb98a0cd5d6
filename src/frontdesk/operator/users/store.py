"""The SQL of users, as an operator asks."""

from uuid import UUID

from frontdesk.database import Console
from frontdesk.operator.users.records import User


async def search(db: Console, words: str, before: UUID | None, how_many: int) -> list[User]:
    """Users whose email begins so, or all; the newest first."""
    return await db.records(
        User,
        """
        select id, name, email, created_at, confirmed, locked, has_factor, is_operator, last_seen_at, organizations
        from private.list_users(%(words)s, %(before)s, %(how_many)s)
        """,
        {"words": words, "before": before, "how_many": how_many},
    )


async def find(db: Console, user_id: UUID) -> User | None:
    """One user."""
    return await db.record(
        User,
        """
        select id, name, email, created_at, confirmed, locked, has_factor, is_operator, last_seen_at, organizations
        from private.list_users('', null, 1, %(user_id)s)
        """,
        {"user_id": user_id},
    )


async def lock(db: Console, user_id: UUID) -> int | None:
    """Shut a user out; how many sessions ended, or None when he is out already, or oneself."""
    ended: int | None = await db.value("select private.lock_user(%(user_id)s)", {"user_id": user_id})
    return ended


async def unlock(db: Console, user_id: UUID) -> bool:
    """Let a user sign in again; False when he may."""
    return bool(await db.value("select private.unlock_user(%(user_id)s)", {"user_id": user_id}))


async def reset_second_factor(db: Console, user_id: UUID) -> bool:
    """Take every second factor away; False when there is none, or they are one's own."""
    return bool(await db.value("select private.reset_second_factor(%(user_id)s)", {"user_id": user_id}))
