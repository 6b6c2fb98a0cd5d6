"""Plans as an operator edits them."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

FREE = "free"  # what is left without a plan; it is not for sale
INTERVALS = ("month", "year")


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan. prices: minor units by interval, of what is sold now; organizations: how many have it."""

    id: str
    name: str
    description: str
    currency: str
    limits: dict[str, int | None]
    features: dict[str, bool]
    overage: dict[str, int]
    retired_at: datetime | None
    prices: dict[str, int]
    organizations: int

    @property
    def edited(self) -> dict[str, Any]:
        """What can be changed about it, in one line: what an audit entry compares."""
        said = {f"limit_{name}": value for name, value in self.limits.items()} | {f"feature_{name}": value for name, value in self.features.items()}
        return {"name": self.name, "description": self.description} | said | {f"overage_{name}": value for name, value in self.overage.items()}


def minor(written: str) -> int | None:
    """An amount as people write it, in minor units: "29", "29.50" or "29,50". None for nothing. Raises ValueError for what is no amount."""
    plain = written.strip().replace(",", ".").removeprefix("€").strip()
    if not plain:
        return None
    try:
        amount = Decimal(plain) * 100
    except InvalidOperation:
        raise ValueError(written) from None
    if not amount.is_finite() or amount != amount.to_integral_value() or not 0 < amount <= 100_000_000:
        raise ValueError(written)
    return int(amount)


def count(written: str) -> int | None:
    """A limit as it is typed; nothing is no limit. Raises ValueError for what is no number."""
    plain = "".join(written.split()).replace(",", "")
    if not plain:
        return None
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 12):
        raise ValueError(written)
    return int(plain)
