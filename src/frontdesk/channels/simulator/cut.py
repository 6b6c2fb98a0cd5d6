"""A response that is none: it cuts the TCP connection, as a failing network does."""

import socket
import struct
from asyncio import Transport
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

DEPTH = 12
LINGER_OFF = struct.pack("ii", 1, 0)


class Cut(Response):
    """Resets the connection instead of answering."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reset, and wait until the server has noticed. ASGI has no word for this: see `_transports`."""
        transport = next((found for way in (receive, send) for found in _transports(way)), None)
        if transport is None:
            raise RuntimeError("this server gives no way to its connection; the simulator can cut it only under Uvicorn")
        _reset(transport)
        while (await receive())["type"] != "http.disconnect":
            pass


def _reset(transport: Transport) -> None:
    """Close with RST, not FIN: a linger time of zero throws away what was not sent (SO_LINGER, socket(7))."""
    line = transport.get_extra_info("socket")
    if line is not None and line.family in (socket.AF_INET, socket.AF_INET6):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_OFF)
    transport.abort()


def _transports(way: Any, depth: int = 0) -> Iterator[Transport]:
    """The connections behind a callable: Uvicorn's own method knows its transport, middleware holds it in a closure."""
    owner = getattr(way, "__self__", None)
    transport = getattr(owner, "transport", None)
    if transport is not None:
        yield transport
    elif depth < DEPTH and isinstance(way, FunctionType):
        for cell in way.__closure__ or ():
            if callable(cell.cell_contents):
                yield from _transports(cell.cell_contents, depth + 1)
    elif depth < DEPTH and owner is not None:
        for value in list(getattr(owner, "__dict__", {}).values()):
            if callable(value) and not isinstance(value, type):
                yield from _transports(value, depth + 1)
