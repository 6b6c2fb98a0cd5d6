"""When Frontdesk stops, endless responses end at once and everything else finishes."""

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from frontdesk.endings import StreamsThatEnd

SCOPE: Scope = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "headers": [],
    "query_string": b"",
    "asgi": {"spec_version": "2.3"},
}


class Browser:
    """Sends a request in pieces and keeps what it gets."""

    def __init__(self, *pieces: bytes) -> None:
        self.got: list[Message] = []
        self.pieces: asyncio.Queue[Message] = asyncio.Queue()
        for number, piece in enumerate(pieces, 1):
            self.pieces.put_nowait({"type": "http.request", "body": piece, "more_body": number < len(pieces)})

    async def receive(self) -> Message:
        return await self.pieces.get()

    async def send(self, message: Message) -> None:
        self.got.append(message)

    @property
    def complete(self) -> bool:
        ends = [one for one in self.got if one["type"] == "http.response.body" and not one.get("more_body", False)]
        return len(ends) == 1 and self.got[-1] is ends[0]


async def _endless(scope: Scope, receive: Receive, send: Send) -> None:
    async def ticks():
        while True:
            yield b"tick"
            await asyncio.sleep(0.001)

    await StreamingResponse(ticks())(scope, receive, send)


async def test_a_stream_ends_properly_when_asked_to_stop() -> None:
    stop, browser = asyncio.Event(), Browser(b"")
    answering = asyncio.create_task(StreamsThatEnd(_endless, stop)(SCOPE, browser.receive, browser.send))
    while len(browser.got) < 3:
        await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(answering, 5)
    assert browser.complete


async def test_a_stream_still_ends_when_the_browser_goes() -> None:
    browser = Browser(b"")
    browser.pieces.put_nowait({"type": "http.disconnect"})
    application = StreamsThatEnd(_endless, asyncio.Event())
    await asyncio.wait_for(application(SCOPE, browser.receive, browser.send), 5)


async def test_a_request_that_is_still_arriving_is_answered() -> None:
    stop, browser = asyncio.Event(), Browser(b"first ", b"second")

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        async for _ in (request := Request(scope, receive)).stream():
            stop.set()
        await PlainTextResponse("kept")(scope, request.receive, send)

    await StreamsThatEnd(echo, stop)(SCOPE, browser.receive, browser.send)
    assert browser.got[-1]["body"] == b"kept"
    assert browser.complete
