"""Holds what the simulator answers against what Stripe published: the fields of its fixtures, and the types of its own library."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.billing.simulator.types_of import class_of, hints, is_optional, wrong_fields

NAMES = Path(__file__).with_name("published.json")
NOTE = "Names and types of fields, derived from openapi/fixtures3.json of github.com/stripe/openapi (MIT License, Copyright (c) Stripe, Inc.)"
FREE = {"metadata", "payload"}
"""Below these, names are the caller's own."""


class Checking:
    """An application around the simulator: every JSON answer is looked at on its way out, and a wrong one becomes a 500 that says what is wrong."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        started: dict[str, Any] = {}
        body = b""

        async def looked_at(message: Any) -> None:
            nonlocal body
            if message["type"] == "http.response.start":
                started.update(message)
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            found = differences(json.loads(body)) if started["status"] == 200 else []
            if found:
                said = json.dumps({"error": {"type": "api_error", "message": f"unlike Stripe: {found[:8]}"}}).encode()
                await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"application/json")]})
                await send({"type": "http.response.body", "body": said})
                return
            await send(started)
            await send({"type": "http.response.body", "body": body})

        await self.app(scope, receive, looked_at)


def differences(answer: Any) -> list[str]:
    """How this differs from what Stripe's objects are, inside as well."""
    return list(_differences(answer, ""))


def _differences(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for n, one in enumerate(value):
            yield from _differences(one, f"{path}[{n}]")
    if not isinstance(value, dict):
        return
    kind = value.get("object")
    if kind in ("list", "search_result"):
        needed = {"object", "data", "has_more", "url"}
        yield from (f"{path or 'a list'} has no {name}" for name in needed - value.keys())
    elif isinstance(kind, str):
        yield from _unlike(value, kind, path or kind)
    for name, inner in value.items():
        if name not in FREE and name != "previous_attributes":
            yield from _differences(inner, f"{path}.{name}" if path else f"{kind}.{name}")


def _unlike(value: dict[str, Any], kind: str, path: str) -> Iterator[str]:
    cls = class_of(kind)
    name = f"deleted_{kind}" if value.get("deleted") else kind
    published = published_fields().get(name)
    if published is None:
        yield f"{path} is a {name}, which Stripe's fixtures do not have, or this test not yet"
    else:
        yield from _missing(value, published, cls, kind, path)
    if cls is None:
        yield f"{path} is a {kind}, which the library does not know"
    elif not value.get("deleted"):
        yield from wrong_fields(value, cls, path)


def _missing(value: dict[str, Any], published: dict[str, Any], cls: type[Any] | None, kind: str, path: str) -> Iterator[str]:
    """What the fixtures have and this has not, and what is of another type there (null counts where the library says that it may be)."""
    known = hints(cls) if cls else {}
    for name, shape in published.items():
        if name not in value:
            yield f"{path} has no {name}"
        elif shape is not None and value[name] is not None:
            said, is_ = _type(shape, derived=True), _type(value[name])
            alike = said == is_ or {said, is_} == {"integer", "number"} or {said, is_} == {"string", "object"}  # expanded or not
            if not alike:
                yield f"{path}.{name} is {is_}, not {said}"
        elif shape is not None and name in known and not is_optional(known[name]):
            yield f"{path}.{name} is null"
        if isinstance(shape, dict) and isinstance(value.get(name), dict) and name not in FREE and "object" not in value[name]:
            yield from (f"{path}.{name} has no {inner}" for inner in shape if inner not in value[name] and "object" not in shape)


def _type(value: Any, *, derived: bool = False) -> str:
    if derived and isinstance(value, str):
        return value
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


@cache
def published_fields() -> dict[str, dict[str, Any]]:
    """Kind → field → type: a word, null where the fixture says no more, or the fields of an object inside."""
    return {kind: shape for kind, shape in json.loads(NAMES.read_text("utf-8")).items() if kind != "//"}


def derived(value: Any) -> Any:
    """Names and types of an object of the fixtures."""
    if isinstance(value, dict):
        return {name: derived(one) for name, one in value.items()}
    return None if value is None else _type(value)
