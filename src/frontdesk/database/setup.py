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
    (r"invalid port number", "its port is none; write a number from 1 to 65535."),
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
    timeout = int(parts.get("connect_timeout") or CONNECT_SECONDS)
    try:
        connection = await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=timeout)
    except psycopg.Error as error:
        new = " If the database is new, run `frontdesk migrate` first." if _is_ours(parts) and "password authentication" in str(error) else ""
        raise CannotConnect(f"{variable} ({_shown(parts)}) cannot be used: {_meaning(str(error))}{new}") from None
    await _check_server(connection, f"{variable} ({_shown(parts)})")
    return connection


async def _check_server(connection: Connection, which: str) -> None:
    """Refuse a server that is too old, and an encoding that does not hold what people write."""
    version, encoding = connection.info.parameter_status("server_version"), connection.info.parameter_status("server_encoding")
    reasons = []
    if connection.info.server_version < OLDEST * 10_000:
        reasons.append(f"is PostgreSQL {version}; Frontdesk needs {OLDEST} or newer.")
    if encoding != "UTF8":
        reasons.append(f"has the encoding {encoding}; make a database with `create database … encoding 'UTF8' template template0`.")
    if reasons:
        await connection.close()
        raise UnfitDatabase(f"{which} {reasons[0]}")


async def prepare(owner_url: str, app_url: str | None, variable: str = "DATABASE_OWNER_URL") -> list[str]:
    """Migrate, and let the application in with the password of `app_url`. Returns the files applied just now."""
    _own_login(app_url)
    async with await connect(owner_url, variable) as connection:
        applied = await migrator.migrate(connection)
        await admit(connection, app_url)
    return [migration.file for migration in applied]


async def admit(connection: Connection, app_url: str | None) -> None:
    """Let `frontdesk_app` log in with the password in `app_url`; the server only ever sees its SCRAM verifier."""
    password = _own_login(app_url).get("password")
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


def _own_login(app_url: str | None) -> dict[str, Any]:
    """The parts of the application's address, if there is one. Raises UnfitDatabase when it names another login."""
    parts = _read(app_url, "DATABASE_URL") if app_url else {}
    if parts and not _is_ours(parts):
        raise UnfitDatabase(
            f"DATABASE_URL logs in as {parts.get('user', 'whoever starts it')}, but Frontdesk works as {APP_ROLE}. Write"
            f" postgresql://{APP_ROLE}:password@… with a password of your choice; `frontdesk migrate` sets it."
        )
    return parts


def _verifier(connection: Connection, password: str) -> sql.Literal:
    made = connection.pgconn.encrypt_password(password.encode(), APP_ROLE.encode(), b"scram-sha-256")
    return sql.Literal(made.decode())


def _read(url: str, variable: str) -> dict[str, Any]:
    """The parts of an address. What libpq says about a bad one quotes the password, so it is not repeated."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        encoding = "percent-encoded" in str(error)
        why = "a % in it must be written %25" if encoding else "write postgresql://user:password@host:5432/database"
        raise CannotConnect(f"{variable} is not the address of a PostgreSQL database: {why}.") from None
    if not str(parts.get("connect_timeout") or "0").isdecimal():
        raise CannotConnect(f"{variable} is not the address of a PostgreSQL database: its connect_timeout must be a whole number of seconds.")
    return parts


def _is_ours(parts: dict[str, Any]) -> bool:
    """Whether this is the application's own login. Poolers such as Supabase's write "role.project"."""
    return str(parts.get("user")).split(".")[0] == APP_ROLE


def _shown(parts: dict[str, Any]) -> str:
    host = f"{parts.get('host', 'local')}:{parts.get('port', 5432)}"
    return f"user {parts.get('user', 'unset')}, database {parts.get('dbname', 'unset')}, host {host}"


def _meaning(said: str) -> str:
    """What went wrong, in a few words and on one line."""
    known = (meaning for pattern, meaning in MEANINGS if re.search(pattern, said))
    return next(known, said.strip().splitlines()[-1] if said.strip() else "no reason given.")
