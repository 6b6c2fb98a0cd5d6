"""Invoice items: what is added to an invoice by hand, such as what was used beyond a plan."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from frontdesk.billing.simulator import invoicing, lines, shapes
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FIELDS = (
    "amount", "currency", "description", "discountable", "discounts", "metadata", "period", "pricing", "price_data", "quantity", "quantity_decimal",
    "unit_amount_decimal", "tax_behavior", "tax_code", "tax_rates", "unit_amount",
)  # fmt: skip


def create(world: World, params: p.Params) -> Object:
    """POST /v1/invoiceitems: for a draft that is named, else for the customer's next invoice."""
    p.known(params, (*FIELDS, "customer", "invoice", "subscription"))
    invoice = world.get(str(params["invoice"]), "invoice", "invoice") if params.get("invoice") else None
    customer = world.get(str(params.get("customer") or (invoice or {}).get("customer") or p.required(params, "customer")), "customer", "customer")
    item = read(world, params, customer["id"], shapes.make("invoiceitem", id=world.new_id("ii"), date=world.now()))
    if params.get("subscription"):
        subscription = world.get(str(params["subscription"]), "subscription", "subscription")
        item["parent"] = shapes.make("invoiceitem.parent", subscription_details={"subscription": subscription["id"], "subscription_item": None})
    if invoice is not None:
        _refuse_finished(invoice, customer, item)
    world.put(item)
    world.emit("invoiceitem.created", item)
    if invoice is not None:
        invoicing.add(world, invoice, item)
    return world.get(item["id"])


def read(world: World, params: p.Params, customer: str, item: Object) -> Object:
    """An item as these parameters say. Raises StripeError."""
    price = _price(world, params)
    quantity = p.integer(params, "quantity", 1, least=0, most=10**12) or 0
    each = Decimal(str(price["unit_amount_decimal"] or price["unit_amount"] or 0)) if price else _each(params)
    amount = p.integer(params, "amount", least=-99_999_999)
    if (amount is None) == (each is None):
        raise StripeError("invalid_request_error", "Give `amount`, or `pricing`, or `unit_amount_decimal` with a quantity.", "parameter_missing", "amount")
    total = amount if amount is not None else int((Decimal(each or 0) * quantity).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    span = p.inner(params, "period", ("start", "end")) or {}
    item |= {
        "amount": total, "net_amount": total, "currency": str(price["currency"] if price else p.text(params, "currency") or "eur").lower(),
        "customer": customer,
        "description": p.text(params, "description") or (lines.name_of(world, price) if price else None), "quantity": quantity, "tax_rates": [],
        "quantity_decimal": str(quantity), "discountable": p.flag(params, "discountable", total >= 0), "discounts": [], "metadata": p.metadata(params),
        "period": {"start": p.moment(span, "start") or world.now(), "end": p.moment(span, "end") or world.now()},
    }  # fmt: skip
    unit = {"price_details": None, "type": "price_details", "unit_amount_decimal": lines.plain(each if each is not None else total)}
    item["pricing"] = lines.pricing(price) if price else unit
    return item


def retrieve(world: World, params: p.Params, item: str) -> Object:
    """GET /v1/invoiceitems/{item}."""
    return world.get(item, "invoiceitem", "invoiceitem")


def index(world: World, params: p.Params) -> Object:
    """GET /v1/invoiceitems."""
    p.known(params, (*PAGING, "created", "customer", "invoice", "pending"))
    pending = p.flag(params, "pending")

    def fits(one: Object) -> bool:
        return pending is None or (one["invoice"] is None) == pending

    equal = {"customer": p.text(params, "customer"), "invoice": p.text(params, "invoice")}
    return listing(world, "invoiceitem", params | {"created": None}, equal, fits)


def update(world: World, params: p.Params, item: str) -> Object:
    """POST /v1/invoiceitems/{item}: one that is on no invoice, or on a draft, which is summed anew. Stripe tells nobody of it."""
    p.known(params, tuple(name for name in FIELDS if name not in ("currency", "price_data")))
    before = world.get(item, "invoiceitem", "invoiceitem")
    invoice = _editable(world, before, "changed")
    if before["proration"] and any(name in params for name in ("amount", "pricing", "quantity", "unit_amount", "unit_amount_decimal")):
        raise StripeError("invalid_request_error", "You may not change the amount of a proration.", None, "amount")
    found = world.put(before | _changes(world, params, before))
    if invoice is not None:
        invoicing.remove(world, invoice, item)
        invoicing.add(world, world.get(invoice["id"]), found)
    return world.get(item)


def delete(world: World, params: p.Params, item: str) -> Object:
    """DELETE /v1/invoiceitems/{item}: one that is on no invoice, or on a draft."""
    found = world.get(item, "invoiceitem", "invoiceitem")
    invoice = _editable(world, found, "deleted")
    if invoice is not None:
        invoicing.remove(world, invoice, item)
    world.emit("invoiceitem.deleted", found)
    return world.delete(item)


def _editable(world: World, item: Object, verb: str) -> Object | None:
    """The draft that an item is on, if it is on one. Raises StripeError where it is on a finished invoice."""
    invoice = world.found(item["invoice"]) if item["invoice"] else None
    if invoice is not None and invoice["status"] != "draft":
        said = f"This invoice item is on an invoice that is no draft any more; it can't be {verb}."
        raise StripeError("invalid_request_error", said, "invoice_not_editable")
    return invoice


def _changes(world: World, params: p.Params, before: Object) -> Object:
    """What these parameters make of an item; what they do not name stays."""
    made: Object = {}
    if any(name in params for name in ("amount", "pricing", "quantity", "unit_amount", "unit_amount_decimal")):
        priced = {"amount", "pricing", "unit_amount", "unit_amount_decimal"} & params.keys()
        kept = {} if priced else {"unit_amount_decimal": before["pricing"]["unit_amount_decimal"]}
        asked = {"currency": before["currency"], "quantity": str(before["quantity"])} | kept | dict(params)
        read_anew = read(world, asked, before["customer"], dict(before))
        made = {name: read_anew[name] for name in ("amount", "net_amount", "pricing", "quantity", "quantity_decimal")}
    if "description" in params:
        made["description"] = p.text(params, "description")
    if "discountable" in params:
        made["discountable"] = p.flag(params, "discountable")
    if span := p.inner(params, "period", ("start", "end")):
        made["period"] = {name: p.moment(span, name) or before["period"][name] for name in ("start", "end")}
    return made | {"metadata": p.metadata(params, before["metadata"])}


def _price(world: World, params: p.Params) -> Object | None:
    chosen = (p.inner(params, "pricing", ("price",)) or {}).get("price")
    return world.get(str(chosen), "price", "pricing[price]") if chosen else None


def _each(params: p.Params) -> Decimal | None:
    each = p.decimal(params, "unit_amount_decimal")
    whole = p.integer(params, "unit_amount", least=-99_999_999)
    return each if each is not None else None if whole is None else Decimal(whole)


def _refuse_finished(invoice: Object, customer: Object, item: Object) -> None:
    if invoice["status"] != "draft":
        raise StripeError("invalid_request_error", "This invoice is no longer editable", "invoice_not_editable", "invoice")
    if invoice["customer"] != customer["id"]:
        raise invalid("The invoice belongs to another customer.", "invoice")
    if invoice["lines"]["data"] and invoice["currency"] != item["currency"]:
        raise invalid(f"The currency of the invoice is {invoice['currency']}.", "currency")
