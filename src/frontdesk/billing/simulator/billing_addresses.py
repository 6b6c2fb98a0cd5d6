"""The addresses of everything that happens over time: subscriptions, schedules, invoices, payments, Checkout."""

from collections.abc import Callable
from typing import Any

from frontdesk.billing.simulator import (
    checkout_calls,
    invoice_calls,
    invoice_items,
    payment_calls,
    portal_calls,
    schedule_calls,
    setup_calls,
    subscription_calls,
)

Address = tuple[str, str, Callable[..., dict[str, Any]]]

ADDRESSES: list[Address] = [
    ("POST", "/v1/subscriptions", subscription_calls.create),
    ("GET", "/v1/subscriptions", subscription_calls.index),
    ("GET", "/v1/subscriptions/{subscription}", subscription_calls.retrieve),
    ("POST", "/v1/subscriptions/{subscription}", subscription_calls.update),
    ("DELETE", "/v1/subscriptions/{subscription}", subscription_calls.cancel),
    ("POST", "/v1/subscriptions/{subscription}/resume", subscription_calls.resume),
    ("GET", "/v1/subscription_items", subscription_calls.item_index),
    ("POST", "/v1/subscription_schedules", schedule_calls.create),
    ("GET", "/v1/subscription_schedules", schedule_calls.index),
    ("GET", "/v1/subscription_schedules/{schedule}", schedule_calls.retrieve),
    ("POST", "/v1/subscription_schedules/{schedule}", schedule_calls.update),
    ("POST", "/v1/subscription_schedules/{schedule}/release", schedule_calls.release),
    ("POST", "/v1/subscription_schedules/{schedule}/cancel", schedule_calls.cancel),
    ("POST", "/v1/invoices/create_preview", invoice_calls.create_preview),
    ("POST", "/v1/invoices", invoice_calls.create),
    ("GET", "/v1/invoices", invoice_calls.index),
    ("GET", "/v1/invoices/{invoice}", invoice_calls.retrieve),
    ("POST", "/v1/invoices/{invoice}", invoice_calls.update),
    ("DELETE", "/v1/invoices/{invoice}", invoice_calls.delete),
    ("GET", "/v1/invoices/{invoice}/lines", invoice_calls.line_index),
    ("POST", "/v1/invoices/{invoice}/finalize", invoice_calls.finalize),
    ("POST", "/v1/invoices/{invoice}/pay", invoice_calls.pay),
    ("POST", "/v1/invoices/{invoice}/void", invoice_calls.void),
    ("POST", "/v1/invoices/{invoice}/mark_uncollectible", invoice_calls.mark_uncollectible),
    ("POST", "/v1/invoices/{invoice}/send", invoice_calls.send),
    ("GET", "/v1/invoice_payments", invoice_calls.payment_index),
    ("POST", "/v1/invoiceitems", invoice_items.create),
    ("GET", "/v1/invoiceitems", invoice_items.index),
    ("GET", "/v1/invoiceitems/{item}", invoice_items.retrieve),
    ("POST", "/v1/invoiceitems/{item}", invoice_items.update),
    ("DELETE", "/v1/invoiceitems/{item}", invoice_items.delete),
    ("POST", "/v1/payment_methods", payment_calls.create_method),
    ("GET", "/v1/payment_methods", payment_calls.method_index),
    ("GET", "/v1/payment_methods/{method}", payment_calls.retrieve_method),
    ("POST", "/v1/payment_methods/{method}", payment_calls.update_method),
    ("POST", "/v1/payment_methods/{method}/attach", payment_calls.attach_method),
    ("POST", "/v1/payment_methods/{method}/detach", payment_calls.detach_method),
    ("GET", "/v1/customers/{customer}/payment_methods", payment_calls.methods_of),
    ("GET", "/v1/payment_intents", payment_calls.intent_index),
    ("GET", "/v1/payment_intents/{intent}", payment_calls.retrieve_intent),
    ("POST", "/v1/payment_intents/{intent}/confirm", payment_calls.confirm_intent),
    ("POST", "/v1/setup_intents", setup_calls.create),
    ("GET", "/v1/setup_intents", setup_calls.index),
    ("GET", "/v1/setup_intents/{intent}", setup_calls.retrieve),
    ("POST", "/v1/setup_intents/{intent}", setup_calls.update),
    ("POST", "/v1/setup_intents/{intent}/confirm", setup_calls.confirm),
    ("POST", "/v1/setup_intents/{intent}/cancel", setup_calls.cancel),
    ("GET", "/v1/charges", payment_calls.charge_index),
    ("GET", "/v1/charges/{charge}", payment_calls.retrieve_charge),
    ("POST", "/v1/refunds", payment_calls.create_refund),
    ("GET", "/v1/refunds", payment_calls.refund_index),
    ("GET", "/v1/refunds/{refund}", payment_calls.retrieve_refund),
    ("POST", "/v1/checkout/sessions", checkout_calls.create),
    ("GET", "/v1/checkout/sessions", checkout_calls.index),
    ("GET", "/v1/checkout/sessions/{session}", checkout_calls.retrieve),
    ("POST", "/v1/checkout/sessions/{session}/expire", checkout_calls.expire),
    ("GET", "/v1/checkout/sessions/{session}/line_items", checkout_calls.line_items),
    ("POST", "/v1/billing_portal/sessions", portal_calls.create),
]
"""Method, pattern, and who answers."""

SHOWN_ON_DEMAND: dict[tuple[str, str], Callable[..., Any]] = {
    ("invoice", "payments"): invoice_calls.payments_of,
    ("invoice", "confirmation_secret"): invoice_calls.confirmation_of,
    ("checkout.session", "line_items"): checkout_calls.line_items_of,
}
"""Fields that are shown only to whoever expands them, by kind and name."""
