"""Buying, looking, cancelling and coming back: with the simulated Stripe and, where STRIPE_TEST_KEY is set, with a test account of the real one.

The page where a card is typed cannot be filled in by a program at the real one: there a subscription is made with a test card instead.
"""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from frontdesk.billing import AlreadySubscribed, Money, Place, catalogue, finish_checkout, portal_link, start_checkout, sync_customer
from frontdesk.billing.stripe_api import money_with
from frontdesk.settings import Settings
from tests.billing.till import PROFESSIONAL, STARTER, opened
from tests.world import World

REAL_KEY = os.environ.get("STRIPE_TEST_KEY", "")
ROW = "select status, plan_id, amount, cancel_at_period_end from subscriptions where organization_id = %s"


@dataclass
class Shop:
    """The shop and its way to whichever Stripe."""

    world: World
    money: Money

    @property
    def place(self) -> Place:
        return Place(self.world.shop.organization_id, self.world.shop.actor, "maya@example.com")

    async def customer(self) -> str:
        ((found,),) = await self.world.see("select provider_customer_id from billing_accounts")
        return str(found)

    async def row(self) -> tuple[object, ...]:
        await sync_customer(self.money, self.place.organization_id)
        ((*found,),) = await self.world.see(ROW, self.place.organization_id)
        return tuple(found)


@pytest.fixture(params=["simulated", "real"])
async def shop(request: pytest.FixtureRequest, world: World, settings: Settings) -> AsyncIterator[Shop]:
    if request.param == "simulated":
        async with opened(world, settings) as till:
            yield Shop(world, till.money)
        return
    if not REAL_KEY:
        pytest.skip("STRIPE_TEST_KEY is not set: the real Stripe is not asked")
    assert REAL_KEY.startswith(("sk_test_", "rk_test_")), "STRIPE_TEST_KEY must be a key of a test account"
    settings = settings.model_copy(update={"stripe_secret_key": REAL_KEY})
    money = money_with(settings, world.database, REAL_KEY, None)
    built = Shop(world, money)
    yield built
    for (customer,) in await world.see("select provider_customer_id from billing_accounts where provider_customer_id is not null"):
        await money.v1.customers.delete_async(customer)
    await money.close()


async def test_a_plan_is_bought_changed_cancelled_and_the_customer_comes_back(shop: Shop) -> None:
    money, v1 = shop.money, shop.money.v1
    await catalogue.apply(money, await catalogue.compare(money))
    assert [step for step in await catalogue.compare(money) if step.kind != "look"] == []

    address = await start_checkout(money, shop.place, STARTER)
    assert address == await start_checkout(money, shop.place, STARTER)
    other = await start_checkout(money, shop.place, PROFESSIONAL)
    customer = await shop.customer()
    sessions = {one.id: one.status for one in (await v1.checkout.sessions.list_async({"customer": customer})).data}
    assert sorted(str(status) for status in sessions.values()) == ["expired", "open"]
    (open_one,) = [one for one, status in sessions.items() if status == "open"]
    assert other != address
    before = await finish_checkout(money, shop.place, open_one)
    assert before.after is not None
    assert not before.after.lives

    card = await v1.payment_methods.attach_async("pm_card_visa", {"customer": customer})
    bought = await v1.subscriptions.create_async(
        {
            "customer": customer, "items": [{"price": await catalogue.sold(money, PROFESSIONAL)}], "default_payment_method": card.id,
            "billing_mode": {"type": "flexible"}, "payment_behavior": "error_if_incomplete",
        }
    )  # fmt: skip
    assert await shop.row() == ("active", "professional", 9_900, False)
    ((status, paid, currency),) = await shop.world.see("select status, amount_paid, currency from invoices")
    assert (status, paid, currency) == ("paid", 9_900, "EUR")
    assert await shop.world.see("select card_brand, card_last4 from billing_accounts") == [("visa", "4242")]
    with pytest.raises(AlreadySubscribed):
        await start_checkout(money, shop.place, STARTER)
    assert (await portal_link(money, shop.place, flow="payment_method_update")).startswith("http")

    await v1.subscriptions.update_async(bought.id, {"cancel_at_period_end": True})
    assert await shop.row() == ("active", "professional", 9_900, True)
    await v1.subscriptions.update_async(bought.id, {"cancel_at_period_end": False})
    assert await shop.row() == ("active", "professional", 9_900, False)
    await v1.subscriptions.cancel_async(bought.id)
    assert (await shop.row())[:2] == ("canceled", "free")
    assert (await start_checkout(money, shop.place, STARTER)).startswith("http")
