"""The only place that opens a transaction and says in whose name it runs."""

import asyncio
import select
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from typing import Any, LiteralString, Self
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from frontdesk.access import Actor
from frontdesk.database.sql import Params, Statements, keys
from frontdesk.errors import NotFound, NotSignedIn, Unavailable

_ENTER: LiteralString = (
    "select set_config('role', 'frontdesk_member', true), entered.role, entered.permissions"
    " from private.enter_in_person(%(organization_id)s, %(user_id)s) as entered"
)
_LOOK_IN: LiteralString = (
    "select set_config('role', 'frontdesk_member', true), entered.role, entered.permissions"
    " from private.enter_view(%(organization_id)s, %(session_id)s) as entered"
)


class NotAMember(NotFound):
    """There is no such organization, or you are not in it."""


class UnknownKey(NotSignedIn):
    """This API key does not open anything from here. Check that it is complete, and neither revoked nor expired, and where it may be used."""


class SecondFactorNeeded(NotAMember):
    """This organization asks its members for a second factor. Add one to your account, and you are in."""

    status = 403
    title = "Add a second factor first"


class DatabaseBusy(Unavailable):
    """Frontdesk has no free database connection at the moment. Try again in a minute."""


class Tenant(Statements):
    """One member in one organization; every policy holds."""

    def __init__(self, connection: AsyncConnection[Any], organization_id: UUID, actor: Actor, role: str, permissions: frozenset[str]) -> None:
        """Made by `Database.tenant` only."""
        super().__init__(connection)
        self.organization_id, self.actor, self.role, self.permissions = organization_id, actor, role, permissions


class Tenants(Statements):
    """Background work over the named organizations; rows of others do not exist for it."""

    def __init__(self, connection: AsyncConnection[Any], organization_ids: Sequence[UUID]) -> None:
        """Made by `Database.tenants` only."""
        super().__init__(connection)
        self.organization_ids = tuple(organization_ids)

    async def durably(self) -> None:
        """Let the commit wait for the disk after all."""
        await self.run("select set_config('synchronous_commit', 'on', true)")


class NotAnOperator(NotFound):
    """The page does not exist, or it belongs to another organization."""


class OperatorUnproved(NotFound):
    """The console opens to sessions that a second factor has opened. Sign out, and in again with yours; if you have none, add one to your account."""

    status = 403
    title = "Sign in with your second factor"


class Console(Statements):
    """An operator: reads what is there to be seen without anybody's messages, and calls the functions made for operators."""

    def __init__(self, connection: AsyncConnection[Any], actor: Actor) -> None:
        """Made by `Database.console` only."""
        super().__init__(connection)
        self.actor = actor


class Platform(Statements):
    """Nobody in particular: may call the definer functions of schema `private` and nothing else."""


