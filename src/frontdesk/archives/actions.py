"""Writing an archive, table by table and piece by piece."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import orjson

from frontdesk import audit, members
from frontdesk.access import Actor
from frontdesk.archives import store
from frontdesk.archives.zipping import Zip
from frontdesk.database import Database, Tenant, new_id

PIECE = 500  # rows
PEOPLE = "people"
README = """Everything that {name} has in Frontdesk, on {day}.

Each file holds the rows of one table, one JSON object in each line. people.jsonl says who the members are, by the ids that
the other files name. Access tokens and other secrets are not in here. What was written while the archive was made may be
missing from it.
"""


async def begin(db: Tenant) -> tuple[UUID, list[str]]:
    """Write down that everything is taken along. Returns the archive's id and its tables."""
    archive_id, tables = new_id(), await store.tables(db)
    await store.begin(db, archive_id, len(tables))
    await audit.append(db, "organization.exported", target_type="organization", target_id=db.organization_id, details={"tables": len(tables)})
    return archive_id, tables


async def stream(database: Database, organization_id: UUID, actor: Actor, archive_id: UUID, tables: list[str], name: str) -> AsyncIterator[bytes]:
    """The archive, while it is written: never more than a piece of it is in memory, and no transaction waits for whoever downloads it."""
    now, rows = datetime.now(UTC), 0
    with Zip(now) as archive:
        archive.begin("README.txt")
        yield await archive.write(README.format(name=name, day=f"{now:%Y-%m-%d %H:%M} UTC"))
        archive.begin(f"{PEOPLE}.jsonl")
        async for text, _ in _people(database, organization_id, actor):
            yield await archive.write(text)
        for number, table in enumerate(tables):
            archive.begin(f"{table}.jsonl")
            async for text, many in _pieces(database, organization_id, actor, table):
                rows += many
                yield await archive.write(text)
                await _advance(database, organization_id, actor, archive_id, number, rows)
        yield archive.close()
    await _advance(database, organization_id, actor, archive_id, len(tables), rows, finished=True)


async def _pieces(database: Database, organization_id: UUID, actor: Actor, table: str) -> AsyncIterator[tuple[str, int]]:
    place, many = None, PIECE
    while many == PIECE:
        async with database.tenant(organization_id, actor) as db:
            rows = await store.rows(db, table, place, PIECE)
        many, place = len(rows), rows[-1]["place"] if rows else None
        yield "".join(f"{row['line']}\n" for row in rows), many


async def _people(database: Database, organization_id: UUID, actor: Actor) -> AsyncIterator[tuple[str, int]]:
    place: members.Cursor | None = None
    while True:
        async with database.tenant(organization_id, actor) as db:
            found, place = await members.search(db, after=place, how_many=PIECE)
        lines = [orjson.dumps({"id": one.user_id, "name": one.name, "email": one.email, "role": one.role}).decode() for one in found]
        yield "".join(f"{line}\n" for line in lines), len(found)
        if place is None:
            return


async def _advance(database: Database, organization_id: UUID, actor: Actor, archive_id: UUID, tables: int, rows: int, *, finished: bool = False) -> None:
    async with database.tenant(organization_id, actor) as db:
        await store.advance(db, archive_id, tables, rows, finished)
