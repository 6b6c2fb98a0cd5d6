"""The API of invoices."""

from typing import Any

from frontdesk.billing.simulator import collecting, discounting, invoicing, lines, previewing, shapes
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.listing import PAGING, listing, page
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
STATUSES = ("draft", "open", "paid", "uncollectible", "void")


def create(world: World, params: p.Params) -> Object:
    """POST /v1/invoices: of what waits for this customer, or of nothing yet."""
    p.known(
        params, ("customer", "subscription", "auto_advance", "automatic_tax", "collection_method", "currency", "days_until_due", "default_payment_method",
        "description", "discounts", "metadata", "pending_invoice_items_behavior", "footer"),
    )  # fmt: skip
    customer = world.get(str(p.required(params, "customer")), "customer", "customer")
    subscription = world.get(str(params["subscription"]), "subscription", "subscription") if params.get("subscription") else None
    takes = p.choice(params, "pending_invoice_items_behavior", ("exclude", "include"), "exclude") == "include" or subscription is not None
    waiting = invoicing.waiting_items(world, customer["id"], subscription["id"] if subscription else None) if takes else []
    discounts = discounting.read(world, p.several(params, "discounts"), customer["id"], 0)
    discounting.redeem(world, discounts)
    taxed = bool(p.flag(p.inner(params, "automatic_tax") or {}, "enabled"))
    made = [lines.of_invoice_item(world, one) for one in waiting]
    plan = invoicing.Plan(customer, subscription, "manual", made, (world.now(), world.now()), discounts, taxed)
    advance = p.flag(params, "auto_advance", False) or False
    invoice = invoicing.create(world, plan, advance=advance, finalizes_at=invoicing.finalizes_after(world.now()))
    world.put_private(invoice["id"], {"days_until_due": p.integer(params, "days_until_due", 30)})
    return world.put(invoice | _own_fields(params, invoice))


def retrieve(world: World, params: p.Params, invoice: str) -> Object:
    """GET /v1/invoices/{invoice}."""
    p.known(params, ())
    return world.get(invoice, "invoice", "invoice")


def index(world: World, params: p.Params) -> Object:
    """GET /v1/invoices."""
    p.known(params, (*PAGING, "collection_method", "created", "customer", "due_date", "status", "subscription"))
    subscription = p.text(params, "subscription")
    equal = {"customer": p.text(params, "customer"), "status": p.choice(params, "status", STATUSES)}
    equal["collection_method"] = p.text(params, "collection_method")
    return listing(world, "invoice", params, equal, lambda one: subscription is None or invoicing.subscription_of(one) == subscription)


def update(world: World, params: p.Params, invoice: str) -> Object:
    """POST /v1/invoices/{invoice}."""
    p.known(params, ("auto_advance", "collection_method", "default_payment_method", "description", "metadata", "footer", "days_until_due"))
    before, found = world.get(invoice, "invoice", "invoice"), world.get(invoice)
    found |= _own_fields(params, found)
    if "auto_advance" in params:
        found["auto_advance"] = p.flag(params, "auto_advance")
        if found["auto_advance"] and found["status"] == "draft":
            found["automatically_finalizes_at"] = invoicing.finalizes_after(world.now())
    world.put(found)
    world.emit("invoice.updated", found, previous=before)
    return found


def delete(world: World, params: p.Params, invoice: str) -> Object:
    """DELETE /v1/invoices/{invoice}: a draft that belongs to no subscription."""
    found = world.get(invoice, "invoice", "invoice")
    if found["status"] != "draft" or invoicing.subscription_of(found):
        raise StripeError("invalid_request_error", "You can only delete draft invoices that are not part of a subscription.")
    world.emit("invoice.deleted", found)
    return world.delete(invoice)


def line_index(world: World, params: p.Params, invoice: str) -> Object:
    """GET /v1/invoices/{invoice}/lines."""
    p.known(params, PAGING)
    return page(world, "line_item", world.get(invoice, "invoice", "invoice")["lines"]["data"], params)


def create_preview(world: World, params: p.Params) -> Object:
    """POST /v1/invoices/create_preview: what an invoice would say, and nothing is done."""
    return previewing.preview(world, params)


