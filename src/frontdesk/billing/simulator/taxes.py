"""VAT as the stand-in of Stripe Tax works it out: the customer's country, its standard rate, and reverse charge for businesses abroad.

The rates are those of 2026 for the standard rate of each country; what a tax office would ask beyond that is not simulated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from frontdesk.billing.simulator.proration import rounded

SELLER = "DE"
"""The country of the simulated account."""

RATES = {
    "AT": "20", "BE": "21", "BG": "20", "CY": "19", "CZ": "21", "DE": "19", "DK": "25", "EE": "24", "ES": "21", "FI": "25.5", "FR": "20", "GR": "24",
    "HR": "25", "HU": "27", "IE": "23", "IT": "22", "LT": "21", "LU": "17", "LV": "21", "MT": "18", "NL": "21", "PL": "23", "PT": "23", "RO": "21",
    "SE": "25", "SI": "22", "SK": "23",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of one customer: percent, and why it is what it is in Stripe's words."""

    percent: Fraction
    reason: str
    inclusive: bool = False

    def of(self, amount: int) -> int:
        """The tax on an amount of cents, or the tax that is in it."""
        if self.inclusive:
            return rounded(amount * self.percent / (100 + self.percent))
        return rounded(amount * self.percent / 100)


def status_of(customer: Mapping[str, Any]) -> str:
    """Stripe's word for whether the place is known: without a country no tax can be worked out."""
    return "complete" if country_of(customer) else "requires_location_inputs"


def country_of(customer: Mapping[str, Any]) -> str | None:
    """Where the customer is, as far as is known."""
    return (customer.get("address") or {}).get("country") or None


def tax_for(customer: Mapping[str, Any], tax_ids: Sequence[Mapping[str, Any]], behaviors: Sequence[str | None]) -> Tax | None:
    """The tax of a customer for prices with these tax behaviors, or None where the place is not known."""
    country = country_of(customer)
    if country is None:
        return None
    inclusive = bool(behaviors) and all(one == "inclusive" for one in behaviors)
    if customer.get("tax_exempt") == "exempt":
        return Tax(Fraction(0), "customer_exempt", inclusive)
    if country not in RATES:
        return Tax(Fraction(0), "not_collecting", inclusive)
    abroad = country != SELLER and any(one.get("type") == "eu_vat" for one in tax_ids)
    if abroad or customer.get("tax_exempt") == "reverse":
        return Tax(Fraction(0), "reverse_charge", inclusive)
    return Tax(Fraction(RATES[country]), "standard_rated", inclusive)
