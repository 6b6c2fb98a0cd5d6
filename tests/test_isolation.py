"""No organization sees, changes or counts another's rows: every tenant table of the catalogue, every command, everybody."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

from frontdesk.database import Database, NotAMember, Statements, new_id
from tests.roles import leaves
from tests.rows import Rows, insert
from tests.strangers import STRANGERS, client, member, tenant_table_names
from tests.world import Shop, World


@pytest.fixture
async def tables(world: World) -> list[str]:
    """The tenant tables, with a row of the shop and a row of its neighbour in each."""
    found = await tenant_table_names(world.owner)
    for shop in (world.shop, world.neighbour):
        await Rows(shop.organization_id, shop.owner_id, shop.channel_id).plant(world.owner, [t for t in found if t != "organizations"])
    return found


async def touched(db: Statements, statement: str, params: dict[str, Any]) -> int:
    """Rows a statement saw or changed; 0 where it was refused."""
    try:
        async with db._connection.transaction():
            async with db._connection.pipeline():  # a worker's statements travel together: at the end of this, its answer is here
                cursor = await db._connection.execute(statement, params)  # type: ignore[arg-type]
            return cursor.rowcount
    except errors.InsufficientPrivilege:
        return 0


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_a_stranger_neither_sees_nor_changes_nor_removes_nor_adds_a_row(world: World, tables: list[str], stranger: str) -> None:
    found = []
    async with STRANGERS[stranger](world) as db:
        for table in tables:
            key = "id" if table == "organizations" else "organization_id"
            of = {"of": world.shop.organization_id}
            statements = {
                "select": f"select from public.{table} where {key} = %(of)s",
                "select without a filter": f"select from public.{table} where {key} is distinct from '{world.neighbour.organization_id}'",
                "update": f"update public.{table} set {key} = {key} where {key} = %(of)s",
                "steal": f"update public.{table} set {key} = '{world.neighbour.organization_id}' where {key} = %(of)s",
                "delete": f"delete from public.{table} where {key} = %(of)s",
            }
            found += [f"{command} {table}" for command, sql in statements.items() if await touched(db, sql, of)]
            found += [f"insert {table}"] if await added(db, world.shop, table) else []
    assert found == []


async def added(db: Statements, shop: Shop, table: str) -> bool:
    """Whether a row of the shop's could be added. A broken key means that the wall let it through to the constraints."""
    row = Rows(shop.organization_id, shop.owner_id, shop.channel_id).of(table)
    try:
        async with db._connection.transaction(), db._connection.pipeline():
            await insert(db._connection, table, row)
    except errors.InsufficientPrivilege:
        return False
    except errors.IntegrityError:
        return True
    return True


async def test_a_member_reads_his_own_organizations_rows_or_this_test_would_prove_nothing(world: World, tables: list[str]) -> None:
    unseen = []
    async with member("owner")(world) as db:
        for table in tables:
            key = "id" if table == "organizations" else "organization_id"
            if not await touched(db, f"select from public.{table} where {key} = %(of)s", {"of": world.neighbour.organization_id}):
                unseen.append(table)
    assert unseen == ["api_answers", "failed_deliveries", "inbound_deliveries", "lanes"]  # what functions alone, and the road, read


async def test_a_viewer_changes_nothing_even_at_home(world: World, tables: list[str]) -> None:
    changed = []
    async with member("viewer")(world) as db:
        for table in tables:
            key = "id" if table == "organizations" else "organization_id"
            changed += (
                [table] if await touched(db, f"update public.{table} set {key} = {key} where {key} = %(of)s", {"of": world.neighbour.organization_id}) else []
            )
            changed += [table] if await added(db, world.neighbour, table) else []
    assert changed == []


async def test_somebody_who_is_no_member_does_not_get_in(world: World) -> None:
    with pytest.raises(NotAMember):
        async with world.database.tenant(world.shop.organization_id, world.neighbour.actor):
            pass
    with pytest.raises(NotAMember):
        async with world.database.tenant(new_id(), world.neighbour.actor):
            pass


async def test_who_is_removed_is_out_at_once(world: World) -> None:
    await leaves(world.owner, world.shop.owner_id)
    with pytest.raises(NotAMember):
        async with world.database.tenant(world.shop.organization_id, world.shop.actor):
            pass


async def test_nothing_of_a_transaction_stays_for_the_next_one_on_its_connection(urls: Any, world: World) -> None:
    single = await Database.open(urls.app, min_size=1, max_size=1)
    try:
        async with single.tenant(world.shop.organization_id, world.shop.actor):
            pass
        async with single.tenants([world.shop.organization_id]):
            pass
        async with single.platform() as db:
            row = await db.row(
                "select current_user as who, current_setting('frontdesk.organization_id', true) as one,"
                " current_setting('frontdesk.organizations', true) as many,"
                " current_setting('frontdesk.permissions', true) as may, current_setting('synchronous_commit') as commit"
            )
        assert row == {"who": "frontdesk_app", "one": "", "many": "", "may": "", "commit": row and row["commit"]}
    finally:
        await single.close()


