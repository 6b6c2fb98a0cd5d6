"""What one sees when something goes wrong: a page, a toast for scripts, JSON for programs; with a number to quote."""

from dataclasses import dataclass
from traceback import format_exception
from urllib.parse import quote, urlsplit

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from psycopg import OperationalError
from psycopg.errors import ReadOnlySqlTransaction
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from frontdesk.database import SecondFactorNeeded
from frontdesk.errors import FrontdeskError
from frontdesk.web import times
from frontdesk.web.envelope import wrapping
from frontdesk.web.flash import go
from frontdesk.web.guard import OnlyLooking, ReauthenticationNeeded, SignInNeeded
from frontdesk.web.pages import pages, theme
from frontdesk.web.protection import ForeignOrigin
from frontdesk.web.refusals import note_refusal
from frontdesk.web.requests import is_htmx, local_path, nonce, request_id, state, wants_json

log = structlog.get_logger()

TITLES = {
    401: "Sign in to go on",
    402: "Your plan's limit is reached",
    403: "This is not allowed",
    404: "There is nothing here",
    405: "This cannot be done here",
    409: "This cannot be done now",
    413: "This is too big",
    422: "Something is not right",
    429: "Too many tries",
    500: "Something broke on our side",
    503: "Back in a moment",
}
TEXTS = {
    404: "The page does not exist, or it belongs to another organization.",
    405: "This address does not take what was sent.",
    413: "At most 1 MB can be sent at once. Nothing was saved.",
    500: "Your last step was not saved. Messages from your customers are still received and kept.",
    503: "Frontdesk cannot reach its database at the moment. Your last step was not saved; try again in a minute.",
}
AGAIN = "Nothing was saved yet. Confirm that it is you, then do it once more."


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, as it is told. `field`: the input at fault, for programs."""

    status: int
    text: str
    field: str | None = None
    headline: str | None = None

    @property
    def title(self) -> str:
        """The headline of its own, else that of its status."""
        return self.headline or TITLES.get(self.status, TITLES[500] if self.status >= 500 else TITLES[422])


def install_failures(app: FastAPI) -> None:
    """Render every error of the application in one place."""
    app.add_exception_handler(FrontdeskError, _on_ours)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_unreadable)
    app.add_exception_handler(OperationalError, _on_database_down)
    app.add_exception_handler(ReadOnlySqlTransaction, _on_read_only)
    app.add_exception_handler(Exception, _on_anything)


async def refuse_foreign_origin(scope: Scope, receive: Receive, send: Send) -> None:
    """The answer to a request that another site started."""
    request = Request(scope, receive)
    await tell(request, Failure(ForeignOrigin.status, str(ForeignOrigin())))(scope, receive, send)


def tell(request: Request, failure: Failure) -> Response:
    """The failure in the form the asker understands."""
    note_refusal(request, failure.status, failure.text)
    if wants_json(request):
        return _as_json(request, failure)
    if is_htmx(request):
        return HTMLResponse(
            _filled(request, "error_toast.html", failure),
            failure.status,
            {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"},
        )
    return HTMLResponse(_filled(request, "error.html", failure), failure.status)


async def _on_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, FrontdeskError)
    if isinstance(error, SignInNeeded) and not wants_json(request):
        return _to_sign_in(request)
    if isinstance(error, SecondFactorNeeded) and not wants_json(request):
        return _to_account(request)
    if isinstance(error, ReauthenticationNeeded) and not wants_json(request):
        return _to_reauthentication(request)
    return tell(request, Failure(error.status, str(error), error.field, error.title))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = tell(request, Failure(error.status_code, TEXTS.get(error.status_code, str(error.detail))))
    response.headers.update(error.headers or {})
    return response


async def _on_unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    where = error.errors()[0]["loc"]
    if where[0] == "path":
        return tell(request, Failure(404, TEXTS[404]))
    return tell(request, Failure(422, f"“{where[-1]}” cannot be read: {error.errors()[0]['msg']}.", str(where[-1])))


async def _on_database_down(request: Request, error: Exception) -> Response:
    log.error("database not reached", path=request.url.path, method=request.method, error=str(error))
    return tell(request, Failure(503, TEXTS[503]))


async def _on_read_only(request: Request, error: Exception) -> Response:
    """Whoever looks into an organization has no transaction that writes; for anybody else the database is on its way to another server."""
    visitor = state(request).get("visitor")
    if visitor is not None and visitor.looks_until:
        return tell(request, Failure(OnlyLooking.status, str(OnlyLooking()), None, OnlyLooking.title))
    return await _on_database_down(request, error)


async def _on_anything(request: Request, error: Exception) -> Response:
    """Answer from outside of every wrapper, so the headers are put on here."""
    # the trace as text: a printer of traces would print the variables too, and with them what customers wrote
    trace = "".join(format_exception(error))
    log.error("request failed", path=request.url.path, method=request.method, request_id=request_id(request), trace=trace)
    response = tell(request, Failure(500, TEXTS[500]))
    response.headers.update(wrapping(request.scope))
    return response


def _to_sign_in(request: Request) -> Response:
    wanted = _path_of(request.url.path, request.url.query)
    back = f"/login?next={quote(wanted, safe='/')}" if request.method == "GET" and not is_htmx(request) else "/login"
    return Response(status_code=401, headers={"HX-Redirect": back}) if is_htmx(request) else RedirectResponse(back, status_code=303)


def _to_account(request: Request) -> Response:
    """To the account, which says which factor is missing and how to add one."""
    if is_htmx(request):
        return Response(status_code=SecondFactorNeeded.status, headers={"HX-Redirect": "/account"})
    return RedirectResponse("/account", status_code=303)


def _to_reauthentication(request: Request) -> Response:
    """Prove it, and then back to this page, or to the one with the form or button that asked."""
    sent = request.method != "GET" or is_htmx(request)
    wanted = _page_before(request) if sent else _path_of(request.url.path, request.url.query)
    return go(request, f"/account/reauthentication?next={quote(wanted, safe='/')}", AGAIN if request.method != "GET" else "", "info")


def _page_before(request: Request) -> str:
    page = urlsplit(request.headers.get("hx-current-url") or request.headers.get("referer") or "")
    return local_path(_path_of(page.path, page.query), "/account") if page.netloc == request.headers.get("host") else "/account"


def _path_of(path: str, query: str) -> str:
    return path + (f"?{query}" if query else "")


def _as_json(request: Request, failure: Failure) -> Response:
    told = {
        "type": "about:blank",
        "title": failure.title,
        "status": failure.status,
        "detail": failure.text,
        "field": failure.field,
        "request_id": request_id(request),
    }
    return Response(orjson.dumps(told), failure.status, media_type="application/problem+json")


def _filled(request: Request, template: str, failure: Failure) -> str:
    return pages().fill(
        template,
        {
            "failure": failure,
            "request_id": request_id(request),
            "theme": theme(request),
            "nonce": nonce(request),
            "path": request.url.path,
            "zone": times.zone_or_utc(request.cookies.get("zone")),
            "visitor": None,
            "flashes": [],
            "frame": {},
            "again": request.method == "GET",
        },
    )
