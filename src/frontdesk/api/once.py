"""`Idempotency-Key`: a request that is repeated is answered again, and not done again.

The answer is kept in the transaction of what was done. Killed before its commit, nothing was done and nothing is known of it; after it, both.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

from psycopg.errors import LockNotAvailable
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.api.problems import BadFields
from frontdesk.database import Tenant
from frontdesk.errors import BadInput, Conflict

HEADER = "Idempotency-Key"
LONGEST = 255
_GIVEN = re.compile(f"[!-~]{{1,{LONGEST}}}")


class KeyUsedOtherwise(BadFields):
    """This Idempotency-Key was used within the last 24 hours for another request. Make a new one for every request that is to be done."""

    def __init__(self) -> None:
        """It stands in a header."""
        super().__init__([BadInput(type(self).__doc__, field=HEADER)], "header")


class StillAnswering(Conflict):
    """The first request with this Idempotency-Key is still being answered. Send it again in a moment."""


async def answer_once(request: Request, db: Tenant, handle: Callable[[Request], Awaitable[Response]]) -> Response:
    """Answer as before what was answered before, else let it be done, and keep the answer. Only what succeeds is kept."""
    given = request.headers.get(HEADER, "")
    if not _GIVEN.fullmatch(given):
        return await handle(request)  # which refuses it, as it does any field that is missing
    begun = await _begin(db, given, await _fingerprint(request))
    if begun["outcome"] == "other":
        raise KeyUsedOtherwise
    if begun["outcome"] == "same":
        return Response(begun["said"], begun["answered"], {"Idempotency-Replayed": "true"}, media_type="application/json")
    response = await handle(request)
    await db.run(
        "select private.keep_api_answer(%(key)s, %(status)s, %(body)s)",
        {"key": given, "status": response.status_code, "body": bytes(response.body).decode()},
    )
    return response


async def _begin(db: Tenant, given: str, fingerprint: bytes) -> dict[str, Any]:
    try:
        row = await db.row("select outcome, answered, said from private.begin_api_answer(%(key)s, %(hash)s)", {"key": given, "hash": fingerprint})
    except LockNotAvailable:
        raise StillAnswering from None
    assert row is not None
    return row


async def _fingerprint(request: Request) -> bytes:
    """What makes two requests the same: method, address with its query, and body."""
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(asked + await request.body()).digest()
