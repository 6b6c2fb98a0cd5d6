"""A project of Supabase: its owner is no superuser, `auth` belongs to somebody else, and whatever he makes is granted to everybody."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from frontdesk.database import boot_check, setup
from tests.conftest import Urls

# As in supabase/postgres and supabase/auth: who owns what, and the default privileges of projects made before 2026.
PROJECT = """
  create role supabase_auth_admin noinherit;
  create role project_owner login createrole bypassrls password 'owner';
  grant anon, authenticated, service_role to project_owner;
  grant create on database project to project_owner;
  grant all on schema public to project_owner;
  create schema auth;
  grant usage on schema auth to project_owner, anon, authenticated, service_role;
  grant all on schema auth to supabase_auth_admin;
  set role supabase_auth_admin;
  create table auth.users (
    instance_id uuid, id uuid primary key, aud varchar(255), role varchar(255), email varchar(255), encrypted_password varchar(255),
    email_confirmed_at timestamptz, last_sign_in_at timestamptz, raw_app_meta_data jsonb, raw_user_meta_data jsonb,
    created_at timestamptz, updated_at timestamptz, banned_until timestamptz, is_sso_user boolean not null default false, deleted_at timestamptz);
  create unique index users_email_partial_key on auth.users (email) where is_sso_user = false;
  alter table auth.users enable row level security;
  create function auth.uid() returns uuid language sql stable as
    $$ select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
  grant all on auth.users to project_owner;
  reset role;
  alter default privileges for role project_owner in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges for role project_owner in schema public grant all on functions to anon, authenticated, service_role;
"""
ROLES = ("frontdesk_member", "frontdesk_worker", "frontdesk_operator", "frontdesk_app")


@pytest.fixture
def project(cluster: str, template: Urls) -> Iterator[Urls]:
    """A project without a schema of ours. Roles belong to the whole server, so those that are there are lent to its owner."""
    with psycopg.connect(cluster, autocommit=True) as server:
        server.execute("create database project")
        owner = cluster.replace("@/postgres?", "@/project?")
        with psycopg.connect(owner, autocommit=True) as connection:
            connection.execute(PROJECT)
            connection.execute(f"grant {', '.join(ROLES)} to project_owner with admin option")
        yield Urls(owner.replace("postgres:secret@", "project_owner:owner@"), owner.replace("postgres:secret@", "frontdesk_app:app-secret@"))
        server.execute("drop database project with (force)")
        server.execute("drop owned by project_owner, supabase_auth_admin")
        server.execute("drop role project_owner, supabase_auth_admin")


def see(url: str, query: str, *params: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query, params).fetchall()  # type: ignore[arg-type]  # a literal in every test


async def test_its_own_owner_prepares_it_and_the_application_may_serve(project: Urls) -> None:
    assert len(await setup.prepare(project.owner, project.app)) > 5
    assert await setup.prepare(project.owner, project.app) == []
    async with await setup.connect(project.app) as connection:
        await boot_check.check(connection)


async def test_whoever_signs_up_there_gets_an_organization(project: Urls, cluster: str) -> None:
    await setup.prepare(project.owner, project.app)
    with psycopg.connect(cluster.replace("@/postgres?", "@/project?"), autocommit=True) as server:
        server.execute("set role supabase_auth_admin")
        server.execute("insert into auth.users (id, email) values (gen_random_uuid(), 'zoë@example.com')")
    assert see(project.owner, "select o.slug, m.role from public.organizations o join public.organization_members m on m.organization_id = o.id") == [
        ("zoe", "owner")
    ]


async def test_default_privileges_open_nothing(project: Urls) -> None:
    await setup.prepare(project.owner, project.app)
    opened = see(
        project.owner,
        """
        select c.oid::regclass::text, who, command
        from pg_class c, unnest(array['anon', 'authenticated', 'service_role']) as who, unnest(array['insert', 'truncate', 'references', 'trigger']) as command
        where c.relnamespace::regnamespace::text = 'public' and c.relkind in ('r', 'p') and has_table_privilege(who, c.oid, command)
          and not (who = 'service_role' and command = 'insert')
        union all
        select p.oid::regprocedure::text, who, 'execute' from pg_proc p, unnest(array['anon', 'authenticated']) as who
        where p.pronamespace::regnamespace::text = 'public' and has_function_privilege(who, p.oid, 'execute')
        """,
    )
    assert opened == []
