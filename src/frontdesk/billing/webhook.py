"""Where Stripe tells what happened: signature, keep once, 200. What it says is never believed; the worker asks how things stand."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

import orjson
import structlog
from psycopg import DataError, OperationalError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from frontdesk.billing import inbox
from frontdesk.billing.standings import identity, moment
from frontdesk.database import Database
from frontdesk.errors import Unavailable

LARGEST_BODY = 1024 * 1024
TOLERANCE = 300  # seconds: an older call is a copy that somebody kept
COUNT_EVERY = 5.0  # seconds between two notes of how many calls were refused: who floods us must not make the database write
EVENT_ID = re.compile(r"evt_[A-Za-z0-9_]{1,250}")
KEPT = (
    "id", "object", "status", "billing_reason", "attempt_count", "number", "customer", "subscription", "charge", "payment_intent", "amount", "currency",
    "client_reference_id", "next_payment_attempt", "reason",
)  # fmt: skip
"""What is kept of the object that an event is about: no address of a session, which opens it, and nothing personal."""
THIN = "v2.core.event"  # says what something happened to, and not what. https://docs.stripe.com/event-destinations#thin-events
log = structlog.get_logger()


class NotReadable(Exception):
    """It is signed, and no event."""


class StripeWebhook:
    """`POST /webhooks/stripe`. Without a secret there is no such address: an empty one would verify what anybody signs."""

    def __init__(self, database: Database, secrets: Sequence[str]) -> None:
        """Trust whatever is signed with one of these secrets: two while one takes over from the other."""
        self._database, self._secrets = database, tuple(one for one in secrets if one.strip())
        self._refused, self._counted = 0, float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        status, text = await self._answer(Request(scope, receive))
        response: Response = PlainTextResponse(text, status, {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> tuple[int, str]:
        if not self._secrets:
            return 404, "There is no webhook here."
        if request.method != "POST":
            return 405, "Use POST."
        body = await _body(request)
        if body is None:
            return 413, f"The body is larger than {LARGEST_BODY} bytes."
        try:
            if not self._signed(body, request.headers.get("stripe-signature")):
                await self._count_refused()
                return 400, "Stripe-Signature does not fit the body, or it is older than five minutes."
            await inbox.keep(self._database, event_of(body), "webhook")
            await self._note_refused()
        except (NotReadable, DataError):
            return 400, "This is no event."
        except (OperationalError, Unavailable, TimeoutError) as error:
            log.error("an event of Stripe's could not be kept; it will be sent again", error=type(error).__name__)
            return 503, "Not kept. Send it again."
        return 200, ""

    def _signed(self, body: bytes, header: str | None) -> bool:
        return any(signed(body, header, secret) for secret in self._secrets)

    async def _count_refused(self) -> None:
        """Count, and note it from time to time; the next call of any kind notes what is left."""
        self._refused += 1
        await self._note_refused()

    async def _note_refused(self) -> None:
        if not self._refused or monotonic() - self._counted < COUNT_EVERY:
            return
        self._counted, refused, self._refused = monotonic(), self._refused, 0
        log.warning("calls to the webhook of Stripe were refused: they were not signed by it", calls=refused)
        await inbox.count_refused(self._database, refused)


def signed(body: bytes, header: str | None, secret: str) -> bool:
    """Whether Stripe signed this body within the last minutes."""
    from frontdesk.billing import library  # 0.2 s and 7 MB, which nobody needs whom Stripe tells nothing

    return library.signed(body, header, secret, TOLERANCE)


def event_of(body: bytes) -> inbox.Event:
    """The event in a signed body. Raises NotReadable."""
    try:
        told = orjson.loads(body)
        return read(told)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotReadable from error


def read(told: Mapping[str, Any]) -> inbox.Event:
    """The event as it is kept. Raises KeyError, TypeError or ValueError where it is none."""
    event_id, kind = str(told["id"]), str(told["type"])
    thing = told["related_object"] if (is_thin := told.get("object") == THIN) else told["data"]["object"]
    if not EVENT_ID.fullmatch(event_id) or not isinstance(thing, Mapping) or not re.fullmatch(r"[a-z0-9_.]{1,255}", kind):
        raise ValueError("this is no event of Stripe's")
    customer = identity(thing.get("id") if thing.get("object") == "customer" else thing.get("customer"))
    kept = {name: identity(value) if isinstance(value, Mapping) and "id" in value else value for name in KEPT if (value := thing.get(name)) is not None}
    happened_at = datetime.fromisoformat(told["created"]) if is_thin else moment(int(told["created"]))
    return inbox.Event(
        provider_event_id=event_id, type=kind, customer_id=customer, object_id=identity(thing.get("id")), happened_at=happened_at,
        payload={name: value for name, value in kept.items() if isinstance(value, str | int | bool)},
    )  # fmt: skip


async def _body(request: Request) -> bytes | None:
    """The whole body; None as soon as it is known to be too large."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > LARGEST_BODY:
        return None
    parts, size = list[bytes](), 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)
