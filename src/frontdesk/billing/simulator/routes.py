"""Every address of Stripe's API that the simulator knows, in one table."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from frontdesk.billing.simulator import customers
from frontdesk.billing.simulator.expanding import Includable

Handler = Callable[..., dict[str, Any]]
"""`handler(world, params, **path)`, in the thread of the store and inside one transaction; it waits for nobody."""


@dataclass(frozen=True)
class Route:
    """One address: `/v1/customers/{customer}` takes one word for `customer`."""

    method: str
    pattern: str
    function: Handler
    compiled: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Make the pattern ready for matching."""
        object.__setattr__(
            self, "compiled", re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", re.escape(self.pattern).replace(r"\{", "{").replace(r"\}", "}")))
        )


ROUTES: list[Route] = [
    Route("POST", "/v1/customers", customers.create),
    Route("GET", "/v1/customers", customers.index),
    Route("GET", "/v1/customers/{customer}", customers.retrieve),
    Route("POST", "/v1/customers/{customer}", customers.update),
    Route("DELETE", "/v1/customers/{customer}", customers.delete),
]
"""The first that fits counts: fixed words stand before names."""

INCLUDABLE: dict[tuple[str, str], Includable] = {}
"""Fields that are shown only to whoever expands them, by kind and name."""


def match(method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
    """Who answers at this address, and the words that stand for its names."""
    for route in ROUTES:
        if route.method == method and (found := route.compiled.fullmatch(path)):
            return route.function, found.groupdict()
    return None
