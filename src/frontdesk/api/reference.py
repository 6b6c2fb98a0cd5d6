"""The reference as a page: the document of the API, for people. Nothing of it comes from anywhere else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from frontdesk.web.pages import render


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body, an answer or an address. name: with dots where it lies deeper; kind: as in "list of text"."""

    name: str
    kind: str
    needed: bool
    about: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One address with one method, as the page shows it. codes: what may go wrong, with the reason; example: a command that calls it."""

    name: str
    title: str
    method: str
    path: str
    about: str
    permission: str
    parameters: list[Field]
    body: list[Field]
    answer: list[Field]
    status: str
    codes: list[tuple[str, str]]
    example: str


async def show_reference(about_all: Mapping[str, list[Operation]], base: str, request: Request) -> Response:
    """The page: public, as the document it is made from is. base: the address of the API."""
    return await render(request, "api/reference.html", sections=about_all, base=base)


def sections(document: Mapping[str, Any], base: str) -> dict[str, list[Operation]]:
    """The operations by the part of the product they belong to, in the order of the document."""
    found: dict[str, list[Operation]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            found.setdefault(operation["tags"][0], []).append(_operation(document, base, path, method.upper(), operation))
    return found


def _operation(document: Mapping[str, Any], base: str, path: str, method: str, operation: Mapping[str, Any]) -> Operation:
    status, good = next((code, answer) for code, answer in operation["responses"].items() if code.startswith("2"))
    body = list(_fields(document, _json_schema(operation.get("requestBody", {}))))
    return Operation(
        name=operation["operationId"], title=operation["summary"], method=method, path=path, about=operation["description"].partition("\n\nNeeds ")[0],
        permission=operation["x-permission"], body=body, status=status, answer=list(_fields(document, _json_schema(good))),
        parameters=[_parameter(document, one) for one in operation.get("parameters", [])],
        codes=[(code, _whole(document, one)["description"]) for code, one in operation["responses"].items() if not code.startswith("2")],
        example=_example(document, base, path, method, operation),
    )  # fmt: skip


def _parameter(document: Mapping[str, Any], one: Mapping[str, Any]) -> Field:
    return Field(one["name"], _kind(document, one["schema"]), one.get("required", False), one.get("description") or f"In the {one['in']}.")


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any], before: str = "", depth: int = 0) -> Iterator[Field]:
    whole = _whole(document, schema)
    for name, inner in whole.get("properties", {}).items():
        yield Field(before + name, _kind(document, inner), name in whole.get("required", []), _about(inner))
        deeper = inner.get("items") or next((one for one in inner.get("anyOf", []) if "$ref" in one), inner)
        if depth < 2:
            yield from _fields(document, deeper, f"{before}{name}.", depth + 1)


def _about(schema: Mapping[str, Any]) -> str:
    bounds = {"minimum": "at least {}", "maximum": "at most {}", "maxLength": "at most {} characters", "maxItems": "at most {} of them"}
    said = ", ".join(text.format(f"{schema[name]:,.0f}") for name, text in bounds.items() if name in schema)
    return " ".join(filter(None, [schema.get("description", ""), f"{said[0].upper()}{said[1:]}." if said else ""]))


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_kind(document, one) for one in schema["anyOf"])
    whole = _whole(document, schema)
    if "enum" in whole or "const" in whole:
        return " or ".join(f"“{value}”" for value in whole.get("enum", [whole.get("const")]))
    if whole.get("type") == "array":
        return f"list of {_kind(document, whole.get('items', {}))}"
    named = {"string": "text", "integer": "number", "number": "number", "boolean": "true or false", "null": "null", "object": "object"}
    formats = {"uuid": "id", "date-time": "time"}
    return formats.get(whole.get("format", "")) or named.get(whole.get("type", ""), "any")


def _json_schema(carrier: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = carrier.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _whole(document: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to."""
    found: Any = part
    while "$ref" in found:
        target: Any = document
        for step in found["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        found = target
    return dict(found)


def _example(document: Mapping[str, Any], base: str, path: str, method: str, operation: Mapping[str, Any]) -> str:
    lines = [f"curl {'' if method == 'GET' else f'-X {method} '}{base}{path}", '-H "Authorization: Bearer $DESK_KEY"']
    if method == "POST":
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    examples = _whole(document, _json_schema(operation.get("requestBody", {}))).get("examples")
    if examples:
        lines += ["-H 'Content-Type: application/json'", f"-d '{orjson.dumps(examples[0]).decode()}'"]
    return " \\\n  ".join(lines)
