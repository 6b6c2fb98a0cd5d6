"""What PostgreSQL notes of changed organizations, and that bots answer by what holds when a message comes, however it was changed."""

import asyncio
import itertools
from typing import Any
from uuid import UUID

import psycopg
import pytest

from frontdesk import auto_replies
from frontdesk.auto_replies import Proposal, Rulebook, store
from frontdesk.auto_replies.shelf import House, Mark, Shelf
from frontdesk.database import Database
from tests.conftest import Urls
from tests.world import Shop, World, text, webhook

OLD, NEW, OTHER = "From 10.", "From 12.", "Ask us."
NOTED = "select changed::text::bigint from private.house_changes where organization_id = %s"
COUNTS = {"organization_id", "id", "answered_count", "last_answered_at", "created_by", "created_at", "updated_at"}
_phones = itertools.count(4915100000000)


@pytest.fixture
async def rule_id(world: World) -> UUID:
    """The only rule of the shop, which answers whatever comes. It has answered before, so that it is remembered."""
    await world.owner.execute("delete from auto_replies where organization_id = %s", (world.shop.organization_id,))
    rule_id = await add(world, world.shop, OLD)
    await answered(world)
    return rule_id


async def add(world: World, shop: Shop, reply: str) -> UUID:
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        return await auto_replies.create(db, Proposal("Prices", "fallback", None, (), reply))


async def answered(world: World, shop: Shop | None = None) -> str | None:
    """What somebody who has not written before is told."""
    shop, phone = shop or world.shop, str(next(_phones))
    await world.arrive(shop, webhook(shop, text(of=phone)))
    rows = await world.see(
        "select m.text from messages m join conversations v on v.id = m.conversation_id join contacts c on c.id = v.contact_id"
        " where c.phone = %s and m.author = 'bot'", phone,
    )  # fmt: skip
    return str(rows[0][0]) if rows else None


async def looked(database: Database, since: int = 0, most: int = 100) -> list[dict[str, Any]]:
    async with database.tenants([]) as db:
        return await (await store.houses_changed(db, since, most))()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (f"update auto_replies set reply = '{NEW}'", NEW),
        ("update auto_replies set enabled_at = null", None),
        ("update auto_replies set held_back = 'over_limit'", None),
        ("update auto_replies set trigger = 'keyword', match = 'exact', keywords = '{else}'", None),
        ("delete from auto_replies", None),
    ],
)
async def test_whatever_another_session_changes_between_two_batches_holds_for_the_second(world: World, rule_id: UUID, change: str, said: str | None) -> None:
    await world.owner.execute(change)  # type: ignore[arg-type]  # one of the above
    assert await answered(world) == said


async def test_a_new_rule_and_a_new_order_hold_at_once(world: World, rule_id: UUID) -> None:
    other = await add(world, world.shop, OTHER)
    assert await answered(world) == OLD
    async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
        await auto_replies.move(db, other, 1)
    assert await answered(world) == OTHER


async def test_a_change_that_ends_after_others_were_looked_for_is_found_by_the_next_look(world: World, urls: Urls, rule_id: UUID) -> None:
    await world.owner.execute("update auto_replies set reply = '{{organization.name}}' where id = %s", (rule_id,))
    async with await psycopg.AsyncConnection.connect(urls.owner) as slow:
        await slow.execute("update organizations set name = 'New' where id = %s", (world.shop.organization_id,))
        for name in ("Later", "Later still"):
            await world.owner.execute("update organizations set name = %s where id = %s", (name, world.neighbour.organization_id))
            assert await answered(world) == world.shop.name
        await slow.commit()
        assert await answered(world) == "New"


async def test_what_was_read_before_a_change_is_not_kept_after_somebody_else_heard_of_it(world: World, urls: Urls, rule_id: UUID) -> None:
    shelf, shop = Shelf(), world.shop.organization_id

    async def hear(asked: Mark, rows: list[dict[str, Any]]) -> Mark:
        return shelf.hear(asked, rows[0]["run"], rows[0]["seen"], {row["organization_id"].int: row["changed"] for row in rows if row["organization_id"]})

    await hear(shelf.seen, await looked(world.database))
    asked = shelf.seen
    async with world.database.tenants([shop]) as slow:
        old = await (await store.houses_changed(slow, asked.transaction, 100))()
        (read,) = await store.open_books(slow, [shop])
        await world.owner.execute("update auto_replies set reply = %s where id = %s", (NEW, rule_id))
        await hear(asked, await looked(world.database, asked.transaction))
        shelf.put(shop.int, await hear(asked, old), House(read["rules"][0]["reply"], Rulebook(())))
        assert shelf.take(shop.int) is None
        mark = await hear(asked, await looked(world.database, asked.transaction))
        (read,) = await store.open_books(slow, [shop])
        kept = shelf.put(shop.int, mark, House(read["rules"][0]["reply"], Rulebook(())))
        assert kept.name == NEW and shelf.take(shop.int) is kept


