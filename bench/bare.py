"""L1: the same server with an endpoint that only checks the signature and answers 200. `python -m bench.bare PORT`."""

import hmac
import sys
from typing import Any

import uvicorn

SECRET = b"benchmark"


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Signature over the whole body, 200."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    given = next((value for name, value in scope["headers"] if name == b"x-hub-signature-256"), b"")
    fits = hmac.compare_digest(b"sha256=" + hmac.digest(SECRET, body, "sha256").hex().encode(), given)
    await send({"type": "http.response.start", "status": 200 if fits else 401, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    uvicorn.run(application, host="127.0.0.1", port=int(sys.argv[1]), http="httptools", loop="uvloop", lifespan="off", access_log=False, log_level="warning")
