"""The life of an invoice up to the moment of payment: put together, added to, finalized, void."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.billing.simulator import charging, discounting, drafts, lines, shapes
from frontdesk.billing.simulator.discounts import holds
from frontdesk.billing.simulator.errors import StripeError
from frontdesk.billing.simulator.periods import DAY, HOUR
from frontdesk.billing.simulator.taxes import status_of, tax_for
from frontdesk.billing.simulator.totals import Reduction, add_up
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
ACCOUNT = "Frontdesk (simulated)"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an invoice will be made of. reason: Stripe's billing_reason; period: the time it looks back on; discounts: objects, perhaps not kept."""

    customer: Object
    subscription: Object | None
    reason: str
    lines: Sequence[Object]
    period: tuple[int, int]
    discounts: Sequence[Object] = ()
    automatic_tax: bool = False


def compose(world: World, plan: Plan, id: str) -> Object:
    """The invoice as it would be, kept nowhere: a preview is this and nothing more."""
    customer, subscription = plan.customer, plan.subscription
    invoice = shapes.make(
        "invoice", id=id, account_country="DE", account_name=ACCOUNT, billing_reason=plan.reason, collection_method="charge_automatically", created=world.now(),
        currency=plan.lines[0]["currency"] if plan.lines else customer["currency"] or "eur", customer=customer["id"], status="draft", auto_advance=True,
        period_start=plan.period[0], period_end=plan.period[1], discounts=[one["id"] for one in plan.discounts], issuer={"type": "self"},
    )  # fmt: skip
    invoice |= _buyer(world, customer)
    invoice["automatic_tax"]["enabled"] = plan.automatic_tax
    if subscription is not None:
        invoice["collection_method"] = subscription["collection_method"]
        details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
        invoice["parent"] = shapes.make("invoice.parent", subscription_details=details, type="subscription_details")
        invoice["subscription"] = subscription["id"]
    invoice["lines"] = shapes.list_of(list(plan.lines), f"/v1/invoices/{id}/lines")
    return summed(world, invoice, plan.discounts, customer)


def create(world: World, plan: Plan, *, advance: bool = True, finalizes_at: int | None = None) -> Object:
    """Keep a new invoice, as a draft. advance: whether Stripe goes on with it by itself."""
    invoice = compose(world, plan, world.new_id("in"))
    invoice |= {"auto_advance": advance, "automatically_finalizes_at": finalizes_at if advance else None}
    for line in invoice["lines"]["data"]:
        line["invoice"] = invoice["id"]
        _claim(world, line, invoice["id"])
    for one in plan.discounts:
        world.put_private(one["id"], world.private(one["id"]) | {"used": True})
    return drafts.tell(world, world.put(invoice))


def finalizes_after(at: int) -> int:
    """When a draft that was made at this moment becomes an invoice. Source: https://docs.stripe.com/billing/invoices/subscription#finalization"""
    return at + HOUR


def add(world: World, invoice: Object, item: Object) -> Object:
    """Add an item to a draft, which is summed anew."""
    before = world.get(invoice["id"])
    line = lines.of_invoice_item(world, item) | {"invoice": invoice["id"]}
    invoice["lines"]["data"].append(line)
    world.put(item | {"invoice": invoice["id"]})
    world.put(summed(world, invoice, discounts_of(world, invoice["discounts"])))
    world.emit("invoice.updated", invoice, previous=before)
    return invoice


def remove(world: World, invoice: Object, item: str) -> None:
    """Take an item off a draft again, which is summed anew."""
    before = world.get(invoice["id"])
    details = [((line["parent"] or {}).get("invoice_item_details") or {}).get("invoice_item") for line in invoice["lines"]["data"]]
    invoice["lines"]["data"] = [line for line, own in zip(invoice["lines"]["data"], details, strict=True) if own != item]
    world.put(summed(world, invoice, discounts_of(world, invoice["discounts"])))
    world.emit("invoice.updated", invoice, previous=before)


def summed(world: World, invoice: Object, discounts: Sequence[Object], customer: Object | None = None) -> Object:
    """The invoice with its discounts, its tax, and its sums. customer: where he is none yet, but somebody who looks at a pay page."""
    customer = customer or world.get(invoice["customer"])
    tax = None
    if invoice["automatic_tax"]["enabled"]:
        invoice["automatic_tax"] |= {"status": status_of(customer), "provider": "stripe", "liability": {"type": "self"}}
        tax = tax_for(customer, world.find("tax_id", customer=customer["id"]), _behaviors(world, invoice))
    reductions = [Reduction(one["id"], discounting.behind(world, one)) for one in discounts]
    made, sums = add_up(invoice["lines"]["data"], reductions, tax, int(customer["balance"] or 0), invoice["currency"])
    invoice["lines"]["data"] = made
    invoice |= sums
    if invoice["status"] == "draft":
        invoice["ending_balance"] = None
    return invoice


def finalize(world: World, invoice: Object) -> Object:
    """From a draft to an invoice: it gets a number, an address, and an intent to take what is due. Raises StripeError."""
    if invoice["status"] != "draft":
        raise StripeError("invalid_request_error", "This invoice is already finalized, you can't re-finalize a non-draft invoice.", "invoice_not_editable")
    invoice = summed(world, invoice, discounts_of(world, invoice["discounts"]))
    balance = invoice["ending_balance"] = _ending_balance(invoice)
    now, page = world.now(), f"{world.settings.public_url}/invoice/{invoice['id']}"
    invoice |= {"status": "open", "number": _number(world, invoice, balance), "effective_at": now, "automatically_finalizes_at": None}
    invoice |= {"hosted_invoice_url": page, "invoice_pdf": f"{page}/pdf"}
    invoice["status_transitions"] |= {"finalized_at": now}
    if invoice["collection_method"] == "send_invoice":
        subscription = world.found(subscription_of(invoice) or "") or {}
        invoice["due_date"] = now + DAY * int(world.private(invoice["id"]).get("days_until_due") or subscription.get("days_until_due") or 30)
    elif invoice["auto_advance"]:
        invoice["next_payment_attempt"] = now
    world.put(invoice)
    if invoice["amount_due"]:
        _owe(world, invoice)
    world.emit("invoice.finalized", invoice)
    return invoice


