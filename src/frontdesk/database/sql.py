"""Running statements: literal SQL in, dictionaries or records out."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import orjson
from psycopg import AsyncConnection
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Json, Jsonb

T = TypeVar("T")
Params = Mapping[str, Any] | None


def batch(rows: Sequence[Mapping[str, Any]]) -> Jsonb:
    """The rows as ONE jsonb parameter for `jsonb_to_recordset`: measured 1.6 times as fast as arrays of Python lists.

    A statement that joins them says `where id = any (array[id])`, which is always true: the planner then expects one row instead of a
    hundred, and probes the primary key for each. Otherwise a plan made while a table was small, and kept, reads all of it for ever.
    """
    return Jsonb(rows, dumps=orjson.dumps)


def recordset(rows: Sequence[Mapping[str, Any]]) -> Json:
    """The same for `json_to_recordset`, which reads the text itself: a tenth cheaper for what is read once. No function of ours takes it."""
    return Json(rows, dumps=orjson.dumps)


def keys(ids: Iterable[UUID]) -> str:
    """These ids as the keys of a JSON object: `jsonb_exists` finds one without going through all."""
    return by_id(dict.fromkeys(ids, 0))


def by_id(numbers: Mapping[UUID, int]) -> str:
    """A JSON object with ids as its keys, in order: PostgreSQL sorts them whenever it reads the object, and takes half the time if nothing moves."""
    return orjson.dumps(numbers, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS).decode()


def _maker(kind: type[T]) -> Callable[[Any], Callable[[Sequence[Any]], T]]:
    """What psycopg asks for a maker of rows. A row of a batch that becomes a named tuple is made in C."""
    fields = getattr(kind, "_fields", None)
    if fields is None:
        return class_row(kind)

    def maker(cursor: Any) -> Callable[[Sequence[Any]], T]:
        columns = [cursor.pgresult.fname(n).decode() for n in range(cursor.pgresult.nfields)] if cursor.pgresult else []
        if columns and tuple(columns) != fields:
            raise TypeError(f"{kind.__name__} has the fields {fields}, and the statement returns {columns}")
        return partial(tuple.__new__, kind)  # type: ignore[type-var]  # a named tuple is a tuple

    return maker


class Statements:
    """One open transaction and the statements it may run."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        """Wrap a connection on which a transaction is open."""
        self._connection = connection

    async def rows(self, query: LiteralString, params: Params = None) -> list[dict[str, Any]]:
        """All rows as dictionaries."""
        async with self._connection.cursor(row_factory=dict_row) as cursor:
            return await (await cursor.execute(query, params)).fetchall()

    async def ask(self, query: LiteralString, params: Params = None) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
        """Send a statement, and read its rows later: background work sends the next one meanwhile, and waits for both together."""
        cursor = self._connection.cursor(row_factory=dict_row)
        await cursor.execute(query, params)
        return cursor.fetchall

    async def row(self, query: LiteralString, params: Params = None) -> dict[str, Any] | None:
        """The first row as a dictionary, or None."""
        async with self._connection.cursor(row_factory=dict_row) as cursor:
            return await (await cursor.execute(query, params)).fetchone()

    async def records(self, kind: type[T], query: LiteralString, params: Params = None) -> list[T]:
        """All rows as records of `kind`, whose fields are the column names; fastest are named tuples, whose columns come in their order."""
        async with self._connection.cursor(row_factory=_maker(kind)) as cursor:
            return await (await cursor.execute(query, params)).fetchall()

    async def record(self, kind: type[T], query: LiteralString, params: Params = None) -> T | None:
        """The first row as a record of `kind`, or None."""
        async with self._connection.cursor(row_factory=_maker(kind)) as cursor:
            return await (await cursor.execute(query, params)).fetchone()

    async def value(self, query: LiteralString, params: Params = None) -> Any:
        """The first column of the first row, or None."""
        row = await (await self._connection.execute(query, params)).fetchone()
        return None if row is None else row[0]

    async def run(self, query: LiteralString, params: Params = None) -> int:
        """The number of rows the statement touched."""
        return (await self._connection.execute(query, params)).rowcount
