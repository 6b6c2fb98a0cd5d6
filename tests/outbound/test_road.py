"""What leaves: once, in order, at the number's pace, and every outcome where people can see it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from frontdesk import messages
from frontdesk.channels import Lanes, Session
from frontdesk.database import new_id
from frontdesk.messages import Draft
from frontdesk.outbound import OutboundRoad
from frontdesk.outbound.pacing import PAIR_BURST, Pace
from tests.graph import Graph, accept, graph, hang_up, refuse
from tests.world import Shop, World, text, webhook


@pytest.fixture
async def graph_api() -> AsyncIterator[Graph]:
    async with graph() as here:
        yield here


@asynccontextmanager
async def driving(world: World, graph_api: Graph) -> AsyncIterator[OutboundRoad]:
    """The outbound road at work, as the worker runs it."""
    stop = asyncio.Event()
    async with Session() as session:
        worker = new_id()
        road = OutboundRoad(
            world.database, Lanes(world.database, worker, "out"), session, worker, lambda leased: (graph_api.url + "/messages", "token"), lambda ids: None
        )
        running = asyncio.create_task(road.run(stop))
        try:
            yield road
        finally:
            stop.set()
            await running


async def queue(world: World, shop: Shop, *texts: str, priority: int = 1, ends_in: float = 3600, to: str = "4915112345678") -> list[UUID]:
    """Put texts into the outbox of the shop's conversation."""
    if not await world.see("select 1 from conversations where organization_id = %s", shop.organization_id):
        await world.arrive(shop, webhook(shop, text("hello")))
        await world.owner.execute("delete from outbox")
    ((conversation,),) = await world.see("select id from conversations where organization_id = %s", shop.organization_id)
    ends = datetime.now(UTC) + timedelta(seconds=ends_in)
    async with world.database.tenant(shop.organization_id, shop.actor) as db:
        drafts = [Draft(shop.organization_id, conversation, shop.channel_id, t, "member", to, ends, priority) for t in texts]
        return [queued.id for queued in await messages.queue(db, drafts)]


