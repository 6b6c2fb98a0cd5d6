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


HOSTILE = {
    "nested without end": b"[" * 200_000, "a number without end": b'{"name": ' + b"9" * 6_000 + b"}", "infinity": b'{"name": Infinity}',
    "no text": b"\xff\xfe{", "twice the same": b'{"name": "a", "name": null}', "a list": b"[1]", "a surrogate": b'{"name": "\\ud800"}',
    "a wide one": b'{"name": "' + b"\xf0\x9f\x9b\x92" * 201 + b'"}',
}  # fmt: skip


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_body_is_refused_or_harmless(desk: Desk, body: bytes) -> None:
    async with await desk.program() as program:
        for kind in "application/json", "text/plain", "application/x-www-form-urlencoded", "":
            answer = await program.client.patch("/organization", content=body, headers={"content-type": kind} if kind else {})
            assert answer.status_code in (200, 400, 422), answer.text
            assert (await program.get("/organization")).json()["name"] == "Lagos Glow Salon"


async def test_hostile_headers_open_nothing(desk: Desk) -> None:
    async with desk.with_key(None) as program:
        for written in (b"Bearer \xff\xfe", b"Bearer " + b"x" * 4_000, b"Bearer fd_live_", b"Bearer", b"", b"Bearer a, Bearer b"):
            assert (await program.client.get("/organization", headers={b"authorization": written})).status_code == 401  # type: ignore[dict-item]  # bytes, as they travel
