"""A shop that pays at the simulated Stripe: the product's own client before it, over a real socket."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from frontdesk.billing import Money, Place, Subscription, catalogue, sync_customer
from frontdesk.billing import current as current_subscription
from frontdesk.billing.stripe_api import money_with
from frontdesk.settings import Settings
from tests.billing.simulator.market import give_card, go_on
from tests.billing.simulator.stage import KEY, Stage, staged
from tests.world import Shop, World

ACCOUNT = "insert into billing_accounts (organization_id, provider_customer_id) values (%s, %s)"


@dataclass
class Buyer:
    """The shop as a customer of Stripe's. customer: its id there."""

    world: World
    stage: Stage
    money: Money
    customer: str

    @property
    def shop(self) -> Shop:
        return self.world.shop

    @property
    def place(self) -> Place:
        return Place(self.shop.organization_id, self.shop.actor, "maya@example.com")

    async def buy(self, lookup_key: str, **more: Any) -> Subscription:
        """Subscribe, as a checkout would."""
        price = await catalogue.sold(self.money, lookup_key)
        await self.stage.v1.subscriptions.create_async({"customer": self.customer, "items": [{"price": price}], "billing_mode": {"type": "flexible"}, **more})
        return await self.sync()

    async def sync(self) -> Subscription:
        """Fetch how things stand."""
        await sync_customer(self.money, self.shop.organization_id)
        return await self.has()

    async def has(self) -> Subscription:
        async with self.world.database.tenant(self.shop.organization_id, self.shop.actor) as db:
            found = await current_subscription(db)
        assert found is not None
        return found

    async def card(self, card: str) -> None:
        """This card is charged from now on."""
        await give_card(self.stage, self.customer, card)

    async def later(self, days: float) -> Subscription:
        """Some days pass at Stripe, and it is looked at again."""
        await go_on(self.stage, days=days)
        return await self.sync()

    async def log(self) -> list[str]:
        """What somebody has done about the plan."""
        rows = await self.world.see(
            "select action from audit_logs where organization_id = %s and action like 'plan.%%' order by seq", self.shop.organization_id
        )
        return [row[0] for row in rows]


@pytest.fixture
async def buyer(world: World, settings: Settings) -> AsyncIterator[Buyer]:
    """The shop with a card, before it has bought anything."""
    async with staged() as stage:
        money = money_with(settings, world.database, KEY, stage.url)
        customer = await stage.v1.customers.create_async({"email": "maya@example.com", "name": world.shop.name})
        await world.owner.execute(ACCOUNT, (world.shop.organization_id, customer.id))
        await give_card(stage, customer.id, "pm_card_visa")
        yield Buyer(world, stage, money, customer.id)
        await money.close()
