"""The cookie that says which session a browser belongs to. What a session is, the domain `users` knows."""

import ipaddress

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from frontdesk.errors import NotAllowed
from frontdesk.web.requests import secure


class InsecureConnection(NotAllowed):
    """Signing in needs https. Open Frontdesk at its https address, or as localhost on the machine it runs on."""


def demand_security(request: HTTPConnection) -> None:
    """Raise InsecureConnection where a password would travel in the clear: plain http to anything but this machine."""
    if not secure(request) and not _is_loopback(request.url.hostname or ""):
        raise InsecureConnection


def session_token(request: HTTPConnection) -> str | None:
    """The token the browser sent, unchecked."""
    return request.cookies.get(_name(request))


def start_session(request: Request, response: Response, token: str, max_age: int) -> None:
    """Give the browser its token. `max_age`: seconds."""
    response.set_cookie(_name(request), token, max_age=max_age, path="/", secure=secure(request), httponly=True, samesite="lax")


def end_session(request: Request, response: Response) -> None:
    """Take the token back, and what this site left in the browser's storage. Pages are never cached; styles may stay."""
    response.delete_cookie(_name(request), path="/", secure=secure(request), httponly=True, samesite="lax")
    response.headers["Clear-Site-Data"] = '"storage"'


def pending_token(request: HTTPConnection) -> str | None:
    """The token of a sign-in that waits for the second factor, unchecked. It opens nothing else."""
    return request.cookies.get(_pending_name(request))


def start_pending(request: Request, response: Response, token: str, max_age: int) -> None:
    """Give the browser the token of a sign-in that waits for the second factor. `max_age`: seconds."""
    response.set_cookie(_pending_name(request), token, max_age=max_age, path="/", secure=secure(request), httponly=True, samesite="lax")


def end_pending(request: Request, response: Response) -> None:
    """Take that token back."""
    response.delete_cookie(_pending_name(request), path="/", secure=secure(request), httponly=True, samesite="lax")


def _name(request: HTTPConnection) -> str:
    # Cookies know no ports: a plainer name would meet those of other programs on localhost.
    return "__Host-frontdesk" if secure(request) else "frontdesk_session"


def _pending_name(request: HTTPConnection) -> str:
    return "__Host-frontdesk-sign-in" if secure(request) else "frontdesk_sign_in"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
