"""The organization of a transaction."""

from typing import Any

import psycopg

from frontdesk import organizations
from frontdesk.access import Actor
from frontdesk.database import Database, new_id


async def sign_up(owner: psycopg.AsyncConnection[Any], name: str) -> tuple[Any, Any]:
    """Somebody signs up; his organization and his id."""
    user = new_id()
    await owner.execute(
        "insert into auth.users (id, email, raw_user_meta_data) values (%s, %s, jsonb_build_object('organization_name', %s::text))",
        (user, f"{user}@example.com", name),
    )
    [(organization,)] = await (await owner.execute("select organization_id from public.organization_members where user_id = %s", (user,))).fetchall()
    return organization, user


async def test_a_member_sees_the_organization_he_works_in(database: Database, owner: psycopg.AsyncConnection[Any]) -> None:
    organization, user = await sign_up(owner, "Lagos Glow Salon")
    await sign_up(owner, "Moretti Calzature")
    async with database.tenant(organization, Actor("user", user)) as db:
        found = await organizations.current(db)
    assert (found.id, found.slug, found.name, found.timezone, found.locale) == (
        organization,
        "lagos-glow-salon",
        "Lagos Glow Salon",
        "UTC",
        "en",
    )
    assert found.sample_data_loaded_at is None


async def test_an_invited_user_gets_no_organization_of_his_own(owner: psycopg.AsyncConnection[Any]) -> None:
    await owner.execute(
        "insert into auth.users (id, email, raw_user_meta_data) values (gen_random_uuid(), 'x@example.com', '{\"joins_by_invitation\": \"true\"}')"
    )
    assert await (await owner.execute("select count(*) from public.organizations")).fetchone() == (0,)


async def test_without_a_name_the_organization_is_called_like_the_mailbox(owner: psycopg.AsyncConnection[Any]) -> None:
    await owner.execute("insert into auth.users (id, email) values (gen_random_uuid(), 'jürgen.müller@example.com')")
    row = await (await owner.execute("select slug, name from public.organizations")).fetchone()
    assert row == ("juergen-mueller", "jürgen.müller")
