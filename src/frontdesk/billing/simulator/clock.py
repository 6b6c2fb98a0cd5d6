"""The clock that can be turned forward: whatever falls due on the way happens at its own moment, one after another."""

from dataclasses import dataclass

from frontdesk.billing.simulator import agenda
from frontdesk.billing.simulator.world import World

MOST_STEPS = 20_000
"""So that a clock turned on by a century ends some day."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened while the clock went on: when, to what, and what it was."""

    at: int
    what: str
    id: str


def step(world: World, until: int, *, waits: bool = False) -> Step | None:
    """Do the first thing that is due up to `until`, with the clock at its moment; None if nothing is, and then the clock shows `until`.

    waits: whether drafts wait for answers, which nobody can give who has no time for them.
    """
    now, task = world.now(), coming(world, until, waits=waits)
    if task is None:
        if until > now:
            world.advance(until - now)
        return None
    if task.at > now:
        world.advance(task.at - now)
    task.run(world)
    return Step(task.at, task.what, task.id)


def leap(world: World, until: int, *, waits: bool = False) -> tuple[int, int]:
    """By how many seconds the next step turns the clock, and what it shows then."""
    now, task = world.now(), coming(world, until, waits=waits)
    seconds = max(0, (until if task is None else task.at) - now)
    return seconds, now + seconds


def coming(world: World, until: int, *, waits: bool = False) -> agenda.Task | None:
    """The first thing that is due up to `until`, or overdue."""
    latest = max(until, world.now())
    return next((one for one in agenda.tasks(world, waits=waits) if one.at <= latest), None)


def next_due(world: World) -> int | None:
    """When the next thing happens by itself."""
    first = next(iter(agenda.tasks(world)), None)
    return first.at if first else None
