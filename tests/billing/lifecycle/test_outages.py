"""Stripe is gone at every single step of a change of plan: nothing is charged twice, nothing stays halfway, and what was wanted happens once it is back."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from frontdesk.billing import portal_link
from frontdesk.billing.lifecycle import changes
from frontdesk.billing.lifecycle import web as lifecycle_web
from frontdesk.billing.lifecycle.previews import Change, NoChange, preview
from frontdesk.billing.payment import web as payment_web
from frontdesk.billing.stripe_api import money_with
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.billing.lifecycle.conftest import Buyer
from tests.billing.simulator.stage import KEY
from tests.billing.wire import Wire, cut_everywhere, wiring
from tests.desk import seated

STARTER, PROFESSIONAL = "starter_month_eur", "professional_month_eur"


@pytest.fixture(params=["calls", "answers"])
async def wired(buyer: Buyer, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Buyer, Wire]]:
    async with wiring(buyer.money, buyer.stage.url, request.param == "answers") as (buyer.money, wire):
        yield buyer, wire


async def test_of_a_preview(wired: tuple[Buyer, Wire]) -> None:
    buyer, wire = wired
    await buyer.buy(STARTER)
    shown = await cut_everywhere(wire, lambda: preview(buyer.money, buyer.place, PROFESSIONAL))
    assert 0 < shown.amount <= 7000
    assert (await buyer.sync()).plan_id == "starter"


async def test_of_an_upgrade_that_is_charged_once(wired: tuple[Buyer, Wire]) -> None:
    buyer, wire = wired
    await buyer.buy(STARTER)

    async def way() -> None:
        """What somebody does at the page: look, agree; where it is so already, nothing more."""
        try:
            shown: Change = await preview(buyer.money, buyer.place, PROFESSIONAL)
        except NoChange:
            return
        await changes.upgrade(buyer.money, buyer.place, PROFESSIONAL, shown.proration_date, shown.amount)

    await cut_everywhere(wire, way)
    assert (await buyer.sync()).plan_id == "professional"
    charged = await buyer.world.see("select amount_paid from invoices where billing_reason = 'subscription_update' and amount_paid > 0")
    assert len(charged) == 1, charged
    assert 0 < charged[0][0] <= 7000


async def test_of_an_upgrade_that_takes_a_planned_downgrade_back(wired: tuple[Buyer, Wire]) -> None:
    buyer, wire = wired
    await buyer.buy(PROFESSIONAL)
    await changes.downgrade(buyer.money, buyer.place, STARTER)

    async def way() -> None:
        try:
            shown: Change = await preview(buyer.money, buyer.place, "business_month_eur")
        except NoChange:
            return
        await changes.upgrade(buyer.money, buyer.place, "business_month_eur", shown.proration_date, shown.amount)

    await cut_everywhere(wire, way)
    has = await buyer.sync()
    assert (has.plan_id, has.scheduled_plan_id) == ("business", None)
    assert len(await buyer.world.see("select from invoices where billing_reason = 'subscription_update' and amount_paid > 0")) == 1


async def test_of_a_downgrade(wired: tuple[Buyer, Wire]) -> None:
    buyer, wire = wired
    await buyer.buy(PROFESSIONAL)

    async def way() -> None:
        try:
            await changes.downgrade(buyer.money, buyer.place, STARTER)
        except NoChange:
            await buyer.sync()

    await cut_everywhere(wire, way)
    has = await buyer.sync()
    assert (has.plan_id, has.scheduled_plan_id) == ("professional", "starter")
    assert (await buyer.later(32)).plan_id == "starter"


async def test_of_a_cancellation_and_of_taking_it_back(wired: tuple[Buyer, Wire]) -> None:
    buyer, wire = wired
    await buyer.buy(PROFESSIONAL)
    await changes.downgrade(buyer.money, buyer.place, STARTER)
    await cut_everywhere(wire, lambda: changes.cancel(buyer.money, buyer.place))
    has = await buyer.sync()
    assert (has.cancel_at_period_end, has.scheduled_plan_id) == (True, None)
    await cut_everywhere(wire, lambda: changes.keep(buyer.money, buyer.place))
    assert not (await buyer.sync()).cancel_at_period_end
    assert (await buyer.later(32)).plan_id == "professional"


async def test_of_ending_what_is_not_paid(wired: tuple[Buyer, Wire]) -> None:
    buyer, wire = wired
    await buyer.buy(PROFESSIONAL)
    await buyer.card("pm_card_chargeCustomerFail")
    assert (await buyer.later(32)).status == "past_due"
    await cut_everywhere(wire, lambda: changes.cancel(buyer.money, buyer.place))
    assert (await buyer.sync()).status == "canceled"


async def test_of_a_downgrade_that_is_taken_back(wired: tuple[Buyer, Wire]) -> None:
    buyer, wire = wired
    await buyer.buy(PROFESSIONAL)
    await changes.downgrade(buyer.money, buyer.place, STARTER)
    await cut_everywhere(wire, lambda: changes.keep(buyer.money, buyer.place))
    assert (await buyer.sync()).scheduled_plan_id is None
    assert (await buyer.later(32)).plan_id == "professional"


async def test_of_the_way_to_the_payment_pages(wired: tuple[Buyer, Wire]) -> None:
    buyer, wire = wired
    assert (await cut_everywhere(wire, lambda: portal_link(buyer.money, buyer.place))).startswith("http")


PAGES = {
    "GET /dashboard/billing/change?price=business_month_eur": {}, "POST /dashboard/billing/change": {"price": "business_month_eur", "amount": "1"},
    "POST /dashboard/billing/change ": {"price": "starter_month_eur"}, "POST /dashboard/billing/cancellation": {}, "POST /dashboard/billing/keeping": {},
    "POST /dashboard/billing/portal": {},
}  # fmt: skip
BOUGHT = """status = 'active', plan_id = 'professional', provider_subscription_id = 'sub_1', amount = 9900, currency = 'EUR',
  price_lookup_key = 'professional_month_eur', current_period_end = now() + interval '12 days'"""


async def test_each_is_said_in_a_sentence_and_the_page_of_the_plan_works_as_before(
    database: Database, settings: Settings, owner: psycopg.AsyncConnection[Any]
) -> None:
    money = money_with(settings, database, KEY, "http://127.0.0.1:9")  # where nobody answers
    async with seated(database, settings) as desk:
        desk.app.state.money = money
        for room in (lifecycle_web, payment_web):
            desk.app.include_router(room.door.router)
        await owner.execute(f"update subscriptions set {BOUGHT}")  # type: ignore[arg-type]  # literal above
        await owner.execute("insert into billing_accounts (organization_id, provider_customer_id) values (%s, 'cus_1')", (desk.organization_id,))
        for route, fields in PAGES.items():
            method, path = route.split()
            answer = await desk.get(path) if method == "GET" else await desk.send(path, page="/dashboard/billing", **fields)
            assert (answer.status_code, "Stripe does not answer at the moment" in answer.text) == (503, True), route
        back = await desk.get("/dashboard/billing/checkout?session_id=cs_test_1")
        page = await desk.get(back.headers["location"])
        assert "is being confirmed" in page.text
        assert "is on Professional, paid monthly" in page.text
        await money.close()
