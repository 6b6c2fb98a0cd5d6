"""`schema.sql` says the same as all migrations in their order."""

from collections.abc import Iterator
from importlib.resources import files

import psycopg
import pytest

from frontdesk.database import migrator, setup, splitter
from tests import blueprint
from tests.conftest import Urls


@pytest.fixture
def empty(cluster: str) -> Iterator[str]:
    """The owner's address of a database in which there is nothing yet."""
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute("create database written")
        yield cluster.replace("@/postgres?", "@/written?")
        connection.execute("drop database written with (force)")


async def write(owner_url: str) -> None:
    """Build a database from bootstrap and `schema.sql`, as one transaction."""
    schema = (files("frontdesk.database") / "schema.sql").read_text("utf-8")
    async with await setup.connect(owner_url) as connection:
        await migrator.migrate(connection, [])  # the bootstrap only
        async with connection.transaction():
            for statement in splitter.split(schema):
                await connection.execute(statement)  # type: ignore[arg-type]  # a file of ours


async def test_the_schema_file_and_the_migrations_build_the_same_database(urls: Urls, empty: str) -> None:
    await write(empty)
    different = blueprint.differences(blueprint.read(urls.owner), blueprint.read(empty))
    assert not different, "\n" + "\n".join(different)


async def test_a_difference_is_told(urls: Urls, empty: str) -> None:
    await write(empty)
    changes = {
        "alter table public.contacts add column hobby text": "column contacts.hobby",
        "alter table public.contacts alter column name drop default": "column contacts.name",
        "grant update (name) on public.contacts to anon": "column contacts.name",
        'drop policy "frontdesk_member reads" on public.contacts': "policy contacts frontdesk_member reads",
        "create index more on public.contacts (name)": "index more",
        "alter table public.contacts disable row level security": "table contacts",
        "grant execute on function private.slug(text) to anon": "function private.slug(text)",
        "alter function private.slug(text) reset search_path": "function private.slug(text)",
        "drop trigger contacts_updated on public.contacts": "trigger contacts contacts_updated",
        "update public.subscription_plans set monthly_price = 1 where id = 'starter'": "plan starter",
        "alter table public.contacts drop constraint contacts_phone_check": "constraint contacts contacts_phone_check",
    }
    intact = blueprint.read(empty)
    for change, name in changes.items():
        with psycopg.connect(urls.owner, autocommit=True) as connection:
            connection.execute(change)  # type: ignore[arg-type]  # one of the above
        told = [one.partition("\n")[0] for one in blueprint.differences(blueprint.read(urls.owner), intact)]
        assert name in told, change
        intact = blueprint.read(urls.owner)
