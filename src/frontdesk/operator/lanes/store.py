"""The SQL of what waits."""

from typing import Any

from frontdesk.database import Console


async def busy(db: Console, how_many: int) -> list[dict[str, Any]]:
    """The lanes on which something waits, the longest first."""
    return await db.rows(
        """
        select organization_id, organization, channel_id, channel, direction, waiting, since, leased_until, last_served_at, stopped_at, stopped_reason
        from private.busy_lanes(%(how_many)s)
        """,
        {"how_many": how_many},
    )


async def stopped(db: Console, how_many: int) -> list[dict[str, Any]]:
    """Numbers that rest, the newest first, and why."""
    return await db.rows(
        """
        select c.organization_id, o.name as organization, c.name as channel, c.display_number, c.stopped_at, c.stopped_reason
        from public.channels c join public.organizations o on o.id = c.organization_id
        where c.stopped_at is not null order by c.stopped_at desc limit %(how_many)s
        """,
        {"how_many": how_many},
    )


async def deletions(db: Console, how_many: int) -> list[dict[str, Any]]:
    """Organizations that go, the next one first."""
    return await db.rows(
        """
        select d.organization_id, o.name as organization, d.requested_at, d.due_at, d.begun_at
        from public.organization_deletions d join public.organizations o on o.id = d.organization_id order by d.due_at limit %(how_many)s
        """,
        {"how_many": how_many},
    )


async def jobs(db: Console) -> list[dict[str, Any]]:
    """What the worker does beside the lanes: what of it waits, since when, and what went wrong."""
    return await db.rows("select job, waiting, since, failed from private.jobs_state()")
