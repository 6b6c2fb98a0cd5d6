"""What a request is and what it carries through its life."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.types import Scope

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def state(request: HTTPConnection) -> dict[str, Any]:
    """What earlier steps of this request left for later ones."""
    return scope_state(request.scope)


def scope_state(scope: Scope) -> dict[str, Any]:
    """The same, where there is no request object yet."""
    found: dict[str, Any] = scope.setdefault("state", {})
    return found


def nonce(request: HTTPConnection) -> str:
    """The word that this answer's scripts and htmx elements must carry."""
    return str(state(request).get("nonce", ""))


def request_id(request: HTTPConnection) -> str:
    """The number a user can quote."""
    return str(state(request).get("request_id", ""))


def is_htmx(request: HTTPConnection) -> bool:
    """Whether a script of ours asks, not the address bar."""
    return request.headers.get("hx-request") == "true"


def wants_fragment(request: HTTPConnection) -> bool:
    """Whether a piece of a page is wanted; going back in history wants the whole."""
    return is_htmx(request) and request.headers.get("hx-request-type") != "full"


def wants_json(request: HTTPConnection) -> bool:
    """Whether a program asks."""
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept


def secure(request: HTTPConnection) -> bool:
    """Whether the browser reached us over TLS."""
    return request.url.scheme in ("https", "wss")


def cookie_name(request: HTTPConnection, name: str) -> str:
    """What a cookie of ours is called. Over TLS no other host, a neighbouring subdomain least of all, can plant one of this name."""
    return f"__Host-frontdesk-{name}" if secure(request) else name


def address(request: Request) -> str | None:
    """Who asks, as the server saw it (behind a trusted proxy: as the proxy says)."""
    return request.client.host if request.client else None


def local_path(value: str | None, otherwise: str = "/dashboard") -> str:
    """A path on this site, or `otherwise`: what a `next` parameter may name."""
    if not value or not value.startswith("/") or value.startswith(("//", "/\\")) or any(ord(letter) < 32 for letter in value):
        return otherwise
    return otherwise if urlsplit(value).netloc else value
