"""What the official library says about the types of Stripe's objects: its annotations, read without importing what they leave to type checkers."""

import builtins
import importlib
import sys
import types
import typing
from collections import ChainMap
from collections.abc import Iterator
from functools import cache
from typing import Any

import stripe
from stripe import ListObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import UntypedStripeObject

JSON = {str: str, int: int, bool: bool}
FIXTURES_ONLY = {"Invoice.subscription"}
"""What fixtures of August 2026 show and the library of October has no name for."""


@cache
def class_of(kind: str) -> type[StripeObject] | None:
    """The library's class for `object: kind`."""
    if kind not in OBJECT_CLASSES:
        return None
    module, name = OBJECT_CLASSES[kind]
    return typing.cast("type[StripeObject]", getattr(importlib.import_module(module), name))


@cache
def hints(cls: type[Any]) -> dict[str, Any]:
    """The annotated fields of a class of the library, with those of its ancestors."""
    found: dict[str, Any] = {}
    for one in reversed(cls.__mro__):
        if one is not StripeObject and one.__module__.startswith("stripe"):
            found |= {
                name: resolved(hint, one) for name, hint in vars(one).get("__annotations__", {}).items() if not name.startswith("_") and not name.isupper()
            }
    return found


def resolved(hint: Any, cls: type[Any]) -> Any:
    """The type that an annotation of this class means."""
    while isinstance(hint, str | typing.ForwardRef):
        words = hint if isinstance(hint, str) else hint.__forward_arg__
        hint = eval(words, {}, _Names(cls))
    return hint


def is_optional(hint: Any) -> bool:
    return hint is type(None) or type(None) in _parts(hint)


def wrong(value: Any, hint: Any, cls: type[Any], path: str) -> Iterator[str]:
    """How a value of JSON differs from what its annotation says."""
    hint = resolved(hint, cls)
    if hint is Any or (value is None and is_optional(hint)):
        return
    if parts := [part for part in _parts(hint) if part is not type(None)]:
        tries = [list(wrong(value, part, cls, path)) for part in parts]
        yield from min(tries, key=len)
    elif typing.get_origin(hint) is typing.Literal:
        if value not in typing.get_args(hint):
            yield f"{path} is {value!r}, not one of {typing.get_args(hint)}"
    elif typing.get_origin(hint) is list:
        yield from _wrong_items(value, typing.get_args(hint)[0], cls, path)
    elif typing.get_origin(hint) is dict:
        if not isinstance(value, dict):
            yield f"{path} is {value!r}, not an object"
    elif isinstance(value, dict) and isinstance(kind := typing.get_origin(hint) or hint, type) and issubclass(kind, StripeObject):
        if "object" not in value and kind is not UntypedStripeObject:  # what has a kind is looked at as such
            yield from wrong_fields(value, kind, path)
    elif not _plain(value, hint):
        yield f"{path} is {value!r}, not {getattr(hint, '__name__', hint)}"


def wrong_fields(value: dict[str, Any], cls: type[Any], path: str) -> Iterator[str]:
    """How the fields of an object differ from those of a class: what is missing, and what is of another type."""
    known = hints(cls)
    for name, hint in known.items():
        if name in value:
            yield from wrong(value[name], hint, cls, f"{path}.{name}")
        elif not is_optional(hint):
            yield f"{path} has no {name}"
    if known:
        yield from (f"{path} has an unknown {name}" for name in value if name not in known and f"{cls.__name__}.{name}" not in FIXTURES_ONLY)


def _wrong_items(value: Any, item: Any, cls: type[Any], path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path} is {value!r}, not an array"
        return
    for n, one in enumerate(value):
        yield from wrong(one, item, cls, f"{path}[{n}]")


def _plain(value: Any, hint: Any) -> bool:
    name = getattr(hint, "__name__", "")
    if name == "Decimal":
        return isinstance(value, str)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint in JSON:
        return isinstance(value, JSON[hint]) and (hint is not int or not isinstance(value, bool))
    return isinstance(value, dict | str)


def _parts(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else ()


class _Names(ChainMap[str, Any]):
    """Every name that an annotation may use: those of the class and its neighbours, of typing, and of the whole library."""

    def __init__(self, cls: type[Any]) -> None:
        module = sys.modules[cls.__module__]
        inner: list[Any] = [module]
        for part in cls.__qualname__.split("."):
            inner.append(getattr(inner[-1], part))
        super().__init__(*(dict(vars(one)) for one in reversed(inner)), dict(vars(typing)), dict(vars(builtins)), {"_Union": typing.Union})

    def __missing__(self, name: str) -> Any:
        for kind, (_, of_class) in OBJECT_CLASSES.items():
            if of_class == name:
                return class_of(kind)
        return getattr(stripe, name, Any)


__all__ = ["ListObject", "class_of", "hints", "is_optional", "resolved", "wrong", "wrong_fields"]
