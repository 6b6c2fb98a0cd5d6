"""A Graph API on a real port that answers what a test tells it to, and remembers what it was asked."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

from aiohttp import web

Answer = Callable[[dict[str, Any]], web.Response | None]
Show = Callable[[str, str], web.Response]  # of a number's id, to a token


def accept(request: dict[str, Any]) -> web.Response:
    """Take the message."""
    return web.json_response({"messaging_product": "whatsapp", "messages": [{"id": f"wamid.{request['biz_opaque_callback_data']}"}]})


def refuse(code: int, status: int = 400, details: str = "because") -> Answer:
    """Refuse every message with one of Meta's codes."""
    body = {"error": {"message": f"(#{code}) {details}", "type": "OAuthException", "code": code, "error_data": {"details": details}}}
    return lambda request: web.json_response(body, status=status)


def hang_up(request: dict[str, Any]) -> None:
    """Read the whole request, then break the connection: nobody knows whether it was taken."""


def show(number: str, token: str) -> web.Response:
    """Show the number to whoever asks, as Meta does to a token that may speak for it."""
    return web.json_response({"id": number, "display_phone_number": "+49 1511 2345678", "verified_name": "Lagos Glow Salon"})


def tokens_of(**numbers: str) -> Show:
    """Show a number to its own token only; refuse others as Meta does. numbers: by token, with _ for -."""

    def answer(number: str, token: str) -> web.Response:
        if token.replace("-", "_") not in numbers:
            return failure(190, status=401, message="Invalid OAuth access token - Cannot parse access token")
        if numbers[token.replace("-", "_")] != number:
            words = "does not exist, cannot be loaded due to missing permissions, or does not support this operation"
            return failure(100, message=f"Unsupported get request. Object with ID '{number}' {words}.", error_subcode=33)
        return show(number, token)

    return answer


def failure(code: int, status: int = 400, **more: Any) -> web.Response:
    """One of Meta's refusals."""
    return web.json_response({"error": {"type": "OAuthException", "code": code, "fbtrace_id": "A"} | more}, status=status)


class Graph:
    """What was said and asked, and how to answer from now on."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []  # path with query, and authorization, of each question for a number
        self.show: Show = show
        self.said: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str]] = []  # path and authorization of each
        self.answer: Answer = accept
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.said.append(body)
        self.calls.append((request.path, request.headers.get("authorization", "")))
        answer = self.answer(body)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer

    async def tell(self, request: web.Request) -> web.StreamResponse:
        authorization = request.headers.get("authorization", "")
        self.asked.append((request.path_qs, authorization))
        return self.show(request.path.split("/")[-1], authorization.removeprefix("Bearer "))


@asynccontextmanager
async def graph() -> AsyncIterator[Graph]:
    """A Graph API while the block runs."""
    here = Graph()
    application = web.Application()
    application.router.add_post("/{path:.*}", here.take)
    application.router.add_get("/{path:.*}", here.tell)
    runner = web.AppRunner(application, handle_signals=False)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        here.url = f"http://{host}:{port}"
        yield here
    finally:
        await runner.cleanup()


@contextmanager
def graph_beside() -> Iterator[Graph]:
    """A Graph API in a thread of its own, for tests without a loop."""
    loop, stack = asyncio.new_event_loop(), AsyncExitStack()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(stack.enter_async_context(graph()), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
