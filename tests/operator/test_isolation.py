"""What the operators' role reaches in the database: a few tables, to read, in a console's transaction; and nothing without one."""

from typing import Any

import psycopg
import pytest
from psycopg import errors

from frontdesk.access import Actor
from frontdesk.database import NotAnOperator, OperatorUnproved, new_id
from tests.rows import Rows
from tests.strangers import tenant_table_names
from tests.world import World

# What an operator reads of organizations, and of which all columns.
SEEN = {"billing_accounts", "billing_events", "channels", "entitlement_overrides", "failed_deliveries", "invoices", "lanes", "operator_views",
        "organization_deletions", "organization_members", "organization_usage", "organizations", "subscriptions"}  # fmt: skip
NEVER = {("failed_deliveries", "payload"), ("billing_events", "payload"), ("billing_accounts", "email")}


async def session_of(world: World, *, operator: bool = True, proved: bool = True) -> Any:
    """A session of the shop's owner, who may be an operator, and may have opened it with a second factor."""
    session = new_id()
    await world.owner.execute("select private.open_session(%s, sha256('x'), repeat('c', 40), %s, null, null)", (session, world.shop.owner_id))
    await world.owner.execute("insert into private.authenticators (user_id, secret, last_step) values (%s, repeat('s', 40), 0)", (world.shop.owner_id,))
    if operator:
        await world.owner.execute("insert into private.operators (user_id, granted_by) values (%s, 'a test')", (world.shop.owner_id,))
    if proved:
        await world.owner.execute("update private.sessions set second_factor_at = now() where id = %s", (session,))
    return session


async def test_an_operator_reads_the_tables_that_are_listed_and_no_message(world: World) -> None:
    tables = await tenant_table_names(world.owner)
    await Rows(world.shop.organization_id, world.shop.owner_id, world.shop.channel_id).plant(world.owner, [t for t in tables if t != "organizations"])
    async with world.database.console(await session_of(world), world.shop.actor) as db:
        readable = await db.rows(
            "select c.relname::text as name, a.attname::text as field"
            " from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
            " where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in ('public', 'private') and has_column_privilege(c.oid, a.attnum, 'select')"
        )
        mine = {row["name"] for row in readable} & set(tables)
        assert mine == SEEN
        assert {(row["name"], row["field"]) for row in readable} & NEVER == set()
        written = await db.rows(
            "select c.relname::text as name from pg_class c where c.relnamespace::regnamespace::text in ('public', 'private') and c.relkind in ('r', 'p')"
            " and (has_any_column_privilege(c.oid, 'insert, update') or has_table_privilege(c.oid, 'delete, truncate'))"
        )
        assert written == []
        for table in sorted(mine):
            key = "id" if table == "organizations" else "organization_id"
            seen = await db._connection.execute(f"select count(*) from public.{table} t where t.{key} = %s", (world.shop.organization_id,))  # type: ignore[arg-type]  # names of the catalogue
            assert (await seen.fetchone()) != (0,), table


async def test_the_role_alone_opens_nothing(world: World) -> None:
    """Who got at the role past the door: every table is empty, and every function refuses."""
    session = await session_of(world)
    async with world.database.platform() as db:
        await db.run("select set_config('role', 'frontdesk_operator', true)")
        for forged in (None, str(new_id()), str(session)):
            await db.run("select set_config('frontdesk.operator_session', coalesce(%(forged)s, ''), true)", {"forged": forged})
            count = await db.value("select count(*) from public.organizations")
            assert count == (2 if forged == str(session) else 0)  # a live session of an operator, proved, is what it takes
        await db.run("select set_config('frontdesk.operator_session', '', true)")
        functions = await db.rows(
            "select p.oid::regprocedure::text as name, p.pronargs as arguments from pg_proc p where p.pronamespace::regnamespace::text in ('public', 'private')"
            " and has_function_privilege(p.oid, 'execute') and p.proname not in ('is_operating', 'monthly_revenue', 'period_start')"  # these compute
        )
        assert len(functions) > 20
        assert [function["name"] for function in functions if not await refuses(db, function)] == []


async def refuses(db: Any, function: dict[str, Any]) -> bool:
    """Whether a function refuses whoever is no operator, whatever it is asked."""
    call = f"select * from {function['name'].partition('(')[0]}({', '.join(['null'] * function['arguments'])})"
    try:
        async with db._connection.transaction():
            await db._connection.execute(call)
    except errors.InsufficientPrivilege:
        return True
    return False


async def test_the_console_opens_to_a_live_proved_operator_only(world: World) -> None:
    stranger = Actor(kind="user", user_id=world.shop.owner_id)
    session = await session_of(world, operator=False)
    with pytest.raises(NotAnOperator):
        async with world.database.console(session, stranger):
            pass
    await world.owner.execute("insert into private.operators (user_id, granted_by) values (%s, 'a test')", (world.shop.owner_id,))
    async with world.database.console(session, stranger) as db:
        assert db.actor.kind == "operator"
    ends = {
        "update private.sessions set second_factor_at = null": OperatorUnproved,
        "delete from private.authenticators": OperatorUnproved,
        "update private.sessions set revoked_at = now()": NotAnOperator,
        "update private.sessions set last_seen_at = now() - interval '13 hours'": NotAnOperator,
        "update auth.users set banned_until = 'infinity'": NotAnOperator,
        "update private.operators set revoked_at = now()": NotAnOperator,
    }
    for end, error in ends.items():
        with pytest.raises(error):
            await refused(world, end, session)


async def refused(world: World, end: str, session: Any) -> None:
    """Try the console while something has ended, and undo that."""
    before = await world.see("select to_jsonb(s), to_jsonb(u.banned_until) from private.sessions s, auth.users u where s.id = %s and u.id = s.user_id", session)
    await world.owner.execute(end)  # type: ignore[arg-type]  # one of the above
    try:
        async with world.database.console(session, world.shop.actor):
            pass
    finally:
        kept = before[0][0]
        await world.owner.execute(
            "update private.sessions set second_factor_at = %s, revoked_at = %s, last_seen_at = now() where id = %s",
            (kept["second_factor_at"], kept["revoked_at"], session),
        )
        await world.owner.execute("update auth.users set banned_until = null")
        await world.owner.execute("update private.operators set revoked_at = null")
        factor = "insert into private.authenticators (user_id, secret, last_step) values (%s, repeat('s', 40), 0) on conflict do nothing"
        await world.owner.execute(factor, (world.shop.owner_id,))


async def test_what_operators_did_is_changed_by_nobody(world: World) -> None:
    async with world.database.console(await session_of(world), world.shop.actor) as db:
        await db.run("select private.record_operation('x.y', %(id)s)", {"id": world.neighbour.organization_id})
    for change in ("update private.operator_entries set action = 'a.b'", "delete from private.operator_entries", "truncate private.operator_entries"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await world.owner.execute(change)  # type: ignore[arg-type]  # one of the above
    await world.owner.execute("delete from organizations where id = %s", (world.shop.organization_id,))
    await world.owner.execute("delete from auth.users where id = %s", (world.shop.owner_id,))
    assert await world.see("select action, operator_id from private.operator_entries where action = 'x.y'") == [("x.y", None)]
