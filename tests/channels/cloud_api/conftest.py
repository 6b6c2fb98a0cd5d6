"""A server on a free port, for as long as a test runs."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import pytest

from tests.channels.cloud_api.servers import Call, Script, Serve, Server


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a server that runs this script for every connection; `tls` makes it one with a certificate."""
    tasks: set[asyncio.Task[None]] = set()
    async with contextlib.AsyncExitStack() as stack:

        async def start(script: Script, tls: ssl.SSLContext | None = None) -> Server:
            server = Server()
            listener = await asyncio.start_server(lambda *streams: run(server, script, *streams), "127.0.0.1", 0, ssl=tls)
            stack.push_async_callback(_stop, listener)
            server.port = listener.sockets[0].getsockname()[1]
            server.url = f"{'https' if tls else 'http'}://localhost:{server.port}/v26.0/106/messages"
            return server

        async def run(server: Server, script: Script, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            server.open, server.accepted = server.open + 1, server.accepted + 1
            try:
                await script(Call(server, reader, writer))
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                pass  # the other side left, or the test is over
            finally:
                server.open -= 1
                server.changed.set()
                writer.close()

        yield start
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stop(listener: asyncio.Server) -> None:
    listener.close()
