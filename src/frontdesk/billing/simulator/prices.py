"""Prices: what a product costs, and how often. What they cost never changes; a new one can take over the lookup key."""

from decimal import Decimal
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
CHANGEABLE = ("active", "lookup_key", "metadata", "nickname", "tax_behavior", "transfer_lookup_key")
FIELDS = (
    *CHANGEABLE,
    "billing_scheme",
    "currency",
    "product",
    "product_data",
    "recurring",
    "tiers",
    "tiers_mode",
    "transform_quantity",
    "unit_amount",
    "unit_amount_decimal",
)
INTERVALS = {"day": 1095, "month": 36, "week": 156, "year": 3}
"""How many of each may lie between two payments: three years. Source: https://docs.stripe.com/api/prices/create"""
MOST_LOOKUP_KEYS = 10


def create(world: World, params: p.Params) -> Object:
    """POST /v1/prices."""
    p.known(params, FIELDS)
    scheme = p.choice(params, "billing_scheme", ("per_unit", "tiered"), "per_unit")
    price = shapes.make(
        "price", id=world.new_id("price"), created=world.now(), active=p.flag(params, "active", True), billing_scheme=scheme, currency=currency(params),
        metadata=p.metadata(params), nickname=p.text(params, "nickname"), product=_product(world, params), recurring=_recurring(world, params),
        tax_behavior=_tax_behavior(params, "unspecified"), transform_quantity=_transform(params),
    )  # fmt: skip
    price["type"] = "recurring" if price["recurring"] else "one_time"
    if scheme == "tiered":
        price["tiers_mode"] = p.choice(params, "tiers_mode", ("graduated", "volume")) or p.required(params, "tiers_mode")
        world.put_private(price["id"], {"tiers": _tiers(params)})
    else:
        price["unit_amount"], price["unit_amount_decimal"] = _amount(params, "unit_amount")
    _take_lookup_key(world, price, params)
    world.put(price)
    world.emit("price.created", price)
    return price


def retrieve(world: World, params: p.Params, price: str) -> Object:
    """GET /v1/prices/{price}."""
    return world.get(price, "price", "price")


def update(world: World, params: p.Params, price: str) -> Object:
    """POST /v1/prices/{price}: anything but what it costs."""
    p.known(params, CHANGEABLE)
    before, after = world.get(price, "price", "price"), world.get(price, "price", "price")
    if (active := p.flag(params, "active")) is not None:
        _may_be_archived(world, after, active)
        after["active"] = active
    if "nickname" in params:
        after["nickname"] = p.text(params, "nickname")
    after["metadata"] = p.metadata(params, after["metadata"])
    behavior = _tax_behavior(params, after["tax_behavior"])
    if behavior != after["tax_behavior"] and after["tax_behavior"] != "unspecified":
        raise invalid("You cannot change `tax_behavior` of a price once it is inclusive or exclusive.", "tax_behavior")
    after["tax_behavior"] = behavior
    _take_lookup_key(world, after, params)
    world.emit("price.updated", world.put(after), previous=before)
    return after


def index(world: World, params: p.Params) -> Object:
    """GET /v1/prices: by `lookup_keys`, `product`, `active` and more."""
    p.known(params, (*PAGING, "active", "created", "currency", "lookup_keys", "product", "recurring", "type"))
    keys = p.several(params, "lookup_keys")
    if len(keys) > MOST_LOOKUP_KEYS:
        raise invalid(f"You may give at most {MOST_LOOKUP_KEYS} lookup keys.", "lookup_keys")
    rhythm = p.inner(params, "recurring", ("interval", "meter", "usage_type")) or {}
    equal = {"active": p.flag(params, "active"), "currency": p.text(params, "currency"), "product": p.text(params, "product"), "type": p.text(params, "type")}
    equal |= {f"recurring.{name}": value for name, value in rhythm.items()}
    return listing(world, "price", params, equal, where=lambda one: not keys or one["lookup_key"] in keys)


def tiers(world: World, price: Object) -> list[Object] | None:
    """The steps of a tiered price, which Stripe shows only to whoever expands them."""
    found: list[Object] | None = world.private(price["id"]).get("tiers")
    return found


def currency(params: p.Params) -> str:
    """Three small letters."""
    word = str(p.required(params, "currency")).lower()
    if len(word) != 3 or not word.isascii() or not word.isalpha():
        raise invalid(f"Invalid currency: {word[:20]}. Stripe takes the three letters of ISO 4217.", "currency")
    return word


