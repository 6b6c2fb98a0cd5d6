"""The HTTP client's connections: shared by all, given back by each, and never more than agreed."""

import asyncio
import gc
from pathlib import Path

from frontdesk.channels.cloud_api import Session
from frontdesk.channels.cloud_api.client import Answer
from frontdesk.channels.records import Uncertain
from tests.channels.cloud_api.servers import BODY, Serve, answers, hang_after_request


async def test_who_waits_too_long_for_a_turn_surely_sent_nothing(serve: Serve) -> None:
    server = await serve(hang_after_request)
    async with Session(timeout=0.5, connections=2, patience=0.05) as session:
        found = await asyncio.gather(*(session.post(server.url, "TOKEN", BODY) for _ in range(3)))
    assert sorted(type(answer).__name__ for answer in found) == ["Uncertain", "Uncertain", "Unreached"]
    assert len(server.calls) == 2


async def test_who_is_cancelled_while_waiting_for_a_turn_is_never_sent(serve: Serve) -> None:
    server = await serve(hang_after_request)
    async with Session(timeout=0.5, connections=1) as session:
        first = asyncio.create_task(session.post(server.url, "TOKEN", b'{"n":1}'))
        await server.until(lambda: len(server.calls) == 1)
        second = asyncio.create_task(session.post(server.url, "TOKEN", b'{"n":2}'))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([first, second])
        third = await session.post(server.url, "TOKEN", b'{"n":3}')
    assert isinstance(third, Uncertain)
    assert server.numbers == [1, 3]


async def test_cancelled_requests_leave_nothing_behind(serve: Serve) -> None:
    server = await serve(hang_after_request)
    healthy = await serve(answers)
    async with Session(timeout=0.5, connections=30) as session:
        before = open_files()
        tasks = [asyncio.create_task(session.post(server.url, "TOKEN", BODY)) for _ in range(30)]
        await server.until(lambda: len(server.calls) == 30)
        for task in tasks:
            task.cancel()
        assert all(isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(*tasks, return_exceptions=True))
        assert isinstance(await session.post(healthy.url, "TOKEN", BODY), Answer)  # their turns are free at once
        await asyncio.wait_for(server.until(lambda: server.open == 0), 3)  # and their connections when their time is up
        assert open_files() <= before + 4  # both ends of the one connection to the healthy server


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_thousands_of_requests_share_their_connections_and_keep_memory_flat(serve: Serve) -> None:
    server = await serve(answers)

    async def burst(session: Session, count: int) -> None:
        for _ in range(count // 50):
            found = await asyncio.gather(*(session.post(server.url, "TOKEN", BODY) for _ in range(50)))
            assert all(isinstance(answer, Answer) for answer in found)
        server.calls.clear()
        gc.collect()

    async with Session(connections=50) as session:
        await burst(session, 3000)
        before = resident_bytes()
        await burst(session, 5000)
        grown = resident_bytes() - before
    assert server.accepted <= 50
    assert grown < 3_000_000


def resident_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))