PARTITION_COMMANDS = (
    "select * from {}", "select count(*) from {}", "insert into {} select * from {}", "update {} set text = text", "delete from {}", "truncate {}",
)  # fmt: skip


@pytest.mark.parametrize("stranger", [*STRANGERS, "service"])
async def test_partitions_cannot_be_reached_past_their_parent(world: World, tables: list[str], stranger: str) -> None:
    partitions = [r[0] for r in await world.see("select c.relname from pg_class c where c.relispartition and c.relkind = 'r'")]
    assert len(partitions) >= 5
    enter = STRANGERS.get(stranger) or client("service_role", claims=False)
    async with enter(world) as db:
        for partition in partitions:
            for command in PARTITION_COMMANDS:
                with pytest.raises(errors.InsufficientPrivilege):
                    async with db._connection.transaction():
                        await db._connection.execute(command.replace("{}", f"public.{partition}"))  # type: ignore[arg-type]


async def test_every_tenant_table_is_walled_and_truncated_by_nobody(world: World, tables: list[str]) -> None:
    rows = await world.see(
        """
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind in ('r', 'p')
          and (not c.relrowsecurity or not c.relforcerowsecurity
            or exists (select from unnest(array['anon', 'authenticated', 'service_role', 'frontdesk_app', 'frontdesk_member', 'frontdesk_worker']) as who
              where has_table_privilege(who, c.oid, 'truncate, references, trigger')))
        """
    )
    assert rows == []


FOREIGN_CALLS: dict[str, Callable[[Shop], tuple[Any, ...]]] = {
    "address_of": lambda shop: (shop.organization_id, new_id()),
    "anchor_usage": lambda shop: (shop.organization_id, date(2026, 1, 5)),
    "append_audit": lambda shop: (shop.organization_id, "x.y"),
    "change_member_role": lambda shop: (shop.organization_id, shop.owner_id, "viewer"),
    "billing_recipients": lambda shop: (shop.organization_id,),
    "begin_api_answer": lambda shop: ("x", bytes(32)),
    "channel_apps_of": lambda shop: (shop.organization_id,),
    "check_usage_limit": lambda shop: (shop.organization_id, "messages_sent", 1),
    "claim_overage": lambda shop: (shop.organization_id,),
    "close_usage": lambda shop: (shop.organization_id,),
    "colleague_name": lambda shop: (shop.organization_id, shop.owner_id),
    "connect_channel": lambda shop: (shop.organization_id, new_id(), "cloud_api", "x", "123", "+1", "1", "1", "t", None),
    "consume_usage": lambda shop: (shop.organization_id, "messages_sent", 1),
    "consume_usage_of_many": lambda shop: ("messages_sent", Jsonb([{"organization_id": str(shop.organization_id), "amount": 1}])),
    "data_key": lambda shop: (shop.organization_id, "v1.k.n.c"),
    "count_received": lambda shop: (Jsonb({str(shop.organization_id): 1}),),
    "create_api_key": lambda shop: (shop.organization_id, new_id(), bytes(32), "x", "fd_live_000000", ["contacts:read"], [], None),
    "disconnect_channel": lambda shop: (shop.organization_id, shop.channel_id),
    "part_from_canceled": lambda shop: (shop.organization_id, 90),
    "erase_contact": lambda shop: (shop.organization_id, new_id()),
    "entitlements_of": lambda shop: (shop.organization_id, "contacts"),
    "export_rows": lambda shop: (shop.organization_id, "contacts", None, 10),
    "export_tables": lambda shop: (shop.organization_id,),
    "give_channel_app": lambda shop: (shop.organization_id, shop.channel_id, bytes(32), "stolen", "stolen", "stolen"),
    "hand_over_organization": lambda shop: (shop.organization_id, shop.owner_id),
    "lease_usage": lambda shop: (shop.organization_id, "messages_sent", new_id(), 1),
    "leave_second_factor_open": lambda shop: (shop.organization_id,),
    "list_members": lambda shop: (shop.organization_id, [], "-infinity", UUID(int=0), 50),
    "is_message_written": lambda shop: (shop.organization_id, new_id()),
    "keep_api_answer": lambda shop: ("x", 201, "{}"),
    "hold_back": lambda shop: (shop.organization_id,),
    "invite_member": lambda shop: (shop.organization_id, new_id(), "eve@example.org", "admin", bytes(32), "en", datetime.now(UTC)),
    "list_invitations": lambda shop: (shop.organization_id, 10),
    "note_invitation_mail": lambda shop: (shop.organization_id, new_id(), new_id()),
    "members_without_second_factor": lambda shop: (shop.organization_id,),
    "program_name": lambda shop: (shop.organization_id, new_id()),
    "queue_mail": lambda shop: (new_id(), shop.organization_id, "ada@example.org", "mail/trial", "en", "sealed", datetime.now(UTC)),
    "remove_member": lambda shop: (shop.organization_id, shop.owner_id),
    "renew_channel_app_secret": lambda shop: (shop.organization_id, shop.channel_id, "stolen"),
    "resend_invitation": lambda shop: (shop.organization_id, new_id(), bytes(32), datetime.now(UTC)),
    "revoke_invitation": lambda shop: (shop.organization_id, new_id()),
    "renew_channel_token": lambda shop: (shop.organization_id, shop.channel_id, "stolen"),
    "restrict_member": lambda shop: (shop.organization_id, shop.owner_id, []),
    "revoke_api_key": lambda shop: (shop.organization_id, new_id()),
    "require_second_factor": lambda shop: (shop.organization_id,),
    "book_credit": lambda shop: (shop.organization_id, "x", 1, "EUR"),
    "take_credit_back": lambda shop: (shop.organization_id, "refund:x", 1, "EUR"),
    "buy_credit": lambda shop: (shop.organization_id, "x", 1, "EUR"),
    "release_overage": lambda shop: (shop.organization_id, "messages_sent", date(2026, 1, 5)),
    "return_usage": lambda shop: (shop.organization_id, new_id()),
    "settle_overage": lambda shop: (shop.organization_id, "messages_sent", date(2026, 1, 5), "none", None, None),
    "spend_usage": lambda shop: (shop.organization_id, new_id(), 1),
    "sees_conversation": lambda shop: (shop.organization_id, new_id()),
    "settle_billing_events": lambda shop: (shop.organization_id, [new_id()]),
    "track_usage": lambda shop: (shop.organization_id, "messages_sent", 1),
    "track_usage_of_many": lambda shop: ("messages_sent", Jsonb([{"organization_id": str(shop.organization_id), "amount": 1}])),
    "usage_overview": lambda shop: (shop.organization_id,),
    "contacts_from": lambda shop: (shop.organization_id,),
    "usage_period": lambda shop: (shop.organization_id,),
    "usage_standing": lambda shop: (shop.organization_id,),
    "walk_audit": lambda shop: (shop.organization_id, 0, 10),
}
# They name no organization.
HARMLESS = {
    "acting_organization_is_suspended",
    "acting_user_is_verified",
    "houses_changed",
    "named_organizations",
    "organizations_allowing",
    "period_end",
    "period_start",
    "status_rank",
}


