"""The SQL of looking into organizations."""

from uuid import UUID

from frontdesk.database import Console


async def begin(db: Console, organization_id: UUID, view_id: UUID, purpose: str, reason: str) -> bool:
    """Let this session look into it; False when there is no such organization, or it goes."""
    return bool(
        await db.value(
            "select private.begin_view(%(organization_id)s, %(view_id)s, %(purpose)s, %(reason)s)",
            {"organization_id": organization_id, "view_id": view_id, "purpose": purpose, "reason": reason},
        )
    )


async def end(db: Console) -> UUID | None:
    """End what this session looks into; the organization, if there was one."""
    found: UUID | None = await db.value("select private.end_view()")
    return found
