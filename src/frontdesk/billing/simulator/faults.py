"""Everything that can be made to go wrong between Stripe and the product, one switch each."""

from dataclasses import asdict
from typing import Any, Literal

from frontdesk import switches as each
from frontdesk.billing.simulator.world import World
from frontdesk.switches import Switch

Name = Literal["answer_429", "answer_500", "delay", "drop", "duplicate", "lose_answer", "reorder", "slow", "stale_timestamp", "wrong_secret"]
OPTIONS: dict[str, dict[str, float]] = {
    "answer_429": {},
    "answer_500": {"status": 500},
    "delay": {"seconds": 30},
    "drop": {"every": 1},
    "duplicate": {"every": 1},
    "lose_answer": {},
    "reorder": {"seconds": 2},
    "slow": {"seconds": 5},
    "stale_timestamp": {"seconds": 600, "every": 1},
    "wrong_secret": {"every": 1},
}
"""Every switch with the options it takes beside `count`, and their usual values.

Calls of the API: answer_429 and answer_500 refuse them before anything is done, lose_answer does what is asked and then says 500, slow
waits first. Webhooks: delay and reorder hold them back, drop never sends them, duplicate sends what was taken once more, stale_timestamp
and wrong_secret spoil the signature (with the next try it is right again, unless the switch strikes once more).
"""
OF_CALLS: tuple[Name, ...] = ("slow", "answer_429", "answer_500", "lose_answer")
PLACE = "faults"


def on(world: World) -> dict[str, Switch]:
    """The switches that are on."""
    return {name: Switch(**switch) for name, switch in world.private(PLACE).items()}


def put(world: World, switches: dict[str, Switch]) -> None:
    """These are on, and no others."""
    world.put_private(PLACE, {name: asdict(switch) for name, switch in switches.items()})


def strike(world: World, name: Name) -> Switch | None:
    """The switch, if it is on and strikes now; counts, and switches off what has struck for the last time."""
    switches = on(world)
    if name not in switches:
        return None
    struck = each.strike(switches, name)
    put(world, switches)
    return struck


def described(world: World) -> dict[str, Any]:
    """The switches that are on, in the form that `parse` reads."""
    return each.described(on(world), OPTIONS)


def parse(wanted: object) -> dict[str, Switch]:
    """Read `{"duplicate": true, "delay": {"seconds": 3, "count": 2}}`. Raises BadSwitch naming the switch or option."""
    return each.parse(wanted, OPTIONS, least_status=500)
