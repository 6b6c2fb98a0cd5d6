"""What a client of Supabase may do, who signs in there and sends statements of his own: read what his role may read, and nothing else.

Whoever could write rows of his own would pass by every limit, the audit log, and what the product checks before it sends.
"""

from dataclasses import replace

import pytest
from psycopg import errors

from tests.strangers import client, join, tenant_table_names
from tests.test_isolation import touched
from tests.world import World

WRITES = ("insert", "update", "delete", "truncate", "references", "trigger")


async def test_a_client_reads_what_is_his(world: World) -> None:
    async with client("authenticated", claims=True)(world) as db:
        for table in ("organizations", "organization_members", "channels", "subscriptions", "organization_usage", "audit_logs", "auto_replies"):
            assert await touched(db, f"select from public.{table}", {}), table


async def test_a_client_with_a_smaller_role_reads_less(world: World) -> None:
    viewer = await join(world, world.neighbour, "viewer")
    world.neighbour = replace(world.neighbour, owner_id=viewer)
    async with client("authenticated", claims=True)(world) as db:
        assert await touched(db, "select from public.channels", {})
        assert not await touched(db, "select from public.audit_logs", {})


@pytest.mark.parametrize("role", ["authenticated", "anon", "frontdesk_app"])
async def test_no_client_writes_into_any_table(world: World, role: str) -> None:
    granted = await world.see(
        "select c.oid::regclass::text, command from pg_class c, unnest(%s::text[]) as command"
        " where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in ('public', 'private', 'auth', 'supabase_migrations')"
        " and (has_table_privilege(%s, c.oid, command)"
        "   or case when command in ('insert', 'update', 'references') then has_any_column_privilege(%s, c.oid, command) end)",
        list(WRITES), role, role,
    )  # fmt: skip
    assert granted == []
    assert len(await tenant_table_names(world.owner)) > 15


async def test_a_client_sends_nothing_past_the_plan(world: World) -> None:
    async with client("authenticated", claims=True)(world) as db:
        for statement in (
            "insert into public.outbox select * from public.outbox",
            "insert into public.contacts (organization_id, id, name) select id, gen_random_uuid(), 'one more' from public.organizations",
            "update public.messages set text = 'never said'",
            "delete from public.auto_replies",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                async with db._connection.transaction():
                    await db._connection.execute(statement)  # type: ignore[arg-type]  # one of the above
