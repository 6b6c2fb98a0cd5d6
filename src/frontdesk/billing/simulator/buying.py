"""What a checkout session sells, what that comes to, and what happens when somebody pays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frontdesk.billing.simulator import buyers, charging, collecting, customers, discounting, invoicing, lines, methods, shapes, subscribing, tax_ids
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.periods import DAY, containing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
LASTS = DAY
NOBODY = {"id": "", "balance": 0, "currency": None, "tax_exempt": "none", "address": None}


@dataclass(frozen=True, slots=True)
class Buyer:
    """What was filled in on the pay page. method: a payment method that nobody has yet; authenticated: the bank has asked."""

    email: str = ""
    name: str = ""
    country: str = ""
    tax_id: tuple[str, str] | None = None
    discount: Object | None = None
    method: Object | None = None
    authenticated: bool = False


def quote(world: World, session: Object, discounts: Sequence[Object] = (), country: str = "") -> Object:
    """What is due today, as an invoice that is kept nowhere."""
    customer = world.found(session["customer"]) if session["customer"] else None
    who = customer or shapes.make("customer", **NOBODY)
    if country:
        who = who | {"address": {"country": country}}
    made = [_line(world, session, one) for one in sold(world, session)]
    plan = invoicing.Plan(who, None, "subscription_create", made, (world.now(), world.now()), discounts, session["automatic_tax"]["enabled"])
    return invoicing.compose(world, plan, world.new_id("upcoming_in"))


def sold(world: World, session: Object) -> list[Object]:
    """The lines of a session: each a price and how many of it."""
    return list(world.private(session["id"])["lines"])


def details_of(world: World, session: Object) -> Object:
    """What the session says about the subscription or the payment that it makes."""
    return dict(world.private(session["id"]).get("details") or {})


def discounts_for(world: World, session: Object) -> list[Object]:
    """The discounts that a session brings along itself."""
    given = world.private(session["id"]).get("discounts") or []
    return discounting.read(world, given, session["customer"], int(session["amount_subtotal"] or 0))


def is_free(session: Object, quoted: Mapping[str, Any]) -> bool:
    """Whether it can be had without a card."""
    return session["payment_method_collection"] == "if_required" and not quoted["amount_due"]


def pay(world: World, session: Object, buyer: Buyer) -> Object:
    """Sell what the session offers. Raises StripeError for what cannot be paid: then nothing at all has happened."""
    if session["status"] != "open":
        raise invalid("This checkout is over.", None)
    customer = _customer(world, session, buyer)
    if buyer.method is not None:
        methods.attach(world, buyer.method, customer["id"])
        if buyer.authenticated:
            methods.set_up(world, buyer.method["id"])
    discounts = [buyer.discount] if buyer.discount else discounts_for(world, session)
    quoted = quote(world, session | {"customer": customer["id"]}, discounts)
    if session["mode"] == "subscription":
        made = _subscribe(world, session, customer, buyer, discounts)
    else:
        made = _charge(world, session, customer, buyer, quoted, discounts)
    sums = {"amount_subtotal": quoted["subtotal"], "amount_total": quoted["total"], "total_details": totals(quoted)}
    session |= {"status": "complete", "url": None, "customer": customer["id"], "customer_details": _seen(world, customer, buyer), **sums, **made}
    session["discounts"] = [{"coupon": one["source"]["coupon"], "promotion_code": one["promotion_code"]} for one in discounts] or session["discounts"]
    world.put(session)
    world.emit("checkout.session.completed", session)
    return session


def expire(world: World, session: Object) -> Object:
    """Nobody paid in time."""
    if session["status"] != "open":
        raise StripeError("invalid_request_error", f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {session["status"]}.')
    session |= {"status": "expired", "url": None}
    world.put(session)
    world.emit("checkout.session.expired", session)
    return session


def settled(world: World, intent: Object) -> None:
    """A direct debit of a checkout came in, or came back."""
    for session in world.find("checkout.session", status="complete", payment_status="unpaid"):
        if world.private(session["id"]).get("intent") != intent["id"]:
            continue
        came = intent["status"] == "succeeded"
        session |= {"payment_status": "paid" if came else "unpaid"}
        world.put(session)
        world.emit(f"checkout.session.async_payment_{'succeeded' if came else 'failed'}", session)


def line_items(world: World, session: Object) -> list[Object]:
    """The lines as the API shows them."""
    quoted = quote(world, session, discounts_for(world, session) if session["status"] == "open" else ())
    shown = []
    for one, line in zip(sold(world, session), quoted["lines"]["data"], strict=True):
        tax = sum(int(tax["amount"]) for tax in line["taxes"])
        off = sum(int(part["amount"]) for part in line["discount_amounts"])
        price = world.get(one["price"])
        amounts = {"amount_discount": off, "amount_subtotal": line["amount"], "amount_tax": tax, "amount_total": line["amount"] - off + tax}
        about = {"currency": price["currency"], "description": lines.name_of(world, price), "price": price, "quantity": one["quantity"]}
        shown.append(shapes.make("item", id=one["id"], **amounts, **about))
    return shown


def _line(world: World, session: Object, one: Object) -> Object:
    price = world.get(one["price"])
    if price["type"] == "recurring":
        item = {"id": "", "price": price, "quantity": one["quantity"]}
        line = lines.of_item(world, None, item, containing(world.now(), price["recurring"], world.now()))
        return subscribing.free(line) if trial_end(world, session) else line
    amount = int(price["unit_amount"] or 0) * int(one["quantity"])
    item = shapes.make(
        "invoiceitem", amount=amount, currency=price["currency"], quantity=one["quantity"], quantity_decimal=str(one["quantity"]), discountable=True,
        pricing=lines.pricing(price), description=lines.name_of(world, price), period={"start": world.now(), "end": world.now()},
    )  # fmt: skip
    return lines.of_invoice_item(world, item)


def trial_end(world: World, session: Object) -> int | None:
    """When the trial ends that the session gives, if it gives one."""
    details = details_of(world, session)
    if details.get("trial_period_days"):
        return world.now() + int(details["trial_period_days"]) * DAY
    return int(details["trial_end"]) if details.get("trial_end") else None


def _customer(world: World, session: Object, buyer: Buyer) -> Object:
    """Whoever buys: the session's customer, or a new one; what he wrote is kept as far as the session says."""
    may = world.private(session["id"]).get("customer_update") or {}
    if session["customer"] is None:
        made = customers.create(world, {"email": buyer.email or session["customer_email"] or "", "name": buyer.name})
        session["customer"], may = made["id"], {"address": "auto", "name": "auto"}
    customer = str(session["customer"])
    if may.get("address") == "auto" and buyer.country:
        buyers.live_in(world, customer, buyer.country)
    if may.get("name") == "auto" and buyer.name:
        buyers.change(world, customer, name=buyer.name)
    if buyer.tax_id is not None:
        tax_ids.create(world, dict(zip(("type", "value"), buyer.tax_id, strict=True)), customer)
    return world.get(customer)


