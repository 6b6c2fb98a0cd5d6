"""What a change in the middle of a period costs: a credit for the time that is not used, a charge for the time that remains.

https://docs.stripe.com/billing/subscriptions/prorations: by the second, from `proration_date`, each rounded to the cent. In the flexible billing mode
a credit is a part of what was really billed, discounts included, not of the price as it stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Billed:
    """What was billed for an item: its amount in cents without discounts and taxes, and the time that it pays for."""

    amount: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Proration:
    """One line of a change: cents (negative: a credit), what it says, the item and the price, and the time it is about."""

    amount: int
    description: str
    item: str
    price: Mapping[str, Any]
    quantity: int
    start: int
    end: int
    is_credit: bool


def credit(item: Mapping[str, Any], billed: Billed | None, at: int, name: str) -> Proration:
    """What comes back for an item that is left at `at`. Nothing was billed during a trial: then nothing comes back."""
    end = billed.end if billed else int(item["current_period_end"])
    amount = part(billed.amount, at, billed.start, billed.end) if billed else 0
    said = f"Unused time on {counted(item, name)} after {day(at)}"
    return Proration(-amount, said, item["id"], item["price"], quantity_of(item), at, end, True)


def charge(item: Mapping[str, Any], period: tuple[int, int], at: int, name: str) -> Proration:
    """What an item costs from `at` to the end of the period."""
    amount = part(cost(item), at, *period)
    said = f"Remaining time on {counted(item, name)} after {day(at)}"
    return Proration(amount, said, item["id"], item["price"], quantity_of(item), at, period[1], False)


def part(amount: int, at: int, start: int, end: int) -> int:
    """The share of an amount that falls on the time from `at` to the end of its period, to the cent."""
    if end <= start:
        return 0
    share = Fraction(min(max(end - at, 0), end - start), end - start)
    return rounded(amount * share)


def rounded(amount: Fraction) -> int:
    """To whole cents; half a cent goes up, away from zero for what is paid and for what comes back alike."""
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def cost(item: Mapping[str, Any]) -> int:
    """What an item costs for a whole period, in cents."""
    price = item["price"]
    each = Fraction(str(price.get("unit_amount_decimal") or price.get("unit_amount") or 0))
    return rounded(each * quantity_of(item))


def quantity_of(item: Mapping[str, Any]) -> int:
    """How many of a price are bought; one, unless it says otherwise."""
    quantity = item.get("quantity")
    return 1 if quantity is None else int(quantity)


def counted(item: Mapping[str, Any], name: str) -> str:
    """`Professional`, or `3 × Seat`."""
    return name if quantity_of(item) == 1 else f"{quantity_of(item)} × {name}"


def day(at: int) -> str:
    """`27 Nov 2026`, as Stripe writes the days of its lines."""
    when = datetime.fromtimestamp(at, UTC)
    return f"{when.day} {when.strftime('%b %Y')}"


def changed(before: Sequence[Item], later: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Which items are left and which are begun. What stays with the same price and quantity is in neither."""
    same = {(one["id"], one["price"]["id"], quantity_of(one)) for one in before} & {(one["id"], one["price"]["id"], quantity_of(one)) for one in later}

    def apart(items: Sequence[Item]) -> list[Item]:
        return [one for one in items if (one["id"], one["price"]["id"], quantity_of(one)) not in same]

    return apart(before), apart(later)
