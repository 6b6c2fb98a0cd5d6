"""Stripe is gone at every single step of every way: nothing is bought by halves, and once it is back everything goes on."""

from collections.abc import AsyncIterator

import pytest

from frontdesk.billing import finish_checkout, sync_customer
from frontdesk.billing.handling import close_next, handle_next
from tests.billing.till import PROFESSIONAL, Till
from tests.billing.wire import MOST, Wire, cut_everywhere, wiring


@pytest.fixture(params=["calls", "answers"])
async def wired(till: Till, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Till, Wire]]:
    async with wiring(till.money, till.stage.url, request.param == "answers") as (till.money, wire):
        yield till, wire


async def test_on_the_way_to_pay(wired: tuple[Till, Wire]) -> None:
    till, wire = wired
    session_id = await cut_everywhere(wire, lambda: till.go(PROFESSIONAL))
    assert len((await till.stage.v1.customers.list_async({})).data) == 1
    await till.pay(session_id)
    await till.hear()
    assert (await till.row())[:2] == ("active", "professional")


async def test_on_the_way_back(wired: tuple[Till, Wire]) -> None:
    till, wire = wired
    session_id = await till.go(PROFESSIONAL)
    await till.pay(session_id)
    await cut_everywhere(wire, lambda: finish_checkout(till.money, till.at(), session_id))
    assert (await till.row())[:2] == ("active", "professional")
    assert len(await till.log("subscription.started")) == 1


async def test_while_it_is_asked_how_a_customer_stands(wired: tuple[Till, Wire]) -> None:
    till, wire = wired
    await till.buy(PROFESSIONAL)
    await till.stage.v1.subscriptions.update_async(await till.subscription_id(), {"cancel_at_period_end": True})
    await cut_everywhere(wire, lambda: sync_customer(till.money, till.world.shop.organization_id))
    assert (await till.row())[4] is True


async def test_while_events_are_handled(wired: tuple[Till, Wire]) -> None:
    till, wire = wired
    await till.pay(await till.go(PROFESSIONAL))
    await till.stage.quiet()
    for calls in range(4):
        wire.left = calls
        while await handle_next(till.money):
            pass
        await till.world.owner.execute("update billing_events set next_try_at = now() where next_try_at is not null")
    wire.left = MOST
    await till.hear()
    assert (await till.row())[:2] == ("active", "professional")
    assert await till.world.see("select from billing_events where handled_at is null") == []


async def test_while_a_deleted_organization_is_closed_there(wired: tuple[Till, Wire]) -> None:
    till, wire = wired
    await till.buy(PROFESSIONAL)
    subscription_id = await till.subscription_id()
    await till.world.owner.execute("delete from organizations where id = %s", (till.world.shop.organization_id,))
    wire.left = 0
    assert await close_next(till.money)
    assert not await close_next(till.money)  # not at once
    ((why,),) = await till.world.see("select last_error from private.customers_to_close")
    assert why.startswith("StripeAway")
    wire.left = MOST
    await till.world.owner.execute("update private.customers_to_close set next_try_at = now()")
    assert await close_next(till.money)
    assert (await till.stage.v1.subscriptions.retrieve_async(subscription_id)).status == "canceled"
    assert await till.world.see("select from private.customers_to_close") == []
    await till.hear()  # what comes of it is about nobody any more
    assert await till.world.see("select from billing_events where handled_at is null") == []
