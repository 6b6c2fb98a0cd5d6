"""What a browser keeps while it is on its way: one cookie for each visit, so that two windows do not disturb each other."""

from fastapi import Request
from starlette.responses import Response

VISIT_SECONDS, NEWCOMER_SECONDS = 10 * 60, 30 * 60


def keep_visit(request: Request, response: Response, state: str, browser: str) -> None:
    """Give the browser its half of the proof."""
    _set(request, response, _visit(state), browser, VISIT_SECONDS)


def visit_in(request: Request, state: str) -> str | None:
    """The half that this browser kept, unchecked."""
    return request.cookies.get(_name(request, _visit(state)))


def forget_visit(request: Request, response: Response, state: str) -> None:
    """The visit is over."""
    _set(request, response, _visit(state), "", 0)


def keep_newcomer(request: Request, response: Response, token: str) -> None:
    """Let the browser come back as this newcomer."""
    _set(request, response, "newcomer", token, NEWCOMER_SECONDS)


def newcomer_in(request: Request) -> str | None:
    """The newcomer's token, unchecked."""
    return request.cookies.get(_name(request, "newcomer"))


def forget_newcomer(request: Request, response: Response) -> None:
    """He is a user now."""
    _set(request, response, "newcomer", "", 0)


def _visit(state: str) -> str:
    return "visit-" + "".join(letter for letter in state[:8] if letter.isascii() and (letter.isalnum() or letter in "-_"))


def _set(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    # Lax, since the browser comes back from another site by following a link
    response.set_cookie(_name(request, name), value, max_age=seconds, path="/", secure=_secure(request), httponly=True, samesite="lax")


def _name(request: Request, name: str) -> str:
    return f"__Host-frontdesk-{name}" if _secure(request) else f"frontdesk_{name}"


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"
