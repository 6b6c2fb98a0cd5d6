"""Products: what is sold."""

from typing import Any

from frontdesk.billing.simulator import params as p
from frontdesk.billing.simulator import prices, shapes
from frontdesk.billing.simulator.errors import StripeError, invalid
from frontdesk.billing.simulator.listing import PAGING, listing
from frontdesk.billing.simulator.world import World

Object = dict[str, Any]
WORDS = {"name": 250, "description": 40000, "statement_descriptor": 22, "tax_code": 100, "unit_label": 12, "url": 2048}
FIELDS = (*WORDS, "active", "images", "marketing_features", "metadata", "package_dimensions", "shippable")
SIDES = ("height", "length", "weight", "width")


def create(world: World, params: p.Params) -> Object:
    """POST /v1/products: under an id of one's own, if one likes, and with its first price."""
    p.known(params, (*FIELDS, "default_price_data", "id", "type"))
    p.required(params, "name")
    own = p.text(params, "id", longest=64)
    if own and world.found(own) is not None:
        raise StripeError("invalid_request_error", "Product already exists.", "resource_already_exists", "id")
    kind = p.choice(params, "type", ("good", "service"), "service")
    product = shapes.make("product", id=own or world.new_id("prod", 14), created=world.now(), active=True, type=kind)
    world.put(_changed(world, product, params))
    world.emit("product.created", product)
    if (first := p.inner(params, "default_price_data")) is not None:
        product["default_price"] = prices.create(world, first | {"product": product["id"]})["id"]
        world.put(product)
    return product


def retrieve(world: World, params: p.Params, product: str) -> Object:
    """GET /v1/products/{product}."""
    return world.get(product, "product")


def update(world: World, params: p.Params, product: str) -> Object:
    """POST /v1/products/{product}."""
    p.known(params, (*FIELDS, "default_price"))
    before = world.get(product, "product")
    after = _changed(world, world.get(product, "product"), params)
    if "default_price" in params:
        after["default_price"] = _price_of(world, product, p.text(params, "default_price"))
    world.emit("product.updated", world.put(after), previous=before)
    return after


def delete(world: World, params: p.Params, product: str) -> Object:
    """DELETE /v1/products/{product}: one that has no price."""
    before = world.get(product, "product")
    if world.find("price", product=product):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.", "id")
    gone = world.delete(product)
    world.emit("product.deleted", before)
    return gone


def index(world: World, params: p.Params) -> Object:
    """GET /v1/products: all, or those with these `ids`, or those that are `active`."""
    p.known(params, (*PAGING, "active", "created", "ids", "shippable", "type", "url"))
    ids = p.several(params, "ids")
    equal = {"active": p.flag(params, "active"), "shippable": p.flag(params, "shippable"), "type": p.text(params, "type"), "url": p.text(params, "url")}
    return listing(world, "product", params, equal, where=lambda one: not ids or one["id"] in ids)


def _changed(world: World, product: Object, params: p.Params) -> Object:
    before = {name: value for name, value in product.items() if name != "updated"}
    for name, longest in WORDS.items():
        if name in params:
            product[name] = p.text(params, name, longest=longest)
    if product["name"] is None:
        raise invalid("You passed an empty string for 'name'. Products have a name.", "name", "parameter_invalid_empty")
    for name in ("active", "shippable"):
        if name in params:
            product[name] = p.flag(params, name, product[name])
    if "images" in params:
        product["images"] = p.several(params, "images")
    if "marketing_features" in params:
        product["marketing_features"] = [{"name": p.text(one, "name", longest=80)} for one in p.several(params, "marketing_features")]
    if "package_dimensions" in params:
        sides = p.inner(params, "package_dimensions", SIDES)
        product["package_dimensions"] = None if sides is None else {side: float(p.decimal(sides, side) or 0) for side in SIDES}
    product["metadata"] = p.metadata(params, product["metadata"])
    if {name: value for name, value in product.items() if name != "updated"} != before:
        product["updated"] = world.now()
    return product


def _price_of(world: World, product: str, price: str | None) -> str | None:
    """The price, which must be one of this product and for sale."""
    if price is None:
        return None
    found = world.get(price, "price", "default_price")
    if found["product"] != product or not found["active"]:
        raise invalid(f"The price {price} is not an active price of this product.", "default_price")
    return price
