"""The SQL of archives."""

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.archives.records import Archive
from frontdesk.database import Tenant


async def tables(db: Tenant) -> list[str]:
    """The tables that an archive holds."""
    rows = await db.rows("select name from private.export_tables(%(organization_id)s) as name", {"organization_id": db.organization_id})
    return [row["name"] for row in rows]


async def rows(db: Tenant, table: str, after: Any, how_many: int) -> list[dict[str, Any]]:
    """The next rows of a table, each as a line of JSON and with the place after it."""
    return await db.rows(
        "select line, place from private.export_rows(%(organization_id)s, %(of_table)s, %(after)s::jsonb, %(how_many)s)",
        {"organization_id": db.organization_id, "of_table": table, "after": None if after is None else Jsonb(after), "how_many": how_many},
    )


async def begin(db: Tenant, archive_id: UUID, many: int) -> None:
    """Remember that an archive of so many tables is being written."""
    await db.run(
        "insert into public.archives (organization_id, id, asked_by, tables) values (%(organization_id)s, %(id)s, %(user_id)s, %(tables)s)",
        {"organization_id": db.organization_id, "id": archive_id, "user_id": db.actor.user_id, "tables": many},
    )


async def advance(db: Tenant, archive_id: UUID, tables_done: int, rows_done: int, finished: bool = False) -> None:
    """How far it is."""
    await db.run(
        """
        update public.archives set tables_done = %(tables_done)s, rows_done = %(rows_done)s, finished_at = case when %(finished)s then now() end
        where organization_id = %(organization_id)s and id = %(id)s
        """,
        {"organization_id": db.organization_id, "id": archive_id, "tables_done": tables_done, "rows_done": rows_done, "finished": finished},
    )


async def newest(db: Tenant) -> Archive | None:
    """The archive that was begun last."""
    return await db.record(
        Archive,
        """
        select id, tables, tables_done, rows_done, created_at, updated_at, finished_at
        from public.archives where organization_id = %(organization_id)s order by id desc limit 1
        """,
        {"organization_id": db.organization_id},
    )
