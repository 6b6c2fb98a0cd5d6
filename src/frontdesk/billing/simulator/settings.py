"""The settings of the simulated account, as they stand in Stripe's dashboard, and how far its clock is to be turned."""

from typing import Any

from frontdesk.billing.simulator import clock, standing
from frontdesk.billing.simulator.dunning import ENDS
from frontdesk.billing.simulator.periods import DAY
from frontdesk.billing.simulator.world import World
from frontdesk.errors import BadInput

FARTHEST = 10 * 366 * DAY
"""How far the clock is turned in one go."""


def described(world: World) -> dict[str, Any]:
    """The settings as they are."""
    plan = standing.dunning(world)
    return {"retry_days": list(plan.days), "after_retries": plan.end, "upcoming_days": plan.upcoming_days}


def put(world: World, wanted: dict[str, Any]) -> None:
    """Take these, and the usual ones for everything else."""
    world.put_private(standing.SETTINGS, wanted)


def parse(wanted: object) -> dict[str, Any]:
    """Read `{"retry_days": [3, 7], "after_retries": "unpaid", "upcoming_days": 7}`. Raises BadInput naming the setting."""
    if not isinstance(wanted, dict):
        raise BadInput("Send a JSON object of settings.")
    for name in wanted:
        if name not in ("after_retries", "retry_days", "upcoming_days"):
            raise BadInput("There is no such setting. There are: after_retries, retry_days, upcoming_days.", field=str(name))
    days = wanted.get("retry_days", [1])
    if not isinstance(days, list) or not all(_is_day(one) for one in days) or days != sorted(set(days)):
        raise BadInput("retry_days are whole days after the first failure, each later than the one before.", field="retry_days")
    if wanted.get("after_retries", "cancel") not in ENDS:
        raise BadInput(f"after_retries is one of {', '.join(ENDS)}.", field="after_retries")
    if not _is_day(wanted.get("upcoming_days", 7)):
        raise BadInput("upcoming_days is a number of days.", field="upcoming_days")
    return wanted


def target(world: World, wanted: object) -> int:
    """The moment that the clock is to be turned to. Raises BadInput: it only goes forward, and not for ever."""
    now = world.now()
    if not isinstance(wanted, dict):
        raise BadInput('Send {"seconds": 3600}, {"until": 1800000000} or {"to": "next"}.')
    if wanted.get("to") == "next":
        return max(clock.next_due(world) or now, now)
    until = _number(wanted.get("until")) if "until" in wanted else now + _number(wanted.get("seconds"))
    if not now <= until <= now + FARTHEST:
        raise BadInput("The clock goes forward only, by ten years at most.", field="seconds")
    return until


def _number(value: object) -> int:
    """A number of seconds; one long before the beginning for what is none."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
    return int(value) if fits else -(10**12)  # type: ignore[call-overload]  # it was just seen to be a number


def _is_day(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 60
