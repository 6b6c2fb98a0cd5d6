"""What can be bought, what an organization has, and the ways to pay for it."""

from frontdesk.billing.catalogue import CatalogueDrifted, NotForSale
from frontdesk.billing.checkout import RETURN as CHECKOUT_RETURN
from frontdesk.billing.checkout import AlreadySubscribed, NotYourCheckout, OtherCheckout, OtherCurrency, finish_checkout, start_checkout
from frontdesk.billing.condition import condition
from frontdesk.billing.endpoints import is_deaf
from frontdesk.billing.jobs import Bookkeeper
from frontdesk.billing.lifecycle import allow_turning, keep_time, let_time_pass
from frontdesk.billing.lifecycle.changes import Done
from frontdesk.billing.lifecycle.changes import cancel as cancel_plan
from frontdesk.billing.lifecycle.changes import carry_out as change_plan
from frontdesk.billing.lifecycle.changes import keep as keep_plan
from frontdesk.billing.lifecycle.moves import Move
from frontdesk.billing.lifecycle.previews import REFUSED as CHANGE_REFUSED
from frontdesk.billing.lifecycle.previews import AmountChanged, Change
from frontdesk.billing.lifecycle.previews import preview as preview_change
from frontdesk.billing.lifecycle.turns import BeingChanged
from frontdesk.billing.portal import NothingBoughtYet, portal_link
from frontdesk.billing.records import Account, Invoice, KeptEvent, Plan, PlanInUse, Price, Subscription
from frontdesk.billing.store import account, current, invoices, plan, plan_in_use, plans, prices
from frontdesk.billing.stripe_api import Money, NothingForSale, Place, StripeAway, StripeRefuses, StripeRefusesUs, asking, open_money
from frontdesk.billing.syncing import BeingSynchronized, Synced, sync_customer
from frontdesk.billing.webhook import StripeWebhook

__all__ = [
    "CHANGE_REFUSED", "CHECKOUT_RETURN", "Account", "AlreadySubscribed", "AmountChanged", "BeingChanged", "BeingSynchronized", "Bookkeeper",
    "CatalogueDrifted", "Change", "Done", "Invoice", "KeptEvent", "Money", "Move", "NotForSale", "NotYourCheckout", "NothingBoughtYet", "NothingForSale",
    "OtherCheckout", "OtherCurrency", "Place", "Plan", "PlanInUse", "Price", "StripeAway", "StripeRefuses", "StripeRefusesUs", "StripeWebhook",
    "Subscription", "Synced", "account", "allow_turning", "asking", "cancel_plan", "change_plan", "condition", "current", "finish_checkout", "invoices",
    "is_deaf", "keep_plan", "keep_time", "let_time_pass", "open_money", "plan", "plan_in_use", "plans", "portal_link", "preview_change", "prices",
    "start_checkout", "sync_customer",
]  # fmt: skip
