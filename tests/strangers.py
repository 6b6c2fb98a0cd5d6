"""Everybody who must not get at an organization's rows: members and workers of others, clients, and nobody at all."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import psycopg

from frontdesk.access import Actor
from frontdesk.database import Statements, new_id
from tests.world import Shop, World

Enter = Callable[[World], AbstractAsyncContextManager[Statements]]
ROLES = ("owner", "admin", "member", "viewer")


async def tenant_table_names(owner: psycopg.AsyncConnection[Any]) -> list[str]:
    """Every table of the schema `public` that belongs to organizations, from the catalogue."""
    rows = await owner.execute(
        """
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
          and (c.relname = 'organizations' or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id'))
        order by 1
        """
    )
    return [row[0] for row in await rows.fetchall()]


async def join(world: World, shop: Shop, role: str) -> UUID:
    """A further user with this role in the shop, and in no other organization."""
    user_id = new_id()
    await world.owner.execute(
        'insert into auth.users (id, email, raw_user_meta_data) values (%s, %s, \'{"joins_by_invitation": "true"}\')', (user_id, f"{user_id}@x.de")
    )
    await world.owner.execute("insert into organization_members (organization_id, user_id, role) values (%s, %s, %s)", (shop.organization_id, user_id, role))
    return user_id


def member(role: str) -> Enter:
    """Somebody with this role in the neighbour's organization."""

    @asynccontextmanager
    async def enter(world: World) -> AsyncIterator[Statements]:
        user_id = await join(world, world.neighbour, role)
        async with world.database.tenant(world.neighbour.organization_id, Actor(kind="user", user_id=user_id)) as db:
            yield db

    return enter


@asynccontextmanager
async def neighbours_worker(world: World) -> AsyncIterator[Statements]:
    """Background work for the neighbour."""
    async with world.database.tenants([world.neighbour.organization_id]) as db:
        yield db


@asynccontextmanager
async def nobodys_worker(world: World) -> AsyncIterator[Statements]:
    """Background work that named no organization."""
    async with world.database.tenants([]) as db:
        yield db


@asynccontextmanager
async def the_application(world: World) -> AsyncIterator[Statements]:
    """The application's login before it took any role."""
    async with world.database.platform() as db:
        yield db


def client(role: str, claims: bool) -> Enter:
    """PostgREST's habit: a role, and perhaps the neighbour's owner in the claims; no organization named."""

    @asynccontextmanager
    async def enter(world: World) -> AsyncIterator[Statements]:
        async with world.owner.transaction():
            if claims:
                said = f'{{"sub": "{world.neighbour.owner_id}"}}'
                await world.owner.execute("select set_config('request.jwt.claims', %s, true)", (said,))
            await world.owner.execute(f"set local role {role}")  # type: ignore[arg-type]  # one of our own literals
            yield Statements(world.owner)
            await world.owner.execute("reset role")

    return enter


STRANGERS: dict[str, Enter] = {
    **{f"{role} of another organization": member(role) for role in ROLES},
    "worker of another organization": neighbours_worker,
    "worker of no organization": nobodys_worker,
    "application without a role": the_application,
    "client of another organization": client("authenticated", claims=True),
    "client without claims": client("authenticated", claims=False),
    "anon": client("anon", claims=True),
}