async def until(condition: Callable[[], Awaitable[Any]], seconds: float = 15.0) -> None:
    """Wait for a condition, not for luck."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


async def states(world: World, ids: list[UUID]) -> list[str]:
    rows = await world.see("select id, status from messages where id = any(%s)", ids)
    return [dict(rows)[i] for i in ids]


async def test_what_is_queued_is_sent_once_with_our_id_and_recorded(world: World, graph_api: Graph) -> None:
    ids = await queue(world, world.shop, "one", "two", "three")
    async with driving(world, graph_api) as road:
        road.wake([world.shop.lane])

        async def recorded() -> bool:
            return await states(world, ids) == ["accepted"] * 3

        await until(recorded)
    assert [(said["text"]["body"], said["to"], said["biz_opaque_callback_data"]) for said in graph_api.said] == [
        (body, "4915112345678", str(i)) for body, i in zip(["one", "two", "three"], ids, strict=True)
    ]
    assert await world.see("select count(*) from outbox") == [(0,)]


async def test_answers_go_before_single_messages_and_those_before_campaigns(world: World, graph_api: Graph) -> None:
    await world.owner.execute("update channels set rate_per_second = 10")
    await queue(world, world.shop, "campaign", priority=5)
    await queue(world, world.shop, "single", priority=1)
    await queue(world, world.shop, "answer", priority=0)
    async with driving(world, graph_api):

        async def all_said() -> bool:
            return len(graph_api.said) == 3

        await until(all_said)
    assert [said["text"]["body"] for said in graph_api.said] == ["answer", "single", "campaign"]


async def test_a_broken_line_after_the_request_is_never_followed_by_a_second_request(world: World, graph_api: Graph) -> None:
    graph_api.answer = hang_up
    (message,) = await queue(world, world.shop, "did it arrive?")
    async with driving(world, graph_api) as road:

        async def said() -> bool:
            return len(graph_api.said) > 0

        await until(said)
        graph_api.answer = accept
        road.wake([world.shop.lane])
        await asyncio.sleep(1.2)  # two polls pass: a second request would have come
    assert len(graph_api.said) == 1
    assert await states(world, [message]) == ["queued"]
    await world.owner.execute("update outbox set claimed_at = claimed_at - interval '121 seconds'")
    await world.database.call("select private.expire_claims(interval '2 minutes')")
    assert await states(world, [message]) == ["unknown"]
    assert await world.see("select count(*) from outbox") == [(0,)]


async def test_a_claim_left_by_a_crash_is_settled_by_its_status(world: World) -> None:
    from tests.world import status

    (message,) = await queue(world, world.shop, "sent just before the crash")
    await world.owner.execute("update outbox set claimed_at = now() - interval '3 minutes', claimed_by = %s", (new_id(),))
    await world.arrive(world.shop, webhook(world.shop, status(message, "delivered")))
    await world.database.call("select private.expire_claims(interval '2 minutes')")
    assert await states(world, [message]) == ["delivered"]


async def test_a_passing_fault_is_tried_again_and_a_final_one_is_shown(world: World, graph_api: Graph) -> None:
    tries = iter([refuse(131000, 500), accept])
    graph_api.answer = lambda request: next(tries)(request)  # noqa: PLW0108 - each request takes the next
    (message,) = await queue(world, world.shop, "patience")
    async with driving(world, graph_api):

        async def accepted() -> bool:
            return await states(world, [message]) == ["accepted"]

        await until(accepted)
        graph_api.answer = refuse(131026, details="Message undeliverable")
        (lost,) = await queue(world, world.shop, "nobody there")

        async def failed() -> bool:
            return await states(world, [lost]) == ["failed"]

        await until(failed)
    assert len(graph_api.said) == 3
    ((code, said),) = await world.see("select error_code, error_text from messages where id = %s", lost)
    assert code == 131026 and "undeliverable" in said


async def test_a_refused_token_stops_the_channel_and_keeps_what_waits(world: World, graph_api: Graph) -> None:
    graph_api.answer = refuse(190, 401, "Error validating access token")
    ids = await queue(world, world.shop, "one", "two")
    async with driving(world, graph_api):

        async def stopped() -> bool:
            return bool(await world.see("select 1 from channels where stopped_at is not null"))

        await until(stopped)

        async def given_back() -> bool:
            return await world.see("select count(*) from outbox where claimed_at is null") == [(2,)]

        await until(given_back)
        asked = len(graph_api.said)
        await asyncio.sleep(1.2)  # two polls pass: a stopped channel must stay quiet
        assert len(graph_api.said) == asked <= 2
    assert await states(world, ids) == ["queued", "queued"]
    assert "access token" in (await world.see("select stopped_reason from channels where stopped_at is not null"))[0][0]


async def test_after_the_window_nothing_free_is_sent(world: World, graph_api: Graph) -> None:
    (message,) = await queue(world, world.shop, "too late", ends_in=-1)
    async with driving(world, graph_api):

        async def failed() -> bool:
            return await states(world, [message]) == ["failed"]

        await until(failed)
    assert graph_api.said == []
    assert "24 hours" in (await world.see("select error_text from messages where id = %s", message))[0][0]


async def test_one_stopped_neighbour_does_not_hold_up_the_others(world: World, graph_api: Graph) -> None:
    graph_api.answer = lambda request: (accept if request["text"]["body"] == "fine" else refuse(190, 401))(request)
    await queue(world, world.neighbour, "broken")
    (message,) = await queue(world, world.shop, "fine")
    async with driving(world, graph_api):

        async def accepted() -> bool:
            return await states(world, [message]) == ["accepted"]

        await until(accepted)


def test_a_number_speaks_no_faster_than_its_rate() -> None:
    pace = Pace(80)
    assert pace.room() == 8
    pace.take(8)
    assert pace.room() == 0
    assert 0 < pace.wait() <= 1 / 80


def test_one_recipient_gets_a_burst_and_then_one_in_six_seconds() -> None:
    pace = Pace(80)
    assert [pace.pair_wait("491") for _ in range(PAIR_BURST)] == [0.0] * PAIR_BURST
    assert 5.0 < pace.pair_wait("491") <= 6.0
    assert pace.pair_wait("492") == 0.0