def finalize(world: World, params: p.Params, invoice: str) -> Object:
    """POST /v1/invoices/{invoice}/finalize."""
    p.known(params, ("auto_advance",))
    found = world.get(invoice, "invoice", "invoice")
    if "auto_advance" in params:
        found["auto_advance"] = p.flag(params, "auto_advance")
    found = invoicing.finalize(world, found)
    return collecting.settle(world, found) if not found["amount_due"] else found


def pay(world: World, params: p.Params, invoice: str) -> Object:
    """POST /v1/invoices/{invoice}/pay. Raises StripeError 402 for a card that is declined; the failed attempt stays."""
    p.known(params, ("payment_method", "paid_out_of_band", "off_session", "forgive", "mandate", "source"))
    found = world.get(invoice, "invoice", "invoice")
    if found["status"] == "paid":
        raise StripeError("invalid_request_error", "Invoice is already paid", "invoice_already_paid")
    if found["status"] == "void":
        raise StripeError("invalid_request_error", "This invoice is voided and can't be paid.", "invoice_not_editable")
    if found["status"] == "draft":
        found = invoicing.finalize(world, found)
    if p.flag(params, "paid_out_of_band"):
        return collecting.settle(world, found)
    method = p.text(params, "payment_method")
    if method and world.get(method, "payment_method", "payment_method")["customer"] != found["customer"]:
        raise invalid("The payment method must be attached to the customer of the invoice.", "payment_method")
    found = collecting.collect(world, found, method)
    if found["status"] == "paid" or (collecting.is_processing(world, found)):
        return found
    raise collecting.refusal_of(world, found)


def void(world: World, params: p.Params, invoice: str) -> Object:
    """POST /v1/invoices/{invoice}/void."""
    p.known(params, ())
    found = world.get(invoice, "invoice", "invoice")
    if found["status"] not in ("open", "uncollectible"):
        message = f"You can only pass in open invoices. This invoice isn't open: it is {found['status']}."
        raise StripeError("invalid_request_error", message, "invoice_not_editable")
    return invoicing.void(world, found)


def mark_uncollectible(world: World, params: p.Params, invoice: str) -> Object:
    """POST /v1/invoices/{invoice}/mark_uncollectible."""
    p.known(params, ())
    return collecting.mark_uncollectible(world, world.get(invoice, "invoice", "invoice"))


def send(world: World, params: p.Params, invoice: str) -> Object:
    """POST /v1/invoices/{invoice}/send: the simulated Stripe writes no mail, but it tells that it did."""
    p.known(params, ())
    found = world.get(invoice, "invoice", "invoice")
    found = invoicing.finalize(world, found) if found["status"] == "draft" else found
    world.emit("invoice.sent", found)
    return found


def payments_of(world: World, invoice: Object) -> Object:
    """`payments`, which is shown to whoever expands it."""
    return shapes.list_of(world.find("invoice_payment", invoice=invoice["id"]), f"/v1/invoice_payments?invoice={invoice['id']}")


def confirmation_of(world: World, invoice: Object) -> Object | None:
    """`confirmation_secret`, with which a page of one's own could confirm the payment."""
    intent = invoicing.intent_of(world, invoice)
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


def payment_index(world: World, params: p.Params) -> Object:
    """GET /v1/invoice_payments."""
    p.known(params, (*PAGING, "invoice", "payment", "status", "created"))
    payment = p.inner(params, "payment", ("payment_intent", "type")) or {}
    equal = {"invoice": p.text(params, "invoice"), "status": p.text(params, "status"), "payment.payment_intent": p.text(payment, "payment_intent")}
    return listing(world, "invoice_payment", params, equal)


def _own_fields(params: p.Params, before: Object) -> Object:
    fields: Object = {}
    if "metadata" in params:
        fields["metadata"] = p.metadata(params, before["metadata"])
    for name in ("description", "footer", "default_payment_method"):
        if name in params:
            fields[name] = p.text(params, name)
    if "collection_method" in params:
        fields["collection_method"] = p.choice(params, "collection_method", ("charge_automatically", "send_invoice"))
    return fields
