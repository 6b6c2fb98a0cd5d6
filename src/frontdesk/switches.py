"""Faults that can be switched on in a simulator: what each takes, how often it strikes, and how somebody says so."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from frontdesk.errors import BadInput

Options = Mapping[str, Mapping[str, float]]
"""Every switch of a simulator with the options it takes beside `count`, and their usual values."""


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


def strike(on: dict[str, Switch], name: str) -> Switch | None:
    """The switch, if it is among those that are on and strikes now; one that has struck for the last time is off afterwards."""
    switch = on.get(name)
    if switch is None or not switch.strikes():
        return None
    if switch.count is not None and switch.count <= 0:
        del on[name]
    return switch


def described(on: Mapping[str, Switch], options: Options) -> dict[str, Any]:
    """The switches that are on, in the form that `parse` reads."""
    return {name: {option: value for option, value in asdict(switch).items() if option in {"count", *options[name]}} for name, switch in on.items()}


def parse(wanted: object, options: Options, *, least_status: int) -> dict[str, Switch]:
    """Read `{"duplicate": true, "delay": {"seconds": 3, "count": 2}}`. Raises BadSwitch naming the switch or option.

    least_status: the first status that an answer may be given instead of its own.
    """
    if not isinstance(wanted, dict):
        raise BadSwitch("Send a JSON object of switches.")
    return {name: _switch(name, value, options, least_status) for name, value in wanted.items() if value is not False}


def _switch(name: str, value: object, options: Options, least_status: int) -> Switch:
    if name not in options:
        raise BadSwitch(f"There is no such switch. There are: {', '.join(sorted(options))}.", field=name)
    if value is True:
        value = {}
    if not isinstance(value, dict):
        raise BadSwitch(field=name)
    usual: dict[str, Any] = {"count": None, **options[name]}
    for option, given in value.items():
        if option not in usual:
            raise BadSwitch(f"{name} has no option {option}.", field=f"{name}.{option}")
        _check(name, option, given, least_status)
    return Switch(**{option: value.get(option, one) for option, one in usual.items()})


def _check(name: str, option: str, given: object, least_status: int) -> None:
    if option == "count" and given is None:
        return
    if isinstance(given, bool) or not isinstance(given, int if option != "seconds" else (int, float)):
        raise BadSwitch(f"{option} must be a number.", field=f"{name}.{option}")
    if option == "seconds" and not 0 <= given <= 3600:
        raise BadSwitch("seconds must be between 0 and 3600.", field=f"{name}.seconds")
    if option in ("count", "every") and given < 1:
        raise BadSwitch(f"{option} must be at least 1.", field=f"{name}.{option}")
    if option == "status" and not least_status <= given <= 599:
        raise BadSwitch(f"status must be between {least_status} and 599.", field=f"{name}.status")
