"""What an organization may do now: its plan, the operator's exceptions, and how it stands with paying."""

from frontdesk.entitlements.actions import allowance, current, require
from frontdesk.entitlements.records import GRACE_DAYS, READ_ONLY_DAY, Access, Entitlements, NotInPlan, PaymentNeeded, access_at, next_change

__all__ = [
    "GRACE_DAYS", "READ_ONLY_DAY", "Access", "Entitlements", "NotInPlan", "PaymentNeeded", "access_at", "allowance", "current", "next_change", "require",
]  # fmt: skip
