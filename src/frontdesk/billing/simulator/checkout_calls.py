"""The API of Checkout: sessions that sell subscriptions, or something once."""

from typing import Any

from frontdesk.billing.simulator import buying, discounting, shapes
from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.inline_prices import priced
from frontdesk.billing.simulator.links import link
from frontdesk.billing.simulator.listing import PAGING, listing, page
from frontdesk.billing.simulator.periods import DAY, HOUR
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FIELDS = (
    "adaptive_pricing", "allow_promotion_codes", "automatic_tax", "billing_address_collection", "cancel_url", "client_reference_id", "consent_collection",
    "currency", "custom_text", "customer", "customer_creation", "customer_email", "customer_update", "discounts", "expires_at", "invoice_creation",
    "line_items", "locale", "managed_payments", "metadata", "mode", "payment_intent_data", "payment_method_collection", "payment_method_types",
    "phone_number_collection", "saved_payment_method_options", "submit_type", "subscription_data", "success_url", "tax_id_collection", "ui_mode",
)  # fmt: skip
SUBSCRIPTION = ("billing_mode", "description", "metadata", "proration_behavior", "trial_end", "trial_period_days", "trial_settings")
SHORTEST, EARLIEST = 30 * 60, 2 * DAY
"""A session lives between half an hour and a day; a trial ends two days from now at the earliest."""


def create(world: World, params: p.Params) -> Object:
    """POST /v1/checkout/sessions."""
    p.known(params, FIELDS)
    mode = p.choice(params, "mode", ("payment", "subscription"))
    if mode is None:
        raise StripeError("invalid_request_error", "Missing required param: mode.", "parameter_missing", "mode")
    customer = world.get(str(params["customer"]), "customer", "customer") if params.get("customer") else None
    session = shapes.make("checkout.session", id=world.new_id("cs_test", 58), created=world.now(), status="open", mode=mode, payment_status="unpaid")
    session["invoice_creation"] = _invoice_creation(params, mode)
    lines = _lines(world, params, mode)
    session |= _plain_fields(params, mode) | {"customer": customer["id"] if customer else None, "expires_at": _expires(world, params)}
    session["url"] = f"{world.settings.public_url}/pay/{session['id']}"
    _refuse_tax_without_place(params, customer)
    details = _details(world, params, mode)
    private: Object = {
        "lines": lines,
        "details": details,
        "discounts": p.several(params, "discounts"),
        "customer_update": p.inner(params, "customer_update") or {},
    }
    world.put_private(session["id"], private | {"tax_ids": bool(p.flag(p.inner(params, "tax_id_collection") or {}, "enabled"))})
    discounts = discounting.read(world, private["discounts"], session["customer"], 0)
    quoted = buying.quote(world, session, discounts)
    session |= {"amount_subtotal": quoted["subtotal"], "amount_total": quoted["total"], "currency": quoted["currency"]}
    session["total_details"] = buying.totals(quoted)
    session["automatic_tax"] |= {"status": quoted["automatic_tax"]["status"]}
    _refuse_other_currency(customer, quoted)
    return world.put(session)


def retrieve(world: World, params: p.Params, session: str) -> Object:
    """GET /v1/checkout/sessions/{session}."""
    return world.get(session, "checkout.session", "session")


def index(world: World, params: p.Params) -> Object:
    """GET /v1/checkout/sessions."""
    p.known(params, (*PAGING, "created", "customer", "payment_intent", "status", "subscription", "customer_details"))
    equal = {name: p.text(params, name) for name in ("customer", "payment_intent", "status", "subscription")}
    return listing(world, "checkout.session", params, equal)


def expire(world: World, params: p.Params, session: str) -> Object:
    """POST /v1/checkout/sessions/{session}/expire."""
    p.known(params, ())
    return buying.expire(world, world.get(session, "checkout.session", "session"))


def line_items(world: World, params: p.Params, session: str) -> Object:
    """GET /v1/checkout/sessions/{session}/line_items."""
    p.known(params, PAGING)
    return page(world, "item", buying.line_items(world, world.get(session, "checkout.session", "session")), params)


def line_items_of(world: World, session: Object) -> Object:
    """`line_items`, which is shown to whoever expands it."""
    return shapes.list_of(buying.line_items(world, session), f"/v1/checkout/sessions/{session['id']}/line_items")


def _lines(world: World, params: p.Params, mode: str) -> list[Object]:
    given = p.several(params, "line_items")
    if not given:
        raise StripeError("invalid_request_error", "Missing required param: line_items.", "parameter_missing", "line_items")
    made = []
    for place, one in enumerate(given):
        where = f"line_items[{place}]"
        p.known(one, ("price", "quantity", "price_data", "adjustable_quantity", "metadata"), where)
        price = priced(world, one, where)
        if price["type"] == "recurring" and mode == "payment":
            raise invalid(
                "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.", "mode"
            )
        made.append({"id": world.new_id("li"), "price": price["id"], "quantity": p.integer(one, "quantity", 1, least=1)})
    if mode == "subscription" and not any(world.get(one["price"])["type"] == "recurring" for one in made):
        raise invalid("You must provide at least one recurring price in `subscription` mode when using prices.", "line_items")
    return made


