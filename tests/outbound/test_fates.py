"""Whatever goes wrong with one message: it gets a fate with the right reason, and never a second request."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg import OperationalError

from frontdesk.channels import Lane
from frontdesk.database import Tenants
from frontdesk.outbound import actions, store
from tests.graph import Graph, graph, refuse
from tests.outbound.test_refusals import stand, waiting
from tests.outbound.test_road import driving, queue, until
from tests.world import World


@pytest.fixture
async def graph_api() -> AsyncIterator[Graph]:
    async with graph() as here:
        yield here


async def test_what_a_number_cannot_say_fails_with_the_reason_and_the_rest_is_sent(world: World, graph_api: Graph) -> None:
    hologram, formless, fine = await queue(world, world.shop, "hologram", "formless", "fine")
    await world.owner.execute("""update outbox set content = '{"type": "hologram"}' where id = %s""", (hologram,))
    await world.owner.execute("""update outbox set content = '{"type": "text"}' where id = %s""", (formless,))
    async with driving(world, graph_api):
        await until(stand(world, [hologram, formless, fine], "failed", "failed", "accepted"))
    assert await world.see("select error_text from messages where id = any(%s) order by id", [hologram, formless]) == [
        ("Not sent: this number cannot say it (cloud_api cannot say hologram).",),
        ("Not sent: this number cannot say it (KeyError).",),
    ]
    assert len(graph_api.said) == 1 and await world.see("select count(*) from outbox") == [(0,)]


async def test_what_breaks_while_it_is_handed_over_is_unknown_at_once_and_says_so(world: World, graph_api: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    said = actions.speak

    async def breaks(*given: Any) -> None:
        await said(*given)
        raise RuntimeError("nobody expected this")

    monkeypatch.setattr(actions, "speak", breaks)
    ids = await queue(world, world.shop, "did it arrive?")
    async with driving(world, graph_api):
        await until(stand(world, ids, "unknown"))
    ((why,),) = await world.see("select error_text from messages where id = %s", ids[0])
    assert "RuntimeError" in why and "before you send it again" in why
    assert len(graph_api.said) == 1 and await world.see("select count(*) from outbox") == [(0,)]


async def test_a_channel_that_cannot_be_stopped_loses_no_result_and_is_left_alone(
    world: World, graph_api: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    tried = []

    async def away(db: Tenants, lane: Lane, reason: str) -> None:
        tried.append(reason)
        raise OperationalError("the database is away")

    monkeypatch.setattr(store, "stop_channel", away)
    graph_api.answer = refuse(190, 401, "Error validating access token")
    await queue(world, world.shop, "waits")
    async with driving(world, graph_api):

        async def given_back() -> bool:
            return bool(tried) and len(await waiting(world)) == 1

        await until(given_back)
        await asyncio.sleep(1.2)  # two polls pass: a second request would have come
    assert len(graph_api.said) == 1
