"""What customers may do on the portal: its configurations."""

import copy
from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
FIELDS = ("business_profile", "default_return_url", "features", "login_page", "metadata", "name")
MOST_PRODUCTS = 10
"""Source: https://docs.stripe.com/api/customer_portal/configurations/create"""
WORDS = {
    "allowed_updates": ("address", "email", "name", "phone", "shipping", "tax_id"),
    "default_allowed_updates": ("price", "promotion_code", "quantity"),
    "mode": ("at_period_end", "immediately"),
    "options": (
        "customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex", "too_expensive", "unused",
    ),
    "proration_behavior": ("always_invoice", "create_prorations", "none"),
    "trial_update_behavior": ("continue_trial", "end_trial"),
    "billing_cycle_anchor": ("now", "unchanged"),
}  # fmt: skip
"""The words that these fields take."""
USUAL = {"mode": "at_period_end", "proration_behavior": "none", "trial_update_behavior": "end_trial"}


def create(world: World, params: p.Params) -> Object:
    """POST /v1/billing_portal/configurations."""
    p.known(params, FIELDS)
    p.required(params, "features")
    made = shapes.make("billing_portal.configuration", id=world.new_id("bpc"), created=world.now(), updated=world.now(), active=True)
    for feature in made["features"].values():
        feature.update({name: usual for name, usual in USUAL.items() if name in feature})
    made["features"]["subscription_update"]["billing_cycle_anchor"] = "unchanged"
    world.put(_changed(world, made, params))
    world.emit("billing_portal.configuration.created", made)
    return made


def retrieve(world: World, params: p.Params, configuration: str) -> Object:
    """GET /v1/billing_portal/configurations/{configuration}."""
    return world.get(configuration, "billing_portal.configuration", "configuration")


def update(world: World, params: p.Params, configuration: str) -> Object:
    """POST /v1/billing_portal/configurations/{configuration}."""
    p.known(params, (*FIELDS, "active"))
    before = world.get(configuration, "billing_portal.configuration", "configuration")
    after = _changed(world, world.get(configuration), params)
    after["active"] = p.flag(params, "active", after["active"])
    if after != before:
        after["updated"] = world.now()
    world.emit("billing_portal.configuration.updated", world.put(after), previous=before)
    return after


def index(world: World, params: p.Params) -> Object:
    """GET /v1/billing_portal/configurations."""
    p.known(params, (*PAGING, "active", "is_default"))
    return listing(world, "billing_portal.configuration", params, {"active": p.flag(params, "active"), "is_default": p.flag(params, "is_default")})


def products(world: World, configuration: Object) -> list[Object]:
    """Which products customers may change to; Stripe shows them only to whoever expands them."""
    return list(world.private(configuration["id"]).get("products", []))


def _changed(world: World, configuration: Object, params: p.Params) -> Object:
    features = copy.deepcopy(p.inner(params, "features") or {})
    update = features.get("subscription_update")
    if isinstance(update, dict) and "products" in update:
        world.put_private(configuration["id"], {"products": _products(world, update)})
        del update["products"]
    configuration["features"] = _filled(configuration["features"], features, "features")
    for name in ("business_profile", "login_page"):
        if name in params:
            configuration[name] = _filled(configuration[name], p.inner(params, name) or {}, name)
    if configuration["login_page"]["enabled"]:
        configuration["login_page"]["url"] = f"{world.settings.public_url}/portal/login/{configuration['id']}"
    for name in ("default_return_url", "name"):
        if name in params:
            configuration[name] = p.text(params, name)
    configuration["metadata"] = p.metadata(params, configuration["metadata"])
    return configuration


def _filled(before: Object, given: p.Params, path: str) -> Object:
    """The old values with the new ones over them, each of the kind that the old one is."""
    p.known(given, before, path)
    return before | {name: _value(before[name], given, name, path) for name in given}


def _value(old: Any, given: p.Params, name: str, path: str) -> Any:
    if isinstance(old, bool):
        return p.flag(given, name, old)
    if isinstance(old, list):
        words = p.several(given, name)
        if name in WORDS and (wrong := [word for word in words if word not in WORDS[name]]):
            raise invalid(f"Invalid {path}[{name}]: must be among {', '.join(WORDS[name])}", f"{path}[{name}][{words.index(wrong[0])}]")
        return words
    if isinstance(old, dict):
        return _filled(old, p.inner(given, name) or {}, f"{path}[{name}]")
    return p.choice(given, name, WORDS[name]) if name in WORDS else p.text(given, name)


def _products(world: World, update: p.Params) -> list[Object]:
    read = []
    for one in p.several(update, "products"):
        p.known(one, ("adjustable_quantity", "prices", "product"), "features[subscription_update][products]")
        product = world.get(str(p.required(one, "product")), "product", "features[subscription_update][products]")
        prices = [world.get(str(price), "price", "features[subscription_update][products]")["id"] for price in p.several(one, "prices")]
        read.append({"adjustable_quantity": {"enabled": False, "maximum": None, "minimum": 0}, "prices": prices, "product": product["id"]})
    if len(read) > MOST_PRODUCTS:
        raise StripeError("invalid_request_error", f"You may give at most {MOST_PRODUCTS} products.", None, "features[subscription_update][products]")
    return read
