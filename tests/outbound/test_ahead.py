"""Answers that are claimed while they are queued: said once and only after the commit, and only where there is room."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from frontdesk.channels import Lanes
from frontdesk.database import new_id
from frontdesk.inbound import Told, tell
from frontdesk.messages import Draft
from frontdesk.outbound import OutboundRoad
from tests.graph import Graph, graph
from tests.outbound.test_road import driving, queue, states, until
from tests.world import World, text, webhook


@pytest.fixture
async def graph_api() -> AsyncIterator[Graph]:
    async with graph() as here:
        yield here


async def warm(world: World, road: OutboundRoad) -> None:
    """Let the road speak on the shop's lane once, so that it knows it."""
    ids = await queue(world, world.shop, "the first")
    road.wake([world.shop.lane])

    async def sent() -> bool:
        return await states(world, ids) == ["accepted"]

    await until(sent)


async def write(world: World, road: OutboundRoad, said: str) -> Told:
    """Somebody new writes to the shop, whose greeting answers; told as the inbound road tells it."""
    await world.keep(world.shop, webhook(world.shop, text(said, of="4916012345" + str(len(said)), message_id=f"wamid.{said}")))
    held = await Lanes(world.database, world.worker, "in").hold([world.shop.lane])
    return await tell(world.database, {lane: leased.channel for lane, leased in held.items()}, 500, 1000, 6, ahead=road.ahead())


def draft(world: World) -> Draft:
    return Draft(world.shop.organization_id, new_id(), world.shop.channel_id, "never queued", "bot", "49", None, 0)


async def test_an_answer_is_claimed_with_its_message_and_said_at_once(world: World, graph_api: Graph) -> None:
    async with driving(world, graph_api) as road:
        await warm(world, road)
        said = len(graph_api.said)
        told = await write(world, road, "hi")
        assert told.answers == 0, "nothing is left that has to be claimed"

        async def settled() -> bool:
            return await world.see("select count(*) from outbox") == [(0,)]

        await until(settled)
    assert len(graph_api.said) == said + 1
    ((status, provider_id),) = await world.see("select status, provider_message_id from messages where author = 'bot' order by id desc limit 1")
    assert status == "accepted" and provider_id


async def test_on_a_lane_that_the_road_does_not_know_an_answer_waits_for_its_turn(world: World, graph_api: Graph) -> None:
    async with driving(world, graph_api) as road:
        told = await write(world, road, "hello")
        assert told.answers == 1
    assert await world.see("select claimed_by, claimed_at, attempts from outbox") == [(None, None, 0)]


async def test_what_was_not_committed_is_not_said_and_its_places_are_free_again(world: World, graph_api: Graph) -> None:
    async with driving(world, graph_api) as road:
        await warm(world, road)
        said, worker = len(graph_api.said), UUID(int=0)
        for _ in range(200):  # more than there are places, and more than the number may say in that time
            with pytest.raises(RuntimeError), road.ahead() as ahead:
                worker = ahead.claim(draft(world)) or worker
                assert len(ahead) == 1
                raise RuntimeError("the transaction broke")
        assert worker.int, "there was room every time"
    assert len(graph_api.said) == said


async def test_no_more_is_claimed_ahead_than_the_number_may_say_now(world: World, graph_api: Graph) -> None:
    async with driving(world, graph_api) as road:
        await warm(world, road)
        with pytest.raises(RuntimeError), road.ahead() as ahead:
            granted = [ahead.claim(draft(world)) for _ in range(300)]
            assert None in granted and 1 <= len(ahead) < 20  # a tenth of a second at 80 a second
            raise RuntimeError("said to nobody")


async def test_what_is_claimed_when_the_road_is_told_to_stop_is_still_said_and_nothing_more_is_claimed(world: World, graph_api: Graph) -> None:
    stopping, claimed = asyncio.Event(), asyncio.Event()

    async def answer(road: OutboundRoad) -> None:
        with road.ahead() as ahead:
            assert ahead.claim(draft(world))
            claimed.set()
            await stopping.wait()
            await asyncio.sleep(0.3)  # the commit takes a while
        with road.ahead() as late:
            assert late.claim(draft(world)) is None

    async with driving(world, graph_api) as road:
        await warm(world, road)
        answering = asyncio.create_task(answer(road))
        await claimed.wait()
        stopping.set()
    await answering
    assert [one["text"]["body"] for one in graph_api.said] == ["the first", "never queued"]
