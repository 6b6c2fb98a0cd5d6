"""What keeps other sites and stale tabs from acting in a user's name."""

import secrets
from collections.abc import Sequence

from starlette.datastructures import FormData, Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from frontdesk.errors import Conflict, NotAllowed
from frontdesk.web.forms import form_token
from frontdesk.web.requests import UNSAFE, state


class ForeignOrigin(NotAllowed):
    """This request did not come from a page of Frontdesk. Nothing was done."""


class FormExpired(NotAllowed):
    """This form is too old, or your browser blocks cookies. Load the page again; nothing was done."""


class WrongOrganization(Conflict):
    """This form belongs to another organization. Nothing was saved."""

    title = "You work in another organization now"


class OriginCheck:
    """Refuses unsafe requests that another site started. `exempt`: path prefixes that programs call, not browsers."""

    def __init__(self, app: ASGIApp, exempt: Sequence[str] = (), refuse: ASGIApp | None = None) -> None:
        """Stand before `app`; `refuse` answers what is turned away."""
        self.app, self.exempt, self.refuse = app, tuple(exempt), refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let safe methods, exempt paths and our own pages through."""
        if scope["type"] != "http" or scope["method"] not in UNSAFE or scope["path"].startswith(self.exempt) or from_here(Headers(scope=scope)):
            return await self.app(scope, receive, send)
        if self.refuse is None:
            raise ForeignOrigin
        await self.refuse(scope, receive, send)


def from_here(headers: Headers) -> bool:
    """Whether the browser says that a page of this very site asks. All send Origin with unsafe methods."""
    origin = headers.get("origin")
    if origin is not None:
        host = headers.get("host")
        return bool(host) and origin in (f"http://{host}", f"https://{host}")
    return headers.get("sec-fetch-site") in ("same-origin", "none")


async def check_form(request: Request) -> None:
    """Refuse a form without its session's token (a stranger's: without the one of his cookie)."""
    token = request.headers.get("x-csrf-token") or (await _fields(request)).get("csrf_token")
    if not isinstance(token, str) or not secrets.compare_digest(token.encode(), form_token(request).encode()):
        raise FormExpired


async def check_organization(request: Request) -> None:
    """Refuse a form that was rendered for another organization than the current one: it must not be misfiled."""
    visitor = state(request).get("visitor")
    if visitor is None or visitor.current is None:
        return
    rendered_for = request.headers.get("x-organization-id") or (await _fields(request)).get("organization_id")
    if rendered_for and rendered_for != str(visitor.current.organization_id):
        name = next((one.name for one in visitor.organizations if str(one.organization_id) == rendered_for), None)
        raise WrongOrganization(f"This form belongs to {name}. Nothing was saved. Switch back to {name} and send it again." if name else None)
    if not rendered_for:
        raise FormExpired


async def _fields(request: Request) -> FormData:
    kind = request.headers.get("content-type", "")
    is_form = kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data"))
    return await request.form() if is_form else FormData()