def _subscribe(world: World, session: Object, customer: Object, buyer: Buyer, discounts: Sequence[Object]) -> Object:
    details, recurring = details_of(world, session), []
    for one in sold(world, session):
        price = world.get(one["price"])
        if price["type"] == "recurring":
            recurring.append({"price": price["id"], "quantity": str(one["quantity"])})
        else:
            _add_once(world, customer, price, int(one["quantity"]))
    fields: Object = {name: details[name] for name in ("metadata", "description", "billing_mode", "trial_settings") if name in details}
    fields["automatic_tax"] = shapes.make("subscription")["automatic_tax"] | {"enabled": session["automatic_tax"]["enabled"]}
    fields["default_payment_method"] = buyer.method["id"] if buyer.method else None
    order = subscribing.Order(
        customer, recurring, discounts, trial_end(world, session), payment_behavior="error_if_incomplete", authenticated=buyer.authenticated, fields=fields
    )  # fmt: skip
    subscription = subscribing.begin(world, order)
    invoice = world.get(subscription["latest_invoice"])
    intent = invoicing.intent_of(world, invoice)
    _remember_intent(world, session, intent)
    status = "no_payment_required" if intent is None else "paid" if invoice["status"] == "paid" else "unpaid"
    return {"subscription": subscription["id"], "invoice": invoice["id"], "payment_status": status}


