"""A Graph API on a real port that answers what a test tells it to, and remembers what it was asked."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Answer = Callable[[dict[str, Any]], web.Response | None]


def accept(request: dict[str, Any]) -> web.Response:
    """Take the message."""
    return web.json_response({"messaging_product": "whatsapp", "messages": [{"id": f"wamid.{request['biz_opaque_callback_data']}"}]})


def refuse(code: int, status: int = 400, details: str = "because") -> Answer:
    """Refuse every message with one of Meta's codes."""
    body = {"error": {"message": f"(#{code}) {details}", "type": "OAuthException", "code": code, "error_data": {"details": details}}}
    return lambda request: web.json_response(body, status=status)


def hang_up(request: dict[str, Any]) -> None:
    """Read the whole request, then break the connection: nobody knows whether it was taken."""


class Graph:
    """What was said, and how to answer from now on."""

    def __init__(self) -> None:
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


@asynccontextmanager
async def graph() -> AsyncIterator[Graph]:
    """A Graph API while the block runs."""
    here = Graph()
    application = web.Application()
    application.router.add_post("/{path:.*}", here.take)
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
