"""What a browser keeps while it is on its way: one cookie for each visit, so that two windows do not disturb each other.

Where it wants to go afterwards is kept here and not in a table: the address of an invitation lets somebody in.
"""

import base64
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from frontdesk.web import local_path

VISIT_SECONDS, NEWCOMER_SECONDS = 10 * 60, 30 * 60


@dataclass(frozen=True, slots=True)
class Kept:
    """What a browser kept, unchecked: a token, and where it wants to go in the end, on this site."""

    token: str
    wanted: str


def keep_visit(request: Request, response: Response, state: str, kept: Kept) -> None:
    """Give the browser its half of the proof."""
    _set(request, response, _visit(state), _packed(kept), VISIT_SECONDS)


def visit_in(request: Request, state: str) -> Kept:
    """What this browser kept of a visit."""
    return _unpacked(request.cookies.get(_name(request, _visit(state))))


def forget_visit(request: Request, response: Response, state: str) -> None:
    """The visit is over."""
    _set(request, response, _visit(state), "", 0)


def keep_newcomer(request: Request, response: Response, kept: Kept) -> None:
    """Let the browser come back as this newcomer."""
    _set(request, response, "newcomer", _packed(kept), NEWCOMER_SECONDS)


def newcomer_in(request: Request) -> Kept:
    """What this browser kept of being a newcomer."""
    return _unpacked(request.cookies.get(_name(request, "newcomer")))


def forget_newcomer(request: Request, response: Response) -> None:
    """He is a user now."""
    _set(request, response, "newcomer", "", 0)


def _packed(kept: Kept) -> str:
    return f"{kept.token}.{base64.urlsafe_b64encode(kept.wanted.encode()).decode().rstrip('=')}"


def _unpacked(value: str | None) -> Kept:
    token, _, packed = (value or "").partition(".")
    try:
        wanted = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except ValueError:
        wanted = ""
    return Kept(token, local_path(wanted))


def _visit(state: str) -> str:
    return "visit-" + "".join(letter for letter in state[:8] if letter.isascii() and (letter.isalnum() or letter in "-_"))


def _set(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    # Lax, since the browser comes back from another site by following a link
    response.set_cookie(_name(request, name), value, max_age=seconds, path="/", secure=_secure(request), httponly=True, samesite="lax")


def _name(request: Request, name: str) -> str:
    return f"__Host-frontdesk-{name}" if _secure(request) else f"frontdesk_{name}"


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"
