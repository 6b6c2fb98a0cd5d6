"""Parameters as Stripe takes them: forms with brackets in, dicts and lists out, each value checked where it is used."""

import re
from collections.abc import Collection, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any

from frontdesk.billing.simulator.errors import StripeError, invalid

Params = dict[str, Any]
PART = re.compile(r"\[([^\[\]]*)\]")
FREE_NAMES = ("metadata", "payload")
"""Below these, names are the caller's own, and 0 is a name like another."""
LARGEST = 99_999_999
"""Stripe takes amounts of at most eight digits. Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts"""


def decode(pairs: Iterable[tuple[str, str]]) -> Params:
    """`items[0][price]=x` as `{"items": [{"price": "x"}]}`. Raises StripeError for what contradicts itself."""
    root: Params = {}
    for name, value in pairs:
        head, _, rest = name.partition("[")
        path = [head, *PART.findall(f"[{rest}" if rest else "")]
        here: Any = root
        for step in path[:-1]:
            here = here.setdefault(step or str(len(here)), {})
            if not isinstance(here, dict):
                raise invalid(f"Invalid parameter: {head} is both a value and an object", head)
        here[path[-1] or str(len(here))] = value
    return {name: value if name in FREE_NAMES else _lists(value) for name, value in root.items()}


def _lists(value: Any) -> Any:
    """Dicts whose names count from 0 are lists."""
    if not isinstance(value, dict):
        return value
    inside = {name: one if name in FREE_NAMES else _lists(one) for name, one in value.items()}
    return list(inside.values()) if inside and list(inside) == [str(n) for n in range(len(inside))] else inside


def known(params: Params, names: Collection[str], within: str | None = None) -> None:
    """Refuse parameters of other names, as Stripe does."""
    for name in params:
        if name not in names and name != "expand":
            full = f"{within}[{name}]" if within else name
            raise StripeError("invalid_request_error", f"Received unknown parameter: {full}", "parameter_unknown", full)


def required(params: Params, name: str) -> Any:
    """The value, which must be there."""
    if params.get(name) in (None, ""):
        raise StripeError("invalid_request_error", f"Missing required param: {name}.", "parameter_missing", name)
    return params[name]


def text(params: Params, name: str, usual: str | None = None, longest: int = 5000) -> str | None:
    """Words. Empty ones mean none."""
    value = params.get(name, usual)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise invalid("Invalid string: " + _shown(value), name)
    if len(value) > longest:
        raise invalid(f"Invalid string: {value[:20]}…; must be at most {longest} characters", name)
    return value


def choice(params: Params, name: str, choices: Collection[str], usual: str | None = None) -> str | None:
    """One of these words."""
    value = text(params, name, usual)
    if value is not None and value not in choices:
        raise invalid(f"Invalid {name}: must be one of {', '.join(sorted(choices))}", name)
    return value


def flag(params: Params, name: str, usual: bool | None = None) -> bool | None:
    """`true` or `false`."""
    value = params.get(name)
    if value in (None, ""):
        return usual
    if value not in ("true", "false", True, False):
        raise invalid(f"Invalid boolean: {_shown(value)}", name)
    return value in ("true", True)


def integer(params: Params, name: str, usual: int | None = None, *, least: int | None = None, most: int = LARGEST) -> int | None:
    """A whole number between `least` and `most`."""
    value = params.get(name)
    if value in (None, ""):
        return usual
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", str(value)):
        raise StripeError("invalid_request_error", f"Invalid integer: {_shown(value)}", "parameter_invalid_integer", name)
    number = int(value)
    if least is not None and number < least:
        raise StripeError("invalid_request_error", f"This value must be greater than or equal to {least}.", "parameter_invalid_integer", name)
    if number > most:
        raise StripeError("invalid_request_error", f"This value must be less than or equal to {most}.", "parameter_invalid_integer", name)
    return number


def moment(params: Params, name: str) -> int | None:
    """A time, in seconds since 1970."""
    return integer(params, name, least=0, most=99_999_999_999)


def decimal(params: Params, name: str) -> Decimal | None:
    """A number that may have a fraction, of at most twelve digits."""
    value = params.get(name)
    if value in (None, ""):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise invalid(f"Invalid decimal: {_shown(value)}", name) from None
    exponent = number.as_tuple().exponent
    if not number.is_finite() or not isinstance(exponent, int) or exponent < -12:
        raise invalid(f"Invalid decimal: {_shown(value)}", name)
    return number


def inner(params: Params, name: str, names: Collection[str] | None = None) -> Params | None:
    """An object of parameters, with these names and no others; None if there is none or an empty one."""
    value = params.get(name)
    if value in (None, ""):
        return None
    if not isinstance(value, dict):
        raise invalid("Invalid object", name)
    if names is not None:
        known(value, names, name)
    return value


def several(params: Params, name: str) -> list[Any]:
    """A list of parameters; none given is an empty one."""
    value = params.get(name)
    if value in (None, "", {}):
        return []
    if not isinstance(value, list):
        raise invalid("Invalid array", name)
    return value


def metadata(params: Params, before: dict[str, str] | None = None) -> dict[str, str]:
    """The caller's own notes, put over those from before; an empty value takes one away, and an empty whole takes all.

    At most 50, names of 40 and values of 500 characters. Source: https://docs.stripe.com/api/metadata
    """
    given = params.get("metadata")
    if given is None:
        return dict(before or {})
    if given == "":
        return {}
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        raise invalid("Invalid object", "metadata")
    told = {**(before or {}), **given}
    kept = {name: value for name, value in told.items() if value != ""}
    for name, value in kept.items():
        if len(name) > 40 or len(value) > 500 or not name:
            raise invalid(f"Metadata names have up to 40 and values up to 500 characters: {name[:40]}", f"metadata[{name[:40]}]")
    if len(kept) > 50:
        raise invalid("Metadata can hold at most 50 names.", "metadata")
    return kept


def _shown(value: Any) -> str:
    return str(value)[:60]
