"""What WhatsApp refuses: tried again later, the number slowed down or stopped, the message failed; and what it costs the others."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

from tests.graph import Graph, accept, graph, refuse
from tests.outbound.test_road import driving, queue, states, until
from tests.world import World

ADA = "4915199988877"


@pytest.fixture
async def graph_api() -> AsyncIterator[Graph]:
    async with graph() as here:
        yield here


def stand(world: World, ids: list[UUID], *wanted: str) -> Callable[[], Awaitable[bool]]:
    """Whether messages stand like this."""

    async def so() -> bool:
        return await states(world, ids) == list(wanted)

    return so


async def waiting(world: World) -> list[tuple[float, int]]:
    """Seconds each unclaimed message still waits, and how often it was tried."""
    return await world.see("select extract(epoch from not_before - now())::float8, attempts from outbox where claimed_at is null order by id")


def put_off(world: World) -> Callable[[], Awaitable[bool]]:
    """Whether a message was tried and has to wait now."""

    async def so() -> bool:
        return any(tries == 1 and seconds > 0 for seconds, tries in await waiting(world))

    return so


def only(body: str, answer: Callable[[dict[str, Any]], web.Response | None]) -> Callable[[dict[str, Any]], web.Response | None]:
    """This answer for one text, acceptance for every other."""
    return lambda request: (answer if request["text"]["body"] == body else accept)(request)


async def test_too_much_for_one_person_waits_and_nobody_else_does(world: World, graph_api: Graph) -> None:
    graph_api.answer = only("too much", refuse(131056, 429))
    too_much = await queue(world, world.shop, "too much")
    others = await queue(world, world.shop, "fine", to=ADA)
    async with driving(world, graph_api):
        await until(stand(world, others, "accepted"))
        await until(put_off(world))
    ((seconds, tries),) = await waiting(world)
    assert 2.0 < seconds <= 4.0 and tries == 1  # Meta: 4^X seconds before attempt X
    assert await states(world, too_much) == ["queued"]


async def test_a_number_that_is_too_fast_rests_and_the_neighbours_does_not(world: World, graph_api: Graph) -> None:
    await queue(world, world.neighbour, "first")
    await world.owner.execute("delete from outbox")
    graph_api.answer = only("too fast", refuse(80007, 429))
    await queue(world, world.shop, "too fast")
    async with driving(world, graph_api) as road:
        await until(put_off(world))
        later = await queue(world, world.shop, "not yet")
        theirs = await queue(world, world.neighbour, "fine")
        road.wake([world.shop.lane, world.neighbour.lane])
        await until(stand(world, theirs, "accepted"))
    assert [said["text"]["body"] for said in graph_api.said] == ["too fast", "fine"]
    assert await states(world, later) == ["queued"]


async def test_what_never_succeeds_is_given_up_with_the_last_reason(world: World, graph_api: Graph) -> None:
    graph_api.answer = refuse(131016, 503, "Service overloaded")
    ids = await queue(world, world.shop, "patience")
    await world.owner.execute("update outbox set attempts = 7")
    async with driving(world, graph_api):
        await until(stand(world, ids, "failed"))
    ((code, text),) = await world.see("select error_code, error_text from messages where id = %s", ids[0])
    assert (code, text) == (131016, "Given up after 8 tries. Service overloaded")
    assert await world.see("select count(*) from outbox") == [(0,)]


async def test_an_answer_without_an_explanation_is_not_followed_by_a_second_request(world: World, graph_api: Graph) -> None:
    graph_api.answer = lambda request: web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
    ids = await queue(world, world.shop, "did it arrive?")
    async with driving(world, graph_api):

        async def said() -> bool:
            return len(graph_api.said) == 1

        await until(said)
    await world.owner.execute("update outbox set claimed_at = claimed_at - interval '121 seconds'")
    await world.database.call("select private.expire_claims(interval '2 minutes')")
    assert await states(world, ids) == ["unknown"]


async def test_a_new_token_sends_what_waited(world: World, graph_api: Graph) -> None:
    graph_api.answer = refuse(190, 401, "Error validating access token")
    ids = await queue(world, world.shop, "one", "two")
    async with driving(world, graph_api) as road:

        async def stopped() -> bool:
            return bool(await world.see("select 1 from channels where stopped_at is not null")) and len(await waiting(world)) == 2

        await until(stopped)
        graph_api.answer = accept
        async with world.database.tenant(world.shop.organization_id, world.shop.actor) as db:
            assert await db.value("select private.renew_channel_token(%(o)s, %(c)s, 'new')", {"o": world.shop.organization_id, "c": world.shop.channel_id})
        road.wake([world.shop.lane])
        await until(stand(world, ids, "accepted", "accepted"))


async def test_whoever_has_no_number_is_written_to_by_user_id(world: World, graph_api: Graph) -> None:
    ids = await queue(world, world.shop, "hello", to="US.13491208655302741918")
    async with driving(world, graph_api):
        await until(stand(world, ids, "accepted"))
    assert graph_api.said[0]["recipient"] == "US.13491208655302741918" and "to" not in graph_api.said[0]
