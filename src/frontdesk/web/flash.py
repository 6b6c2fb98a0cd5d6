"""A sentence that survives one redirect and is shown as a toast on the next page."""

import base64
import binascii
from dataclasses import dataclass
from typing import Literal, get_args

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from frontdesk.web.requests import cookie_name, is_htmx, secure, state

COOKIE = "flash"
SECONDS = 120
Tone = Literal["ok", "bad", "info"]


@dataclass(frozen=True, slots=True)
class Flash:
    """What is said, and how."""

    text: str
    tone: Tone = "ok"


def go(request: Request, path: str, notice: str = "", tone: Tone = "ok") -> Response:
    """Go on to another page, with a sentence to show there. Scripts are told by a header, browsers by a redirect."""
    response = Response(status_code=204, headers={"HX-Redirect": path}) if is_htmx(request) else RedirectResponse(path, status_code=303)
    if notice:
        say(request, response, Flash(notice, tone))
    return response


def say(request: Request, response: Response, flash: Flash) -> None:
    """Leave a sentence for the next page."""
    packed = base64.urlsafe_b64encode(orjson.dumps([flash.tone, flash.text[:500]])).decode()
    response.set_cookie(cookie_name(request, COOKIE), packed, max_age=SECONDS, path="/", secure=secure(request), httponly=True, samesite="lax")


def shown(request: Request) -> list[Flash]:
    """What the page before left to say. The cookie is the browser's word: it is only ever shown as text."""
    packed = request.cookies.get(cookie_name(request, COOKIE))
    if not packed:
        return []
    state(request)["flash_shown"] = True
    try:
        tone, text = orjson.loads(base64.urlsafe_b64decode(packed))
    except (binascii.Error, ValueError):
        return []
    return [Flash(str(text)[:500], tone if tone in get_args(Tone) else "info")]


def forget_shown(request: Request, response: Response) -> None:
    """Say everything once only."""
    if state(request).get("flash_shown"):
        response.delete_cookie(cookie_name(request, COOKIE), path="/", secure=secure(request), httponly=True, samesite="lax")
