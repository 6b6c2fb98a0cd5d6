"""What Stripe says about a customer, in its own shape; a test changes what it is about."""

from typing import Any

DAY = 86_400
NOW = 1_790_000_000


def price(price_id: str = "price_starter", lookup_key: str | None = "starter_month_eur", **more: Any) -> dict[str, Any]:
    return {
        "id": price_id, "object": "price", "lookup_key": lookup_key, "product": "frontdesk_starter", "currency": "eur", "unit_amount": 2900, "active": True,
        "recurring": {"interval": "month", "interval_count": 1}, "tax_behavior": "exclusive", "metadata": {"frontdesk": "price"},
    } | more  # fmt: skip


def subscription(subscription_id: str = "sub_1", status: str = "active", **more: Any) -> dict[str, Any]:
    item = {"price": more.pop("price", price()), "quantity": 1, "current_period_start": NOW, "current_period_end": NOW + 30 * DAY}
    return {
        "id": subscription_id, "object": "subscription", "status": status, "created": NOW, "billing_cycle_anchor": NOW, "items": {"data": [item]},
        "cancel_at": None,
        "cancel_at_period_end": False, "canceled_at": None, "ended_at": None, "trial_end": None, "latest_invoice": "in_1", "schedule": None,
        "default_payment_method": None,
    } | more  # fmt: skip


def customer(**more: Any) -> dict[str, Any]:
    return {"id": "cus_1", "object": "customer", "email": "ada@example.com", "currency": "eur", "tax_ids": {"data": []}, "invoice_settings": {}} | more


def invoice(**more: Any) -> dict[str, Any]:
    return {
        "id": "in_1", "object": "invoice", "number": "F-0001", "status": "paid", "billing_reason": "subscription_create", "currency": "eur", "subtotal": 2900,
        "total": 2900, "amount_due": 2900, "amount_paid": 2900, "amount_remaining": 0, "hosted_invoice_url": "https://invoice", "invoice_pdf": "https://pdf",
        "period_start": NOW, "period_end": NOW, "created": NOW, "status_transitions": {"finalized_at": NOW + 1, "paid_at": NOW + 2}, "attempt_count": 1,
        "due_date": None, "next_payment_attempt": None, "parent": {"subscription_details": {"subscription": "sub_1"}},
    } | more  # fmt: skip
