"""What waits is told in order of arrival while it is little, and lane by lane when somebody has much."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from uuid import UUID

from frontdesk.channels import Event, Lane, Lanes
from frontdesk.inbound import InboundRoad, store
from frontdesk.inbound.keeper import Keeper
from frontdesk.inbound.parts import DELIVERIES_AT_ONCE
from frontdesk.inbound.records import PARTS, Told
from tests.world import World, open_shop, text, webhook


async def keep_for(world: World, *wrote: tuple[Lane, str]) -> None:
    """One pack for each, in this order and all in one part, whoever wrote."""
    for n, (lane, said) in enumerate(wrote):
        await Keeper(world.database, lambda places: None).keep([(lane, Event("", "", "message", f"{n} {said}", "one and the same"))])


async def test_one_part_of_many_lanes_is_taken_in_order_of_arrival_and_no_more_than_was_asked_for(world: World) -> None:
    third = await open_shop(world.owner, "Third shop")
    lanes = [world.shop.lane, world.neighbour.lane]
    await keep_for(world, *((shop.lane, "hi") for shop in (world.shop, world.neighbour, third, world.shop, world.neighbour)))
    ((part,),) = await world.see("select distinct part from inbound_deliveries")
    async with world.database.tenants([lane.organization_id for lane in lanes]) as db:
        assert await store.take_arrived(db, lanes, 10, (part + 1) % PARTS) == []
        first = await store.take_arrived(db, lanes, 3, part)
        rest = await store.take_arrived(db, lanes, 10, part)
    assert [pack.payload for pack in first + rest] == ["0 hi", "1 hi", "3 hi", "4 hi"] and len(first) == 3
    assert all(before.id < after.id for before, after in pairwise(first + rest))
    assert await world.see("select organization_id from inbound_deliveries") == [(third.organization_id,)]


async def test_another_number_of_the_same_organization_keeps_what_it_has(world: World) -> None:
    other = Lane(world.shop.organization_id, UUID(int=7))
    await world.owner.execute("select private.connect_channel(%s, %s, 'cloud_api', 'Second', '4711', '+1 555 010 0001', '1', '1', 'sealed', null)", (*other,))
    await keep_for(world, (other, "hi"), (world.shop.lane, "hi"))
    ((part,),) = await world.see("select distinct part from inbound_deliveries")
    async with world.database.tenants([world.shop.organization_id]) as db:
        assert [pack.channel_id for pack in await store.take_arrived(db, [world.shop.lane], 10, part)] == [world.shop.channel_id]
        assert [pack.channel_id for pack in await store.take_arrived(db, [other], 10, part)] == [other.channel_id]


async def test_who_wrote_once_does_not_wait_for_somebody_who_has_thousands(world: World) -> None:
    many = 2 * PARTS * DELIVERIES_AT_ONCE
    for first in range(0, many, 1000):
        await world.keep(world.shop, webhook(world.shop, *(text(f"{n}", of=f"4915{n:08}") for n in range(first, first + 1000))))
    await world.keep(world.neighbour, webhook(world.neighbour, text("hello")))
    batches = await batches_of_a_road(world, many + 1)
    heard = next(n for n, batch in enumerate(batches) if world.neighbour.lane in batch.heard)
    assert heard < len(batches) - PARTS and max(batch.deliveries for batch in batches) >= DELIVERIES_AT_ONCE


async def test_everything_that_is_rung_for_is_told_once(world: World) -> None:
    shops = (world.shop, world.neighbour)

    async def ring(road: InboundRoad) -> None:
        for n in range(30):
            for shop in shops:
                await world.keep(shop, webhook(shop, text(f"{n}", of=f"4915{n:08}")), kept=road.wake)

    batches = await batches_of_a_road(world, 60, ring)
    assert frozenset[Lane]().union(*(batch.heard for batch in batches)) == {shop.lane for shop in shops}
    counted = await world.see("select organization_id, count(*) from messages where direction = 'in' group by 1")
    assert dict(counted) == {shop.organization_id: 30 for shop in shops}


async def batches_of_a_road(world: World, messages: int, meanwhile: Callable[[InboundRoad], Awaitable[None]] | None = None) -> list[Told]:
    """Run a road until so many messages are stored; what each of its batches told."""
    batches, stop, enough = list[Told](), asyncio.Event(), asyncio.Event()

    def heard(what: Told) -> None:
        batches.append(what)
        if sum(batch.messages for batch in batches) >= messages:
            enough.set()

    road = InboundRoad(world.database, Lanes(world.database, world.worker, "in"), heard, 6)
    async with asyncio.TaskGroup() as group:
        group.create_task(road.run(stop))
        if meanwhile:
            await meanwhile(road)
        async with asyncio.timeout(60):
            await enough.wait()
        stop.set()
    return batches
