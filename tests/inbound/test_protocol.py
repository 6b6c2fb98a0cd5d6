"""The short way of a webhook, through a real socket: what HTTP allows is answered as HTTP wants it, and 200 means kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import uvicorn

from frontdesk.inbound import Keeper, Source, Webhook, WebhookProtocol
from tests.world import APP_SECRET, World, sign, text, webhook

PATH = "/webhooks/whatsapp"
MEBIBYTE = 1024 * 1024


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str


class Line:
    """One connection, spoken by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, said: bytes) -> None:
        self.writer.write(said)

    async def hear(self) -> Answer:
        """The next answer."""
        async with asyncio.timeout(20):
            first, *rest = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
            return Answer(int(first.split()[1]), headers, body.decode())

    async def ended(self) -> bool:
        """Whether nothing more comes, because the other side has closed."""
        async with asyncio.timeout(20):
            return await self.reader.read() == b""


@dataclass
class Street:
    """A server on a port of its own, and what took the usual way through it."""

    world: World
    server: uvicorn.Server
    usual: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    async def line(self) -> Line:
        """A new connection."""
        port = self.server.servers[0].sockets[0].getsockname()[1]
        self.lines.append(Line(*await asyncio.open_connection("127.0.0.1", port)))
        return self.lines[-1]

    async def kept(self) -> int:
        """How many deliveries are on disk."""
        return int((await self.world.see("select coalesce(sum(events), 0) from inbound_deliveries"))[0][0])

    async def warm(self) -> None:
        """The number's route is known from here on, and nothing is on disk."""
        line = await self.line()
        line.say(post(webhook(self.world.shop, text("first"))))
        assert (await line.hear()).status == 200
        await self.world.owner.execute("delete from inbound_deliveries")


@pytest.fixture
async def street(world: World) -> AsyncIterator[Street]:
    application = Webhook(world.database, Keeper(world.database, lambda places: None), [Source("cloud_api", (APP_SECRET,))], "x")

    async def usual(scope: Any, receive: Any, send: Any) -> None:
        made.usual.append(scope["method"])
        await application(scope, receive, send)

    protocol = partial(WebhookProtocol, application, PATH.encode())
    config = uvicorn.Config(usual, http=protocol, port=0, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=10)  # type: ignore[arg-type]
    made = Street(world, uvicorn.Server(config))
    serving = asyncio.create_task(made.server.serve())
    while not made.server.started:
        await asyncio.sleep(0.01)
    await made.warm()
    yield made
    for line in made.lines:
        line.writer.close()
    made.server.should_exit = True
    await serving


def post(body: bytes, *more: str, version: str = "1.1", signature: str | None = None, length: bool = True) -> bytes:
    """A signed POST, written out."""
    head = [f"POST {PATH} HTTP/{version}", "Host: localhost", f"X-Hub-Signature-256: {signature or sign(body)}", *more]
    return "\r\n".join([*head, *([f"Content-Length: {len(body)}"] if length else []), "", ""]).encode() + body


@asynccontextmanager
async def writing_is_slow(world: World) -> AsyncIterator[None]:
    """Nothing is kept while this lasts: whoever wants to keep something waits."""
    async with world.owner.transaction():
        await world.owner.execute("lock table public.inbound_deliveries in exclusive mode")
        yield


async def somebody_waits(world: World) -> None:
    """Wait until a group is on its way to the disk."""
    async with asyncio.timeout(20):
        while not (await world.see("select count(*) from pg_locks where not granted"))[0][0]:
            await asyncio.sleep(0.01)


async def test_one_connection_carries_one_post_after_the_other_without_the_application(street: Street) -> None:
    line = await street.line()
    for n in range(5):
        line.say(post(webhook(street.world.shop, text(f"{n}"))))
        answer = await line.hear()
        assert (answer.status, answer.body) == (200, "") and "connection" not in answer.headers
    assert await street.kept() == 5
    assert street.usual == []


async def test_requests_sent_without_waiting_are_answered_in_their_order(street: Street) -> None:
    line = await street.line()
    good, forged = webhook(street.world.shop, text("good")), webhook(street.world.shop, text("forged"))
    line.say(post(good) + post(forged, signature="sha256=0") + f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode() + post(good))
    assert [(await line.hear()).status for _ in range(4)] == [200, 401, 403, 200]
    assert await street.kept() == 2
    assert "GET" in street.usual


async def test_a_body_that_comes_in_crumbs_is_one_body(street: Street) -> None:
    line, request = await street.line(), post(webhook(street.world.shop, text("crumbs")))
    for at in range(0, len(request), 50):
        line.say(request[at : at + 50])
        await line.writer.drain()
        await asyncio.sleep(0)
    assert (await line.hear()).status == 200
    assert await street.kept() == 1


async def test_a_chunked_body_is_one_body(street: Street) -> None:
    line, body = await street.line(), webhook(street.world.shop, text("chunks"))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:90], body[90:])) + b"0\r\n\r\n"
    head = post(body, "Transfer-Encoding: chunked", length=False).removesuffix(body)
    line.say(head + chunks + head + chunks)
    assert [(await line.hear()).status for _ in range(2)] == [200, 200]
    assert await street.kept() == 2


