"""What every request and answer is wrapped in: a number to quote, security headers, a limit on its size.

Pure ASGI, so that streams pass.
"""

import secrets
from collections.abc import Mapping

import structlog
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontdesk.web.requests import scope_state

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
MEBIBYTE = 1024 * 1024
YEAR = 31_536_000
POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types htmx"
)


class RequestId:
    """Gives each request a number of twelve letters that the log and the error page share."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Number the request; the headers tell the browser."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        number = "".join(secrets.choice(LETTERS) for _ in range(12))
        scope_state(scope)["request_id"] = number
        with structlog.contextvars.bound_contextvars(request_id=number):
            await self.app(scope, receive, send)


class SecurityHeaders:
    """Makes a nonce for each request and sends the policy that admits only what carries it. No redirect of ours repeats the Host header."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add to what the application says; where it says otherwise, it is right."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope_state(scope)["nonce"] = secrets.token_urlsafe(16)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "location" in headers:
                    headers["location"] = without_host(headers["location"], scope)
                for name, value in wrapping(scope).items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_guarded)


class BodyLimit:
    """Refuses bodies above a limit with 413, before they are in memory. `limits`: bytes by path prefix; else 1 MiB."""

    def __init__(self, app: ASGIApp, limits: Mapping[str, int] | None = None, otherwise: int = MEBIBYTE) -> None:
        """Wrap `app`."""
        self.app, self.limits, self.otherwise = app, dict(limits or {}), otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes in; the error is raised where the handler reads, so it is rendered like any other."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        limit, seen = self._limit(scope["path"]), 0
        declared = MutableHeaders(scope=scope).get("content-length", "0")

        async def receive_counted() -> Message:
            nonlocal seen
            if declared.isdigit() and int(declared) > limit:
                raise HTTPException(413)
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(413)
            return message

        await self.app(scope, receive_counted, send)

    def _limit(self, path: str) -> int:
        fitting = [prefix for prefix in self.limits if path.startswith(prefix)]
        return self.limits[max(fitting, key=len)] if fitting else self.otherwise


def without_host(location: str, scope: Scope) -> str:
    """Where a redirect leads, without the host that its request claims: the framework repeats it where a slash is missing or too many."""
    claimed = f"{scope['scheme']}://{MutableHeaders(scope=scope).get('host', '')}/"
    return "/" + location.removeprefix(claimed).lstrip("/\\") if location.startswith(claimed) else location


def wrapping(scope: Scope) -> dict[str, str]:
    """The headers that every answer to this request carries."""
    held = scope_state(scope)
    said = {
        "X-Request-Id": held.get("request_id", ""),
        "Content-Security-Policy": POLICY.format(nonce=held.get("nonce", "")),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return said | ({"Strict-Transport-Security": f"max-age={YEAR}; includeSubDomains"} if scope["scheme"] == "https" else {})
