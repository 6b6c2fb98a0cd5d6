"""A server that does exactly what a test tells it (answer, hang, break off), and a single request to it."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from frontdesk.channels.cloud_api import Session
from frontdesk.channels.cloud_api.client import Answer
from frontdesk.channels.records import Uncertain, Unreached

Script = Callable[["Call"], Awaitable[None]]
Serve = Callable[..., Awaitable["Server"]]
BODY = b'{"n":1}'
SENT = b'{"messaging_product":"whatsapp","contacts":[{"input":"49301","wa_id":"49301"}],"messages":[{"id":"wamid.1"}]}'


@dataclass
class Call:
    """One connection, and the request that was last read from it."""

    server: "Server"
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: str = ""
    body: bytes = b""

    async def request(self) -> None:
        """Wait for a whole request."""
        self.head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = next((line for line in self.head.lower().split("\r\n") if line.startswith("content-length:")), "content-length: 0")
        self.body = await self.reader.readexactly(int(length.split(":")[1]))
        self.server.calls.append((self.head, self.body))
        self.server.changed.set()

    async def answer(self, status: int = 200, body: bytes = SENT, head: str = "") -> None:
        self.writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body)
        await self.writer.drain()

    async def raw(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hang(self) -> None:
        """Say nothing until the other side goes."""
        with contextlib.suppress(ConnectionError):
            await self.reader.read()

    def reset(self) -> None:
        """Close so that the other side sees a reset, not an end."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()


@dataclass
class Server:
    """What was asked of it, and how many connections are open now and were ever."""

    url: str = ""
    port: int = 0
    calls: list[tuple[str, bytes]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    open: int = 0
    accepted: int = 0

    @property
    def numbers(self) -> list[int]:
        return [json.loads(body)["n"] for _, body in self.calls]

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until this is so; it is asked again whenever a request came or a connection ended."""
        while not reached():
            self.changed.clear()
            await self.changed.wait()


async def answers(call: Call) -> None:
    while True:
        await call.request()
        await call.answer()


async def hang_after_request(call: Call) -> None:
    await call.request()
    await call.hang()


async def post(url: str, *, timeout: float = 1.0, **options: Any) -> Answer | Unreached | Uncertain:
    async with Session(timeout=timeout, **options) as session:
        return await session.post(url, "TOKEN", BODY)
