"""What goes wrong while a plan is changed: a bank that is never answered, two tabs, other clocks, prices and plans that are gone meanwhile."""

import asyncio
from datetime import UTC, datetime

import pytest

from frontdesk import usage
from frontdesk.billing import NotForSale, sync_customer
from frontdesk.billing.lifecycle import changes
from frontdesk.billing.lifecycle.moves import over
from frontdesk.billing.lifecycle.previews import AmountChanged, preview, second_within
from frontdesk.database import new_id
from frontdesk.errors import FrontdeskError
from frontdesk.usage import PlanLimitReached
from tests.billing.lifecycle.conftest import Buyer

STARTER, PROFESSIONAL, BUSINESS = "starter_month_eur", "professional_month_eur", "business_month_eur"
CHARGED = "select amount_paid from invoices where billing_reason = 'subscription_update' and amount_paid > 0"
DAY = 86_400


@pytest.mark.parametrize("confirmed", [True, False])
async def test_an_upgrade_that_a_bank_asks_about_holds_once_it_is_confirmed_and_is_forgotten_after_23_hours(buyer: Buyer, confirmed: bool) -> None:
    await buyer.buy(STARTER)
    await buyer.card("pm_card_authenticationRequired")
    shown = await preview(buyer.money, buyer.place, PROFESSIONAL)
    done = await changes.upgrade(buyer.money, buyer.place, PROFESSIONAL, shown.proration_date, shown.amount)
    assert done.pay_at is not None
    assert (await buyer.later(22 / 24)).plan_id == "starter"  # nothing more is possible before it is paid
    ((invoice,),) = await buyer.world.see("select id from invoices where status = 'open'")
    if confirmed:
        method = (await buyer.stage.v1.customers.retrieve_async(buyer.customer)).invoice_settings.default_payment_method
        await buyer.stage.account.do(lambda world: world.put_private(method, world.private(method) | {"set_up": True}))
        await buyer.stage.v1.invoices.pay_async(invoice)
    has = await buyer.later(2 / 24)
    assert (has.plan_id, has.status, has.past_due_since) == ("professional" if confirmed else "starter", "active", None)
    assert await buyer.world.see("select status from invoices where id = %s", invoice) == [("paid" if confirmed else "void",)]
    if not confirmed:  # and it can be begun anew
        await buyer.card("pm_card_visa")
        while (again := await preview(buyer.money, buyer.place, PROFESSIONAL)).proration_date == shown.proration_date:
            pass  # at Stripe a day went by, for us not yet a second; the same second is the same wish
        await changes.upgrade(buyer.money, buyer.place, PROFESSIONAL, again.proration_date, again.amount)
        assert (await buyer.has()).plan_id == "professional"


async def test_two_tabs_that_upgrade_at_once_are_charged_once(buyer: Buyer) -> None:
    await buyer.buy(STARTER)
    shown = await preview(buyer.money, buyer.place, PROFESSIONAL)
    found = await asyncio.gather(
        *(changes.upgrade(buyer.money, buyer.place, PROFESSIONAL, shown.proration_date, shown.amount) for _ in range(3)), return_exceptions=True
    )
    assert any(not isinstance(one, BaseException) for one in found), found
    assert all(isinstance(one, changes.Done | FrontdeskError) for one in found), found
    assert (await buyer.sync()).plan_id == "professional"
    assert await buyer.world.see(CHARGED) == [(shown.amount,)]


async def test_two_tabs_that_want_different_things_leave_one_of_them(buyer: Buyer) -> None:
    await buyer.buy(PROFESSIONAL)
    found = await asyncio.gather(
        changes.downgrade(buyer.money, buyer.place, STARTER), changes.cancel(buyer.money, buyer.place), changes.keep(buyer.money, buyer.place),
        return_exceptions=True,
    )  # fmt: skip
    assert all(not isinstance(one, BaseException) or isinstance(one, FrontdeskError) for one in found), found
    has = await buyer.sync()
    assert has.plan_id == "professional"
    await changes.keep(buyer.money, buyer.place)
    assert (await buyer.later(32)).plan_id == "professional"


async def test_what_the_bank_asks_of_one_tab_makes_room_for_what_the_other_buys(buyer: Buyer) -> None:
    await buyer.buy(STARTER)
    await buyer.card("pm_card_authenticationRequired")
    shown = await preview(buyer.money, buyer.place, PROFESSIONAL)
    assert (await changes.upgrade(buyer.money, buyer.place, PROFESSIONAL, shown.proration_date, shown.amount)).pay_at
    await buyer.card("pm_card_visa")
    shown = await preview(buyer.money, buyer.place, BUSINESS)
    assert (await changes.upgrade(buyer.money, buyer.place, BUSINESS, shown.proration_date, shown.amount)).pay_at is None
    assert (await buyer.later(1)).plan_id == "business"
    assert await buyer.world.see(CHARGED) == [(shown.amount,)]
    assert await buyer.world.see("select from invoices where status = 'open'") == []


