"""The HTTP client, against real servers: does it always know whether a request may have arrived?"""

import asyncio
import json
import random
import socket
from contextlib import closing

import pytest

from frontdesk.channels.cloud_api import Session
from frontdesk.channels.cloud_api.client import Answer
from frontdesk.channels.records import Uncertain, Unreached
from tests.channels.cloud_api.servers import BODY, Call, Script, Serve, answers, hang_after_request, post


async def test_a_request_carries_its_token_and_its_body(serve: Serve) -> None:
    server = await serve(answers)
    found = await post(server.url)
    assert isinstance(found, Answer)
    assert (found.status, json.loads(found.body)["messages"]) == (200, [{"id": "wamid.1"}])
    [(head, body)] = server.calls
    assert head.startswith("POST /v26.0/106/messages HTTP/1.1\r\n")
    assert {"authorization: bearer token", "content-type: application/json"} <= set(head.lower().split("\r\n"))
    assert body == BODY


async def test_a_question_carries_its_token_and_no_body(serve: Serve) -> None:
    server = await serve(answers)
    async with Session(timeout=1.0) as session:
        assert isinstance(await session.get(server.url, "TOKEN"), Answer)
    [(head, body)] = server.calls
    assert head.startswith("GET /v26.0/106/messages HTTP/1.1\r\n")
    assert "authorization: bearer token" in head.lower().split("\r\n")
    assert body == b""


async def test_a_refused_connection_surely_sent_nothing() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        assert isinstance(await post(f"http://127.0.0.1:{taken.getsockname()[1]}/"), Unreached)


async def test_an_unknown_host_surely_got_nothing() -> None:
    assert isinstance(await post("http://frontdesk.invalid/"), Unreached)


async def test_a_connection_that_is_never_made_surely_sent_nothing() -> None:
    with closing(socket.socket()) as full, closing(socket.socket()) as first, closing(socket.socket()) as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):  # fill the queue of those who wait to be accepted
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        assert isinstance(await post(f"http://127.0.0.1:{full.getsockname()[1]}/"), Unreached)


async def reset_at_once(call: Call) -> None:
    call.reset()


async def reset_after_head(call: Call) -> None:
    await call.reader.readuntil(b"\r\n\r\n")
    call.reset()


async def reset_after_request(call: Call) -> None:
    await call.request()
    call.reset()


async def close_after_request(call: Call) -> None:
    await call.request()


async def hang_within_answer(call: Call) -> None:
    await call.request()
    await call.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"messages":')
    await call.hang()


async def stop_within_answer(call: Call) -> None:
    await call.request()
    await call.raw(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"messages":')


async def stop_within_chunk(call: Call) -> None:
    await call.request()
    await call.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFF\r\n{")


async def talk_nonsense(call: Call) -> None:
    await call.request()
    await call.raw(b"SSH-2.0-OpenSSH\r\n\r\n")


AMBIGUOUS = [
    reset_after_head, reset_after_request, close_after_request, hang_after_request, hang_within_answer,
    stop_within_answer, stop_within_chunk, talk_nonsense,
]  # fmt: skip


async def test_a_reset_at_once_is_uncertain_unless_it_came_before_anything_was_written(serve: Serve) -> None:
    server = await serve(reset_at_once)
    for _ in range(20):
        assert isinstance(await post(server.url), Uncertain | Unreached)
    assert (server.calls, server.accepted) == ([], 20)


@pytest.mark.parametrize("script", AMBIGUOUS, ids=lambda script: script.__name__)
async def test_once_connected_a_failure_is_uncertain_and_asked_only_once(script: Script, serve: Serve) -> None:
    server = await serve(script)
    found = await post(server.url, timeout=0.5)
    assert isinstance(found, Uncertain), found
    assert len(server.calls) <= 1
    assert server.accepted == 1


@pytest.mark.parametrize("script", [close_after_request, reset_after_request], ids=lambda script: script.__name__)
async def test_a_kept_connection_that_breaks_is_uncertain_and_asked_only_once(script: Script, serve: Serve) -> None:
    async def second_time(call: Call) -> None:
        await call.request()
        await call.answer()
        await script(call)

    server = await serve(second_time)
    async with Session(timeout=1.0) as session:
        assert isinstance(await session.post(server.url, "TOKEN", BODY), Answer)
        assert isinstance(await session.post(server.url, "TOKEN", BODY), Uncertain)
    assert (len(server.calls), server.accepted) == (2, 1)


async def test_no_request_is_ever_made_twice_however_connections_break(serve: Serve) -> None:
    chance = random.Random(7)

    async def moody(call: Call) -> None:
        while True:
            await call.request()
            if chance.random() < 0.15:
                return call.reset()
            await call.answer()
            if chance.random() < 0.15:
                return None
            if chance.random() < 0.05:
                return call.reset()

    server = await serve(moody)
    async with Session(timeout=5.0, connections=20) as session:
        bodies = [b'{"n":%d}' % number for number in range(1500)]
        found = await asyncio.gather(*(session.post(server.url, "TOKEN", body) for body in bodies))
    assert len(server.numbers) == len(set(server.numbers))
    answered = {number for number, answer in enumerate(found) if isinstance(answer, Answer)}
    unreached = {number for number, answer in enumerate(found) if isinstance(answer, Unreached)}
    assert answered <= set(server.numbers)
    assert not unreached & set(server.numbers)
    assert len(answered) > 750


async def test_a_redirect_is_not_followed_and_the_token_stays_here(serve: Serve) -> None:
    elsewhere = await serve(answers)

    async def redirects(call: Call) -> None:
        await call.request()
        await call.answer(307, b"", f"Location: {elsewhere.url}\r\n")

    found = await post((await serve(redirects)).url)
    assert isinstance(found, Answer)
    assert (found.status, elsewhere.accepted) == (307, 0)


async def test_a_proxy_of_the_environment_is_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = await serve(answers), await serve(answers)
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://localhost:{proxy.port}")
    assert isinstance(await post(server.url), Answer)
    assert (proxy.accepted, len(server.calls)) == (0, 1)


@pytest.mark.parametrize(("url", "token"), [("nowhere", "T"), ("ftp://localhost/", "T"), ("http://localhost/", "T\nX: y")])
async def test_what_cannot_be_put_into_a_request_is_refused_before_anything_is_sent(url: str, token: str) -> None:
    async with Session() as session:
        with pytest.raises(ValueError):
            await session.post(url, token, BODY)
