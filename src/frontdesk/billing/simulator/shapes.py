"""New objects with every field that Stripe's have, so that nobody finds one missing.

Names and kinds of fields are those of the fixtures that Stripe publishes (github.com/stripe/openapi, MIT, © Stripe); `shapes.json` holds
them with empty values. Nested objects that may be null have a shape of their own, by their path: `price.recurring`,
and those that stand in arrays as well: `checkout.session.custom_fields[]`.
"""

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any


def make(kind: str, **fields: Any) -> dict[str, Any]:
    """An object of this kind (or part of one) with these values; every other field is there, empty. Raises KeyError for what has no such field."""
    made = copy.deepcopy(_shapes()[kind])
    for name, value in fields.items():
        if name not in made:
            raise KeyError(f"{kind} has no field {name}")
        made[name] = value
    return made


def list_of(objects: list[dict[str, Any]], url: str, *, has_more: bool = False) -> dict[str, Any]:
    """A list in Stripe's form. url: where the library asks for the next page, without the host."""
    return {"object": "list", "data": objects, "has_more": has_more, "url": url}


@cache
def _shapes() -> dict[str, dict[str, Any]]:
    shapes: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("shapes.json").read_text("utf-8"))
    return shapes
