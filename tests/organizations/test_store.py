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


async def test_whatever_a_sign_up_brings_along_there_is_an_organization(owner: psycopg.AsyncConnection[Any]) -> None:
    """Other products write into `auth.users` as well: what our own form would refuse must not leave anybody without a place."""
    odd: list[tuple[str | None, str | None]] = [
        ("x" * 230 + "@example.com", None),
        (None, None),
        ("", '{"organization_name": ""}'),
        ("😀@example.com", "[1]"),
        ("a@example.com", '"text"'),
        ("b@example.com", '{"organization_name": {"de": "Laden"}}'),
        ("c@example.com", '{"organization_name": "' + "n" * 10_000 + '"}'),
        ("d@example.com", '{"organization_name": "\\u0001\\n", "name": 7}'),
        ("e@example.com", '{"organization_name": "🍕🍕"}'),
    ]
    for email, meta in odd:
        await owner.execute("insert into auth.users (id, email, raw_user_meta_data) values (gen_random_uuid(), %s, %s)", (email, meta))
    found = await owner.execute("select count(*), count(m.organization_id), count(distinct m.organization_id) from auth.users u"
                                " left join public.organization_members m on m.user_id = u.id")  # fmt: skip
    assert await found.fetchone() == (len(odd), len(odd), len(odd))
    clash = await owner.execute("select slug from public.organizations where name in ('😀', '🍕🍕') order by created_at")
    assert await clash.fetchall() == [("organization",), ("organization-2",)]
