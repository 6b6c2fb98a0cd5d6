"""Every address of Stripe's API that the simulator knows, in one table."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from frontdesk.billing.simulator import (
    billing_addresses,
    coupons,
    customers,
    event_destinations,
    events,
    meters,
    portal_configurations,
    prices,
    products,
    promotion_codes,
    tax_ids,
    thin_events,
    webhook_endpoints,
)
from frontdesk.billing.simulator.expanding import Includable
from frontdesk.billing.simulator.searching import FIELDS, search

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


def thing(path: str, name: str, module: Any, verbs: str) -> list[Route]:
    """The usual addresses of one kind of object, for those of the verbs that its module has."""
    usual = {
        "create": ("POST", path),
        "index": ("GET", path),
        "retrieve": ("GET", f"{path}/{{{name}}}"),
        "update": ("POST", f"{path}/{{{name}}}"),
        "delete": ("DELETE", f"{path}/{{{name}}}"),
    }
    return [Route(*usual[verb], getattr(module, verb)) for verb in verbs.split()]


ROUTES: list[Route] = [
    *(Route("GET", f"/v1/{kind}s/search", search(kind)) for kind in FIELDS),
    *thing("/v1/customers", "customer", customers, "create retrieve update delete index"),
    *thing("/v1/customers/{customer}/tax_ids", "tax_id", tax_ids, "create retrieve delete index"),
    *thing("/v1/products", "product", products, "create retrieve update delete index"),
    *thing("/v1/prices", "price", prices, "create retrieve update index"),
    *thing("/v1/coupons", "coupon", coupons, "create retrieve update delete index"),
    *thing("/v1/promotion_codes", "promotion_code", promotion_codes, "create retrieve update index"),
    *thing("/v1/events", "event", events, "retrieve index"),
    Route("GET", "/v2/core/events/{event}", thin_events.retrieve),
    *thing("/v2/core/event_destinations", "destination", event_destinations, "create retrieve update delete index"),
    Route("POST", "/v2/core/event_destinations/{destination}/enable", event_destinations.enable),
    Route("POST", "/v2/core/event_destinations/{destination}/disable", event_destinations.disable),
    *thing("/v1/webhook_endpoints", "endpoint", webhook_endpoints, "create retrieve update delete index"),
    *thing("/v1/billing_portal/configurations", "configuration", portal_configurations, "create retrieve update index"),
    *(Route(*one) for one in billing_addresses.ADDRESSES),
    *thing("/v1/billing/meters", "meter", meters, "create retrieve update index"),
    Route("POST", "/v1/billing/meters/{meter}/deactivate", meters.deactivate),
    Route("POST", "/v1/billing/meters/{meter}/reactivate", meters.reactivate),
    Route("GET", "/v1/billing/meters/{meter}/event_summaries", meters.summaries),
    Route("POST", "/v1/billing/meter_events", meters.tell),
    Route("POST", "/v1/billing/meter_event_adjustments", meters.adjust),
]
"""The first that fits counts: fixed words stand before names."""

INCLUDABLE: dict[tuple[str, str], Includable] = {
    ("billing_portal.configuration", "features.subscription_update.products"): portal_configurations.products,
    ("coupon", "applies_to"): coupons.applies_to,
    ("customer", "subscriptions"): customers.subscriptions,
    ("customer", "tax"): customers.tax,
    ("customer", "tax_ids"): customers.listed_tax_ids,
    ("price", "tiers"): prices.tiers,
    **billing_addresses.SHOWN_ON_DEMAND,
}
"""Fields that are shown only to whoever expands them, by the kind of their object and their place in it."""


def match(method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
    """Who answers at this address, and the words that stand for its names."""
    for route in ROUTES:
        if route.method == method and (found := route.compiled.fullmatch(path)):
            return route.function, found.groupdict()
    return None
