"""What is sold, here and at Stripe: compared, brought there, and looked at once more before anything is sold.

Plans live in our tables. Products have ids of ours, prices are found by lookup keys; nothing that somebody changes in Stripe's dashboard comes
back: it is reported, and until it is put right nothing that it touches is sold.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from frontdesk.billing import store
from frontdesk.billing.differences import MARK, Found, Kind, Step, differences, fits
from frontdesk.billing.endpoints import destination_steps, endpoint_steps
from frontdesk.billing.metering import meter_steps, sold_beyond
from frontdesk.billing.records import Plan
from frontdesk.billing.standings import Told
from frontdesk.billing.stripe_api import Money, asking
from frontdesk.errors import Conflict, Unavailable


class NotForSale(Conflict):
    """This plan cannot be bought any more, or not in this currency. Load the page again and choose another one."""

    title = "Not for sale"


class CatalogueDrifted(Unavailable):
    """What Stripe would charge for this plan is not what is shown here, so it is not sold. Whoever runs this Frontdesk has to run `frontdesk billing sync`."""

    title = "Not for sale at the moment"


async def compare(money: Money) -> list[Step]:
    """What is otherwise at Stripe than here; nothing where all is well."""
    async with money.database.platform() as db:
        plans, prices = await store.all_plans(db), await store.prices(db)
    steps = differences(plans, prices, await _found(money, plans), money.home, money.settings.stripe_tax_code)
    return steps + await _meters(money, plans) + await _endpoints(money)


async def apply(money: Money, steps: Sequence[Step]) -> list[str]:
    """Bring to Stripe what is otherwise there. Killed at any moment, the next time goes on.

    Returns what endpoints that were made sign with: secrets that are told once, and for whoever set this off alone. Those steps are the last ones.
    """
    made = []
    for step in steps:
        with asking():
            made.append(await _DO[step.kind](money, step))
    return [secret for secret in made if secret]


async def sold(money: Money, lookup_key: str) -> str:
    """The id of the price that this key sells, once Stripe has said that it is what we show. Raises NotForSale or CatalogueDrifted."""
    async with money.database.platform() as db:
        price = next((one for one in await store.prices(db) if one.lookup_key == lookup_key), None)
    if price is None:
        raise NotForSale
    found = await _of_key(money, lookup_key)
    if (found is None or not fits(price, found)) and money.settings.stripe_simulated:  # a laptop has no operator
        await apply(money, await compare(money))
        found = await _of_key(money, lookup_key)
    if found is None or not fits(price, found):
        raise CatalogueDrifted
    await _note(money, Step("note", "", id=found["id"], price=price))
    return str(found["id"])


async def portal_id(money: Money) -> str:
    """Our configuration of the portal. Raises CatalogueDrifted where there is none yet."""
    found = await _portal(money)
    if found is None and money.settings.stripe_simulated:
        await apply(money, await compare(money))
        found = await _portal(money)
    if found is None:
        raise CatalogueDrifted
    return str(found["id"])


async def _found(money: Money, plans: Sequence[Plan]) -> Found:
    with asking():
        products = await money.v1.products.list_async({"ids": [f"frontdesk_{plan.id}" for plan in plans], "limit": 100})
        prices = list[Told]()
        for product in products.data:
            listed = await money.v1.prices.list_async({"product": product.id, "active": True, "limit": 100})
            prices += [one.to_dict() for one in listed.data]
    return Found({one.id: one.to_dict() for one in products.data}, prices, await _portal(money))


async def _meters(money: Money, plans: Sequence[Plan]) -> list[Step]:
    """Where the installation bills by them."""
    if money.settings.overage_billing != "meters":
        return []
    with asking():
        page = await money.v1.billing.meters.list_async({"limit": 100})
        return meter_steps(sold_beyond(plans), [one.to_dict() async for one in page.auto_paging_iter()])


async def _endpoints(money: Money) -> list[Step]:
    """The simulated Stripe tells the installation that it is part of everything by itself."""
    settings = money.settings
    if settings.stripe_simulated:
        return []
    with asking():
        page = await money.v1.webhook_endpoints.list_async({"limit": 100})
        found = [one.to_dict() async for one in page.auto_paging_iter()]
        thin = settings.overage_billing == "meters"
        listed = await money.v2.core.event_destinations.list_async({"include": ["webhook_endpoint.url"]}) if thin else None
        destinations = [one.to_dict() async for one in listed.auto_paging_iter()] if listed else []
    steps = destination_steps(destinations, settings.public_url) if thin else []
    return steps + endpoint_steps(found, settings.public_url, has_secret=bool(settings.stripe_webhook_secrets))


async def _portal(money: Money) -> Told | None:
    with asking():
        listed = await money.v1.billing_portal.configurations.list_async({"active": True, "limit": 100})
    told = [one.to_dict() for one in listed.data]
    return next((one for one in told if (one.get("metadata") or {}).get("frontdesk") == MARK["frontdesk"]), None)


async def _of_key(money: Money, lookup_key: str) -> Told | None:
    with asking():
        listed = await money.v1.prices.list_async({"lookup_keys": [lookup_key], "active": True, "limit": 1})
    return listed.data[0].to_dict() if listed.data else None


async def _do_product(money: Money, step: Step) -> None:
    params: Any = step.params
    if step.id is None:
        said = hashlib.sha256(repr(sorted(step.params.items())).encode()).hexdigest()[:24]  # two who do the same at once make one
        await money.v1.products.create_async(params, {"idempotency_key": f"product:{said}"})
    else:
        await money.v1.products.update_async(step.id, params)


async def _do_price(money: Money, step: Step) -> None:
    price = step.price
    assert price is not None
    made = await money.v1.prices.create_async(
        {
            "product": f"frontdesk_{price.plan_id}", "currency": price.currency.lower(), "unit_amount": price.amount,
            "recurring": {"interval": "year" if price.billing_interval == "year" else "month"}, "lookup_key": price.lookup_key, "transfer_lookup_key": True,
            "tax_behavior": "exclusive", "metadata": {"frontdesk": "price", "version": str(price.version)},
        },
        {"idempotency_key": f"price:{price.lookup_key}:{price.version}:{price.amount}:{step.id or 'first'}"},
    )  # fmt: skip
    await _note(money, Step("note", "", id=made.id, price=price))


async def _do_archive(money: Money, step: Step) -> None:
    await money.v1.prices.update_async(step.id or "", {"active": False})


async def _note(money: Money, step: Step) -> None:
    if step.price is not None and step.id is not None and step.price.provider_price_id != step.id:
        async with money.database.platform() as db:
            await store.note_provider_price(db, step.price, step.id)


async def _do_portal(money: Money, step: Step) -> None:
    params: Any = step.params
    if step.id is None:
        await money.v1.billing_portal.configurations.create_async(params)
    else:
        await money.v1.billing_portal.configurations.update_async(step.id, params)


async def _do_meter(money: Money, step: Step) -> None:
    params: Any = step.params
    if step.id is None:
        await money.v1.billing.meters.create_async(params)
    else:
        await money.v1.billing.meters.reactivate_async(step.id)


async def _do_webhook(money: Money, step: Step) -> str | None:
    params: Any = step.params
    if step.id is None:  # no key of idempotency: an endpoint that was deleted by hand today is to be made anew
        return (await money.v1.webhook_endpoints.create_async(params)).secret
    await money.v1.webhook_endpoints.update_async(step.id, params)
    return None


async def _do_destination(money: Money, step: Step) -> str | None:
    params: Any = step.params
    destinations = money.v2.core.event_destinations
    if step.id is None:
        made = await destinations.create_async(params)
        return made.webhook_endpoint.signing_secret if made.webhook_endpoint else None
    await (destinations.update_async(step.id, params) if params else destinations.enable_async(step.id))
    return None


async def _look(money: Money, step: Step) -> None:
    """For a human."""


_DO: Mapping[Kind, Callable[[Money, Step], Awaitable[str | None]]] = {
    "product": _do_product, "price": _do_price, "archive": _do_archive, "note": _note, "portal": _do_portal, "meter": _do_meter, "webhook": _do_webhook,
    "destination": _do_destination,
    "look": _look, "missing": _look,
}  # fmt: skip
