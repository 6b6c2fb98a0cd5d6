"""The lines of invoices: what a subscription costs for a period, and what was added by hand or by a change."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.proration import Proration, cost, quantity_of
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
SIGNS = {"eur": "€", "usd": "$", "gbp": "£"}


def of_item(world: World, subscription: str | None, item: Mapping[str, Any], period: tuple[int, int]) -> Object:
    """The line of a subscription's item for a whole period."""
    quantity, price = quantity_of(item), item["price"]
    said = f"{quantity} × {name_of(world, price)} (at {money(price['unit_amount'] or 0, price['currency'])} / {rhythm(price['recurring'])})"
    line = _line(world, cost(item), price["currency"], said, period, quantity)
    line["parent"] = {
        "invoice_item_details": None, "type": "subscription_item_details",
        "subscription_item_details": shapes.make("line_item.parent.subscription_item_details", subscription=subscription, subscription_item=item["id"]),
    }  # fmt: skip
    return line | {"pricing": pricing(price), "subscription": subscription}


def of_invoice_item(world: World, item: Mapping[str, Any]) -> Object:
    """The line of an invoice item: what was added by hand, or a proration of a subscription."""
    period = (item["period"]["start"], item["period"]["end"])
    line = _line(world, item["amount"], item["currency"], item["description"], period, item["quantity"])
    details = (item["parent"] or {}).get("subscription_details") or {}
    subscription = details.get("subscription")
    if item["proration"]:
        own = shapes.make("line_item.parent.subscription_item_details", invoice_item=item["id"], proration=True, subscription=subscription)
        own["subscription_item"] = details.get("subscription_item") or ""
        parent = {"invoice_item_details": None, "subscription_item_details": own, "type": "subscription_item_details"}
    else:
        own = shapes.make("line_item.parent.invoice_item_details", invoice_item=item["id"], subscription=subscription)
        parent = {"invoice_item_details": own, "subscription_item_details": None, "type": "invoice_item_details"}
    return line | {
        "parent": parent, "pricing": item["pricing"], "subscription": subscription, "discountable": item["discountable"], "metadata": item["metadata"],
        "quantity_decimal": item["quantity_decimal"],
    }  # fmt: skip


def of_proration(world: World, customer: str, subscription: str, one: Proration) -> Object:
    """An invoice item that a change of a subscription adds; it is not kept yet."""
    parent = {"subscription_details": {"subscription": subscription, "subscription_item": one.item}, "type": "subscription_details"}
    each = one.amount if one.quantity == 1 else Decimal(one.amount) / one.quantity if one.quantity else Decimal(0)
    return shapes.make(
        "invoiceitem", id=world.new_id("ii"), amount=one.amount, currency=one.price["currency"], customer=customer, date=world.now(),
        description=one.description,
        discountable=not one.is_credit, discounts=[], period={"start": one.start, "end": one.end}, proration=True, quantity=one.quantity, tax_rates=[],
        parent=parent, pricing=pricing(one.price) | {"unit_amount_decimal": plain(each)}, net_amount=one.amount, quantity_decimal=str(one.quantity),
    )  # fmt: skip


def pricing(price: Mapping[str, Any]) -> Object:
    """Where the amount of a line comes from."""
    details = {"price": price["id"], "product": price["product"]}
    return {"price_details": details, "type": "price_details", "unit_amount_decimal": str(price.get("unit_amount_decimal") or price["unit_amount"] or 0)}


def name_of(world: World, price: Mapping[str, Any]) -> str:
    """What the product of a price is called."""
    product = world.found(price["product"]) or {}
    return str(product.get("name") or price.get("nickname") or price["product"])


def money(amount: int, currency: str) -> str:
    """`€79.00`; `-€5.00`; `CHF 79.00`."""
    sign = SIGNS.get(currency, f"{currency.upper()} ")
    return f"{'-' if amount < 0 else ''}{sign}{abs(amount) / 100:,.2f}"


def rhythm(recurring: Mapping[str, Any]) -> str:
    """`month`, or `3 months`."""
    count = int(recurring.get("interval_count") or 1)
    return str(recurring["interval"]) if count == 1 else f"{count} {recurring['interval']}s"


def plain(number: Decimal | int) -> str:
    """A decimal as Stripe writes it: at most twelve digits, without trailing zeros."""
    text = f"{Decimal(number):.12f}".rstrip("0").rstrip(".")
    return text if text not in ("-0", "") else "0"


def _line(world: World, amount: int, currency: str, said: str | None, period: tuple[int, int], quantity: int | None) -> Object:
    return shapes.make(
        "line_item", id=world.new_id("il"), amount=amount, subtotal=amount, currency=currency, description=said, discountable=True, discount_amounts=[],
        period={"start": period[0], "end": period[1]}, quantity=quantity, pretax_credit_amounts=[], taxes=[],
    )  # fmt: skip
