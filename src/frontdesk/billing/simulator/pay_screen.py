"""What the pay page shows."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from babel import Locale

from frontdesk.billing.simulator import buying, discounting, lines, paying
from frontdesk.billing.simulator.periods import containing
from frontdesk.billing.simulator.taxes import SELLER
from frontdesk.billing.simulator.typed_cards import SHOWN
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
NOT_PLACES = {"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"}
"""Codes that stand for no country that one could live in."""


def view(world: World, id: str) -> Object:
    """The page of a session, as its template takes it."""
    session = paying.session_of(world, id)
    customer = world.found(session["customer"]) if session["customer"] else None
    discount = paying.discount_of(world, session)
    discounts = [discount] if discount else buying.discounts_for(world, session) if session["status"] == "open" else []
    quoted = buying.quote(world, session, discounts)
    return {
        "session": session, "customer": customer, "quoted": quoted, "lines": _lines(world, session, quoted), "off": _sum(quoted["total_discount_amounts"]),
        "tax": _sum(quoted["total_taxes"]), "discount": discount, "code": world.private(id).get("code") or "", "then": _then(world, session),
        "free": buying.is_free(session, quoted), "asks_tax_id": bool(world.private(id).get("tax_ids")), "cards": SHOWN,
        "trial_ends": moment(buying.trial_end(world, session)), "country": country_of(customer), "coupon": _coupon(world, discounts),
    }  # fmt: skip


def moment(at: int | None) -> datetime | None:
    """A time of the simulated clock, for a page."""
    return datetime.fromtimestamp(at, UTC) if at else None


def country_of(customer: Object | None) -> str:
    """Where a customer lives, or where most do."""
    return str(((customer or {}).get("address") or {}).get("country") or SELLER)


@cache
def countries(locale: str) -> list[tuple[str, str]]:
    """Code and name of every country, by name."""
    named = Locale.parse(locale).territories
    return sorted(((code, name) for code, name in named.items() if len(code) == 2 and code.isalpha() and code not in NOT_PLACES), key=lambda one: one[1])


def _lines(world: World, session: Object, quoted: Object) -> list[Object]:
    """Each line with its product's name, its price and its rhythm."""
    shown = []
    for one, line in zip(buying.sold(world, session), quoted["lines"]["data"], strict=True):
        price = world.get(one["price"])
        shown.append({"name": lines.name_of(world, price), "quantity": one["quantity"], "amount": line["amount"], "price": price})
    return shown


def _then(world: World, session: Object) -> Object | None:
    """What is charged later, and when first: nothing for what is bought once."""
    recurring = [(world.get(one["price"]), int(one["quantity"])) for one in buying.sold(world, session)]
    recurring = [(price, quantity) for price, quantity in recurring if price["type"] == "recurring"]
    if not recurring:
        return None
    amount = sum(int(price["unit_amount"] or 0) * quantity for price, quantity in recurring)
    rhythm = recurring[0][0]["recurring"]
    first = buying.trial_end(world, session) or containing(world.now(), rhythm, world.now())[1]
    return {"amount": amount, "interval": rhythm["interval"], "count": int(rhythm["interval_count"] or 1), "first": moment(first)}


def _coupon(world: World, discounts: list[Object]) -> Object | None:
    return discounting.behind(world, discounts[0]) if discounts else None


def _sum(parts: list[Object]) -> int:
    return sum(int(one["amount"]) for one in parts)