def _plain_fields(params: p.Params, mode: str) -> Object:
    taxed = p.inner(params, "automatic_tax", ("enabled", "liability")) or {}
    if p.choice(params, "ui_mode", ("hosted", "hosted_page"), "hosted_page") is None:
        raise invalid("The simulated Stripe has hosted pages only.", "ui_mode")
    p.required(params, "success_url")
    usually = "always" if mode == "subscription" else "if_required"
    return {
        "success_url": link(params, "success_url"), "cancel_url": link(params, "cancel_url"), "metadata": p.metadata(params),
        "client_reference_id": p.text(params, "client_reference_id", longest=200), "customer_email": p.text(params, "customer_email", longest=512),
        "allow_promotion_codes": p.flag(params, "allow_promotion_codes"), "locale": p.text(params, "locale"), "ui_mode": "hosted_page",
        "billing_address_collection": p.choice(params, "billing_address_collection", ("auto", "required")),
        "payment_method_collection": p.choice(params, "payment_method_collection", ("always", "if_required"), usually),
        "payment_method_types": [str(one) for one in p.several(params, "payment_method_types")] or ["card", "sepa_debit"],
        "automatic_tax": {"enabled": bool(p.flag(taxed, "enabled")), "liability": None, "status": None, "provider": None},
        "customer_creation": None if mode == "subscription" or params.get("customer") else "if_required", "discounts": [],
    }  # fmt: skip


def _details(world: World, params: p.Params, mode: str) -> Object:
    if mode == "payment":
        given = p.inner(params, "payment_intent_data", ("description", "metadata", "setup_future_usage", "receipt_email")) or {}
        return {"metadata": p.metadata(given), "description": p.text(given, "description")}
    given = p.inner(params, "subscription_data", SUBSCRIPTION) or {}
    details: Object = {"metadata": p.metadata(given), "description": p.text(given, "description")}
    details["trial_period_days"] = p.integer(given, "trial_period_days", least=1, most=730)
    details["trial_end"] = p.moment(given, "trial_end")
    if details["trial_end"] is not None and details["trial_end"] < world.now() + EARLIEST:
        raise invalid("The `trial_end` date has to be at least 2 days in the future.", "subscription_data[trial_end]")
    if given.get("trial_settings"):
        behavior = (given["trial_settings"].get("end_behavior") or {}).get("missing_payment_method")
        details["trial_settings"] = {"end_behavior": {"missing_payment_method": behavior or "create_invoice"}}
    if given.get("billing_mode"):
        details["billing_mode"] = {"type": p.choice(given["billing_mode"], "type", ("classic", "flexible"), "flexible"), "flexible": None}
    return details


def _invoice_creation(params: p.Params, mode: str) -> Object | None:
    """Whether what is bought once gets an invoice; what is subscribed to has its own."""
    given = p.inner(params, "invoice_creation", ("enabled", "invoice_data")) or {}
    if mode == "subscription":
        if given:
            raise invalid("You can only enable invoice creation when `mode` is set to `payment`.", "invoice_creation")
        return None
    data = p.inner(given, "invoice_data", ("description", "footer", "metadata")) or {}
    told = {"description": p.text(data, "description"), "footer": p.text(data, "footer"), "metadata": p.metadata(data)}
    made = shapes.make("checkout.session.invoice_creation", enabled=bool(p.flag(given, "enabled")))
    return made | {"invoice_data": made["invoice_data"] | told}


def _expires(world: World, params: p.Params) -> int:
    at = p.moment(params, "expires_at") or world.now() + buying.LASTS
    if not world.now() + SHORTEST - 60 <= at <= world.now() + DAY + HOUR:
        raise invalid("The `expires_at` timestamp must be less than 24 hours and at least 30 minutes from Checkout Session creation.", "expires_at")
    return at


def _refuse_tax_without_place(params: p.Params, customer: Object | None) -> None:
    """Stripe wants to be told where an address or a name goes that is asked for on the page."""
    update = p.inner(params, "customer_update", ("address", "name", "shipping")) or {}
    if update and customer is None:
        raise invalid("`customer_update` can only be used with `customer`.", "customer_update")
    taxed = p.flag(p.inner(params, "automatic_tax") or {}, "enabled")
    if customer is not None and taxed and not (customer["address"] or {}).get("country") and update.get("address") != "auto":
        message = "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to the Customer or set "
        raise StripeError("invalid_request_error", message + "`customer_update[address]` to 'auto'.", "customer_tax_location_invalid", "automatic_tax")
    asks = p.flag(p.inner(params, "tax_id_collection") or {}, "enabled")
    if customer is not None and asks and update.get("name") != "auto":
        message = "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an existing customer, please set "
        raise StripeError("invalid_request_error", message + "`customer_update[name]` to `auto`.", None, "tax_id_collection")


def _refuse_other_currency(customer: Object | None, quoted: Object) -> None:
    if customer is not None and customer["currency"] not in (None, quoted["currency"]):
        message = "You cannot combine currencies on a single customer. This customer has had a subscription, coupon, or invoice item with currency"
        raise StripeError("invalid_request_error", f"{message} {customer['currency']}")