async def test_who_asks_first_whether_to_send_the_body_is_told_to_go_on(street: Street) -> None:
    line, body = await street.line(), webhook(street.world.shop, text("may I?"))
    line.say(post(body, "Expect: 100-continue").removesuffix(body))
    assert (await line.hear()).status == 100
    line.say(body)
    assert (await line.hear()).status == 200
    assert await street.kept() == 1


async def test_http_1_0_is_answered_and_closed(street: Street) -> None:
    line = await street.line()
    line.say(post(webhook(street.world.shop, text("old")), version="1.0"))
    assert (await line.hear()).status == 200
    assert await line.ended()
    assert await street.kept() == 1


async def test_who_wants_to_close_is_answered_and_closed(street: Street) -> None:
    line = await street.line()
    line.say(post(webhook(street.world.shop, text("bye")), "Connection: close"))
    answer = await line.hear()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert await line.ended()
    assert street.usual == []


@pytest.mark.parametrize("signature", ["", "sha256=" + "0" * 64, "sha256=\xff", sign(b"another body")])
async def test_what_is_not_signed_is_refused_and_the_connection_goes_on(street: Street, signature: str) -> None:
    line, body = await street.line(), webhook(street.world.shop, text("forged"))
    line.say(post(body, signature=signature or "none"))
    answer = await line.hear()
    assert answer.status == 401 and "X-Hub-Signature-256" in answer.body
    assert await street.kept() == 0
    line.say(post(body))
    assert (await line.hear()).status == 200


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
async def test_a_body_over_three_mebibytes_is_refused_and_the_connection_goes_on(street: Street, chunked: bool) -> None:
    line, part, body = await street.line(), b" " * MEBIBYTE, webhook(street.world.shop, text("small again"))
    head = [f"POST {PATH} HTTP/1.1", "Host: x", f"Content-Length: {4 * MEBIBYTE}" if not chunked else "Transfer-Encoding: chunked", "", ""]
    line.say("\r\n".join(head).encode())
    for _ in range(4):
        line.say(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
    line.say((b"0\r\n\r\n" if chunked else b"") + post(body))
    assert (await line.hear()).status == 413
    assert (await line.hear()).status == 200
    assert await street.kept() == 1


async def test_a_body_of_exactly_three_mebibytes_is_not_too_large(street: Street) -> None:
    line, body = await street.line(), webhook(street.world.shop, text("large")).ljust(3 * MEBIBYTE)
    line.say(post(body))
    assert (await line.hear()).status == 200
    assert await street.kept() == 1


async def test_who_hangs_up_before_the_answer_is_kept_all_the_same_and_disturbs_nobody(street: Street) -> None:
    gone, stays = await street.line(), await street.line()
    async with writing_is_slow(street.world):
        gone.say(post(webhook(street.world.shop, text("gone"))))
        stays.say(post(webhook(street.world.shop, text("stays"))))
        await somebody_waits(street.world)
        gone.writer.transport.abort()
    assert (await stays.hear()).status == 200
    async with asyncio.timeout(20):
        while await street.kept() < 2:
            await asyncio.sleep(0.01)


async def test_a_post_under_way_gets_its_answer_when_the_server_stops(street: Street) -> None:
    line, idle = await street.line(), await street.line()
    async with writing_is_slow(street.world):
        line.say(post(webhook(street.world.shop, text("just in time"))))
        await somebody_waits(street.world)
        street.server.should_exit = True
        assert await idle.ended()  # whoever asks for nothing is let go at once
    answer = await line.hear()
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert await line.ended()
    assert await street.kept() == 1


async def test_without_a_database_the_answer_is_send_it_again(street: Street) -> None:
    world, line = street.world, await street.line()
    await world.owner.execute("revoke connect on database " + world.owner.info.dbname + " from public")  # type: ignore[arg-type]
    await world.owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'frontdesk_app' and datname = current_database()")
    line.say(post(webhook(world.shop, text("later"))))
    assert (await line.hear()).status == 503
    await world.owner.execute("grant connect on database " + world.owner.info.dbname + " to public")  # type: ignore[arg-type]
    line.say(post(webhook(world.shop, text("again"))))
    assert (await line.hear()).status == 200
    assert await street.kept() == 1


async def test_a_number_that_is_not_remembered_is_looked_up_on_the_same_connection(street: Street) -> None:
    line = await street.line()
    line.say(post(webhook(street.world.neighbour, text("hi"))))
    line.say(post(webhook(street.world.shop, text("hi"))))
    assert [(await line.hear()).status for _ in range(2)] == [200, 200]
    assert await street.kept() == 2


async def test_what_is_no_post_to_this_path_takes_the_usual_way(street: Street) -> None:
    line = await street.line()
    line.say(f"GET {PATH}?hub.mode=subscribe&hub.verify_token=x&hub.challenge=7 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = await line.hear()
    assert (answer.status, answer.body) == (200, "7")
    line.say(f"PUT {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi".encode())
    assert (await line.hear()).status == 405
    assert street.usual == ["GET", "PUT"]
