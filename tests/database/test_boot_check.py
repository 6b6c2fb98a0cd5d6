"""Frontdesk refuses to serve where row-level security would not hold, and says why."""

from typing import Any

import psycopg
import pytest

from frontdesk.database import boot_check, setup
from frontdesk.database.setup import UnfitDatabase
from tests.conftest import Urls

Owner = psycopg.AsyncConnection[Any]


async def _refusal(url: str) -> str:
    async with await setup.connect(url) as connection:
        with pytest.raises(UnfitDatabase) as refusal:
            await boot_check.check(connection)
    return str(refusal.value)


async def test_the_application_may_serve(urls: Urls) -> None:
    async with await setup.connect(urls.app) as connection:
        await boot_check.check(connection)


async def test_a_superuser_may_not(urls: Urls) -> None:
    assert "the login postgres is a superuser" in await _refusal(urls.owner)


async def test_a_login_that_bypasses_policies_may_not(urls: Urls, owner: Owner) -> None:
    await owner.execute("alter role frontdesk_app bypassrls")
    try:
        assert "the login frontdesk_app is allowed to bypass row-level security" in await _refusal(urls.app)
    finally:
        await owner.execute("alter role frontdesk_app nobypassrls")


async def test_a_login_that_may_become_somebody_mightier_may_not(urls: Urls, owner: Owner) -> None:
    await owner.execute("grant service_role to frontdesk_app")
    try:
        assert "the login may become service_role, which is allowed to bypass row-level security" in await _refusal(urls.app)
    finally:
        await owner.execute("revoke service_role from frontdesk_app")


async def test_a_login_that_is_not_the_applications_may_not(urls: Urls, owner: Owner) -> None:
    await owner.execute("create role passerby login password 'p'")
    try:
        assert "the login passerby can do nothing here; log in as frontdesk_app" in await _refusal(urls.owner.replace("postgres:secret@", "passerby:p@"))
    finally:
        await owner.execute("drop role passerby")


async def test_an_owner_of_a_table_may_not(urls: Urls, owner: Owner) -> None:
    await owner.execute("alter table public.contacts owner to frontdesk_app")
    assert "the login owns 1 tables (public.contacts, …)" in await _refusal(urls.app)


async def test_a_member_of_the_owner_may_not(urls: Urls, owner: Owner) -> None:
    await owner.execute("create role landlord")
    try:
        await owner.execute("alter table public.contacts owner to landlord")
        await owner.execute("grant landlord to frontdesk_app")
        assert "the login owns 1 tables" in await _refusal(urls.app)
    finally:
        await owner.execute("drop owned by landlord cascade")
        await owner.execute("drop role landlord")


@pytest.mark.parametrize(("change", "state"), [("disable", "enabled"), ("no force", "forced")])
async def test_a_table_without_its_protection_is_named(urls: Urls, owner: Owner, change: str, state: str) -> None:
    await owner.execute(f"alter table public.contacts {change} row level security")
    assert f"row-level security of public.contacts is not {state}" in await _refusal(urls.app)


async def test_a_new_table_of_organizations_without_policies_is_named(urls: Urls, owner: Owner) -> None:
    await owner.execute("create table public.notes (organization_id uuid, text text)")
    await owner.execute("create table private.closed (organization_id uuid)")
    await owner.execute("create table private.opened (organization_id uuid)")
    await owner.execute("grant select (organization_id) on private.opened to frontdesk_worker")
    refusal = await _refusal(urls.app)
    assert "public.notes is not enabled" in refusal
    assert "private.opened is not enabled" in refusal
    assert "private.closed" not in refusal


async def test_missing_migrations_are_counted(urls: Urls, owner: Owner) -> None:
    await owner.execute("delete from supabase_migrations.schema_migrations where version = (select max(version) from supabase_migrations.schema_migrations)")
    assert "1 migrations are missing" in await _refusal(urls.app)


async def test_a_database_never_prepared_is_called_so(urls: Urls, owner: Owner) -> None:
    await owner.execute("drop schema supabase_migrations cascade")
    assert "it was never prepared" in await _refusal(urls.app)


async def test_a_newer_database_is_called_so(urls: Urls, owner: Owner) -> None:
    await owner.execute("insert into supabase_migrations.schema_migrations (version, name) values ('29990101000000', 'new')")
    assert "migrated by a newer version of Frontdesk (29990101000000_new)" in await _refusal(urls.app)
