"""JSON from outside, made safe to keep: PostgreSQL takes neither NUL nor half a surrogate pair."""

import re
from typing import Any

import orjson


class Unreadable(ValueError):
    """This is not JSON."""


def load(data: bytes) -> Any:
    """The value of this JSON text, with U+FFFD where an escape stands for NUL or half a surrogate pair.

    Raises Unreadable, with the reason and the byte where reading stopped.
    """
    if b"\\u0000" in data:
        data = _mended(data)
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return orjson.loads(_mended(data))
    except orjson.JSONDecodeError as error:
        raise Unreadable(_reason(data, error)) from None


def _mended(data: bytes) -> bytes:
    """The same bytes with every escape that PostgreSQL refuses replaced by one of the same length."""
    return _ESCAPE.sub(lambda escape: b"\\ufffd" if escape[1] else escape[0], data)


# Every escape is consumed whole, from its backslash: the second of two backslashes starts none.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(u[dD][89a-fA-F][0-9a-fA-F]{2}|u0000)|\\.",
    re.DOTALL,
)


def _reason(data: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        data.decode()
    except UnicodeDecodeError as broken:
        return f"not JSON: invalid UTF-8 at byte {broken.start}"
    return f"not JSON: {error.msg} at byte {len(error.doc[: error.pos].encode())}"
