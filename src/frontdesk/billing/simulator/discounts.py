"""What coupons take off an invoice, and how long they do.

https://docs.stripe.com/billing/subscriptions/coupons: a percentage or an amount, once, for some months, or for ever.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from frontdesk.billing.simulator.periods import months_after
from frontdesk.billing.simulator.proration import rounded


def end_of(coupon: Mapping[str, Any], start: int) -> int | None:
    """When a discount that starts now ends by itself: a coupon for ever or for one invoice says nothing of time."""
    if coupon["duration"] == "repeating":
        return months_after(start, int(coupon.get("duration_in_months") or 1))
    return None


def holds(discount: Mapping[str, Any], coupon: Mapping[str, Any], at: int, *, used: bool) -> bool:
    """Whether a discount still takes something off at this moment. `used`: whether an invoice has carried it."""
    if coupon["duration"] == "once":
        return not used
    return discount.get("end") is None or at < int(discount["end"])


def shares(coupon: Mapping[str, Any], amounts: Sequence[int], currency: str) -> list[int]:
    """What a coupon takes off each of these amounts, in cents, together never more than there is. Credits are left alone."""
    base = [max(amount, 0) for amount in amounts]
    whole = _reduction(coupon, sum(base), currency)
    return spread(whole, base)


def spread(whole: int, weights: Sequence[int]) -> list[int]:
    """Split an amount over weights so that the parts add up to it exactly: the largest remainders get the odd cents."""
    total = sum(weights)
    if total == 0:
        return [0] * len(weights)
    exact = [Fraction(whole * weight, total) for weight in weights]
    parts = [int(one) for one in exact]
    odd = whole - sum(parts)
    for place in sorted(range(len(parts)), key=lambda n: parts[n] - exact[n])[:odd]:
        parts[place] += 1
    return parts


def _reduction(coupon: Mapping[str, Any], total: int, currency: str) -> int:
    if coupon.get("percent_off") is not None:
        return rounded(Fraction(str(coupon["percent_off"])) * total / 100)
    if coupon.get("amount_off") is not None and coupon.get("currency") == currency:
        return min(int(coupon["amount_off"]), total)
    return 0


def refusal(code: Mapping[str, Any], coupon: Mapping[str, Any], *, customer: str | None, amount: int, at: int, bought_before: bool) -> str | None:
    """Why a promotion code cannot be redeemed, in the words of the pay page; None if it can."""
    limits = code.get("restrictions") or {}
    least = limits.get("minimum_amount")
    reasons = {
        "This code is invalid.": not code.get("active") or not coupon.get("valid"),
        "This code has expired.": _over(code.get("expires_at"), at) or _over(coupon.get("redeem_by"), at),
        "This code has been used as often as it may be.": _spent(code) or _spent(coupon),
        "This code is for another customer.": bool(code.get("customer")) and code["customer"] != customer,
        "This code is for the first purchase only.": bool(limits.get("first_time_transaction")) and bought_before,
        "This code is for larger purchases.": least is not None and amount < int(least),
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def _over(end: Any, at: int) -> bool:
    return end is not None and at >= int(end)


def _spent(one: Mapping[str, Any]) -> bool:
    most = one.get("max_redemptions")
    return most is not None and int(one.get("times_redeemed") or 0) >= int(most)
