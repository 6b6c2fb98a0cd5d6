"""Several change one plan at the same instant: whatever was shown to each is what is charged, or it is refused with how it is now."""

import asyncio
import re
from typing import Any

import psycopg
import pytest

from frontdesk.billing import accounts, catalogue, sync_customer
from frontdesk.billing.lifecycle import changes, turns
from frontdesk.billing.lifecycle import web as lifecycle_web
from frontdesk.billing.lifecycle.moves import Move
from frontdesk.billing.lifecycle.previews import AmountChanged, preview
from frontdesk.billing.lifecycle.turns import BeingChanged, turn
from frontdesk.billing.lifecycle.web import CHANGE
from frontdesk.billing.stripe_api import money_with
from frontdesk.database import Database, new_id
from frontdesk.settings import Settings
from tests.billing.lifecycle.conftest import Buyer
from tests.billing.simulator.market import give_card
from tests.billing.simulator.stage import KEY, staged
from tests.desk import seated

STARTER, PROFESSIONAL, BUSINESS = "starter_month_eur", "professional_month_eur", "business_month_eur"
CHARGED = "select amount_paid from invoices where billing_reason = 'subscription_update' and amount_paid > 0"


@pytest.mark.parametrize("first", [PROFESSIONAL, BUSINESS])
async def test_two_tabs_that_upgrade_to_different_plans_at_once_pay_what_one_of_them_showed(buyer: Buyer, first: str) -> None:
    await buyer.buy(STARTER)
    second = BUSINESS if first == PROFESSIONAL else PROFESSIONAL
    shown = {key: await preview(buyer.money, buyer.place, key) for key in (first, second)}
    found = await asyncio.gather(
        *(changes.carry_out(buyer.money, buyer.place, one, one.proration_date, one.amount) for one in shown.values()), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in found) == ["AmountChanged", "Done"], found
    (done,) = [one for one in found if isinstance(one, changes.Done)]
    (paid,) = [one.amount for one in shown.values() if one.plan == done.plan]
    assert (await buyer.sync()).plan_id == done.plan.id
    assert await buyer.world.see(CHARGED) == [(paid,)]
    assert await buyer.log() == ["plan.upgraded"]


async def test_an_upgrade_that_became_a_downgrade_meanwhile_is_shown_anew(buyer: Buyer) -> None:
    await buyer.buy(STARTER)
    smaller, larger = [await preview(buyer.money, buyer.place, key) for key in (PROFESSIONAL, BUSINESS)]
    await changes.carry_out(buyer.money, buyer.place, larger, larger.proration_date, larger.amount)
    now = await preview(buyer.money, buyer.place, PROFESSIONAL)
    assert now.move is Move.DOWNGRADE
    with pytest.raises(AmountChanged):
        await changes.carry_out(buyer.money, buyer.place, now, smaller.proration_date, smaller.amount)
    assert (await buyer.sync()).scheduled_plan_id is None
    await changes.carry_out(buyer.money, buyer.place, now, now.proration_date, now.amount)
    assert (await buyer.sync()).scheduled_plan_id == "professional"


async def test_whoever_waits_too_long_is_told_so_and_nothing_is_charged(buyer: Buyer, monkeypatch: pytest.MonkeyPatch) -> None:
    await buyer.buy(STARTER)
    shown = await preview(buyer.money, buyer.place, PROFESSIONAL)
    monkeypatch.setattr(turns, "PATIENCE", 0.5)
    async with turn(buyer.money, buyer.place):
        for way in (
            lambda: changes.upgrade(buyer.money, buyer.place, PROFESSIONAL, shown.proration_date, shown.amount),
            lambda: changes.cancel(buyer.money, buyer.place),
        ):
            with pytest.raises(BeingChanged):
                await way()
    assert await buyer.log() == []
    await changes.upgrade(buyer.money, buyer.place, PROFESSIONAL, shown.proration_date, shown.amount)
    assert (await buyer.has()).plan_id == "professional"


async def test_the_turn_of_one_who_was_killed_ends_and_whoever_lost_it_charges_nothing(buyer: Buyer) -> None:
    await buyer.buy(STARTER)
    organization_id = buyer.shop.organization_id
    async with buyer.world.database.tenants([organization_id]) as db:
        assert await accounts.begin_change(db, organization_id, new_id(), -1)  # killed, and its time is over
    async with turn(buyer.money, buyer.place) as hold:
        await hold()
        await buyer.world.owner.execute("update billing_accounts set change_begun = %s", (new_id(),))
        with pytest.raises(AmountChanged):
            await hold()
    assert await buyer.world.see("select change_until is null from billing_accounts where organization_id = %s", organization_id) == [(False,)]


async def test_the_neighbours_change_theirs_meanwhile(buyer: Buyer) -> None:
    await buyer.buy(STARTER)
    neighbour = buyer.world.neighbour.organization_id
    await buyer.world.owner.execute("insert into billing_accounts (organization_id) values (%s)", (neighbour,))
    async with turn(buyer.money, buyer.place), buyer.world.database.tenants([neighbour]) as db:
        assert await accounts.begin_change(db, neighbour, new_id(), 5)
        assert not await accounts.hold_change(db, buyer.shop.organization_id, new_id(), 5)


async def test_at_the_page_the_second_is_refused_with_what_it_costs_now(database: Database, settings: Settings, owner: psycopg.AsyncConnection[Any]) -> None:
    async with staged() as stage, seated(database, settings) as desk:
        money = money_with(settings, database, KEY, stage.url)
        desk.app.state.money = money
        desk.app.include_router(lifecycle_web.door.router)
        customer = await stage.v1.customers.create_async({"email": "maya@example.com"})
        await owner.execute("insert into billing_accounts (organization_id, provider_customer_id) values (%s, %s)", (desk.organization_id, customer.id))
        await give_card(stage, customer.id, "pm_card_visa")
        starter = await catalogue.sold(money, STARTER)
        await stage.v1.subscriptions.create_async({"customer": customer.id, "items": [{"price": starter}], "billing_mode": {"type": "flexible"}})
        await sync_customer(money, desk.organization_id)
        tabs = {key: _fields((await desk.get(f"{CHANGE}?price={key}")).text) for key in (PROFESSIONAL, BUSINESS)}
        answers = await asyncio.gather(*(desk.send(CHANGE, page="/dashboard/billing", **fields) for fields in tabs.values()))
        assert sorted(one.status_code for one in answers) == [303, 409]
        (refused,) = [one.text for one in answers if one.status_code == 409]
        assert "The amount has changed" in refused
        assert _fields(refused) not in tabs.values()
        await money.close()


def _fields(page: str) -> dict[str, str]:
    """What the form of this page sends."""
    return dict(re.findall(r'name="(price|amount|proration_date)" value="([^"]+)"', page))
