"""`expand[]`: objects in place of their ids, and the fields that Stripe leaves out unless asked."""

from collections.abc import Callable
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.world import World

Includable = Callable[[World, dict[str, Any]], Any]
DEEPEST = 4
"""Source: https://docs.stripe.com/api/expanding_objects"""


def expand(world: World, answer: dict[str, Any], params: p.Params, includable: dict[tuple[str, str], Includable]) -> dict[str, Any]:
    """The answer with what `expand` asks for. includable: fields that are shown only then, by the kind of their object and
    their place in it. Raises StripeError."""
    for path in p.several(params, "expand"):
        steps = str(path).split(".")
        if len(steps) > DEEPEST:
            raise invalid(f"You cannot expand more than {DEEPEST} levels of a property. You attempted to expand {len(steps)} levels: {path}", "expand")
        _Expansion(world, str(path), includable).into(answer, steps, answer, "")
    return answer


class _Expansion:
    """One path, walked from the outside in."""

    def __init__(self, world: World, path: str, includable: dict[tuple[str, str], Includable]) -> None:
        self.world, self.path, self.includable = world, path, includable

    def into(self, here: dict[str, Any], steps: list[str], owner: dict[str, Any], within: str) -> None:
        """Go on from `here`, which is `owner` or lies in it, below `within`."""
        name, rest = steps[0], steps[1:]
        if name not in here:
            here[name] = self._included(owner, within + name)
        here[name] = self._opened(here[name], leaf=not rest)
        for one in here[name] if isinstance(here[name], list) else [here[name]]:
            if rest and isinstance(one, dict) and not one.get("deleted"):
                inside = "object" not in one
                self.into(one, rest, owner if inside else one, f"{within}{name}." if inside else "")

    def _included(self, owner: dict[str, Any], name: str) -> Any:
        """A field that is shown only now."""
        found = self.includable.get((str(owner.get("object")), name))
        if found is None:
            raise self._refusal()
        return found(self.world, owner)

    def _opened(self, value: Any, *, leaf: bool) -> Any:
        """The object behind an id, or the objects behind ids."""
        if isinstance(value, list):
            return [self._opened(one, leaf=leaf) for one in value]
        if not isinstance(value, str):
            if leaf and isinstance(value, bool | int | float):
                raise self._refusal()
            return value
        found = self.world.found(value)
        if found is None:
            raise self._refusal()
        return found

    def _refusal(self) -> StripeError:
        return invalid(f"This property cannot be expanded ({self.path}).", "expand")
