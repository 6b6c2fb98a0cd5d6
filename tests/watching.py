"""Watching statements: how PostgreSQL plans each of them, and how many rows of each table it read."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from psycopg import AsyncClientCursor, AsyncConnection, AsyncCursor

from frontdesk.database import Statements

S = TypeVar("S", bound=Statements)
PLACEHOLDER = re.compile(r"%\((\w+)\)s")
# Tables that grow with what happens; the others hold a few rows for each organization.
GROWING = {
    "messages", "conversations", "contacts", "contact_identities", "outbox", "inbound_deliveries", "auto_reply_cooldowns", "organization_usage", "audit_logs",
}  # fmt: skip


@dataclass(slots=True)
class Seen:
    """One statement: its scans, as (node, table, condition), and the rows it read, by table."""

    query: str
    scans: list[tuple[str, str, str]]
    read: dict[str, int] = field(default_factory=dict)

    def faults(self, most: int) -> list[str]:
        """Whole tables scanned, and tables of which more than `most` rows were read."""
        found = [f"{node} on {table}" for node, table, _ in self.scans if node == "Seq Scan" and table in GROWING]
        found += [f"{n} rows of {table} read" for table, n in self.read.items() if table in GROWING and n > most]
        return [f"{fault} by: {' '.join(self.query.split())[:300]}" for fault in found]


class Undo(Exception):
    """Nothing of this stays."""


@asynccontextmanager
async def watched(door: AbstractAsyncContextManager[S], plans: str) -> AsyncIterator[tuple[S, list[Seen]]]:
    """The transaction behind a door, watched and undone at its end. plans: "custom" or "generic"."""
    seen: list[Seen] = []
    with suppress(Undo):
        async with door as db:
            connection = db._connection
            await connection.execute(f"set local plan_cache_mode = force_{plans}_plan")  # type: ignore[arg-type]  # one of our two words
            connection.prepare_threshold = 0
            connection.cursor_factory = _watching(seen)
            try:
                yield db, seen
            finally:
                connection.cursor_factory = AsyncCursor
            raise Undo


def _watching(seen: list[Seen]) -> type[AsyncCursor[Any]]:
    class Watching(AsyncCursor[Any]):
        async def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            this = Seen(query, await _scans(self.connection, query, params or {}))
            seen.append(this)
            before = await _read(self.connection)
            await super().execute(query, params, **more)
            after = await _read(self.connection)
            this.read = {table: n - before.get(table, 0) for table, n in after.items() if n > before.get(table, 0)}
            return self

    return Watching


async def _scans(connection: AsyncConnection[Any], query: str, params: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The plan as the connection would make it for a prepared statement, with its parameters typed by the statement alone."""
    names = list(dict.fromkeys(PLACEHOLDER.findall(query)))
    numbered = PLACEHOLDER.sub(lambda found: f"${names.index(found[1]) + 1}", query).replace("%%", "%")
    values = AsyncClientCursor(connection).mogrify("(" + ", ".join(["%s"] * len(names)) + ")", [params[name] for name in names]) if names else ""
    plain = AsyncCursor(connection)
    await plain.execute(f"prepare watched as {numbered}".encode())
    await plain.execute(f"explain (format json) execute watched{values}".encode())
    row = await plain.fetchone()
    await plain.execute(b"deallocate watched")
    assert row is not None
    return list(_walk(row[0][0]["Plan"]))


def _walk(node: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    if "Relation Name" in node and "Scan" in node["Node Type"]:
        yield node["Node Type"], _table(node["Relation Name"]), node.get("Index Cond", node.get("Recheck Cond", ""))
    for child in node.get("Plans", ()):
        yield from _walk(child)


async def _read(connection: AsyncConnection[Any]) -> dict[str, int]:
    """Rows read so far by this backend, by table: by scanning it, and by fetching what an index pointed at."""
    plain = AsyncCursor(connection)
    await plain.execute(b"select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables")
    total: dict[str, int] = {}
    for name, n in await plain.fetchall():
        total[_table(name)] = total.get(_table(name), 0) + n
    return total


def _table(name: str) -> str:
    """Partitions are the table they are of."""
    return re.sub(r"^messages_(\d{4}_\d{2}|elsewhen)$", "messages", name)
