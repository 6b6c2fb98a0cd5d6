"""Ending what has no end: streams of live updates would otherwise hold up every stop until they are cut off."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class StreamsThatEnd:
    """An application whose endless responses are brought to an end once we are to stop.

    They are told that the browser has gone, for which only they watch: every other request, and one that is still
    arriving, finishes as if nothing had happened. The browser of a stream connects again by itself.
    """

    def __init__(self, application: ASGIApp, stop: asyncio.Event) -> None:
        """Wrap the application; `stop` is set once and stays set."""
        self._application, self._stop = application, stop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        exchange = _Exchange(receive, send, self._stop)
        await self._application(scope, exchange.receive, exchange.send)
        await exchange.complete()


class _Exchange:
    """One request and its response, and how far they have come."""

    def __init__(self, receive: Receive, send: Send, stop: asyncio.Event) -> None:
        self._receive, self._send, self._stop = receive, send, stop
        self._arrived = self._cut = self._open = False

    async def receive(self) -> Message:
        if self._arrived:
            return await self._received_or_stopped()
        message = await self._receive()
        self._arrived = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        self._open = message["type"] == "http.response.start" or message.get("more_body", False)
        await self._send(message)

    async def complete(self) -> None:
        """End the response properly if it was us who cut it short."""
        if self._cut and self._open:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _received_or_stopped(self) -> Message:
        receiving, stopping = asyncio.ensure_future(self._receive()), asyncio.ensure_future(self._stop.wait())
        try:
            await asyncio.wait([receiving, stopping], return_when=asyncio.FIRST_COMPLETED)
            if receiving.done():
                return receiving.result()
            self._cut = True
            return {"type": "http.disconnect"}
        finally:
            receiving.cancel()
            stopping.cancel()
