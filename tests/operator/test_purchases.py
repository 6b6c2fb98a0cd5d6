"""What an organization bought is changed by an operator, at the simulated Stripe: for the amount that was shown, with a reason, and in both logs."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from frontdesk.billing import catalogue, sync_customer
from frontdesk.billing.stripe_api import Money, money_with
from frontdesk.settings import Settings
from tests.billing.simulator.market import give_card
from tests.billing.simulator.stage import KEY, Stage, staged
from tests.operator.conftest import REASON, Console


@dataclass
class Till:
    """The console, and what the shop bought at Stripe."""

    console: Console
    stage: Stage
    money: Money
    customer: str

    @property
    def page(self) -> str:
        return f"{self.console.shop}/purchase"

    async def shown(self, price: str) -> dict[str, str]:
        """What the page shows for this price, as its form sends it back."""
        page = await self.console.operator.get(f"{self.page}?price={price}")
        assert page.status_code == 200, page.headers
        return dict(re.findall(r'name="(price|amount|proration_date)" value="([^"]*)"', page.text))

    async def has(self) -> Any:
        ((plan, scheduled),) = await self.console.see("select plan_id, scheduled_plan_id from subscriptions where organization_id = %s", self.console.shop_id)
        return plan, scheduled

    async def log(self) -> list[tuple[str, str, str | None]]:
        """Who did what about the plan in the organization's own log, and why; the newest first."""
        return [line for line in await self.console.logged() if line[0] == "operator"]


@pytest.fixture
async def till(console: Console, settings: Settings) -> AsyncIterator[Till]:
    """The shop has bought Starter."""
    async with staged() as stage:
        money = money_with(settings, console.database, KEY, stage.url)
        customer = await stage.v1.customers.create_async({"email": "maya@example.com", "name": "Lagos Glow Salon"})
        await console.owner.execute("insert into billing_accounts (organization_id, provider_customer_id) values (%s, %s)", (console.shop_id, customer.id))
        await give_card(stage, customer.id, "pm_card_visa")
        price = await catalogue.sold(money, "starter_month_eur")
        await stage.v1.subscriptions.create_async({"customer": customer.id, "items": [{"price": price}], "billing_mode": {"type": "flexible"}})
        await sync_customer(money, console.shop_id)
        console.built.app.state.money = money
        yield Till(console, stage, money, customer.id)
        await money.close()


async def test_an_upgrade_is_charged_as_it_was_shown_and_stands_in_both_logs(till: Till) -> None:
    page = await till.console.operator.get(till.console.shop)
    assert 'value="professional_month_eur"' in page.text and 'value="starter_month_eur"' not in page.text
    shown = await till.shown("professional_month_eur")
    assert 0 < int(shown["amount"]) <= 9900 - 2900
    done = await till.console.act(till.page, **shown, reason=REASON)
    assert done.headers["location"] == till.console.shop
    assert await till.has() == ("professional", None)
    paid = await till.console.see("select amount_paid from invoices where billing_reason = 'subscription_update'")
    assert paid == [(int(shown["amount"]),)]
    assert await till.log() == [("operator", "plan.upgraded", REASON), ("operator", "subscription.change_ordered", REASON)]
    ((details,),) = await till.console.see("select details from private.operator_entries where action = 'subscription.change_ordered'")
    assert (details["changed"], details["reason"]) == ({"plan": {"from": "Starter", "to": "Professional"}}, REASON)
    again = await till.console.act(till.page, **shown, reason=REASON)  # sent twice: nothing more is charged
    assert again.status_code == 303 and len(await till.log()) == 2
    assert await till.console.see("select kind from billing_notices where kind = 'plan_changed' and object like '%%professional%%'") == [("plan_changed",)]


async def test_without_a_reason_or_for_another_amount_nothing_is_bought(till: Till) -> None:
    shown = await till.shown("professional_month_eur")
    refused = await till.console.act(till.page, **shown, reason="x")
    assert refused.status_code == 422 and "ten characters" in refused.text
    other = await till.console.act(till.page, **(shown | {"amount": "1"}), reason=REASON)
    assert other.status_code == 409 and "The amount has changed" in other.text
    assert await till.has() == ("starter", None)
    assert [line[1] for line in await till.log()] == ["subscription.change_ordered"]  # it was asked for, and did not happen


