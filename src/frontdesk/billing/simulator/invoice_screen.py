"""What the hosted page of an invoice shows, and its PDF."""

from typing import Any

from frontdesk.billing.simulator import invoicing, methods
from frontdesk.billing.simulator.lines import money
from frontdesk.billing.simulator.pay_screen import moment
from frontdesk.billing.simulator.pdf import Row, write
from frontdesk.billing.simulator.proration import day
from frontdesk.billing.simulator.world import World
from frontdesk.errors import NotFound

Object = dict[str, Any]
LETTERHEAD = ("Frontdesk (simulated)", "1 Simulated Street", "10115 Berlin, Germany", "VAT ID: DE000000000")


def invoice_of(world: World, id: str) -> Object:
    """The invoice at this address; a draft has none yet. Raises NotFound."""
    found = world.found(id)
    if found is None or found["object"] != "invoice" or not found["hosted_invoice_url"]:
        raise NotFound("There is no such invoice.")
    return found


def view(world: World, id: str) -> Object:
    """The page of an invoice, as its template takes it."""
    invoice = invoice_of(world, id)
    intent = invoicing.intent_of(world, invoice)
    customer = world.get(invoice["customer"])
    usual = methods.default_of(world, customer, world.found(invoicing.subscription_of(invoice) or ""))
    return {
        "invoice": invoice, "currency": invoice["currency"].upper(), "created": moment(invoice["effective_at"]), "paid": moment(_paid_at(invoice)),
        "lines": [one | {"starts": moment(one["period"]["start"]), "ends": moment(one["period"]["end"])} for one in invoice["lines"]["data"]],
        "off": sum(int(one["amount"]) for one in invoice["total_discount_amounts"] or []),
        "tax": sum(int(one["amount"]) for one in invoice["total_taxes"] or []), "spent": int(invoice["amount_due"]) - int(invoice["total"]),
        "usual": methods.said(world.get(usual)) if usual else None, "waits": intent["status"] if intent else None,
        "intent": intent["id"] if intent else None, "customer": customer, "problem": (intent or {}).get("last_payment_error"),
    }  # fmt: skip


def pdf(world: World, id: str) -> tuple[str, bytes]:
    """The invoice as a file: its name and its bytes."""
    invoice = invoice_of(world, id)
    currency, customer = invoice["currency"], invoice["customer_name"] or invoice["customer_email"] or invoice["customer"]
    rows = [Row("Invoice", size=22, bold=True), Row(f"Number {invoice['number']}", f"Date {day(invoice['effective_at'])}"), Row()]
    rows += [Row(line) for line in LETTERHEAD] + [Row(), Row("Bill to", bold=True), Row(customer), *_address(invoice)]
    rows += [Row(f"{one['type'].upper().replace('_', ' ')}: {one['value']}") for one in invoice["customer_tax_ids"] or []]
    rows += [Row(), Row("Description", "Amount", bold=True)]
    for one in invoice["lines"]["data"]:
        rows.append(Row(one["description"] or "", money(one["amount"], currency), rule=True))
        rows.append(Row(f"{day(one['period']['start'])} - {day(one['period']['end'])}", size=8))
    rows += [Row(name, money(amount, currency), bold=bold) for name, amount, bold in _sums(invoice)]
    rows += [Row(), Row(f"Paid on {day(_paid_at(invoice) or 0)}" if invoice["status"] == "paid" else f"Status: {invoice['status']}", bold=True)]
    rows += [Row(), Row("This invoice comes from a simulator. Nothing was bought and nothing is owed.", size=8)]
    return f"Invoice-{invoice['number']}.pdf", write(rows, f"Invoice {invoice['number']}")


def _paid_at(invoice: Object) -> int | None:
    at = invoice["status_transitions"]["paid_at"]
    return None if at is None else int(at)


def _address(invoice: Object) -> list[Row]:
    known = invoice["customer_address"] or {}
    town = " ".join(known[part] for part in ("postal_code", "city") if known.get(part))
    return [Row(line) for line in (known.get("line1"), known.get("line2"), town, known.get("country")) if line]


def _sums(invoice: Object) -> list[tuple[str, int, bool]]:
    off = sum(int(one["amount"]) for one in invoice["total_discount_amounts"] or [])
    sums = [("Subtotal", int(invoice["subtotal"]), False)]
    sums += [("Discount", -off, False)] if off else []
    sums += [(_tax_name(one), int(one["amount"]), False) for one in invoice["total_taxes"] or []]
    sums += [("Total", int(invoice["total"]), True)]
    spent = int(invoice["amount_due"]) - int(invoice["total"])
    sums += [("From or to the balance", spent, False)] if spent else []
    return [*sums, ("Amount due", int(invoice["amount_due"]), True)]


def _tax_name(tax: Object) -> str:
    return {"reverse_charge": "VAT, reverse charge", "not_collecting": "VAT, not collected", "customer_exempt": "VAT, exempt"}.get(
        tax["taxability_reason"], "VAT"
    )
