"""What an operator does for a user, or against him. Each of his organizations reads of it."""

from uuid import UUID

from frontdesk.database import Console
from frontdesk.errors import Conflict, NotFound
from frontdesk.operator.log import store as log
from frontdesk.operator.reasons import reason
from frontdesk.operator.users import store
from frontdesk.operator.users.records import User


class NoSuchUser(NotFound):
    """There is no such user."""


class CannotLock(Conflict):
    """He is shut out already, or it is yourself."""


class NotLocked(Conflict):
    """He may sign in already."""


class NothingToReset(Conflict):
    """He has no second factor; or it is your own, which another operator resets."""


async def find(db: Console, user_id: UUID) -> User:
    """One user. Raises NoSuchUser."""
    user = await store.find(db, user_id)
    if user is None:
        raise NoSuchUser
    return user


async def lock(db: Console, user_id: UUID, why: str) -> int:
    """Shut him out: every session ends, and nothing signs him in. Returns how many ended. Raises CannotLock or what is wrong with the reason."""
    said, user = reason(why), await find(db, user_id)
    ended = await store.lock(db, user_id)
    if ended is None:
        raise CannotLock
    await log.record_on_user(db, "user.locked", user_id, {"name": user.name, "reason": said, "sessions": ended})
    return ended


async def unlock(db: Console, user_id: UUID) -> None:
    """Let him sign in again. Raises NotLocked."""
    user = await find(db, user_id)
    if not await store.unlock(db, user_id):
        raise NotLocked
    await log.record_on_user(db, "user.unlocked", user_id, {"name": user.name})


async def reset_second_factor(db: Console, user_id: UUID, proof: str) -> None:
    """Take his second factors away after he has proved who he is; what proved it is written down. Raises NothingToReset or what is wrong."""
    said, user = reason(proof), await find(db, user_id)
    if not await store.reset_second_factor(db, user_id):
        raise NothingToReset
    await log.record_on_user(db, "user.second_factor_reset", user_id, {"name": user.name, "reason": said})