async def test_a_downgrade_waits_for_the_end_of_the_period(till: Till) -> None:
    await till.console.act(till.page, **await till.shown("business_month_eur"), reason=REASON)
    shown = await till.shown("professional_month_eur")
    assert shown["amount"] == "0"
    await till.console.act(till.page, **shown, reason=REASON)
    assert await till.has() == ("business", "professional")
    assert (await till.log())[0] == ("operator", "plan.downgrade_scheduled", REASON)


async def test_a_payment_that_has_to_be_confirmed_is_left_to_the_owners(till: Till) -> None:
    await give_card(till.stage, till.customer, "pm_card_chargeCustomerFail")
    done = await till.console.act(till.page, **await till.shown("professional_month_eur"), reason=REASON)
    assert done.headers["location"] == till.console.shop  # never the invoice's own page: that is a secret of the organization's
    assert await till.has() == ("starter", None)


async def test_where_nothing_is_bought_or_sold_nothing_is_changed(till: Till) -> None:
    for price in ("nonsense", "starter_month_eur", ""):
        assert (await till.console.operator.get(f"{till.page}?price={price}")).headers["location"] == till.console.shop
    await till.console.owner.execute("update subscriptions set provider_subscription_id = null")
    answer = await till.console.act(till.page, price="professional_month_eur", reason=REASON)
    assert answer.headers["location"] == till.console.shop and await till.log() == []
    till.console.built.app.state.money = None
    assert (await till.console.operator.get(f"{till.page}?price=professional_month_eur")).status_code == 503


async def test_what_was_bought_ends_with_its_period_and_is_kept_after_all(till: Till) -> None:
    assert (await till.console.act(f"{till.page}/cancellation", reason="x")).status_code == 422
    assert await till.log() == []
    assert (await till.console.act(f"{till.page}/cancellation", reason=REASON)).headers["location"] == till.console.shop
    assert await till.console.see("select cancel_at_period_end, status from subscriptions where organization_id = %s", till.console.shop_id) == [
        (True, "active")
    ]
    assert await till.log() == [("operator", "plan.canceled", REASON), ("operator", "subscription.cancellation_ordered", REASON)]
    page = (await till.console.operator.get(till.console.shop)).text
    assert "Keep what it bought" in page and "Cancel what it bought" not in page
    assert "Ends in" in (await till.console.operator.get("/operator/organizations")).text
    assert "does not happen any more" in (await till.console.operator.get(f"{till.page}?price=professional_month_eur")).text
    assert (await till.console.act(f"{till.page}/cancellation", reason=REASON)).status_code == 303 and len(await till.log()) == 2  # nothing more to end
    assert (await till.console.act(f"{till.page}/keeping", reason=REASON)).headers["location"] == till.console.shop
    assert await till.console.see("select cancel_at_period_end from subscriptions where organization_id = %s", till.console.shop_id) == [(False,)]
    assert (await till.log())[:2] == [("operator", "plan.kept", REASON), ("operator", "subscription.keeping_ordered", REASON)]
    assert (await till.console.act(f"{till.page}/keeping", reason=REASON)).status_code == 303 and len(await till.log()) == 4
    told = await till.console.see("select kind, facts ->> 'reason', facts ->> 'plan' from billing_notices where kind like 'purchase%%' order by id")
    assert told == [("purchase_ends", REASON, "Starter"), ("purchase_kept", REASON, "Starter")]


async def test_a_change_that_was_to_come_is_taken_back(till: Till) -> None:
    await till.console.act(till.page, **await till.shown("business_month_eur"), reason=REASON)
    await till.console.act(till.page, **await till.shown("professional_month_eur"), reason=REASON)
    assert "It changes to Professional" in (await till.console.operator.get(till.console.shop)).text
    await till.console.act(f"{till.page}/keeping", reason=REASON)
    assert await till.has() == ("business", None)


async def test_without_a_proof_or_anything_bought_nothing_ends(till: Till) -> None:
    await till.console.owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
    for deed in ("cancellation", "keeping"):
        assert (await till.console.act(f"{till.page}/{deed}", reason=REASON)).headers["location"].startswith("/account/reauthentication")
    await till.console.owner.execute("update private.sessions set reauthenticated_at = now()")
    await till.console.owner.execute("update subscriptions set provider_subscription_id = null")
    for deed in ("cancellation", "keeping"):
        assert (await till.console.act(f"{till.page}/{deed}", reason=REASON)).headers["location"] == till.console.shop
    assert await till.log() == []
