"""What arrives together is kept as one row, and stays single events for all that hangs on them."""

from collections import defaultdict
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from frontdesk.channels import Event, Lane
from frontdesk.database import new_id
from frontdesk.inbound import store
from frontdesk.inbound.packs import PACK_EVENTS, PACK_LENGTH, Arrived, packed, unpacked
from tests.world import World, text, webhook

LANES = [Lane(UUID(int=1), UUID(int=n)) for n in (10, 11)]
arrivals = st.lists(
    st.tuples(st.sampled_from(LANES), st.sampled_from(["message", "status"]), st.sampled_from("abcdef"), st.integers(0, 3_000)), max_size=80
).map(lambda drawn: [(lane, Event("", "", kind, f"{n} {kind} {party} {'x' * length}", party)) for n, (lane, kind, party, length) in enumerate(drawn)])


@given(arrivals)
def test_every_event_comes_out_of_the_packs_once_and_everybodys_in_order(arrived: list[Arrived]) -> None:
    deliveries = [one for pack in packed(arrived) for one in unpacked(pack)]
    assert sorted(one.payload for one in deliveries) == sorted(event.payload for _, event in arrived)
    assert all(before.id < after.id for before, after in pairwise(deliveries))
    told = defaultdict(list)
    for one in deliveries:
        n, kind, party, _ = one.payload.split(" ")
        assert (one.kind, one.channel_id) == (kind, arrived[int(n)][0].channel_id)
        told[one.channel_id, kind, party].append(int(n))
    assert all(order == sorted(order) for order in told.values())


@given(arrivals)
def test_no_pack_is_larger_than_it_may_be_unless_it_is_one_event(arrived: list[Arrived]) -> None:
    for pack in packed(arrived):
        assert pack.events == len(unpacked(pack)) <= PACK_EVENTS
        assert len(pack.payload) <= PACK_LENGTH or pack.events == 1


async def test_what_arrives_together_is_one_row_as_large_as_a_pack_may_be(world: World) -> None:
    await world.keep(world.shop, webhook(world.shop, *(text(f"{n}") for n in range(50))))
    rows = await world.see("select events, pg_column_size(payload) = octet_length(payload) + 4 from inbound_deliveries order by id")
    assert sum(events for events, _ in rows) == 50 and len(rows) <= 5
    assert all(in_one_piece for _, in_one_piece in rows)
    assert (await world.database.call("select deliveries from private.road_state()"))[0]["deliveries"] == 50


async def test_limits_count_events_and_the_last_pack_is_whole(world: World) -> None:
    await world.keep(world.shop, webhook(world.shop, *(text(f"{n}") for n in range(100))))
    await world.keep(world.neighbour, webhook(world.neighbour, text("hello")))
    async with world.database.tenants([world.shop.organization_id, world.neighbour.organization_id]) as db:
        taken = await store.take(db, [world.shop.lane, world.neighbour.lane], 30, 1000)
        of_shop = [pack.events for pack in taken if pack.channel_id == world.shop.channel_id]
        assert sum(of_shop[:-1]) < 30 <= sum(of_shop) and len(taken) == len(of_shop) + 1
    async with world.database.tenants([world.shop.organization_id]) as db:
        rest = [pack.events for pack in await store.take(db, [world.shop.lane], 1000, 10)]
        assert sum(rest[:-1]) < 10 <= sum(rest)
    assert await world.see("select sum(events) from inbound_deliveries") == [(100 - sum(of_shop) - sum(rest),)]


async def test_the_one_that_breaks_is_taken_out_of_its_pack_under_its_own_id(world: World) -> None:
    await world.owner.execute("alter table messages add constraint no_poison check (text <> 'poison')")
    await world.keep(world.shop, webhook(world.shop, *(text(word) for word in ("one", "poison", "three"))))
    ((pack,),) = await world.see("select id from inbound_deliveries")
    told = await world.tell(world.shop)
    assert (told.messages, told.deliveries, len(told.failures)) == (2, 3, 1)
    assert await world.see("select id from failed_deliveries") == [(UUID(int=pack.int + 1),)]
    assert await world.see("select text from messages where direction = 'in' order by position") == [("one",), ("three",)]
    assert await world.see("select count(*) from inbound_deliveries") == [(0,)]


async def test_what_waited_since_before_there_were_packs_is_told(world: World) -> None:
    await world.keep(world.shop, webhook(world.shop, text("kept by the version before")))
    ((payload,),) = await world.see("select payload from inbound_deliveries")
    await world.owner.execute("delete from inbound_deliveries")
    await world.owner.execute(
        "insert into inbound_deliveries (organization_id, channel_id, id, part, kind, payload) values (%s, %s, %s, 2, 'message', %s)",
        (*world.shop.lane, new_id(), payload),
    )
    assert (await world.tell(world.shop)).messages == 1