async def test_counting_answers_is_no_change(world: World, rule_id: UUID) -> None:
    before = await world.see(NOTED, world.shop.organization_id)
    assert [await answered(world) for _ in range(2)] == [OLD] * 2
    assert await world.see("select answered_count from auto_replies where id = %s", rule_id) == [(3,)]
    assert before and await world.see(NOTED, world.shop.organization_id) == before


async def test_every_column_that_rules_answer_by_is_watched(world: World) -> None:
    rows = await world.see(
        "select a.attname from pg_attribute a where a.attrelid = 'auto_replies'::regclass and a.attnum > 0 and not a.attisdropped and not a.attnum = any"
        " ((select array(select unnest(t.tgattr)) from pg_trigger t where t.tgname = 'auto_replies_house')::int2[])"
    )
    assert {row[0] for row in rows} == COUNTS


async def test_another_name_or_language_is_noted_and_nothing_else_of_an_organization(world: World) -> None:
    shop = world.shop.organization_id
    noted = [await world.see(NOTED, shop)]
    for change in ("name = 'Glow'", "locale = 'de'", "timezone = 'Africa/Lagos'"):
        await world.owner.execute(f"update organizations set {change} where id = %s", (shop,))  # type: ignore[arg-type]  # one of the above
        noted.append(await world.see(NOTED, shop))
    assert noted[0] < noted[1] < noted[2] == noted[3]


async def test_an_organization_goes_with_its_rules_and_leaves_no_note(world: World, rule_id: UUID) -> None:
    shop = world.shop.organization_id
    await world.owner.execute("delete from private.house_changes")  # as for one that was there before changes were noted
    async with world.owner.transaction():
        await world.owner.execute("update auto_replies set reply = %s where id = %s", (NEW, rule_id))
        await world.owner.execute("delete from organizations where id = %s", (shop,))
    assert await world.see("select from private.house_changes where organization_id = %s", shop) == []
    await world.owner.execute("update organizations set name = 'Moretti' where id = %s", (world.neighbour.organization_id,))
    assert [row["organization_id"] for row in await looked(world.database)] == [world.neighbour.organization_id]
    assert await answered(world, world.neighbour) is not None


async def test_a_look_says_how_far_it_went_and_tells_no_more_than_it_is_asked_for(world: World, rule_id: UUID) -> None:
    everything = await looked(world.database)
    assert {row["organization_id"] for row in everything} == {world.shop.organization_id, world.neighbour.organization_id}
    assert len(await looked(world.database, most=1)) == 1
    seen = everything[0]["seen"]
    assert [(row["organization_id"], row["changed"]) for row in await looked(world.database, seen)] == [(None, None)]
    async with world.owner.transaction(force_rollback=True):
        await world.owner.execute("update auto_replies set reply = %s where id = %s", (NEW, rule_id))
        own = await world.see("select organization_id, changed >= seen from private.houses_changed(%s::xid8, 9)", str(seen))
        assert own == [(world.shop.organization_id, True)]


async def test_what_was_restored_from_another_server_is_not_told_before_its_time(world: World, rule_id: UUID) -> None:
    before = await looked(world.database)
    await world.owner.execute("update private.house_changes set changed = '9000000000000000'")
    assert [row["organization_id"] for row in await looked(world.database, before[0]["seen"])] == [None]
    await world.owner.execute("update auto_replies set reply = %s where id = %s", (NEW, rule_id))
    assert await answered(world) == NEW


async def test_a_crash_of_postgresql_makes_another_run(world: World) -> None:
    before, again = await looked(world.database), await looked(world.database)
    await world.owner.execute("select pg_stat_reset_shared('bgwriter')")  # as PostgreSQL does after a crash
    after = await looked(world.database)
    assert before[0]["run"] == again[0]["run"] != after[0]["run"]


async def test_members_who_switch_rules_at_once_wait_for_each_other(world: World, rule_id: UUID) -> None:
    rules = [rule_id, *[await add(world, world.shop, OTHER) for _ in range(2)]]
    await world.owner.execute("update subscription_plans set limits = limits || '{\"auto_replies\": 1}'")  # so that each switch marks other rules too

    async def switch(n: int) -> None:
        async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
            await auto_replies.switch(db, rules[n % 3], n % 2 == 0)

    await asyncio.gather(*(switch(n) for n in range(24)))  # nobody is cut short by a deadlock
    rows = await world.see("select count(*) from audit_logs where organization_id = %s and action like 'auto_reply.switched%%'", world.shop.organization_id)
    assert rows[0][0] > 0
