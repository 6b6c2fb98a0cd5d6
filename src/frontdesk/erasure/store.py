"""The SQL of what goes for good."""

from typing import Any

from frontdesk.database import Platform, Tenant
from frontdesk.erasure.records import Deletion, Piece


async def pending(db: Tenant) -> Deletion | None:
    """The deletion that waits for its day, if one does."""
    return await db.record(
        Deletion,
        """
        select d.requested_at, d.due_at, coalesce(private.colleague_name(d.organization_id, d.requested_by), '') as requested_by
        from public.organization_deletions d where d.organization_id = %(organization_id)s
        """,
        {"organization_id": db.organization_id},
    )


async def request(db: Tenant) -> bool:
    """Ask for the deletion in seven days; False if it was asked for before."""
    return (
        await db.run(
            """
        insert into public.organization_deletions (organization_id, requested_by) values (%(organization_id)s, %(user_id)s)
        on conflict (organization_id) do nothing
        """,
            {"organization_id": db.organization_id, "user_id": db.actor.user_id},
        )
        == 1
    )


async def undo(db: Tenant) -> bool:
    """Take it back, unless it has begun; False if there is nothing to take back."""
    return (
        await db.run(
            "delete from public.organization_deletions where organization_id = %(organization_id)s and begun_at is null",
            {"organization_id": db.organization_id},
        )
        == 1
    )


async def begin(db: Platform) -> list[dict[str, Any]]:
    """Begin the deletions that are due; the organizations."""
    return await db.rows("select id, slug from private.begin_deletions()")


async def delete_a_piece(db: Platform, how_many: int) -> Piece | None:
    """Delete so many rows of one organization whose deletion has begun; None when there is none."""
    return await db.record(Piece, "select id, slug, of_table, gone from private.delete_a_piece(%(how_many)s)", {"how_many": how_many})
