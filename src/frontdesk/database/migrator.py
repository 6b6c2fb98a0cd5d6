"""Bringing a database to this version's schema, in the convention of the Supabase CLI.

`supabase db push` does the same: the history table and the file names are those of supabase/cli, `pkg/migration`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from frontdesk.database import splitter
from frontdesk.errors import FrontdeskError

FILE_NAME = re.compile(r"^([0-9]+)_(.*)\.sql$")
LOCK = 6_029_774_021  # an arbitrary number that only Frontdesk's migrator locks
LOCK_TIMEOUT = "4s"  # a statement that waits longer for a table would make everybody else wait behind it
TRANSACTION_WORDS = ("begin", "commit", "end", "rollback", "abort", "start", "savepoint", "vacuum")

Connection = psycopg.AsyncConnection[Any]


class MigrationFailed(FrontdeskError):
    """A migration failed and left nothing behind."""


class NewerDatabase(FrontdeskError):
    """The database was migrated by a newer version of Frontdesk."""


class OutOfOrder(FrontdeskError):
    """A migration that was never applied is older than one that was."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; `version` is the number in front of its name."""

    version: str
    name: str
    sql: str

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.version}_{self.name}.sql"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one migration stands: `state` is applied, pending or unknown (applied by somebody else's version)."""

    version: str
    name: str
    state: str


def known(folder: Path | None = None) -> list[Migration]:
    """The migrations of this version, oldest first."""
    entries = (folder or files("frontdesk.database") / "migrations").iterdir()
    found = [(match, entry) for entry in entries if (match := FILE_NAME.match(entry.name))]
    return sorted((Migration(match[1], match[2], entry.read_text("utf-8")) for match, entry in found), key=lambda one: one.version)


async def migrate(connection: Connection, migrations: Sequence[Migration] | None = None) -> list[Migration]:
    """Apply what is pending, one transaction per file, and return it.

    `connection`: autocommit, as the owner. Raises MigrationFailed, NewerDatabase or OutOfOrder; what was applied
    before stays.
    """
    wanted = known() if migrations is None else list(migrations)
    check_history(wanted, await history(connection))
    await _bootstrap(connection)
    return [one for one in wanted if await _apply(connection, one)]


async def status(connection: Connection, migrations: Sequence[Migration] | None = None) -> list[Standing]:
    """Every migration known here or applied there, oldest first."""
    applied = await history(connection)
    wanted = known() if migrations is None else migrations
    here = [Standing(one.version, one.name, "applied" if one.version in applied else "pending") for one in wanted]
    unknown = [Standing(version, applied[version], "unknown") for version in applied.keys() - {one.version for one in wanted}]
    return sorted(here + unknown, key=lambda one: one.version)


def summary(standings: Sequence[Standing]) -> str:
    """How the database stands, in a sentence."""
    pending, unknown = (sum(one.state == state for one in standings) for state in ("pending", "unknown"))
    if unknown:
        return f"The database was migrated by a newer version of Frontdesk: {unknown} of its migrations are unknown here."
    return f"{pending} migrations are pending." if pending else "The database is up to date."


async def history(connection: Connection) -> dict[str, str]:
    """Version -> name of what was applied; empty for a database that was never prepared."""
    found = await connection.execute("select to_regclass('supabase_migrations.schema_migrations') is not null")
    if not (await found.fetchone() or [False])[0]:
        return {}
    rows = await connection.execute(  # the column `name` came later than the table
        "select version, coalesce(to_jsonb(h) ->> 'name', '') from supabase_migrations.schema_migrations h"
    )
    return dict(await rows.fetchall())


def check_history(wanted: Sequence[Migration], applied: dict[str, str]) -> None:
    """Raise NewerDatabase or OutOfOrder when this version's migrations do not continue what was applied."""
    unknown = sorted(applied.keys() - {one.version for one in wanted})
    if unknown:
        names = ", ".join(f"{one}_{applied[one]}" for one in unknown)
        raise NewerDatabase(
            f"The database was migrated by a newer version of Frontdesk: it has {names}, which this version does not"
            " know. Install that version, or use another database."
        )
    newest = max(applied, default="")
    for one in wanted:
        if one.version not in applied and one.version < newest:
            raise OutOfOrder(f"{one.file} was never applied, but newer ones were (the newest is {newest}). Nothing was changed.")


async def _bootstrap(connection: Connection) -> None:
    """Give a plain server what a Supabase project has; a real one is left alone, but for the history table."""
    sql = (files("frontdesk.database") / "bootstrap.sql").read_text("utf-8")
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        for number, statement in enumerate(splitter.split(sql), 1):
            await _run(connection, "bootstrap.sql", number, statement)


async def _apply(connection: Connection, migration: Migration) -> bool:
    """Apply one file and its history row together. False if it was applied before, perhaps by another process."""
    try:
        statements = splitter.split(migration.sql)
    except splitter.Unfinished as error:
        raise MigrationFailed(f"Migration {migration.file} cannot be read: {error}") from None
    async with connection.transaction():
        await connection.execute("reset all")
        await connection.execute("select pg_advisory_xact_lock(%s)", [LOCK])
        if migration.version in await history(connection):
            return False
        await connection.execute("select set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
        for number, statement in enumerate(statements, 1):
            await _run(connection, migration.file, number, statement)
        await connection.execute(
            "insert into supabase_migrations.schema_migrations (version, name, statements) values (%s, %s, %s)",
            [migration.version, migration.name, statements],
        )
    return True


async def _run(connection: Connection, file: str, number: int, statement: str) -> None:
    if splitter.first_word(statement) in TRANSACTION_WORDS:
        raise _failure(file, number, statement, "a migration is one transaction; it may not begin or end one, nor vacuum")
    try:
        await connection.execute(statement)  # a file of ours, read from the package: no input of anybody
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error)
        hint = f" ({error.diag.message_detail or error.diag.message_hint})" if error.diag.message_detail or error.diag.message_hint else ""
        raise _failure(file, number, statement, f"{said}{hint} [{error.sqlstate}]") from error
    if connection.info.transaction_status is not TransactionStatus.INTRANS:
        raise _failure(file, number, statement, "it ended the migration's transaction")


def _failure(file: str, number: int, statement: str, said: str) -> MigrationFailed:
    return MigrationFailed(
        f"Migration {file} failed at statement {number} and left nothing behind.\n  statement:  {splitter.first_line(statement)}\n  PostgreSQL: {said}"
    )
