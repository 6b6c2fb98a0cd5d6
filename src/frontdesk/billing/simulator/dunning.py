"""When a payment that failed is tried again, and what becomes of the subscription when all tries are used up.

Stripe calls it Smart Retries or a custom schedule (https://docs.stripe.com/billing/revenue-recovery/smart-retries), and what happens in the end
is a setting of the account: cancel, mark as unpaid, or leave past due.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.billing.simulator.periods import DAY

ENDS = ("cancel", "unpaid", "past_due")


@dataclass(frozen=True, slots=True)
class Plan:
    """The account's settings: on which days after the first failure it is tried again, and the end."""

    days: Sequence[int] = (3, 7, 14, 21)
    end: str = "cancel"
    upcoming_days: int = 7

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Plan":
        """The plan that these settings say; what they leave out is as usual."""
        usual = cls()
        days = tuple(int(day) for day in settings.get("retry_days") or usual.days)
        return cls(days, str(settings.get("after_retries") or usual.end), int(settings.get("upcoming_days") or usual.upcoming_days))


def next_try(plan: Plan, attempts: int, first_failure: int) -> int | None:
    """When an invoice is tried again after so many attempts, or None when that was the last."""
    made = attempts - 1
    return first_failure + plan.days[made] * DAY if 0 <= made < len(plan.days) else None
