"""What can be made to go wrong, for one number at a time: in the answers to sends and in the webhooks."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from frontdesk.errors import BadInput

Name = Literal[
    "answer_429", "answer_500", "answer_502", "delay", "drop", "duplicate",
    "early_statuses", "lose", "reorder", "reset_after", "reset_before", "slow",
]  # fmt: skip
OPTIONS: dict[str, dict[str, float]] = {
    "answer_429": {"status": 429},
    "answer_500": {"status": 500},
    "answer_502": {},
    "delay": {"seconds": 30},
    "drop": {"seconds": 5, "every": 1},
    "duplicate": {},
    "early_statuses": {},
    "lose": {"every": 1},
    "reorder": {"seconds": 0.3},
    "reset_after": {},
    "reset_before": {},
    "slow": {"seconds": 5},
}
"""Every switch with the options it takes beside `count`, and their usual values."""


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


class Faults:
    """The switches of one number."""

    def __init__(self, switches: dict[str, Switch] | None = None) -> None:
        """Start with these switched on."""
        self.on: dict[str, Switch] = switches or {}

    def hit(self, name: Name) -> Switch | None:
        """The switch, if it is on and strikes now; one that has struck for the last time is off afterwards."""
        switch = self.on.get(name)
        if switch is None or not switch.strikes():
            return None
        if switch.count is not None and switch.count <= 0:
            del self.on[name]
        return switch

    def described(self) -> dict[str, Any]:
        """The switches that are on, in the form that `parse` reads."""
        return {name: _options(name, switch) for name, switch in self.on.items()}


class Switchboard:
    """The switches of all numbers; `changed` is called with a number whose switches are other than before."""

    def __init__(self, changed: Callable[[str, Faults], None]) -> None:
        """Start with everything going right."""
        self._faults: dict[str, Faults] = {}
        self._changed = changed

    def of(self, phone_number_id: str) -> Faults:
        """The switches of this number."""
        return self._faults.get(phone_number_id) or Faults()

    def restore(self, phone_number_id: str, faults: Faults) -> None:
        """Take over switches that are kept already."""
        self._faults[phone_number_id] = faults

    def put(self, phone_number_id: str, faults: Faults) -> None:
        """Set the switches of this number, all of them."""
        self._faults[phone_number_id] = faults
        self._changed(phone_number_id, faults)

    def strike(self, phone_number_id: str, name: Name) -> Switch | None:
        """The switch, if it is on and strikes now; counts it."""
        faults = self._faults.get(phone_number_id)
        switch = faults.hit(name) if faults else None
        if faults and switch and switch.count is not None:
            self._changed(phone_number_id, faults)
        return switch

    def forget(self) -> None:
        """Everything goes right again, everywhere."""
        self._faults.clear()


def parse(wanted: object) -> Faults:
    """Read `{"duplicate": true, "slow": {"seconds": 3, "count": 2}}`. Raises BadSwitch naming the switch or option."""
    if not isinstance(wanted, dict):
        raise BadSwitch("Send a JSON object of switches.")
    return Faults({name: _switch(name, value) for name, value in wanted.items() if value is not False})


def _switch(name: str, value: object) -> Switch:
    if name not in OPTIONS:
        raise BadSwitch(f"There is no such switch. There are: {', '.join(sorted(OPTIONS))}.", field=name)
    if value is True:
        value = {}
    if not isinstance(value, dict):
        raise BadSwitch(field=name)
    known: dict[str, Any] = {"count": None, **OPTIONS[name]}
    for option, given in value.items():
        if option not in known:
            raise BadSwitch(f"{name} has no option {option}.", field=f"{name}.{option}")
        _check(name, option, given)
    return Switch(**{option: value.get(option, usual) for option, usual in known.items()})


def _check(name: str, option: str, given: object) -> None:
    if option == "count" and given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int if option != "seconds" else (int, float)):
        raise BadSwitch(f"{option} must be a number.", field=f"{name}.{option}")
    if option == "seconds" and not 0 <= given <= 3600:
        raise BadSwitch("seconds must be between 0 and 3600.", field=f"{name}.seconds")
    if option in ("count", "every") and given < 1:
        raise BadSwitch(f"{option} must be at least 1.", field=f"{name}.{option}")
    if option == "status" and not 400 <= given <= 599:
        raise BadSwitch("status must be between 400 and 599.", field=f"{name}.status")


def _options(name: str, switch: Switch) -> dict[str, Any]:
    return {option: value for option, value in asdict(switch).items() if option in {"count", *OPTIONS[name]}}
