"""A queue is empty or full, and a connection keeps the plan it made for the one."""

from frontdesk.database import new_id
from frontdesk.inbound import store
from frontdesk.inbound.records import Pack
from tests.watching import watched
from tests.world import World

THOUSANDS = 5_000


async def test_what_was_planned_while_nothing_waited_reads_no_more_than_it_takes_when_thousands_do(world: World) -> None:
    await world.owner.execute("vacuum analyze inbound_deliveries")
    lane, neighbour = world.shop.lane, world.neighbour.lane
    nothing = Pack(*lane, new_id(), 0, "message", "", 1)
    async with watched(world.database.tenants([lane.organization_id]), "generic") as (db, seen):
        assert await store.take(db, [lane], 20, 20, 1) == await store.take_arrived(db, [lane], 20, 1) == await store.take_again(db, [nothing]) == []
        for each in (lane, neighbour):
            await world.owner.execute(
                "insert into inbound_deliveries (organization_id, channel_id, id, part, kind, payload)"
                " select %s, %s, gen_random_uuid(), n %% 3, 'message', 'x' from generate_series(1, %s) n",
                (*each, THOUSANDS),
            )
        await world.owner.execute("delete from inbound_deliveries where organization_id <> %s and part = 1", (lane.organization_id,))
        seen.clear()
        by_lane = await store.take(db, [lane], 20, 20, 1)
        arrived = await store.take_arrived(db, [lane], 20, 1)
        await store.take_again(db, by_lane)
    assert [fault for one in seen for fault in one.faults(300)] == []
    assert len(by_lane) == len(arrived) == 20
