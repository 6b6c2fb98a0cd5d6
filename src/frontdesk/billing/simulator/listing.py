"""Lists as Stripe pages them: the newest first, from one object on, forwards or backwards."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import missing
from frontdesk.billing.simulator.shapes import list_of
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
PAGING = ("limit", "starting_after", "ending_before")
RANGE = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}


def listing(
    world: World, kind: str, params: p.Params, filters: dict[str, Any] | None = None, where: Callable[[Object], bool] | None = None
) -> Object:  # fmt: skip
    """The page that `limit`, `starting_after` and `ending_before` ask for, of the objects that have the values of `filters` (None: any).

    `created`, alone or with `gt`, `gte`, `lt`, `lte`, counts as well. where: what else an object must be to be shown.
    """
    equal = {name: value for name, value in (filters or {}).items() if value is not None}

    def shown(one: Object) -> bool:
        return created_fits(one, params.get("created")) and (where is None or where(one))

    after = p.text(params, "starting_after")
    if after:
        world.get(after, kind, "starting_after")
    if params.get("ending_before"):
        return page(world, kind, [one for one in world.newest(kind, **equal) if shown(one)], params)
    return _cut(world, list(islice(filter(shown, world.newest(kind, after, **equal)), _limit(params) + 1)), params)


def page(world: World, kind: str, objects: list[Object], params: p.Params) -> Object:
    """The part of these that is asked for; they stand in the order in which they are shown."""
    after, before = p.text(params, "starting_after"), p.text(params, "ending_before")
    if after:
        objects = objects[_place(objects, kind, after, "starting_after") + 1 :]
    if before:
        objects = objects[: _place(objects, kind, before, "ending_before")]
        return list_of(objects[-_limit(params) :], world.call.path, has_more=len(objects) > _limit(params))
    return _cut(world, objects, params)


def created_fits(object: Object, wanted: Any, name: str = "created") -> bool:
    """Whether the object's time is the one asked for, or within the bounds."""
    if wanted in (None, ""):
        return True
    if isinstance(wanted, dict):
        p.known(wanted, RANGE, name)
        return all(RANGE[bound](object[name], p.moment(wanted, bound) or 0) for bound in wanted)
    return bool(object[name] == p.moment({name: wanted}, name))


def _cut(world: World, objects: list[Object], params: p.Params) -> Object:
    return list_of(objects[: _limit(params)], world.call.path, has_more=len(objects) > _limit(params))


def _limit(params: p.Params) -> int:
    return p.integer(params, "limit", 10, least=1, most=100) or 10


def _place(objects: list[Object], kind: str, id: str, param: str) -> int:
    for place, one in enumerate(objects):
        if one["id"] == id:
            return place
    raise missing(kind, id, param)