def _product(world: World, params: p.Params) -> str:
    given = p.inner(params, "product_data", ("active", "id", "metadata", "name", "statement_descriptor", "tax_code", "unit_label"))
    if given is not None and params.get("product"):
        raise invalid("You may only specify one of these parameters: product, product_data.")
    if given is None:
        return str(world.get(str(p.required(params, "product")), "product", "product")["id"])
    product = shapes.make(
        "product", id=p.text(given, "id") or world.new_id("prod", 14), created=world.now(), updated=world.now(), name=p.required(given, "name"),
        active=p.flag(given, "active", True), metadata=p.metadata(given), tax_code=p.text(given, "tax_code"), unit_label=p.text(given, "unit_label"),
        statement_descriptor=p.text(given, "statement_descriptor"), type="service",
    )  # fmt: skip
    if world.found(product["id"]) is not None:
        raise StripeError("invalid_request_error", "Product already exists.", "resource_already_exists", "product_data[id]")
    world.emit("product.created", world.put(product))
    return str(product["id"])


def _recurring(world: World, params: p.Params) -> Object | None:
    given = p.inner(params, "recurring", ("interval", "interval_count", "meter", "trial_period_days", "usage_type"))
    if given is None:
        return None
    interval = p.choice(given, "interval", INTERVALS) or str(p.required(given, "interval"))
    usage = p.choice(given, "usage_type", ("licensed", "metered"), "licensed")
    meter = p.text(given, "meter")
    if meter is not None:
        world.get(meter, "billing.meter", "recurring[meter]")
    if (usage == "metered") != (meter is not None):
        raise invalid("Metered prices, and only they, name their meter.", "recurring[meter]")
    return shapes.make(
        "price.recurring", interval=interval, interval_count=p.integer(given, "interval_count", 1, least=1, most=INTERVALS[interval]), meter=meter,
        trial_period_days=p.integer(given, "trial_period_days", least=0), usage_type=usage,
    )  # fmt: skip


def _amount(params: p.Params, name: str) -> tuple[int | None, str]:
    """What one costs, in cents: as a whole number if it is one, and as a decimal with up to twelve places."""
    whole, exact = p.integer(params, name, least=0), p.decimal(params, f"{name}_decimal")
    if (whole is None) == (exact is None):
        raise StripeError("invalid_request_error", f"Give one of these parameters: {name}, {name}_decimal.", "parameter_missing", name)
    exact = Decimal(whole) if whole is not None else exact or Decimal(0)
    if not 0 <= exact <= p.LARGEST:
        raise invalid(f"Invalid amount: {exact}", f"{name}_decimal")
    plain = f"{exact:f}"
    return (int(exact) if exact == int(exact) else None), plain.rstrip("0").rstrip(".") if "." in plain else plain


def _tiers(params: p.Params) -> list[Object]:
    read = []
    for one in p.several(params, "tiers") or [p.required(params, "tiers")]:
        p.known(one, ("flat_amount", "flat_amount_decimal", "unit_amount", "unit_amount_decimal", "up_to"), "tiers")
        tier: Object = {"up_to": None if p.required(one, "up_to") == "inf" else p.integer(one, "up_to", least=1)}
        for name in ("flat_amount", "unit_amount"):
            given = any(one.get(full) not in (None, "") for full in (name, f"{name}_decimal"))
            tier[name], tier[f"{name}_decimal"] = _amount(one, name) if given else (None, None)
        read.append(tier)
    if not read or read[-1]["up_to"] is not None:
        raise invalid("The last tier goes up to `inf`.", "tiers")
    return read


def _transform(params: p.Params) -> Object | None:
    given = p.inner(params, "transform_quantity", ("divide_by", "round"))
    if given is None:
        return None
    return {"divide_by": p.integer(given, "divide_by", 1, least=1), "round": p.choice(given, "round", ("down", "up"), "down")}


def _tax_behavior(params: p.Params, usual: str) -> str:
    return p.choice(params, "tax_behavior", ("exclusive", "inclusive", "unspecified"), usual) or usual


def _may_be_archived(world: World, price: Object, active: bool) -> None:
    if not active and world.get(price["product"], "product").get("default_price") == price["id"]:
        raise invalid("This price cannot be archived because it is the default price of its product.", "active")


def _take_lookup_key(world: World, price: Object, params: p.Params) -> None:
    """Let the price have this key: one that nobody has, or that is to be taken from whoever has it."""
    if "lookup_key" not in params:
        return
    key, transfer = p.text(params, "lookup_key", longest=200), p.flag(params, "transfer_lookup_key", False)
    for other in world.find("price", lookup_key=key) if key else []:
        if other["id"] == price["id"]:
            continue
        if not transfer:
            raise invalid(f"A price (`{other['id']}`) already uses that lookup key.", "lookup_key")
        world.emit("price.updated", world.put(other | {"lookup_key": None}), previous=other)
    price["lookup_key"] = key
