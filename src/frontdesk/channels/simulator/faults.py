"""What can be made to go wrong, for one number at a time: in the answers to sends and in the webhooks."""

from collections.abc import Callable
from typing import Any, Literal

from frontdesk import switches
from frontdesk.switches import Switch

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


class Faults:
    """The switches of one number."""

    def __init__(self, on: dict[str, Switch] | None = None) -> None:
        """Start with these switched on."""
        self.on: dict[str, Switch] = on or {}

    def hit(self, name: Name) -> Switch | None:
        """The switch, if it is on and strikes now; one that has struck for the last time is off afterwards."""
        return switches.strike(self.on, name)

    def described(self) -> dict[str, Any]:
        """The switches that are on, in the form that `parse` reads."""
        return switches.described(self.on, OPTIONS)


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
    return Faults(switches.parse(wanted, OPTIONS, least_status=400))
