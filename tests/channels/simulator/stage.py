"""A simulator on a real socket, and somebody for it to call."""

import asyncio
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import httpx
import uvicorn

from frontdesk.channels.simulator import Pace, SimulatorSettings, access_token
from frontdesk.channels.simulator.app import alone

SECRET = "a secret of the app"
NUMBER = "109400000004217"
QUICK = Pace(
    sent_after=0.01,
    delivered_after=0.02,
    read_after=0.03,
    webhook_timeout=0.5,
    hold_for=(0.0, 0.02, 0.05),
    retry_first=0.1,
)


class Server(uvicorn.Server):
    """Leaves the signals to the test runner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Notice the end at once; the runner has many servers to stop."""
        while not self.should_exit:
            await asyncio.sleep(0.005)

    async def shutdown(self, sockets: list[Any] | None = None) -> None:
        """Stop without Uvicorn's pauses."""
        for listening in self.servers:
            listening.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await asyncio.sleep(0.005)
        await self.lifespan.shutdown()


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    server = Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve())
    while not server.started:
        assert not running.done(), running.exception()
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


@dataclass
class Ear:
    """Stands where Frontdesk would: hears webhooks and answers as it was told."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    slow: float = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        await asyncio.sleep(self.slow)
        status = self.answers.pop(0) if self.answers else 200
        self.bodies.append(body)
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        if status == 200:
            self.heard.append(json.loads(body))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    @property
    def values(self) -> list[dict[str, Any]]:
        """Every `value` that was taken, in order."""
        return [change["value"] for body in self.heard for entry in body["entry"] for change in entry["changes"]]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for value in self.values for message in value.get("messages", [])]

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [status for value in self.values for status in value.get("statuses", [])]

    def signed_right(self) -> bool:
        def of(body: bytes) -> str:
            return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()

        return all(h["x-hub-signature-256"] == of(b) for h, b in zip(self.headers, self.bodies, strict=True))


@dataclass
class Stage:
    """The simulator, its listener, and a client that speaks with both doors."""

    url: str
    ear: Ear
    client: httpx.AsyncClient

    async def write(self, text: str | None = "hi", **more: Any) -> str:
        """Somebody writes; the id of the message."""
        body = {"to": NUMBER, "from": "+4915112345678", "name": "Lena", "text": text} | more
        answer = await self.client.post("/inbound", json={name: value for name, value in body.items() if value is not None})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def send(self, body: dict[str, Any] | None = None, number: str = NUMBER, **more: Any) -> httpx.Response:
        """The business sends; `more` replaces parts of a plain text."""
        body = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": "4915112345678", "type": "text",
                "text": {"body": "Hello"}} | more if body is None else body  # fmt: skip
        token = {"authorization": f"Bearer {access_token(SECRET, number)}"}
        return await self.client.post(f"/graph/v26.0/{number}/messages", json=body, headers=token)

    async def phone(self, to: str = "+4915112345678", **more: str) -> list[dict[str, Any]]:
        """What a phone received."""
        answer = await self.client.get("/messages", params={"to": to, **more})
        assert answer.status_code == 200, answer.text
        return list(answer.json())

    async def faults(self, **switches: Any) -> None:
        answer = await self.client.put(f"/faults/{NUMBER}", json=switches)
        assert answer.status_code == 200, answer.text

    async def eventually(self, check: Callable[[], Any], seconds: float = 5.0) -> Any:
        """Wait for something to be true, and return it."""
        for _ in range(int(seconds / 0.01)):
            found = check()
            found = await found if isinstance(found, Awaitable) else found
            if found:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"did not happen in {seconds} s; heard {self.ear.heard}")


SETTINGS = SimulatorSettings(app_secret=SECRET, pace=QUICK, public_url="http://127.0.0.1/simulator")


@contextlib.asynccontextmanager
async def staged(wrap: Callable[[Any], Any] = lambda app: app, **changes: Any) -> AsyncIterator[Stage]:
    ear = Ear()

    async def hear(scope: Any, receive: Any, send: Any) -> None:
        await ear(scope, receive, send)

    async with serving_plain(hear) as ear_url:
        ear.url = f"{ear_url}/webhooks/whatsapp"
        settings = replace(SETTINGS, **{"webhook_url": ear.url} | changes)
        async with (
            serving(wrap(alone(settings, development=True))) as url,
            httpx.AsyncClient(base_url=f"{url}/simulator", trust_env=False, verify=False) as client,
        ):
            yield Stage(f"{url}/simulator", ear, client)


@contextlib.asynccontextmanager
async def serving_plain(app: Any) -> AsyncIterator[str]:
    """Serve an application that knows no lifespan."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await app(scope, receive, send)
            return
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async with serving(wrapped) as url:
        yield url


class Stages(Protocol):
    """Builds stages with settings of their own; `wrap` goes around the application."""

    def __call__(self, wrap: Callable[[Any], Any] = ..., **changes: Any) -> AbstractAsyncContextManager[Stage]: ...
