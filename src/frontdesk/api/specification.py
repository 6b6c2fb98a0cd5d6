"""The API as one application: its doors, its errors, and the document that describes both (OpenAPI 3.1)."""

import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.datastructures import MutableHeaders, State
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from frontdesk.api.guard import Door, scopes_of
from frontdesk.api.problems import MEDIA_TYPE, TITLES, Problem, install_problems
from frontdesk.api.reference import sections, show_reference
from frontdesk.web.requests import scope_state

ADDRESS = "/api/v1"
ABOUT = (
    "What an organization has in Frontdesk, for its own programs. Every call carries an API key, made on the page API keys of the dashboard:"
    " `Authorization: Bearer fd_live_…`. A key may do what its permissions say, and never more than the member who made it may do at that moment."
)
WHY = {
    400: "The body cannot be read.",
    401: "The API key opens nothing from here: unknown, incomplete, revoked, expired, from a network it is not for, or of a member who has left.",
    402: "The plan's limit is reached.",
    403: "The API key lacks the permission, which is named; or the organization is suspended, and its keys only read.",
    404: "There is nothing of this id in the key's organization.",
    405: "The address does not answer to this method.",
    409: "It cannot be done now; the detail says why.",
    413: "The body is longer than 1 MB.",
    422: "Something in the request is not right; `errors` names each field.",
    429: "The key has made all its calls of this minute, or too many calls with keys that are none came from this address.",
    500: "Something broke on our side. Nothing was saved.",
    503: "The database cannot be reached at the moment. Nothing was saved.",
}
RATES = {
    "RateLimit-Limit": "Calls in a minute.",
    "RateLimit-Remaining": "Calls left in this minute.",
    "RateLimit-Reset": "Seconds until the next minute begins.",
}


def build(state: State, doors: Iterable[Door]) -> FastAPI:
    """The application behind /api/v1. It shares the state of the one it is part of, which must hold `database` and `settings`."""
    app = FastAPI(title="Frontdesk API", openapi_url=None, docs_url=None, redoc_url=None)
    app.state = state
    for door in doors:
        app.include_router(door.router)
    document = describe(app)
    state.api_scopes = scopes_of(app.routes)
    app.add_route("/openapi.json", partial(_show_document, orjson.dumps(document)), methods=["GET"], include_in_schema=False)
    base = f"{state.settings.home}{ADDRESS}"
    app.add_route("/reference", partial(show_reference, sections(document, base), base), methods=["GET"], include_in_schema=False)
    install_problems(app, partial(_methods_at, [(compile_path(path)[0], sorted(map(str.upper, one))) for path, one in document["paths"].items()]))
    app.add_middleware(RateHeaders)
    return app


def describe(app: FastAPI) -> dict[str, Any]:
    """Every address with every answer it has, whoever asks."""
    document = get_openapi(title=app.title, version="1", description=ABOUT, routes=app.routes, servers=[{"url": ADDRESS}])
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    document["components"] |= {
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "fd_live_…"}},
        "responses": {f"Problem{code}": _answer(code) for code in WHY},
        "headers": {name: _header(name) for name in (*RATES, "Retry-After", "WWW-Authenticate", "Idempotency-Replayed")},
    }
    for operations in document["paths"].values():
        for method, operation in operations.items():
            _complete(method, operation)
    return document


class RateHeaders:
    """Says on every answer how its caller stands, also on those that went wrong."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers, once the call was counted."""

        async def send_rated(message: Message) -> None:
            rate = scope_state(scope).get("rate")
            if message["type"] == "http.response.start" and rate is not None:
                MutableHeaders(scope=message).update(rate.headers)
            await send(message)

        await self.app(scope, receive, send_rated)


def _methods_at(known: Sequence[tuple[re.Pattern[str], list[str]]], path: str) -> str:
    """What an address answers to: FastAPI itself would name one route of several."""
    return ", ".join(next((methods for pattern, methods in known if pattern.match(path)), ["GET"]))


async def _show_document(document: bytes, request: Request) -> Response:
    return Response(document, media_type="application/json")


def _complete(method: str, operation: dict[str, Any]) -> None:
    operation["security"] = [{"key": []}]
    operation["description"] = f"{operation.get('description', '')}\n\nNeeds the permission `{operation['x-permission']}`.".strip()
    for code, answer in operation["responses"].items():
        if code.startswith("2"):
            headers = [*RATES, "Idempotency-Replayed"] if method == "post" else list(RATES)
            answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    codes = [code for code in operation["responses"] if not code.startswith("2")]
    operation["responses"] |= {code: {"$ref": f"#/components/responses/Problem{code}"} for code in codes}


def _answer(code: int) -> dict[str, Any]:
    more = {401: ["WWW-Authenticate"], 429: ["Retry-After"]}.get(code, [])
    rated = [] if code in (405, 500, 503) else list(RATES)
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in (*rated, *more)}
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": f"{TITLES[code]}. {WHY[code]}", "content": content} | ({"headers": headers} if headers else {})


def _header(name: str) -> dict[str, Any]:
    said = RATES | {
        "Retry-After": "Seconds to wait.", "WWW-Authenticate": "How to say who calls.",
        "Idempotency-Replayed": "`true` where this answer was given before, and nothing was done now.",
    }  # fmt: skip
    text = name in ("WWW-Authenticate", "Idempotency-Replayed")
    return {"description": said[name], "schema": {"type": "string"} if text else {"type": "integer", "minimum": 0}}
