"""Telling: all or nothing, and what breaks a batch stays alone with it."""

import pytest

from frontdesk.database import new_id
from tests.world import World, text, webhook


async def test_an_unknown_type_is_stored_whole_with_a_readable_placeholder(world: World) -> None:
    strange = text(type="hologram", hologram={"id": "1", "note": "a\0b"})
    del strange["messages"][0]["text"]
    await world.arrive(world.shop, webhook(world.shop, strange))
    ((kind, said, raw),) = await world.see("select type, text, payload from messages where direction = 'in'")
    assert kind == "hologram" and "hologram" in said
    assert raw["message"]["hologram"] == {"id": "1", "note": "a\ufffdb"}  # whole but for the NUL, which PostgreSQL cannot hold


async def test_a_delivery_that_breaks_the_batch_is_isolated_kept_and_replayed(world: World) -> None:
    await world.owner.execute(
        """
        create function break_it() returns trigger language plpgsql as $$
        begin if new.text = 'poison' then raise exception 'cannot swallow this'; end if; return new; end $$
        """
    )
    await world.owner.execute("create trigger poison before insert on messages for each row execute function break_it()")
    said = ["one", "two", "poison", "four", "five", "six", "seven"]
    await world.keep(world.shop, webhook(world.shop, *(text(word) for word in said)))
    told = await world.tell(world.shop)
    assert told.messages == 6 and len(told.failures) == 1
    rows = await world.see("select text from messages where direction = 'in' order by occurred_at, position")
    assert [row[0] for row in rows] == [word for word in said if word != "poison"]
    ((failure,),) = await world.see("select error from failed_deliveries")
    assert "cannot swallow this" in failure

    listed = await world.database.call("select * from private.list_failed_deliveries(10)")
    assert [(row["organization"], row["attempts"]) for row in listed] == [("lagos-glow-salon", 1)]
    await world.owner.execute("drop trigger poison on messages")
    assert (await world.database.call("select private.replay_failed_deliveries() as n"))[0]["n"] == 1
    assert (await world.tell(world.shop)).messages == 1
    assert await world.see("select count(*) from failed_deliveries") == [(0,)]


async def test_a_payload_that_cannot_be_read_stays_alone(world: World) -> None:
    await world.keep(world.shop, webhook(world.shop, text("fine")))
    await world.owner.execute(
        "insert into inbound_deliveries (organization_id, channel_id, id, kind, payload) values (%s, %s, %s, 'message', '{broken')",
        (world.shop.organization_id, world.shop.channel_id, new_id()),
    )
    told = await world.tell(world.shop)
    assert (told.messages, len(told.failures)) == (1, 1)
    assert await world.see("select count(*) from inbound_deliveries") == [(0,)]
    assert await world.see("select count(*) from failed_deliveries") == [(1,)]


async def test_a_transaction_that_dies_leaves_everything_kept(world: World) -> None:
    await world.keep(world.shop, webhook(world.shop, text("hello")))
    with pytest.raises(RuntimeError):
        async with world.database.tenants([world.shop.organization_id], durable=False) as db:
            from frontdesk.inbound import store

            assert len(await store.take(db, [world.shop.lane], 10, 10)) == 1
            raise RuntimeError("the process died here")
    assert await world.see("select count(*) from inbound_deliveries") == [(1,)]
    assert (await world.tell(world.shop)).messages == 1


async def test_a_worker_that_named_other_organizations_takes_nothing(world: World) -> None:
    from frontdesk.inbound import store

    await world.keep(world.shop, webhook(world.shop, text("hello")))
    async with world.database.tenants([world.neighbour.organization_id]) as db:
        assert await store.take(db, [world.shop.lane], 10, 10) == []