class Database:
    """The pool behind the doors."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection[Any]], url: str) -> None:
        """Made by `Database.open`."""
        self._pool, self.url = pool, url
        self._line = asyncio.Semaphore(max(1, pool.max_size // 3))

    @classmethod
    async def open(cls, url: str, min_size: int = 2, max_size: int = 12, timeout: float = 10.0, name: str | None = None) -> Self:
        """Connect. `timeout`: seconds to wait for a first, and later for a free, connection; `name`: what others see the connections called."""
        kwargs = {"autocommit": True} | ({"application_name": name} if name else {})
        pool = AsyncConnectionPool(url, min_size=min_size, max_size=max_size, open=False, timeout=timeout, kwargs=kwargs)
        try:
            await pool.open(wait=True, timeout=timeout)
        except PoolTimeout as error:
            await pool.close()
            raise DatabaseBusy from error
        return cls(pool, url)

    async def close(self) -> None:
        """Return every connection."""
        await self._pool.close()

    @asynccontextmanager
    async def tenant(self, organization_id: UUID, actor: Actor) -> AsyncIterator[Tenant]:
        """Act as this user in this organization, or look into it as an operator. Raises NotAMember or SecondFactorNeeded: then nothing was visible."""
        async with self._transaction() as connection:
            cursor = await connection.execute(
                _LOOK_IN if actor.looks_by else _ENTER, {"organization_id": organization_id, "user_id": actor.user_id, "session_id": actor.looks_by}
            )
            row = await cursor.fetchone()
            if row is None:
                raise NotAMember
            if row[1] is None:
                raise SecondFactorNeeded
            yield Tenant(connection, organization_id, actor, row[1], frozenset(row[2]))

    @asynccontextmanager
    async def tenant_of_key(self, key_hash: bytes, caller: Actor) -> AsyncIterator[Tenant]:
        """Act as the API key behind this hash, in its organization. Raises UnknownKey, whatever the reason.

        caller: where it comes from; its address decides too.
        """
        async with self._transaction() as connection:
            cursor = await connection.execute(
                "select set_config('role', 'frontdesk_member', true), entered.organization_id, entered.key_id, entered.key_name, entered.role,"
                " entered.permissions from private.enter_with_key(%(key_hash)s, %(address)s) as entered",
                {"key_hash": key_hash, "address": caller.address},
            )
            row = await cursor.fetchone()
            if row is None:
                raise UnknownKey
            actor = replace(caller, kind="api_key", key_id=row[2], name=row[3])
            yield Tenant(connection, row[1], actor, row[4], frozenset(row[5]))

    @asynccontextmanager
    async def tenants(self, organization_ids: Sequence[UUID], *, durable: bool = True) -> AsyncIterator[Tenants]:
        """Work for these organizations. `durable=False` commits without waiting for the disk: only for what can be redone.

        Batches find their rows by primary key, one by one: a plan that joins by reading whole tables looks cheap only while they are
        small, and stays when they are not.
        """
        async with self._transaction(pipelined=True) as connection:
            await connection.execute(
                "select set_config('role', 'frontdesk_worker', true), set_config('frontdesk.organizations', %(named)s, true),"
                " set_config('synchronous_commit', %(commit)s, true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),"
                " set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)",
                {"named": keys(organization_ids), "commit": "on" if durable else "off"},
            )
            yield Tenants(connection, organization_ids)

    @asynccontextmanager
    async def console(self, session_id: UUID, actor: Actor) -> AsyncIterator[Console]:
        """Act as the operator whose session this is. Raises NotAnOperator, or OperatorUnproved for one without a second factor in this session."""
        async with self._transaction() as connection:
            cursor = await connection.execute(
                "select set_config('role', 'frontdesk_operator', true), entered.user_id, entered.name, entered.proved"
                " from private.enter_console(%(session_id)s, %(address)s, %(user_agent)s, %(request_id)s) as entered",
                {"session_id": session_id, "address": actor.address, "user_agent": actor.user_agent, "request_id": actor.request_id},
            )
            row = await cursor.fetchone()
            if row is None:
                raise NotAnOperator
            if not row[3]:
                raise OperatorUnproved
            yield Console(connection, replace(actor, kind="operator", user_id=row[1], name=row[2]))

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[Platform]:
        """Call a definer function that spans organizations."""
        async with self._transaction() as connection:
            yield Platform(connection)

    @asynccontextmanager
    async def platform_in_line(self) -> AsyncIterator[Platform]:
        """The same for what strangers may ask for as often as they like, and where they wait for each other, such as counting their tries.

        They share a third of the connections, so that the others stay free for everybody else.
        """
        try:
            async with asyncio.timeout(self._pool.timeout):
                await self._line.acquire()
        except TimeoutError:
            raise DatabaseBusy from None
        try:
            async with self.platform() as db:
                yield db
        finally:
            self._line.release()

    @asynccontextmanager
    async def platform_at_once(self) -> AsyncIterator[Platform]:
        """The same without a transaction around it: every call is committed by itself, which spares the two round trips of its beginning and end."""
        connection = await self._borrow()
        try:
            yield Platform(connection)
        finally:
            await self._pool.putconn(connection)

    async def call(self, query: LiteralString, params: Params = None) -> list[dict[str, Any]]:
        """Call one definer function in a transaction of its own: one round trip, committed durably when this returns."""
        async with self.platform_at_once() as db:
            return await db.rows(query, params)

    @asynccontextmanager
    async def _transaction(self, pipelined: bool = False) -> AsyncIterator[AsyncConnection[Any]]:
        connection = await self._borrow()
        try:
            async with connection.pipeline() if pipelined else nullcontext(), connection.transaction():
                yield connection
        finally:
            await self._pool.putconn(connection)

    async def _borrow(self) -> AsyncConnection[Any]:
        # Not by the pool's own check: that waits longer and longer after each connection it finds dead, and after a restart of the server all are.
        try:
            while _has_ended(connection := await self._pool.getconn()):
                await connection.close()
                await self._pool.putconn(connection)
            return connection
        except PoolTimeout as error:
            raise DatabaseBusy from error


def _has_ended(connection: AsyncConnection[Any]) -> bool:
    """Whether the server has hung up, without asking it: an idle connection has nothing to read but its end."""
    if connection.closed:
        return True
    watch = select.poll()
    watch.register(connection.fileno(), select.POLLIN)
    return bool(watch.poll(0))
