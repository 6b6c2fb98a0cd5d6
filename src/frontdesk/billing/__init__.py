"""What can be bought, and what an organization has."""

from frontdesk.billing.lifecycle import keep_time
from frontdesk.billing.records import Account, Invoice, Plan, PlanInUse, Price, Subscription
from frontdesk.billing.store import account, current, invoices, plan_in_use, plans, prices

__all__ = ["Account", "Invoice", "Plan", "PlanInUse", "Price", "Subscription", "account", "current", "invoices", "keep_time", "plan_in_use", "plans", "prices"]
