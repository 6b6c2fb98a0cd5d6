"""The whole life of two subscriptions, with everything told twice, in any order, replayed and reconciled: each mail is written once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from frontdesk import secret_files
from frontdesk.billing.handling import handle_next
from frontdesk.billing.lifecycle import changes
from frontdesk.billing.lifecycle.actions import look, look_at
from frontdesk.billing.lifecycle.previews import preview
from frontdesk.billing.reconciling import keep_missed, sync_everybody
from frontdesk.mail import Mailer
from frontdesk.settings import Settings
from tests.billing.simulator.market import give_card
from tests.billing.till import PROFESSIONAL, YEARLY, Till
from tests.mailbox import letters
from tests.world import Shop

CONFIRMS = "pm_card_authenticationRequiredOnSetup"  # a bank that asks every time
DAY = timedelta(days=1)


class Life:
    """A till where everything happens more often than once."""

    def __init__(self, till: Till, settings: Settings) -> None:
        self.till, self.settings = till, settings
        self.mailer = Mailer(secret_files.load(settings).vault, settings)

    async def again(self) -> None:
        """Hear what happened; then let every event be handled twice more, ask for those that were missed, and let the clock look."""
        await self.till.hear()
        for _ in range(2):
            await self.till.world.see("select private.replay_billing_event(id) from billing_events order by random()")
            while await handle_next(self.till.money):
                pass
            await keep_missed(self.till.money)
            await sync_everybody(self.till.money, asyncio.Event())
            await look(self.till.world.database, self.mailer)

    async def on(self, at: datetime, shop: Shop) -> None:
        """Let the clock look at a shop at this time, twice."""
        for _ in range(2):
            async with self.till.world.database.tenants([shop.organization_id]) as db:
                await look_at(db, self.mailer, shop.organization_id, at, at)

    async def told(self, shop: Shop) -> Counter[str]:
        """What its owner was written, by kind."""
        found = await letters(self.till.world.owner, self.settings, f"{shop.owner_id}@example.com")
        return Counter(one.template.removeprefix("billing/") for one in found)

    async def when(self, column: str, shop: Shop) -> datetime:
        ((at,),) = await self.till.world.see(f"select {column} from subscriptions where organization_id = %s", shop.organization_id)
        assert isinstance(at, datetime)
        return at


@pytest.fixture
async def life(till: Till, settings: Settings) -> Life:
    await till.world.owner.execute("update auth.users set email_confirmed_at = now()")
    await till.chaos(duplicate=True, reorder={"seconds": 0.1})
    return Life(till, settings)


async def test_from_the_trial_over_a_bank_that_asks_to_the_end(life: Life) -> None:
    till, shop = life.till, life.till.world.shop
    await till.world.owner.execute("update subscriptions set trial_ends_at = now() + interval '2 days' where organization_id = %s", (shop.organization_id,))
    await life.again()
    await till.buy()
    await life.again()
    shown = await preview(till.money, till.at(), PROFESSIONAL)
    await changes.upgrade(till.money, till.at(), PROFESSIONAL, shown.proration_date, shown.amount)
    await life.again()
    ((customer,),) = await till.world.see("select provider_customer_id from billing_accounts where organization_id = %s", shop.organization_id)
    await give_card(till.stage, customer, CONFIRMS)
    await till.stage.v1.subscriptions.update_async(await till.subscription_id(), {"default_payment_method": ""})
    await till.days(32)
    await life.again()
    assert (await till.row())[0] == "past_due"
    since = await life.when("past_due_since", shop)
    for day in (0, 3, 7, 8, 14, 22):
        await life.on(since + day * DAY, shop)
    await changes.cancel(till.money, till.at())
    await life.again()
    assert await life.told(shop) == {
        "trial_ending": 1, "plan_changed": 2, "action_required": 1, "payment_failed": 4, "access_reduced": 2, "canceled": 1,
    }  # fmt: skip


async def test_a_trial_that_ended_and_a_year_that_renews(life: Life) -> None:
    till, shop = life.till, life.till.world.neighbour
    await till.world.owner.execute("update subscriptions set trial_ends_at = now() - interval '1 hour' where organization_id = %s", (shop.organization_id,))
    await life.again()
    await till.buy(YEARLY, shop)
    await life.again()
    renews = await life.when("current_period_end", shop)
    for day in (30, 29, 7, 1):
        await life.on(renews - day * DAY, shop)
    await life.on(datetime.now(UTC), shop)
    assert await life.told(shop) == {"trial_ended": 1, "plan_changed": 1, "renewal_ahead": 2}
