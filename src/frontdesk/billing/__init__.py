"""What can be bought, and what an organization has."""

from frontdesk.billing.records import Plan, PlanInUse, Subscription
from frontdesk.billing.store import current, plan_in_use, plans

__all__ = ["Plan", "PlanInUse", "Subscription", "current", "plan_in_use", "plans"]