def _charge(world: World, session: Object, customer: Object, buyer: Buyer, quoted: Object, discounts: Sequence[Object]) -> Object:
    details = details_of(world, session)
    if not quoted["amount_due"]:
        return {"payment_status": "no_payment_required"}
    assert buyer.method is not None, "the page asks for a card where something is due"
    invoice = _invoice(world, session, customer, discounts) if (session["invoice_creation"] or {}).get("enabled") else None
    intent = invoicing.intent_of(world, invoice) if invoice else None
    if intent is None:
        intent = charging.intend(world, customer["id"], quoted["total"], quoted["currency"], details.get("description"), session["payment_method_types"])
    intent = world.put(intent | {"metadata": details.get("metadata") or {}})
    intent = charging.attempt(world, intent, buyer.method["id"], authenticated=buyer.authenticated)
    if intent["status"] not in ("succeeded", "processing"):
        raise methods.declined((intent["last_payment_error"] or {}).get("decline_code") or "authentication_required")
    if invoice is not None:
        collecting.follow(world, intent)
    _remember_intent(world, session, intent)
    told = {"payment_intent": intent["id"], "payment_status": "paid" if intent["status"] == "succeeded" else "unpaid"}
    return told | ({"invoice": invoice["id"]} if invoice else {})


def _invoice(world: World, session: Object, customer: Object, discounts: Sequence[Object]) -> Object:
    """The invoice of what is bought once, open until it is paid in the same breath."""
    discounting.redeem(world, discounts)
    made = [_line(world, session, one) for one in sold(world, session)]
    plan = invoicing.Plan(customer, None, "manual", made, (world.now(), world.now()), discounts, session["automatic_tax"]["enabled"])
    data = session["invoice_creation"]["invoice_data"]
    invoice = invoicing.create(world, plan, advance=False)
    return invoicing.finalize(world, invoice | {name: data[name] for name in ("description", "footer", "metadata")})


def _add_once(world: World, customer: Object, price: Object, quantity: int) -> None:
    """What is bought once together with a subscription stands on its first invoice."""
    amount, now = int(price["unit_amount"] or 0) * quantity, world.now()
    item = shapes.make(
        "invoiceitem", id=world.new_id("ii"), amount=amount, net_amount=amount, currency=price["currency"], customer=customer["id"], date=now,
        description=lines.name_of(world, price), discountable=True, discounts=[], period={"start": now, "end": now}, quantity=quantity,
        pricing=lines.pricing(price), quantity_decimal=str(quantity), tax_rates=[],
    )  # fmt: skip
    world.put(item)
    world.emit("invoiceitem.created", item)


def _remember_intent(world: World, session: Object, intent: Object | None) -> None:
    if intent is not None:
        world.put_private(session["id"], world.private(session["id"]) | {"intent": intent["id"]})


def totals(quoted: Object) -> Object:
    """What of a total is discount and what is tax."""
    off = sum(int(one["amount"]) for one in quoted["total_discount_amounts"])
    tax = sum(int(one["amount"]) for one in quoted["total_taxes"])
    return shapes.make("checkout.session.total_details", amount_discount=off, amount_shipping=0, amount_tax=tax)


def _seen(world: World, customer: Object, buyer: Buyer) -> Object:
    ids = [{"type": one["type"], "value": one["value"]} for one in world.find("tax_id", customer=customer["id"])]
    address = shapes.make("checkout.session.customer_details.address", country=buyer.country or (customer["address"] or {}).get("country"))
    return shapes.make(
        "checkout.session.customer_details", address=address, email=customer["email"], name=buyer.name or customer["name"], phone=customer["phone"],
        tax_exempt=customer["tax_exempt"], tax_ids=ids,
    )  # fmt: skip