@pytest.mark.parametrize("days", [3, 33])
async def test_where_stripes_clock_is_ahead_of_ours_an_upgrade_costs_what_it_showed(buyer: Buyer, days: int) -> None:
    await buyer.buy(STARTER)
    await buyer.later(days)
    shown = await preview(buyer.money, buyer.place, PROFESSIONAL)
    await changes.upgrade(buyer.money, buyer.place, PROFESSIONAL, shown.proration_date, shown.amount)
    assert (await buyer.has()).plan_id == "professional"
    assert await buyer.world.see(CHARGED) == [(shown.amount,)]


def test_where_our_clock_is_ahead_the_last_second_of_what_is_paid_counts_and_where_it_is_behind_the_first() -> None:
    now = int(datetime.now(UTC).timestamp())
    assert second_within({"current_period_start": now - 31 * DAY, "current_period_end": now - DAY}) == now - DAY - 1
    assert second_within({"current_period_start": now + DAY, "current_period_end": now + 31 * DAY}) == now + DAY


async def test_a_plan_that_is_taken_off_while_it_is_looked_at_is_not_changed_to(buyer: Buyer) -> None:
    await buyer.buy(STARTER)
    shown = await preview(buyer.money, buyer.place, PROFESSIONAL)
    await buyer.world.owner.execute("update subscription_plans set retired_at = now() where id = 'professional'")
    with pytest.raises(NotForSale):
        await changes.upgrade(buyer.money, buyer.place, PROFESSIONAL, shown.proration_date, shown.amount)
    assert (await buyer.sync()).plan_id == "starter"


async def test_a_plan_that_is_sold_no_more_stays_with_who_has_it_and_comes_to_who_chose_it(buyer: Buyer) -> None:
    await buyer.buy(PROFESSIONAL)
    await changes.downgrade(buyer.money, buyer.place, STARTER)
    await buyer.world.owner.execute("update subscription_plans set retired_at = now() where id in ('starter', 'professional')")
    assert (await buyer.sync()).plan_id == "professional"
    after = await buyer.later(32)
    assert (after.plan_id, after.status, after.scheduled_plan_id) == ("starter", "active", None)


async def test_a_price_that_rises_while_it_is_looked_at_is_shown_anew(buyer: Buyer) -> None:
    await buyer.buy(STARTER)
    shown = await preview(buyer.money, buyer.place, PROFESSIONAL)
    await buyer.world.owner.execute("select private.set_plan_price('professional', 'month', 'EUR', 12900)")
    with pytest.raises(AmountChanged):
        await changes.upgrade(buyer.money, buyer.place, PROFESSIONAL, shown.proration_date, shown.amount)
    assert (await preview(buyer.money, buyer.place, PROFESSIONAL)).amount > shown.amount


async def test_a_plan_is_changed_in_the_currency_that_is_paid_in_only(buyer: Buyer) -> None:
    await buyer.buy(STARTER)
    await buyer.world.owner.execute("select private.set_plan_price('professional', 'month', 'USD', 10900)")
    with pytest.raises(NotForSale):
        await preview(buyer.money, buyer.place, "professional_month_usd")
    assert (await buyer.sync()).plan_id == "starter"


async def test_on_the_day_of_a_downgrade_nothing_is_deleted_and_nothing_is_added(buyer: Buyer) -> None:
    await buyer.buy(PROFESSIONAL)
    for number in range(2):
        await buyer.world.owner.execute(
            "select private.connect_channel(%s, %s, 'cloud_api', 'One more', %s, '+1 555 010 0000', '1', '1', 'sealed', null)",
            (buyer.shop.organization_id, new_id(), f"20654035224200{number}"),
        )
    shown = await preview(buyer.money, buyer.place, STARTER)
    assert [(one.metric, one.used, one.allowed) for one in over(shown.plan, {"channels": 3})] == [("channels", 3, 1)]
    await changes.downgrade(buyer.money, buyer.place, STARTER)
    assert (await buyer.later(32)).plan_id == "starter"
    async with buyer.world.database.tenant(buyer.shop.organization_id, buyer.shop.actor) as db:
        channels = next(one for one in await usage.overview(db) if one.metric == "channels")
        assert (channels.used, channels.allowed) == (3, 1)
        with pytest.raises(PlanLimitReached):
            await usage.require(db, "channels")


async def test_an_organization_that_never_bought_is_looked_up_without_harm(buyer: Buyer) -> None:
    await buyer.world.owner.execute("delete from billing_accounts")
    synced = await sync_customer(buyer.money, buyer.world.neighbour.organization_id)
    assert (synced.before, synced.after) == (None, None)
