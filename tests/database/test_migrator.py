"""Migrations are applied once, whole or not at all, and recorded as the Supabase CLI records them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from frontdesk.database import migrator
from frontdesk.database.migrator import Migration, MigrationFailed, NewerDatabase, OutOfOrder

FIRST = Migration("20200101000000", "first", "create table public.one (id int);\ninsert into one values (1);")
SECOND = Migration("20200102000000", "second", "-- two\ncreate table public.two (id int);")

Connection = psycopg.AsyncConnection[Any]


@pytest.fixture
async def empty(cluster: str) -> AsyncIterator[Connection]:
    """A connection to a database in which nothing was ever done."""
    async with await psycopg.AsyncConnection.connect(cluster, autocommit=True) as administrator:
        await administrator.execute("drop database if exists bare with (force)")
        await administrator.execute("create database bare")
        async with await _connect(cluster) as connection:
            yield connection
        await administrator.execute("drop database bare with (force)")


async def _connect(cluster: str) -> Connection:
    return await psycopg.AsyncConnection.connect(cluster.replace("@/postgres?", "@/bare?"), autocommit=True)


async def _value(connection: Connection, query: str) -> Any:
    return (await (await connection.execute(query)).fetchone() or [None])[0]


async def test_what_is_pending_is_applied_once(empty: Connection) -> None:
    assert await migrator.migrate(empty, [FIRST]) == [FIRST]
    assert await migrator.migrate(empty, [FIRST, SECOND]) == [SECOND]
    assert await migrator.migrate(empty, [FIRST, SECOND]) == []
    assert await _value(empty, "select count(*) from one") == 1


async def test_the_history_reads_as_the_supabase_cli_writes_it(empty: Connection) -> None:
    await migrator.migrate(empty, [FIRST])
    row = await (await empty.execute("select * from supabase_migrations.schema_migrations")).fetchone()
    statements = ["create table public.one (id int)", "insert into one values (1)"]
    assert row == ("20200101000000", statements, "first")


async def test_a_history_written_by_the_supabase_cli_is_continued(empty: Connection) -> None:
    await empty.execute("create schema supabase_migrations")
    await empty.execute("create table supabase_migrations.schema_migrations (version text not null primary key)")
    await empty.execute("insert into supabase_migrations.schema_migrations values ('20200101000000')")
    assert await migrator.migrate(empty, [FIRST, SECOND]) == [SECOND]


async def test_a_failed_migration_leaves_nothing_and_says_what_failed(empty: Connection) -> None:
    broken = Migration("20200103000000", "broken", "create table three (id int);\n\n-- oh\nselect\n nonsense;\nselect 1;")
    with pytest.raises(MigrationFailed) as failure:
        await migrator.migrate(empty, [FIRST, broken])
    message = str(failure.value)
    assert "20200103000000_broken.sql" in message
    assert "statement 2" in message
    assert "statement:  select\n" in message
    assert 'column "nonsense" does not exist' in message
    assert await _value(empty, "select to_regclass('three')") is None
    assert list(await migrator.history(empty)) == [FIRST.version]


async def test_a_migration_that_ends_its_transaction_is_refused(empty: Connection) -> None:
    for sql in ("create table sly (id int); commit; select nonsense", "create table sly (id int); /* */ END"):
        with pytest.raises(MigrationFailed, match="may not begin or end"):
            await migrator.migrate(empty, [Migration("20200103000000", "sly", sql)])
        assert await _value(empty, "select to_regclass('sly')") is None


async def test_a_migration_that_cannot_be_read_is_refused(empty: Connection) -> None:
    with pytest.raises(MigrationFailed, match=r"20200103000000_open\.sql cannot be read: line 2"):
        await migrator.migrate(empty, [Migration("20200103000000", "open", "select 1;\nselect 'open")])


async def test_settings_of_one_migration_do_not_reach_the_next(empty: Connection) -> None:
    sets = Migration("20200103000000", "sets", "set search_path = pg_catalog; set statement_timeout = '1h'")
    looks = Migration("20200104000000", "looks", "create table shown as select current_setting('statement_timeout') as it")
    await migrator.migrate(empty, [sets, looks])
    assert await _value(empty, "select it from public.shown") == "0"


async def test_a_database_of_a_newer_version_is_refused(empty: Connection) -> None:
    await migrator.migrate(empty, [FIRST, SECOND])
    with pytest.raises(NewerDatabase, match="newer version of Frontdesk: it has 20200102000000_second"):
        await migrator.migrate(empty, [FIRST])


async def test_a_migration_older_than_what_was_applied_is_refused(empty: Connection) -> None:
    await migrator.migrate(empty, [SECOND])
    with pytest.raises(OutOfOrder, match=r"20200101000000_first\.sql was never applied"):
        await migrator.migrate(empty, [FIRST, SECOND])
    assert await _value(empty, "select to_regclass('one')") is None


async def test_the_status_names_what_is_applied_pending_and_unknown(empty: Connection) -> None:
    await migrator.migrate(empty, [FIRST])
    assert [one.state for one in await migrator.status(empty, [FIRST, SECOND])] == ["applied", "pending"]
    assert [one.state for one in await migrator.status(empty, [SECOND])] == ["unknown", "pending"]


async def test_two_migrators_at_once_apply_everything_once(empty: Connection, cluster: str) -> None:
    slow = Migration("20200101000000", "slow", "create table one (id int); select pg_sleep(0.3)")
    async with await _connect(cluster) as other:
        applied = await asyncio.gather(migrator.migrate(empty, [slow, SECOND]), migrator.migrate(other, [slow, SECOND]))
    assert sorted(one.name for both in applied for one in both) == ["second", "slow"]


async def test_a_table_that_others_use_is_not_waited_for_long(empty: Connection, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrator, "LOCK_TIMEOUT", "100ms")
    await migrator.migrate(empty, [FIRST])
    async with await _connect(cluster) as other, other.transaction():
        await other.execute("lock table one in access share mode")
        with pytest.raises(MigrationFailed, match="lock timeout"):
            await migrator.migrate(empty, [FIRST, Migration("20200103000000", "add", "alter table one add more int")])


async def test_a_real_supabase_project_is_left_alone(empty: Connection) -> None:
    await empty.execute("create role supabase_auth_admin")
    try:
        await migrator.migrate(empty, [FIRST])
        assert await _value(empty, "select to_regnamespace('auth')") is None
    finally:
        await empty.execute("drop role supabase_auth_admin")


async def test_the_product_itself_migrates_an_empty_database(empty: Connection) -> None:
    assert await migrator.migrate(empty) == migrator.known()
    assert await migrator.migrate(empty) == []


def test_every_migration_has_a_version_of_its_own() -> None:
    versions = [one.version for one in migrator.known()]
    assert len(versions) > 5 and sorted(set(versions)) == versions  # of two with one version, the second would never be applied
