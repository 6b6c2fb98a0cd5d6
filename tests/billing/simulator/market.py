"""What the tests of the simulated Stripe buy, and who buys it."""

from typing import Any

from frontdesk.billing.simulator import shapes
from frontdesk.billing.simulator.clock import Step, step
from frontdesk.billing.simulator.periods import DAY
from tests.billing.simulator.stage import Stage

PRICES = {"starter": (2900, "month"), "professional": (7900, "month"), "business": (19900, "month"), "professional_year": (79000, "year")}


async def stock(stage: Stage) -> dict[str, str]:
    """The ids of some prices, by name."""

    def put(world: Any) -> dict[str, str]:
        for name, (amount, interval) in PRICES.items():
            product = world.put(shapes.make("product", id=f"prod_{name}", name=name.split("_")[0].title(), active=True, created=1))
            recurring = shapes.make("price.recurring", interval=interval, interval_count=1, usage_type="licensed")
            price = shapes.make(
                "price", id=f"price_{name}", active=True, billing_scheme="per_unit", created=1, currency="eur", lookup_key=name, product=product["id"],
                recurring=recurring, tax_behavior="exclusive", type="recurring", unit_amount=amount, unit_amount_decimal=str(amount),
            )  # fmt: skip
            world.put(price)
        return {name: f"price_{name}" for name in PRICES}

    made: dict[str, str] = await stage.account.do(put)
    return made


async def customer(stage: Stage, card: str | None = "pm_card_visa") -> str:
    """A new customer with this card as his usual one."""
    made = await stage.v1.customers.create_async({"email": "amara@example.com", "name": "Lagos Glow Salon"})
    if card:
        await give_card(stage, made.id, card)
    return str(made.id)


async def give_card(stage: Stage, customer: str, card: str) -> str:
    """This card is charged from now on."""
    method = await stage.v1.payment_methods.attach_async(card, {"customer": customer})

    def make_default(world: Any) -> None:
        from frontdesk.billing.simulator import methods

        methods.make_default(world, customer, method.id)

    await stage.account.do(make_default)
    return str(method.id)


async def subscribe(stage: Stage, price: str, card: str | None = "pm_card_visa", **more: Any) -> Any:
    """A new customer with a subscription to this price."""
    await stock(stage)
    who = await customer(stage, card)
    return await stage.v1.subscriptions.create_async({"customer": who, "items": [{"price": f"price_{price}"}], **more})


async def go_on(stage: Stage, *, days: float = 0, until: int | None = None) -> list[str]:
    """Turn the clock on; what happened, in words."""
    target = until if until is not None else await now(stage) + int(days * DAY)
    happened = []
    while (one := await stage.account.do(lambda world: step(world, target))) is not None:
        assert isinstance(one, Step)
        happened.append(one.what)
    return happened


async def now(stage: Stage) -> int:
    """What the clock shows."""
    return int(await stage.account.do(lambda world: world.now()))


async def fresh(stage: Stage, subscription: Any) -> Any:
    """The subscription as it is now, with its latest invoice."""
    return await stage.v1.subscriptions.retrieve_async(subscription.id, {"expand": ["latest_invoice.payments"]})


def types(stage: Stage) -> list[str]:
    """The types of everything that was told."""
    return [event.type for event in stage.events()]
