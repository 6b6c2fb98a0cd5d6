"""The webhook: signature, keep, 200. A bare ASGI application, since every microsecond here is paid a thousand times a second."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import structlog
from psycopg import OperationalError

from frontdesk.channels import Event, Unreadable, answer_handshake, signed, split
from frontdesk.database import Database, new_id
from frontdesk.errors import Unavailable
from frontdesk.inbound.keeper import Group, Keeper, Routes

LARGEST_BODY = 3 * 1024 * 1024  # what Meta sends at most
TOO_LARGE = 413, f"The body is larger than {LARGEST_BODY} bytes."
NOT_SIGNED = 401, "X-Hub-Signature-256 does not fit the body."
WRONG_METHOD = 405, "Use GET for the handshake and POST for events."
SIGNATURE = b"x-hub-signature-256"
# Programs ask here. Should a browser be led here after all, it gets no page, nothing to run and nothing to keep.
NO_PAGE = (
    (b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"default-src 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"), (b"cache-control", b"no-store"),
)  # fmt: skip
KEEPING_FAILED = (OperationalError, Unavailable, TimeoutError)

Scope = dict[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Source:
    """Somebody who may call the webhook: the kind of channel its numbers have, and its app secrets."""

    kind: str
    secrets: tuple[str, ...]


class TooLarge(Exception):
    """The body is larger than WhatsApp sends."""


class Webhook:
    """`GET` answers Meta's handshake; `POST` keeps what came and answers 200 only then."""

    def __init__(self, database: Database, keeper: Keeper, sources: Sequence[Source], verify_token: str | None) -> None:
        """Trust these sources, each for its own kind of channel only."""
        self._database, self._keeper, self._sources, self._verify_token = database, keeper, sources, verify_token
        self._routes = Routes(database)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] == "POST":
            await respond(send, *await self._post(scope, receive))
        elif scope["method"] == "GET":
            await respond(send, *shake_hands(scope, self._verify_token))
        else:
            await respond(send, *WRONG_METHOD)

    async def _post(self, scope: Scope, receive: Receive) -> tuple[int, str]:
        try:
            body = await read_body(scope, receive)
        except TooLarge:
            return TOO_LARGE
        return await self.answer(signature_of(scope), body)

    async def answer(self, signature: bytes | None, body: bytes) -> tuple[int, str]:
        """Check and keep one body; the status and the text to answer."""
        source = self._source(signature, body)
        if source is None:
            return NOT_SIGNED
        try:
            await self._keep(source, body)
        except KEEPING_FAILED as error:
            return not_kept(error)
        return 200, ""

    def keep_soon(self, signature: bytes | None, body: bytes) -> Group | None:
        """Keep what is signed, readable and for numbers that are remembered, as most is. None: `answer` has to be asked."""
        source = self._source(signature, body)
        if source is None:
            return None
        try:
            events = split(body)
        except Unreadable:
            return None
        routes = self._routes.known(source.kind, {event.phone_number_id for event in events})
        return self._keeper.keep_soon([(routes[event.phone_number_id], event) for event in events]) if routes else None

    def forget_routes(self) -> None:
        """A channel that was remembered is gone."""
        self._routes.forget()

    def _source(self, signature: bytes | None, body: bytes) -> Source | None:
        header = None if signature is None else signature.decode("latin-1")
        return next((source for source in self._sources if signed(body, header, source.secrets)), None)

    async def _keep(self, source: Source, body: bytes) -> None:
        try:
            events = split(body)
        except Unreadable as error:
            await self._keep_unrouted(source, None, "", body, f"not readable: {error}")
            return
        if homeless := await self._deliver(source, events):  # a channel that was remembered is gone; its number may have another
            self._routes.forget()
            homeless = await self._deliver(source, homeless)
        for event in homeless:
            await self._keep_unrouted(source, event.kind, event.phone_number_id, event.payload.encode(), "its channel was disconnected a moment ago")

    async def _deliver(self, source: Source, events: Sequence[Event]) -> list[Event]:
        """Keep events on their lanes, and aside what is for nobody; returns those whose channel is gone, which are not kept."""
        routes = await self._routes.find(source.kind, {event.phone_number_id for event in events})
        routed = [(lane, event) for event in events if (lane := routes[event.phone_number_id])]
        for event in events:
            if routes[event.phone_number_id] is None:
                await self._keep_unrouted(source, event.kind, event.phone_number_id, event.payload.encode(), "no channel has this phone number id")
        return await self._keeper.keep(routed)

    async def _keep_unrouted(self, source: Source, kind: str | None, number: str, body: bytes, reason: str) -> None:
        await keep_unrouted(self._database, source.kind, kind, number, body, reason)


async def keep_unrouted(database: Database, source: str, kind: str | None, number: str, body: bytes, reason: str) -> None:
    """Keep aside what is for no channel, or, if there is no kind, what could not be read."""
    await database.call(
        "select private.keep_unrouted(%(id)s, %(source)s, %(kind)s, %(number)s, %(body)s, %(reason)s)",
        {"id": new_id(), "source": source, "kind": kind, "number": number.replace("\0", ""), "body": body, "reason": reason},
    )


def shake_hands(scope: Scope, verify_token: str | None) -> tuple[int, str]:
    """The answer to Meta's handshake."""
    challenge = answer_handshake(dict(parse_qsl(scope["query_string"].decode("latin-1"))), verify_token)
    return (200, challenge) if challenge is not None else (403, "The verify token is not ours.")


def signature_of(scope: Scope) -> bytes | None:
    """The signature that came along."""
    return next((value for name, value in scope["headers"] if name == SIGNATURE), None)


def not_kept(error: BaseException) -> tuple[int, str]:
    """The answer to what could not be kept: WhatsApp sends it again."""
    log.error("a webhook could not be kept; WhatsApp will send it again", error=type(error).__name__)
    return 503, "Not kept. Send it again."


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to be."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > LARGEST_BODY:
            raise TooLarge
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        if len(body) > LARGEST_BODY:
            raise TooLarge
        return body
    parts, size = [body], len(body)
    while message.get("more_body", False) and message["type"] == "http.request":
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > LARGEST_BODY:
            raise TooLarge
    return b"".join(parts)


async def respond(send: Send, status: int, text: str) -> None:
    """Send a whole answer of plain text."""
    body = text.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *NO_PAGE]})
    await send({"type": "http.response.body", "body": body})
