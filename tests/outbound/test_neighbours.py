"""One organization's trouble with sending is no other organization's trouble."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from frontdesk.channels import Lane, Lanes, Leased, Session
from frontdesk.database import new_id
from frontdesk.outbound import OutboundRoad
from frontdesk.outbound import road as road_module
from frontdesk.outbound.ledger import Ledger
from tests.graph import Graph, graph, refuse
from tests.outbound.test_refusals import only, put_off, stand
from tests.outbound.test_road import driving, queue, until
from tests.world import Shop, World, open_shop


@pytest.fixture
async def graph_api() -> AsyncIterator[Graph]:
    async with graph() as here:
        yield here


async def talk(world: World, *shops: Shop) -> None:
    """Each shop has a conversation, and nothing waits to be sent."""
    for shop in shops:
        await queue(world, shop, "hello")
    await world.owner.execute("delete from outbox")


async def test_a_token_that_cannot_be_opened_stops_its_own_channel_and_nobody_else(world: World, graph_api: Graph) -> None:
    await talk(world, world.shop, world.neighbour)
    theirs = await queue(world, world.neighbour, "never sealed with our key")
    ours = await queue(world, world.shop, "fine")

    def voice(leased: Leased) -> tuple[str, str]:
        if leased.channel.organization_id == world.neighbour.organization_id:
            raise ValueError("this was sealed with another key")
        return graph_api.url + "/messages", "token"

    stop = asyncio.Event()
    async with Session() as session:
        worker = new_id()
        road = OutboundRoad(world.database, Lanes(world.database, worker, "out"), session, worker, voice, lambda ids: None)
        running = asyncio.create_task(road.run(stop))
        try:
            await until(stand(world, ours, "accepted"), 6)

            async def stopped() -> bool:
                rows = await world.see("select 1 from channels where organization_id = %s and stopped_at is not null", world.neighbour.organization_id)
                return bool(rows)

            await until(stopped, 6)
        finally:
            stop.set()
            await asyncio.gather(running, return_exceptions=True)
    assert await stand(world, theirs, "queued")()


async def test_a_result_that_cannot_be_recorded_keeps_back_no_other(world: World, graph_api: Graph) -> None:
    await world.owner.execute(
        """
        create function break_it() returns trigger language plpgsql as $$
        begin if new.text = 'poison' and new.status = 'accepted' then raise check_violation using message = 'cannot swallow this'; end if; return new; end $$
        """
    )
    await world.owner.execute("create trigger poison before update on messages for each row execute function break_it()")
    fine, _, too = await queue(world, world.shop, "fine", "poison", "fine too")
    async with driving(world, graph_api):
        await until(stand(world, [fine, too], "accepted", "accepted"))
    assert len(graph_api.said) == 3
    ((claimed, body),) = await world.see("select claimed_at is not null, content->>'text' from outbox")
    assert (claimed, body) == (True, "poison")  # a status or the clock settles it


async def test_what_goes_wrong_once_while_claiming_ends_nothing(world: World, graph_api: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    fine = await queue(world, world.shop, "fine")
    hold, broken = Lanes.hold, [True]

    async def once(self: Lanes, wanted: Iterable[Lane]) -> dict[Lane, Leased]:
        if broken and broken.pop():
            raise KeyError("nobody expected this")
        return await hold(self, wanted)

    monkeypatch.setattr(Lanes, "hold", once)
    async with driving(world, graph_api):
        await until(stand(world, fine, "accepted"))


async def test_a_part_of_the_road_that_dies_takes_the_road_along(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def die(self: Ledger) -> None:
        raise KeyError("nobody expected this")

    monkeypatch.setattr(Ledger, "run", die)
    async with Session() as session:
        road = OutboundRoad(world.database, Lanes(world.database, new_id(), "out"), session, new_id(), lambda leased: ("", ""), lambda ids: None)
        with pytest.raises(ExceptionGroup):
            await asyncio.wait_for(road.run(asyncio.Event()), 5)


async def test_numbers_that_rest_do_not_hold_up_the_others(world: World, graph_api: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(road_module, "LANES_AT_ONCE", 2)  # as many as rest here; in the product 200
    third = await open_shop(world.owner, "Third")
    await talk(world, world.shop, world.neighbour, third)
    graph_api.answer = only("spam", refuse(131048, 429))
    for shop in (world.shop, world.neighbour):
        await queue(world, shop, "spam")
    async with driving(world, graph_api) as road:

        async def both() -> bool:
            return len(graph_api.said) == 2 and await put_off(world)()

        await until(both)
        for shop in (world.shop, world.neighbour):
            await queue(world, shop, "has to wait two hours")
        road.wake([world.shop.lane, world.neighbour.lane])
        await asyncio.sleep(0.3)  # both are looked at and stay
        fine = await queue(world, third, "fine")
        await until(stand(world, fine, "accepted"), 6)
