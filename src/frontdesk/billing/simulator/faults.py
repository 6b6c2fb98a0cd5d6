"""Everything that can be made to go wrong between Stripe and the product, one switch each."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from frontdesk.billing.simulator.world import World
from frontdesk.errors import BadInput

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


class BadSwitch(BadInput):
    """A switch is true, false, or an object with its options."""


@dataclass(slots=True)
class Switch:
    """One fault that is on. `count`: how often it still strikes, None without end; `every`: each how manieth time."""

    count: int | None = None
    seconds: float = 0
    every: int = 1
    status: int = 0
    chances: int = 0

    def strikes(self) -> bool:
        """Whether it strikes this time; counts."""
        self.chances += 1
        if self.chances % self.every:
            return False
        if self.count is not None:
            self.count -= 1
        return True


def on(world: World) -> dict[str, Switch]:
    """The switches that are on."""
    return {name: Switch(**switch) for name, switch in world.private(PLACE).items()}


def put(world: World, switches: dict[str, Switch]) -> None:
    """These are on, and no others."""
    world.put_private(PLACE, {name: asdict(switch) for name, switch in switches.items()})


def strike(world: World, name: Name) -> Switch | None:
    """The switch, if it is on and strikes now; counts, and switches off what has struck for the last time."""
    switches = on(world)
    switch = switches.get(name)
    if switch is None:
        return None
    struck = switch.strikes()
    if switch.count is not None and switch.count <= 0:
        del switches[name]
    put(world, switches)
    return switch if struck else None


def described(world: World) -> dict[str, Any]:
    """The switches that are on, in the form that `parse` reads."""
    return {name: {option: value for option, value in asdict(switch).items() if option in {"count", *OPTIONS[name]}} for name, switch in on(world).items()}


def parse(wanted: object) -> dict[str, Switch]:
    """Read `{"duplicate": true, "delay": {"seconds": 3, "count": 2}}`. Raises BadSwitch naming the switch or option."""
    if not isinstance(wanted, dict):
        raise BadSwitch("Send a JSON object of switches.")
    return {name: _switch(name, value) for name, value in wanted.items() if value is not False}


def _switch(name: str, value: object) -> Switch:
    if name not in OPTIONS:
        raise BadSwitch(f"There is no such switch. There are: {', '.join(sorted(OPTIONS))}.", field=name)
    if value is True:
        value = {}
    if not isinstance(value, dict):
        raise BadSwitch(field=name)
    usual: dict[str, Any] = {"count": None, **OPTIONS[name]}
    for option, given in value.items():
        if option not in usual:
            raise BadSwitch(f"{name} has no option {option}.", field=f"{name}.{option}")
        _check(name, option, given)
    return Switch(**{option: value.get(option, one) for option, one in usual.items()})


def _check(name: str, option: str, given: object) -> None:
    if option == "count" and given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int if option != "seconds" else (int, float)):
        raise BadSwitch(f"{option} must be a number.", field=f"{name}.{option}")
    if option == "seconds" and not 0 <= given <= 3600:
        raise BadSwitch("seconds must be between 0 and 3600.", field=f"{name}.seconds")
    if option in ("count", "every") and given < 1:
        raise BadSwitch(f"{option} must be at least 1.", field=f"{name}.{option}")
    if option == "status" and not 500 <= given <= 599:
        raise BadSwitch("status must be between 500 and 599.", field=f"{name}.status")
