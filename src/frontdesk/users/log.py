"""What users do with their own accounts, in the log of each of their organizations."""

from uuid import UUID

from frontdesk import audit
from frontdesk.access import Actor
from frontdesk.database import Platform
from frontdesk.users import store


async def record(
    db: Platform, user_id: UUID, actor: Actor, action: str, session_id: UUID | None = None, details: dict[str, object] | None = None
) -> None:  # fmt: skip
    """Tell every organization of this user: whoever gets into his account gets into all of them.

    Call it last: the ends of their chains stay locked until commit.
    """
    kind, identity = ("session", session_id) if session_id else ("user", user_id)
    for organization_id in await store.organizations_of(db, user_id):
        await audit.append_as(db, organization_id, actor, action, target_type=kind, target_id=identity, details=details)
