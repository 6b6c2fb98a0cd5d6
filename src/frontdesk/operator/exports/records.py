"""What is written of each thing. Imports nothing of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

COLUMNS = {
    "organizations": (
        "id", "name", "short_name", "owner", "owner_email", "plan", "interval", "state", "messages", "messages_allowed", "members", "numbers",
        "numbers_stopped", "events_kept", "mrr", "currency", "trial_ends_at", "ends_at", "created_at", "last_active_at",
    ),
    "users": ("id", "name", "email", "email_confirmed", "shut_out", "second_factor", "operator", "organizations", "created_at", "last_active_at"),
    "events": ("id", "event", "type", "organization_id", "organization", "happened_at", "received_at", "state", "attempts", "error"),
    "invoices": (
        "organization_id", "organization", "invoice", "number", "status", "reason", "currency", "before_tax", "total", "paid", "remaining", "issued_at",
        "paid_at", "attempts",
    ),
    "revenue": (
        "month", "currency", "mrr", "new", "upgrades", "downgrades", "leaving", "net", "paying", "came", "left", "trials", "trials_converted",
        "trials_lapsed", "payments_failed",
    ),
}  # fmt: skip
"""The files there are, and what each row of them says."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which file is wanted, and what of its list. asked: what the list's page was asked for, by name."""

    what: str
    asked: Mapping[str, str] = field(default_factory=dict)


def cell(value: Any) -> str:
    """A value as a file says it: days and moments as in ISO 8601, yes or no, nothing for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime() | date():
            return value.isoformat()
        case _:
            return str(value)


def amount(minor: int) -> Decimal:
    """Minor units as an amount: 2950 is 29.50."""
    return Decimal(minor).scaleb(-2)
