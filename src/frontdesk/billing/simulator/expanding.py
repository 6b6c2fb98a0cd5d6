"""`expand[]`: objects in place of their ids, and the fields that Stripe leaves out unless asked."""

from collections.abc import Callable
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import invalid
from frontdesk.billing.simulator.world import World

Includable = Callable[[World, dict[str, Any]], Any]
DEEPEST = 4
"""Source: https://docs.stripe.com/api/expanding_objects"""


def expand(world: World, answer: dict[str, Any], params: p.Params, includable: dict[tuple[str, str], Includable]) -> dict[str, Any]:
    """The answer with what `expand` asks for. includable: fields that are shown only then, by kind and name. Raises StripeError."""
    for path in p.several(params, "expand"):
        steps = str(path).split(".")
        if len(steps) > DEEPEST:
            raise invalid(f"You cannot expand more than {DEEPEST} levels of a property. You attempted to expand {len(steps)} levels: {path}", "expand")
        _expand(world, answer, steps, str(path), includable)
    return answer


def _expand(world: World, here: dict[str, Any], steps: list[str], path: str, includable: dict[tuple[str, str], Includable]) -> None:
    name, rest = steps[0], steps[1:]
    if name not in here:
        found = includable.get((str(here.get("object")), name))
        if found is None:
            raise invalid(f"This property cannot be expanded ({path}).", "expand")
        here[name] = found(world, here)
    here[name] = _opened(world, here[name], path, leaf=not rest)
    for one in here[name] if isinstance(here[name], list) else [here[name]]:
        if rest and isinstance(one, dict) and not one.get("deleted"):
            _expand(world, one, rest, path, includable)


def _opened(world: World, value: Any, path: str, *, leaf: bool) -> Any:
    """The object behind an id, or the objects behind ids."""
    if isinstance(value, list):
        return [_opened(world, one, path, leaf=leaf) for one in value]
    if not isinstance(value, str):
        if leaf and isinstance(value, bool | int | float):
            raise invalid(f"This property cannot be expanded ({path}).", "expand")
        return value
    found = world.found(value)
    if found is None:
        raise invalid(f"This property cannot be expanded ({path}).", "expand")
    return found
