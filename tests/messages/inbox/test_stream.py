"""The stream that keeps pages true, over HTTP."""

import asyncio
import time
from contextlib import AsyncExitStack
from typing import Any

from frontdesk.settings import Settings
from tests.messages.inbox.conftest import Shop, served


async def test_open_pages_hear_that_something_changed_and_the_neighbour_does_not(salon: Shop, bakery: Shop) -> None:
    arrived = await salon.customer_writes()
    made_at = str(time.time() + 60)
    async with (
        salon.boss.listening(since=made_at) as mine,
        salon.boss.listening(since=made_at) as second,
        bakery.boss.listening(since=made_at) as theirs,
    ):
        await salon.boss.write(arrived.conversation_id, "Hello")
        assert await mine.hears(1) == ["inbox"] and await second.hears(1) == ["inbox"]
        salon.site.live.changed([bakery.id], "theirs")
        assert await theirs.hears(1) == ["theirs"]


async def test_every_change_by_a_member_is_told_after_it_is_done(salon: Shop) -> None:
    arrived = await salon.customer_writes()
    async with salon.boss.listening(since=str(time.time() + 60)) as ear:
        for n, act in enumerate(("reading", "closure", "closure/removal", "assignment", "bot/removal"), 1):
            await salon.boss.post(f"/dashboard/inbox/{arrived.conversation_id}/{act}", htmx=True)
            assert len(await ear.hears(n)) == n


async def test_a_page_that_is_older_than_the_latest_change_is_told_at_once(salon: Shop) -> None:
    made_at = time.time()
    salon.site.live.changed([salon.id])
    async with salon.boss.listening(since=str(made_at)) as ear:
        assert await ear.hears(1) == ["changed"]


async def test_the_stream_ends_at_once_when_the_session_does(salon: Shop) -> None:
    async with salon.boss.listening(since=str(time.time() + 60)) as ear:
        assert (await salon.boss.post("/logout")).status_code == 303
        await asyncio.wait_for(ear.ended.wait(), 5)
        assert ear.heard == []


async def test_the_stream_ends_at_once_for_whoever_is_no_member_any_more(salon: Shop) -> None:
    maya = await salon.colleague("member", "Maya")
    async with (
        maya.listening(since=str(time.time() + 60)) as hers,
        salon.boss.listening(since=str(time.time() + 60)) as his,
    ):
        await salon.owner.execute("delete from public.organization_members where user_id = %s", [maya.user_id])
        await asyncio.wait_for(hers.ended.wait(), 5)
        salon.site.live.changed([salon.id])
        assert await his.hears(2) == ["changed", "inbox"] and hers.heard == []
    await maya.client.aclose()


async def test_streams_hold_no_database_connection_and_are_limited(salon: Shop) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(8):  # as many as the pool has connections
            ear = await stack.enter_async_context(salon.boss.listening())
            assert ear.response.status_code == 200
        assert (await salon.boss.get("/dashboard/inbox")).status_code == 200
        async with salon.boss.listening() as ear:
            assert ear.response.status_code == 429


async def test_strangers_have_no_stream(salon: Shop) -> None:
    salon.boss.client.cookies.clear()
    assert (await salon.boss.get("/dashboard/live")).status_code == 303
    assert (await salon.boss.get("/dashboard/live", htmx=True)).status_code == 401


async def test_a_stop_does_not_wait_for_streams(salon: Shop, settings: Settings, urls: Any) -> None:
    async with served(settings.model_copy(update={"simulator": False}), salon.database, urls.app) as other:
        salon.boss.client.base_url = other.url  # type: ignore[assignment]  # httpx takes a text, its type says URL
        async with salon.boss.listening(since=str(time.time() + 60)) as ear:
            assert ear.response.status_code == 200
            started = time.monotonic()
            other.stop.set()
            await asyncio.wait_for(ear.ended.wait(), 2)
            assert time.monotonic() - started < 1
