"""A caller who sends slowly keeps nobody else waiting: his call takes a connection of the database only when all of it is here."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.api.desk import Desk

WAITING = "select count(*) from pg_stat_activity where usename = 'frontdesk_app' and datname = current_database() and state = 'idle in transaction'"


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_slow_body_holds_no_transaction(desk: Desk, method: str) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"name": "Slow", '
        began.set()
        await go_on.wait()
        yield b'"trigger": "fallback", "reply": "x"}' if method == "POST" else b'"timezone": "Europe/Rome"}'

    path, headers = ("/auto-replies" if method == "POST" else "/organization"), {"content-type": "application/json", "idempotency-key": "slow"}
    async with await desk.program() as program:
        sending = asyncio.create_task(program.client.request(method, path, content=slowly(), headers=headers))
        await began.wait()
        assert await desk.rows(WAITING) == [(0,)]
        go_on.set()
        assert (await sending).status_code in (200, 201)
