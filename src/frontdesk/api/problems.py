"""Errors as programs read them: RFC 9457, with the path of every field at fault."""

from collections.abc import Callable, Iterable, Sequence
from traceback import format_exception
from typing import Any, Literal

import orjson
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from psycopg import OperationalError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.errors import BadInput, FrontdeskError, NotSignedIn
from frontdesk.web.complaints import complaint
from frontdesk.web.envelope import wrapping
from frontdesk.web.refusals import note_refusal
from frontdesk.web.requests import request_id, state

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger()

TITLES = {
    400: "This cannot be read", 401: "The API key does not open this", 402: "The plan's limit is reached", 403: "This is not allowed",
    404: "There is nothing here", 405: "This cannot be done here", 409: "This cannot be done now", 413: "This is too big",
    422: "Something in the request is not right", 429: "Too many calls", 500: "Something broke on our side", 503: "Back in a moment",
}  # fmt: skip
TEXTS = {
    400: "The body of this request cannot be read.",
    404: "There is no such address. Every address there is stands in /api/v1/openapi.json.",
    405: "This address does not answer to this method; the header Allow names those it does.",
    413: "At most 1 MB can be sent at once. Nothing was saved.",
    500: "This is our fault, and nothing was saved. Quote the request_id when you ask about it.",
    503: "The database cannot be reached at the moment. Nothing was saved; try again in a minute.",
}
Place = Literal["body", "query", "path", "header"]


class Fault(BaseModel):
    """One thing that is wrong, and where."""

    path: str
    """The field, as in `keywords.0`; empty for the whole of it."""
    message: str
    source: Place = "body"
    """Where the field stands."""


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[Fault]


class BadFields(BadInput):
    """Some fields are not right."""

    def __init__(self, faults: Iterable[BadInput], source: Place = "body") -> None:
        """Name everything that the domain found wrong."""
        super().__init__(type(self).__doc__)
        self.faults = [Fault(path=one.field or "", message=str(one), source=source) for one in faults]


class BadCursor(BadFields):
    """This cursor was not made by this list."""

    def __init__(self) -> None:
        """It stands in the query."""
        super().__init__([BadInput("This cursor was not made by this list. Leave it out to begin at the top.", field="cursor")], "query")


def install_problems(app: FastAPI, methods_at: Callable[[str], str]) -> None:
    """Tell every error of the API in this one form. methods_at: what an address answers to, for the header Allow."""

    async def on_http(request: Request, error: Exception) -> Response:
        response = await _on_http(request, error)
        if response.status_code == 405:
            response.headers["Allow"] = methods_at(request.url.path.removeprefix(request.scope.get("root_path", "")))
        return response

    app.add_exception_handler(FrontdeskError, _on_ours)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, _on_unreadable)
    app.add_exception_handler(OperationalError, _on_database_down)
    app.add_exception_handler(Exception, _on_anything)


def tell(request: Request, status: int, detail: str, faults: Sequence[Fault] = ()) -> Response:
    """One problem, as it leaves."""
    note_refusal(request, status, detail)
    told = Problem(type="about:blank", title=TITLES.get(status, TITLES[422]), status=status, detail=detail, request_id=request_id(request), errors=list(faults))
    headers = {"WWW-Authenticate": 'Bearer realm="frontdesk"'} if status == 401 else {}
    return Response(orjson.dumps(told.model_dump()), status, headers, media_type=MEDIA_TYPE)


async def _on_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, FrontdeskError)
    status = NotSignedIn.status if isinstance(error, NotSignedIn) else error.status
    faults = error.faults if isinstance(error, BadFields) else [Fault(path=error.field, message=str(error))] if error.field else []
    response = tell(request, status, str(error), faults)
    if (wait := getattr(error, "seconds", None)) is not None:  # of a limit of the domain's own
        response.headers["Retry-After"] = str(wait)
    return response


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = tell(request, error.status_code, TEXTS.get(error.status_code, str(error.detail)))
    response.headers.update(error.headers or {})
    return response


async def _on_unreadable(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [_fault(one) for one in error.errors()]
    if any(fault.source == "path" for fault in faults):
        return tell(request, 404, "There is nothing of this id.")
    return tell(request, 422, "Some of what was sent is not right; nothing was saved.", faults)


async def _on_database_down(request: Request, error: Exception) -> Response:
    log.error("database not reached", path=request.url.path, method=request.method, error=str(error))
    return tell(request, 503, TEXTS[503])


async def _on_anything(request: Request, error: Exception) -> Response:
    """Answer from outside of every wrapper, so the headers are put on here."""
    trace = "".join(format_exception(error))  # as text: a printer of traces would print what customers wrote, too
    log.error("request failed", path=request.url.path, method=request.method, request_id=request_id(request), trace=trace)
    response = tell(request, 500, TEXTS[500])
    rate = state(request).get("rate")
    response.headers.update(wrapping(request.scope) | (rate.headers if rate else {}))
    return response


def _fault(problem: Any) -> Fault:
    source, *path = problem["loc"]
    if problem["type"] == "json_invalid":
        return Fault(path="", message=f"This is no JSON: {problem['ctx']['error']} at {path[0] if path else 0}.")
    words = {"missing": "This is needed.", "extra_forbidden": "There is no such field.", "string_type": "Use a text."}
    return Fault(path=".".join(map(str, path)), message=words.get(problem["type"]) or complaint(problem), source=source)
