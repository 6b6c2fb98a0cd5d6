"""Streams: another organization named, an event id from elsewhere, cookies of who is out, clients who set what only we set."""

import asyncio
import json
from typing import Any

import httpx
import psycopg
import pytest

from tests.messages.inbox.conftest import Shop
from tests.world import World


@pytest.mark.parametrize("asked", [{"organization_id": "{id}"}, {"organization": "{id}", "topic": "*"}, {"last-event-id": "0"}, {"since": "0", "o": "{id}"}])
async def test_a_stream_tells_of_ones_own_organization_whatever_it_is_asked(salon: Shop, bakery: Shop, asked: dict[str, str]) -> None:
    query = {name: said.format(id=salon.id) for name, said in asked.items()}
    async with bakery.boss.listening(**query) as ear:
        await asyncio.sleep(0.2)
        before = len(ear.heard)
        await salon.customer_writes("Only ours")
        salon.site.live.changed([salon.id])
        await asyncio.sleep(0.4)
        assert len(ear.heard) == before
        bakery.site.live.changed([bakery.id])
        assert len(await ear.hears(before + 1)) == before + 1


async def test_the_header_of_a_browser_that_comes_back_brings_nothing_of_others(salon: Shop, bakery: Shop) -> None:
    await salon.customer_writes("Only ours")
    headers = {"last-event-id": "1", "x-organization-id": str(salon.id), "accept": "text/event-stream"}
    answer = await bakery.boss.client.get("/dashboard/live", headers=headers)
    assert answer.status_code == 409 and str(salon.id) not in answer.text


async def test_a_stream_holds_topics_and_no_word_of_anybody(salon: Shop) -> None:
    async with salon.boss.listening() as ear:
        await salon.customer_writes("Very private words", who="Amina Okafor")
        salon.site.live.changed([salon.id])
        await ear.hears(1)
        assert all(len(said) < 30 and "private" not in said and "Amina" not in said for said in ear.heard)


async def test_no_stream_opens_without_a_session_of_this_very_moment(salon: Shop) -> None:
    maya = await salon.colleague("member", "Maya")
    await salon.owner.execute("update private.sessions set revoked_at = now() where user_id = %s", (maya.user_id,))
    for cookies in ({"frontdesk_session": maya.token}, {"frontdesk_session": maya.csrf_token}, {"__Host-frontdesk": salon.boss.token}, {}):
        async with httpx.AsyncClient(base_url=salon.site.url, cookies=cookies, timeout=5) as client:
            answer = await client.get("/dashboard/live", headers={"accept": "text/event-stream"})
            assert answer.status_code in (303, 401), cookies


async def test_the_tokens_of_a_removed_member_send_nothing(salon: Shop) -> None:
    maya, arrived = await salon.colleague("member", "Maya"), await salon.customer_writes()
    assert (await maya.get("/dashboard/inbox")).status_code == 200
    assert (await salon.boss.post(f"/dashboard/team/members/{maya.user_id}/removal", conversations="unassign")).status_code == 303
    before = await salon.stored(arrived.conversation_id)
    for path in (f"inbox/{arrived.conversation_id}/messages", f"contacts/{arrived.contact_id}/block", "sample-data", "team/departure", "auto-replies/new"):
        answer = await maya.post(f"/dashboard/{path}", text="Still here", name="x", trigger="fallback", reply="x")
        assert answer.status_code in (303, 403, 404, 409), path
        assert "Still here" not in answer.text
    for page in ("inbox", f"inbox/{arrived.conversation_id}", "contacts", "audit", "team"):
        assert (await maya.get(f"/dashboard/{page}")).status_code in (303, 403, 404), page
    assert await salon.stored(arrived.conversation_id) == before


async def as_client(world: World, statement: str, *params: Any, forge: bool = True) -> Any:
    """What the neighbour's owner gets as a client of Supabase who, if that were possible, also sets what only our doors set."""
    async with world.owner.transaction(force_rollback=True):
        await world.owner.execute(
            "select set_config('request.jwt.claims', %s, true)", (json.dumps({"sub": str(world.neighbour.owner_id), "role": "authenticated"}),)
        )
        await world.owner.execute("set local role authenticated")
        if forge:
            for name, said in (
                ("organization_id", world.shop.organization_id),
                ("user_id", world.shop.owner_id),
                ("permissions", " contacts:read messages:read ownership:write "),
                ("organization_ids", f"{{{world.shop.organization_id}}}"),
            ):
                await world.owner.execute("select set_config(%s, %s, true)", (f"frontdesk.{name}", str(said)))
        return await (await world.owner.execute(statement, params)).fetchall()  # type: ignore[arg-type]  # literal in every test


async def test_a_client_who_sets_what_our_doors_set_sees_nothing_of_the_shop(world: World) -> None:
    for table in (
        "organizations",
        "organization_members",
        "contacts",
        "conversations",
        "messages",
        "api_keys",
        "audit_logs",
        "channels",
        "organization_invitations",
    ):
        key = "id" if table == "organizations" else "organization_id"
        try:
            assert await as_client(world, f"select 1 from public.{table} where {key} = %s", world.shop.organization_id) == [], table
        except psycopg.errors.InsufficientPrivilege:
            continue


@pytest.mark.parametrize("role", ["frontdesk_member", "frontdesk_worker", "frontdesk_app", "service_role", "postgres"])
async def test_a_client_takes_no_role_of_ours(world: World, role: str) -> None:
    """A login of Supabase's API, which may become one of its three roles and nothing else."""
    await world.owner.execute("create role attacks_authenticator login noinherit")
    try:
        await world.owner.execute("grant authenticated to attacks_authenticator")
        async with world.owner.transaction(force_rollback=True):
            await world.owner.execute("set local session authorization attacks_authenticator")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await world.owner.execute(f"set local role {role}")  # type: ignore[arg-type]  # one of the above
    finally:
        await world.owner.execute("drop role attacks_authenticator")


async def test_a_client_calls_no_function_of_the_neighbours_organization(world: World) -> None:
    """Every function that the role of clients may execute, and that takes an organization, with the shop's."""
    found = await world.see(
        "select p.oid::regprocedure::text, p.pronargs, p.proargtypes[0]::regtype::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname in ('public', 'private') and has_function_privilege('authenticated', p.oid, 'execute')"
        " and has_schema_privilege('authenticated', n.oid, 'usage')"
        " and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype"
    )
    given = {
        "uuid": f"'{world.shop.organization_id}'::uuid",
        "text": "'members'",
        "bigint": "1",
        "integer": "1",
        "text[]": "'{}'::text[]",
        "jsonb": "'{}'::jsonb",
    }
    for signature, *_ in found:
        kinds = [kind.strip() for kind in signature.partition("(")[2].rstrip(")").split(",") if kind.strip()]
        if "uuid" not in kinds:
            continue
        call = f"select to_jsonb({signature.partition('(')[0]}({', '.join(given.get(kind, f'null::{kind}') for kind in kinds)}))::text"
        try:
            said = [row[0] for row in await as_client(world, call)]
        except psycopg.Error:
            continue
        assert all(one in (None, "null", "false", "[]", "0", "{}", '""') for one in said), (signature, said)
