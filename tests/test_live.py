"""Live updates: who is told what, across processes and lost connections."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from frontdesk.database import new_id
from frontdesk.live import ANYTHING, SESSIONS, Listener, Live, TooManyStreams


@pytest.fixture
async def here(urls: Any) -> AsyncIterator[Live]:
    """One process."""
    async with Live(urls.app) as live:
        await live.connected()
        yield live


@pytest.fixture
async def there(urls: Any) -> AsyncIterator[Live]:
    """Another process on the same database."""
    async with Live(urls.app) as live:
        await live.connected()
        yield live


async def test_listeners_of_every_process_are_told(here: Live, there: Live) -> None:
    organization_id = new_id()
    first, second, far = here.listen(organization_id), here.listen(organization_id), there.listen(organization_id)
    here.changed([organization_id])
    assert await _next(first) == await _next(second) == await _next(far) == "inbox"


async def test_another_organization_hears_nothing(here: Live, there: Live) -> None:
    mine, other = new_id(), new_id()
    neighbours = [here.listen(other), there.listen(other)]
    here.changed([mine])
    here.changed([other], "last")
    assert [await _next(one) for one in neighbours] == ["last", "last"]


async def test_what_is_said_often_is_told_once_until_it_is_heard(here: Live) -> None:
    organization_id = new_id()
    listener = here.listen(organization_id)
    for topic in ("inbox", "inbox", "contacts", "inbox"):
        here.changed([organization_id], topic)
    assert [await _next(listener), await _next(listener)] == ["inbox", "contacts"]
    await _hears_no_more(listener)


async def test_more_topics_than_a_listener_holds_become_one(here: Live) -> None:
    organization_id = new_id()
    listener = here.listen(organization_id)
    for n in range(50):
        here.changed([organization_id], f"topic{n}")
    heard = [await _next(listener)]
    assert heard == [ANYTHING]


async def test_many_organizations_go_in_few_notices(here: Live, there: Live, owner: psycopg.AsyncConnection[Any]) -> None:
    organization_ids = [uuid4() for _ in range(1_000)]
    listeners = [there.listen(one) for one in organization_ids]
    async with _overhearing(owner) as notices:
        for one in organization_ids:
            here.changed([one])
        assert {await _next(listener) for listener in listeners} == {"inbox"}
    assert len(notices) <= 6 and max(len(notice) for notice in notices) < 8_000


async def test_after_a_lost_connection_everybody_looks_again(here: Live, there: Live, owner: psycopg.AsyncConnection[Any]) -> None:
    organization_id, woken = new_id(), list[str]()
    there.on_wake(woken.append)
    listener = there.listen(organization_id)
    await owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'frontdesk live'")
    assert {await _next(listener), await _next(listener)} == {ANYTHING, SESSIONS}
    assert set(woken) == {"in", "out"}
    await asyncio.wait_for(here.connected(), 10)
    here.changed([organization_id])
    while await _next(listener) != "inbox":
        pass


async def test_what_is_said_while_the_database_is_away_is_sent_later(here: Live, there: Live, owner: psycopg.AsyncConnection[Any]) -> None:
    organization_id = new_id()
    listener = there.listen(organization_id)
    here.changed([organization_id], "before")
    assert await _next(listener) == "before"
    await owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'frontdesk live' and query ilike '%pg_notify%'")
    here.changed([organization_id], "after")
    while await _next(listener) != "after":
        pass


async def test_a_page_made_before_a_change_learns_of_it(here: Live) -> None:
    organization_id, other = new_id(), new_id()
    before = time.time()
    assert not here.changed_since(organization_id, before)
    here.changed([organization_id])
    assert here.changed_since(organization_id, before)
    assert not here.changed_since(other, before)
    assert here.changed_since(other, before - 3600)  # nobody listened then


async def test_workers_of_every_process_are_woken(here: Live, there: Live) -> None:
    woken: asyncio.Queue[str] = asyncio.Queue()
    there.on_wake(woken.put_nowait)
    here.wake("out")
    assert await asyncio.wait_for(woken.get(), 5) == "out"


async def test_news_may_come_from_any_thread(here: Live) -> None:
    organization_id = new_id()
    listener = here.listen(organization_id)
    await asyncio.to_thread(here.changed, [organization_id])
    assert await _next(listener) == "inbox"


async def test_a_waker_that_fails_stops_nobody_else(here: Live) -> None:
    woken = list[str]()

    def fail(direction: str) -> None:
        raise RuntimeError(direction)

    here.on_wake(fail)
    here.on_wake(woken.append)
    here.wake("in")
    assert woken == ["in"]


async def test_a_session_has_few_streams_and_gets_them_back(here: Live) -> None:
    organization_id, session_id = new_id(), new_id()
    listeners = [here.listen(organization_id, owner=session_id) for _ in range(8)]
    with pytest.raises(TooManyStreams):
        here.listen(organization_id, owner=session_id)
    here.listen(organization_id, owner=new_id())
    here.leave(organization_id, listeners.pop())
    assert here.listen(organization_id, owner=session_id)


async def test_closing_ends_listeners_sends_the_last_words_and_leaves_no_task(urls: Any, there: Live) -> None:
    organization_id = new_id()
    far = there.listen(organization_id)
    tasks = asyncio.all_tasks()
    live = Live(urls.app)
    live.open()
    await live.connected()
    near = live.listen(organization_id)
    live.changed([organization_id], "last words")
    await live.close()
    assert await _next(far) == "last words"
    with pytest.raises(StopAsyncIteration):
        await anext(near)
    assert asyncio.all_tasks() <= tasks


async def test_a_database_that_is_not_there_yet_is_waited_for() -> None:
    live = Live("postgresql://nobody@127.0.0.1:1/nothing")
    live.open()
    live.changed([new_id()])
    await asyncio.sleep(0.05)
    await asyncio.wait_for(live.close(), 5)


async def _next(listener: Listener) -> str:
    return await asyncio.wait_for(anext(listener), 10)


async def _hears_no_more(listener: Listener) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(listener), 0.3)


class _overhearing:
    """What travels between the processes meanwhile."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self.connection, self.notices = connection, list[str]()

    async def __aenter__(self) -> list[str]:
        await self.connection.execute("listen frontdesk_changed")
        return self.notices

    async def __aexit__(self, *_: object) -> None:
        async for notice in self.connection.notifies(timeout=0.5):
            self.notices.append(notice.payload)
