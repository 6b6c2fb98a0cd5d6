"""A stream of server-sent events: how it begins and how it ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from frontdesk.database import new_id
from frontdesk.database.doors import DatabaseBusy
from frontdesk.live import SESSIONS, EventStream, Live, Stream


@pytest.fixture
async def here(urls: Any) -> AsyncIterator[Live]:
    """One process."""
    async with Live(urls.app) as live:
        await live.connected()
        yield live


async def test_a_stream_ends_when_it_may_not_go_on(here: Live) -> None:
    organization_id, may = new_id(), [True]

    async def allowed() -> bool:
        return may[0]

    stream = Stream(here, organization_id, here.listen(organization_id), allowed, page_made_at=float("inf"))
    events = stream.events()
    assert await anext(events) == b"retry: 2000\n\n"
    here.changed([organization_id])
    told = await anext(events)
    assert told.startswith(b"event: changed\nid: ") and told.endswith(b"data: inbox\n\n")
    may[0] = False
    here.changed([organization_id], SESSIONS)
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    assert stream.listener.closed


async def test_a_stream_that_could_not_be_looked_at_is_looked_at_again_before_it_tells_anything(here: Live) -> None:
    organization_id, looks = new_id(), iter([DatabaseBusy(), False])

    async def allowed() -> bool:
        look = next(looks)
        if isinstance(look, DatabaseBusy):
            raise look
        return look

    events = Stream(here, organization_id, here.listen(organization_id), allowed, page_made_at=float("inf")).events()
    await anext(events)
    for topic in (SESSIONS, "inbox"):
        here.changed([organization_id], topic)
    with pytest.raises(StopAsyncIteration):
        await anext(events)
    assert list(looks) == []


async def test_a_browser_that_comes_back_is_told_to_look(here: Live) -> None:
    organization_id = new_id()

    async def allowed() -> bool:
        return True

    stream = Stream(here, organization_id, here.listen(organization_id), allowed, page_made_at=float("inf"), last_event_id="17")
    events = stream.events()
    await anext(events)
    assert b"data: changed\n" in await anext(events)
    await events.aclose()  # type: ignore[attr-defined]  # an async generator behind the iterator's type


async def test_a_browser_that_goes_away_ends_its_stream(here: Live) -> None:
    organization_id, sent = new_id(), list[dict[str, Any]]()
    gone = asyncio.Event()

    async def allowed() -> bool:
        return True

    async def receive() -> dict[str, Any]:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    stream = Stream(here, organization_id, here.listen(organization_id), allowed, page_made_at=float("inf"))
    answering = asyncio.create_task(EventStream(stream.events())({"type": "http"}, receive, send))
    while len(sent) < 2:
        await asyncio.sleep(0)
    gone.set()
    await asyncio.wait_for(answering, 1)
    assert stream.listener.closed and sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