def void(world: World, invoice: Object) -> Object:
    """Take an open invoice back. What it took from the customer's balance returns there."""
    before = world.get(invoice["id"])
    invoice |= {"status": "void", "auto_advance": False, "next_payment_attempt": None, "automatically_finalizes_at": None}
    invoice["status_transitions"] |= {"voided_at": world.now()}
    world.put(invoice)
    spent = int(invoice["ending_balance"] or 0) - int(invoice["starting_balance"])
    customer = world.get(invoice["customer"])
    world.put(customer | {"balance": int(customer["balance"] or 0) - spent})
    for payment in world.find("invoice_payment", invoice=invoice["id"], status="open"):
        charging.cancel(world, world.get(payment["payment"]["payment_intent"]))
        world.put(payment | {"status": "canceled", "status_transitions": {"canceled_at": world.now(), "paid_at": None}})
    world.emit("invoice.voided", invoice, previous=before)
    world.emit("invoice.updated", invoice, previous=before)
    return invoice


def stop(world: World, invoice: Object) -> None:
    """Try no more by itself; it can still be paid by hand."""
    if invoice["auto_advance"] or invoice["next_payment_attempt"]:
        before = dict(invoice)
        invoice |= {"auto_advance": False, "next_payment_attempt": None, "automatically_finalizes_at": None}
        world.put(invoice)
        world.emit("invoice.updated", invoice, previous=before)


def subscription_of(invoice: Object) -> str | None:
    """The subscription that an invoice belongs to."""
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    subscription = details.get("subscription")
    return None if subscription is None else str(subscription)


def discounts_of(world: World, ids: Sequence[str]) -> list[Object]:
    """The discounts behind these ids."""
    return [world.get(one) for one in ids]


def holding(world: World, subscription: Object, at: int) -> list[Object]:
    """The discounts of a subscription that still take something off an invoice of this moment."""
    found = discounts_of(world, subscription["discounts"])
    return [one for one in found if holds(one, discounting.behind(world, one), at, used=bool(world.private(one["id"]).get("used")))]


def waiting_items(world: World, customer: str, subscription: str | None) -> list[Object]:
    """Invoice items that wait for the next invoice: those of the subscription, and those that are for any."""
    waiting = [one for one in world.find("invoiceitem", customer=customer) if one["invoice"] is None]
    return [one for one in waiting if ((one["parent"] or {}).get("subscription_details") or {}).get("subscription") in (None, subscription)]


def _buyer(world: World, customer: Object) -> Object:
    ids = [{"type": one["type"], "value": one["value"]} for one in world.find("tax_id", customer=customer["id"])]
    told = {f"customer_{name}": customer[name] for name in ("address", "email", "name", "phone", "shipping", "tax_exempt")}
    return told | {"customer_tax_ids": ids}


def _behaviors(world: World, invoice: Object) -> list[str | None]:
    prices = {((line["pricing"] or {}).get("price_details") or {}).get("price") for line in invoice["lines"]["data"]}
    return [(world.found(price) or {}).get("tax_behavior") for price in prices if price]


def _claim(world: World, line: Object, invoice: str) -> None:
    """An invoice item stands on one invoice only."""
    parent = line["parent"] or {}
    details = parent.get("invoice_item_details") or parent.get("subscription_item_details") or {}
    item = world.found(details["invoice_item"]) if details.get("invoice_item") else None
    if item is not None:
        world.put(item | {"invoice": invoice})


def _ending_balance(invoice: Object) -> int:
    return int(invoice["starting_balance"]) + int(invoice["total"]) - int(invoice["amount_due"])


def _number(world: World, invoice: Object, balance: int) -> str:
    """The next number of the customer, whose balance is what the invoice has left of it."""
    customer = world.get(invoice["customer"])
    sequence = int(customer["next_invoice_sequence"] or 1)
    world.put(customer | {"next_invoice_sequence": sequence + 1, "balance": balance, "currency": invoice["currency"]})
    return f"{customer['invoice_prefix']}-{sequence:04d}"


def _owe(world: World, invoice: Object) -> None:
    """What is due becomes an intent to take it."""
    kinds = ["card", "sepa_debit"] if invoice["currency"] == "eur" else ["card"]
    intent = charging.intend(world, invoice["customer"], invoice["amount_due"], invoice["currency"], f"Invoice {invoice['number']}", kinds)
    payment = shapes.make(
        "invoice_payment", id=world.new_id("inpay"), amount_requested=invoice["amount_due"], created=world.now(), currency=invoice["currency"],
        invoice=invoice["id"], is_default=True, payment={"payment_intent": intent["id"], "type": "payment_intent"}, status="open",
    )  # fmt: skip
    world.put(payment)


def intent_of(world: World, invoice: Object) -> Object | None:
    """The intent to take what is due on this invoice."""
    payments = world.find("invoice_payment", invoice=invoice["id"])
    return world.get(payments[-1]["payment"]["payment_intent"]) if payments else None
