"""The sums of an invoice: lines, discounts, tax, and the customer's balance, in cents.

https://docs.stripe.com/api/invoices/object: subtotal is before discounts, total after tax, amount_due after the balance. A total below nothing
is owed to the customer: it goes to the balance, and later invoices are paid from there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.billing.simulator.discounts import shares
from frontdesk.billing.simulator.taxes import Tax

Line = dict[str, Any]
SMALLEST = 50
"""Cents below which no card is charged. Source: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts"""


@dataclass(frozen=True, slots=True)
class Reduction:
    """A discount that takes part in an invoice: its id, and the coupon behind it."""

    discount: str
    coupon: Mapping[str, Any]


def add_up(lines: Sequence[Line], reductions: Sequence[Reduction], tax: Tax | None, balance: int, currency: str) -> tuple[list[Line], dict[str, Any]]:
    """The lines with what each discount takes off them and their tax, and the invoice's sums. A balance below nothing is the customer's money."""
    reduced = _reduce([dict(line) for line in lines], reductions, currency)
    taxed = [_taxed(line, tax) for line in reduced]
    subtotal = sum(int(line["amount"]) for line in taxed)
    after_discounts = sum(net(line) for line in taxed)
    levied = sum(int(one["amount"]) for line in taxed for one in line["taxes"] or [])
    included = tax is not None and tax.inclusive
    total = after_discounts if included else after_discounts + levied
    due, ending = pay_from_balance(total, balance)
    sums = {
        "subtotal": subtotal, "total": total, "subtotal_excluding_tax": subtotal - (levied if included else 0),
        "total_excluding_tax": total - levied, "amount_due": due, "amount_remaining": due, "amount_paid": 0,
        "starting_balance": balance, "ending_balance": ending,
        "total_discount_amounts": _by_discount(taxed), "total_taxes": _total_taxes(taxed, tax),
    }  # fmt: skip
    return taxed, sums


def net(line: Mapping[str, Any]) -> int:
    """What a line comes to after its discounts."""
    return int(line["amount"]) - sum(int(one["amount"]) for one in line.get("discount_amounts") or [])


def pay_from_balance(total: int, balance: int) -> tuple[int, int]:
    """What is due of a total, and what the balance is afterwards. Below nothing: credit; above: owed from before, as it was too little to charge."""
    owed = total + balance
    return (owed, 0) if owed >= SMALLEST else (0, owed)


def _reduce(lines: list[Line], reductions: Sequence[Reduction], currency: str) -> list[Line]:
    """Each discount works on what the one before it has left."""
    for line in lines:
        line["discount_amounts"] = []
    for one in reductions:
        able = [line for line in lines if line.get("discountable", True) and _covers(one.coupon, line)]
        for line, amount in zip(able, shares(one.coupon, [net(line) for line in able], currency), strict=True):
            if amount:
                line["discount_amounts"].append({"amount": amount, "discount": one.discount})
    return lines


def _covers(coupon: Mapping[str, Any], line: Line) -> bool:
    """A coupon may be for some products only."""
    products = (coupon.get("applies_to") or {}).get("products")
    details = (line.get("pricing") or {}).get("price_details") or {}
    return not products or details.get("product") in products


def _taxed(line: Line, tax: Tax | None) -> Line:
    if tax is None:
        return line | {"taxes": []}
    behavior = "inclusive" if tax.inclusive else "exclusive"
    return line | {"taxes": [_tax_entry(tax.of(net(line)), net(line), behavior, tax.reason)]}


def _tax_entry(amount: int, base: int, behavior: str, reason: str) -> dict[str, Any]:
    return {
        "amount": amount,
        "tax_behavior": behavior,
        "tax_rate_details": None,
        "taxability_reason": reason,
        "taxable_amount": base,
        "type": "tax_rate_details",
    }


def _by_discount(lines: Sequence[Line]) -> list[dict[str, Any]]:
    found: dict[str, int] = {}
    for line in lines:
        for one in line["discount_amounts"]:
            found[one["discount"]] = found.get(one["discount"], 0) + int(one["amount"])
    return [{"amount": amount, "discount": discount} for discount, amount in found.items()]


def _total_taxes(lines: Sequence[Line], tax: Tax | None) -> list[dict[str, Any]]:
    if tax is None:
        return []
    entries = [one for line in lines for one in line["taxes"]]
    behavior = "inclusive" if tax.inclusive else "exclusive"
    return [_tax_entry(sum(one["amount"] for one in entries), sum(one["taxable_amount"] for one in entries), behavior, tax.reason)]
