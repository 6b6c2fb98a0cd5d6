"""Making a database fit for the application: a connection with clear errors, the schema, the application's login."""

import re
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from frontdesk.database import migrator
from frontdesk.errors import FrontdeskError

APP_ROLE = "frontdesk_app"
OLDEST = 15
CONNECT_SECONDS = 10

MEANINGS = (
    (r"password authentication failed", "the user or the password is wrong."),
    (r"no password supplied", "it has no password; write postgresql://user:password@…"),
    (r'database ".*" does not exist', "there is no such database; create it first."),
    (r'role ".*" does not exist', "there is no such user; run `frontdesk migrate` first."),
    (r"not permitted to log in", "the user may not log in yet; run `frontdesk migrate` first."),
    (r"resolve host|translate host name|Name or service not known", "there is no host of this name."),
    (r"[Cc]onnection refused|No such file or directory", "nothing answers there; is the server running?"),
    (r"timeout|timed out", "it does not answer in time."),
)

Connection = psycopg.AsyncConnection[Any]


class CannotConnect(FrontdeskError):
    """The database cannot be reached."""


class UnfitDatabase(FrontdeskError):
    """Frontdesk does not work with this database."""


async def connect(url: str, variable: str = "DATABASE_URL") -> Connection:
    """One connection, in autocommit.

    Raises CannotConnect with one sentence that names the variable and never the password, or UnfitDatabase.
    """
    parts = _read(url, variable)
    timeout = int(parts.get("connect_timeout", CONNECT_SECONDS))
    try:
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=timeout)
    except psycopg.Error as error:
        raise CannotConnect(f"{variable} ({_shown(parts)}) cannot be used: {_meaning(str(error))}") from None
    if connection.info.server_version < OLDEST * 10_000:
        version = connection.info.parameter_status("server_version")
        await connection.close()
        raise UnfitDatabase(f"{variable} ({_shown(parts)}) is PostgreSQL {version}; Frontdesk needs {OLDEST} or newer.")
    return connection


async def prepare(owner_url: str, app_url: str | None, variable: str = "DATABASE_OWNER_URL") -> list[str]:
    """Migrate, and let the application in with the password of `app_url`. Returns the files applied just now."""
    async with await connect(owner_url, variable) as connection:
        applied = await migrator.migrate(connection)
        await admit(connection, app_url)
    return [migration.file for migration in applied]


async def admit(connection: Connection, app_url: str | None) -> None:
    """Let `frontdesk_app` log in with the password in `app_url`; the server only ever sees its SCRAM verifier."""
    parts = _read(app_url, "DATABASE_URL") if app_url else {}
    user, password = str(parts.get("user", APP_ROLE)), parts.get("password")
    if user.split(".")[0] != APP_ROLE:  # poolers such as Supabase's write "role.project"
        raise UnfitDatabase(
            f"DATABASE_URL logs in as {user}, but Frontdesk works as {APP_ROLE}. Write"
            f" postgresql://{APP_ROLE}:password@… with a password of your choice; `frontdesk migrate` sets it."
        )
    role = sql.Identifier(APP_ROLE)
    try:
        await connection.execute(sql.SQL("alter role {} login").format(role))
        if password:
            await connection.execute(sql.SQL("alter role {} password {}").format(role, _verifier(connection, password)))
        await connection.execute(sql.SQL("grant usage on schema supabase_migrations to {}").format(role))
        await connection.execute(sql.SQL("grant select on supabase_migrations.schema_migrations to {}").format(role))
    except psycopg.errors.InsufficientPrivilege as error:
        said = error.diag.message_primary
        raise UnfitDatabase(f"The owner may not change {APP_ROLE}: {said}. Use the login that made it.") from None


def _verifier(connection: Connection, password: str) -> sql.Literal:
    made = connection.pgconn.encrypt_password(password.encode(), APP_ROLE.encode(), b"scram-sha-256")
    return sql.Literal(made.decode())


def _read(url: str, variable: str) -> dict[str, Any]:
    """The parts of an address. What libpq says about a bad one quotes the password, so it is not repeated."""
    try:
        return conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        encoding = "percent-encoded" in str(error)
        why = "a % in it must be written %25" if encoding else "write postgresql://user:password@host:5432/database"
        raise CannotConnect(f"{variable} is not the address of a PostgreSQL database: {why}.") from None


def _shown(parts: dict[str, Any]) -> str:
    host = f"{parts.get('host', 'local')}:{parts.get('port', 5432)}"
    return f"user {parts.get('user', 'unset')}, database {parts.get('dbname', 'unset')}, host {host}"


def _meaning(said: str) -> str:
    """What went wrong, in a few words and on one line."""
    known = (meaning for pattern, meaning in MEANINGS if re.search(pattern, said))
    return next(known, said.strip().splitlines()[-1] if said.strip() else "no reason given.")