@pytest.mark.parametrize("stranger", sorted(STRANGERS.keys() - {"application without a role"}))  # that one acts for the whole installation
async def test_no_function_works_with_somebody_elses_organization(world: World, tables: list[str], stranger: str) -> None:
    before = await world.see("select metric, used from organization_usage where organization_id = %s order by 1", world.shop.organization_id)
    async with STRANGERS[stranger](world) as db:
        names = [
            row["proname"]
            for row in await db.rows(
                "select distinct proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace"
                " where n.nspname in ('private', 'public') and has_function_privilege(p.oid, 'execute')"
            )
        ]
        for name in sorted(set(names) - HARMLESS):
            assert name in FOREIGN_CALLS, f"say in FOREIGN_CALLS how private.{name} is called with a foreign organization"
            assert await refused(db, name, FOREIGN_CALLS[name](world.shop)), name
    assert await world.see("select metric, used from organization_usage where organization_id = %s order by 1", world.shop.organization_id) == before


async def refused(db: Statements, name: str, arguments: tuple[Any, ...]) -> bool:
    marks = ", ".join(["%s"] * len(arguments))
    try:
        async with db._connection.transaction():
            cursor = await db._connection.execute(f"select * from private.{name}({marks})", arguments)  # type: ignore[arg-type]
            return all(value is None for row in await cursor.fetchall() for value in row)
    except errors.InsufficientPrivilege:
        return True


async def test_a_foreign_key_does_not_reach_into_another_organization(world: World, tables: list[str]) -> None:
    ((contact,),) = await world.see("select id from contacts where organization_id = %s limit 1", world.shop.organization_id)
    async with member("owner")(world) as db:
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            async with db._connection.transaction():
                await db.run(
                    "insert into public.contact_identities (organization_id, kind, value, contact_id) values (%(o)s, 'phone', '1', %(c)s)",
                    {"o": world.neighbour.organization_id, "c": contact},
                )


async def test_what_was_deleted_with_an_organization_is_all_of_it_and_nothing_else(world: World, tables: list[str]) -> None:
    await world.owner.execute("delete from organizations where id = %s", (world.shop.organization_id,))
    for table in tables:
        key = "id" if table == "organizations" else "organization_id"
        rows = await world.see(f"select {key}, count(*) from public.{table} group by 1")
        assert [row[0] for row in rows] == [world.neighbour.organization_id], table
