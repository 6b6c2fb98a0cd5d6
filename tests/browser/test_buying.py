"""One organization from its trial to its end, in the browser, through the simulated Stripe: with nothing but clicks, and time that goes by."""

import os
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.windows import Windows
from tests.conftest import Urls
from tests.product import Product, Shop, eventually
from tests.web.test_everybody import look_here

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

BILLING = "/dashboard/billing"
PICTURES = os.environ.get("TEST_PICTURES")  # a folder: what was looked at stays there
CONFIRMED = "update auth.users set email_confirmed_at = now() where id in (select user_id from organization_members where organization_id = %s)"
RULES = """insert into auto_replies (organization_id, id, name, position, trigger, match, keywords, reply)
  select %s, gen_random_uuid(), 'Rule ' || n, 10 + n, 'keyword', 'contains', array['word' || n], 'Hello' from generate_series(1, 12) n"""


class Story:
    """The organization's page, the database behind it, and the clock of the simulated Stripe."""

    def __init__(self, product: Product, urls: Urls, shop: Shop, page: Page) -> None:
        self.product, self.urls, self.shop, self.page = product, urls, shop, page
        self.seen = 0

    async def look(self, what: str) -> None:
        """Everybody can use what the page shows now, wide and on a phone."""
        self.seen += 1
        for width in (1440, 390):
            await self.page.set_viewport_size({"width": width, "height": 900})
            if PICTURES:
                await self.page.screenshot(path=Path(PICTURES) / f"{self.seen:02}-{what}-{width}.png", full_page=True)
            assert not await look_here(self.page), what
        await self.page.set_viewport_size({"width": 1440, "height": 900})

    async def days(self, days: float) -> None:
        """Time goes by at Stripe; what it tells is heard on the way."""
        async with httpx.AsyncClient(base_url=self.product.url, timeout=120, trust_env=False) as http:
            answer = await http.post("/simulator/stripe/_test/advance", json={"seconds": int(days * 86_400), "patient": True})
        assert answer.status_code == 200, answer.text

    async def shows(self, *words: str) -> None:
        """Load the page until it says all of this: events arrive when they arrive."""

        async def said() -> bool:
            await self.page.goto(BILLING)
            text = await self.page.inner_text("main")
            return all(word in text for word in words)

        await eventually(said, f"the page says {words}")

    async def change(self, query: str) -> None:
        """Something else happens meanwhile: a day of ours, or rules that were written."""
        async with await psycopg.AsyncConnection.connect(self.urls.owner, autocommit=True) as owner:
            await owner.execute(query, (self.shop.organization_id,))  # type: ignore[arg-type]  # literal below

    async def told(self) -> list[str]:
        """What the organization was told, in order."""
        async with await psycopg.AsyncConnection.connect(self.urls.owner, autocommit=True) as owner:
            rows = await owner.execute("select kind from billing_notices where organization_id = %s order by id", (self.shop.organization_id,))
            return [row[0] for row in await rows.fetchall()]

    async def told_of_less(self) -> bool:
        """Whether the worker's clock has come by."""
        return "access_reduced" in await self.told()

    async def give_card(self, number: str, press: str) -> None:
        """Type a card on one of Stripe's pages."""
        await self.page.get_by_label("Card number").fill(number)
        await self.page.get_by_label("Expires").fill("12 / 34")
        await self.page.get_by_label("CVC").fill("123")
        await self.page.get_by_role("button", name=press, exact=True).click()

    async def click(self, role: Any, name: str) -> None:
        await self.page.get_by_role(role, name=name, exact=True).click()


async def test_an_organization_from_its_trial_to_its_end(chrome: Browser, product: Product, stage: tuple[Product, Urls], shop: Shop) -> None:
    windows = Windows(chrome, product.url.replace("127.0.0.1", "localhost"))  # where the simulated Stripe has its pages, too
    page = await windows.open(shop.visitor)
    story = Story(product, stage[1], shop, page)
    await story.change(CONFIRMED)
    await page.goto(BILLING)
    await expect(page.locator("main")).to_contain_text("Your Starter trial ends on")
    await story.look("trial")
    await _buys(story)
    await _cannot_pay_and_pays(story)
    await _takes_less(story)
    await _leaves(story)
    await windows.close()
    assert windows.complaints == []
    told = [kind for kind, _ in groupby(await story.told())]  # how many reminders there are hangs on how fast the days go by
    assert told == ["plan_changed", "payment_failed", "access_reduced", "plan_changed", "canceled"]


async def _buys(story: Story) -> None:
    page = story.page
    await story.click("button", "Choose Professional")
    await page.wait_for_url("**/simulator/stripe/pay/**")
    await story.give_card("4242424242424242", "Subscribe and pay €99")
    await page.wait_for_url(f"**{BILLING}")
    await expect(page.locator("#toasts")).to_contain_text("You are on Professional now.")
    await expect(page.locator("#invoices tbody tr")).to_have_count(2)  # the next one, and the first
    await expect(page.locator("#invoices")).to_contain_text("First invoice")
    await expect(page.get_by_role("link", name="PDF of")).to_be_visible()
    await expect(page.locator("#payment")).to_contain_text("Visa ending 4242")
    await story.look("bought")
    await story.days(31.5)
    await story.shows("Renewal")
    await expect(page.locator("#invoices tbody tr")).to_have_count(3)
    await story.look("renewed")


async def _cannot_pay_and_pays(story: Story) -> None:
    page = story.page
    await story.click("button", "Change the payment method")
    await page.wait_for_url("**/simulator/stripe/**")
    await story.give_card("4000000000000341", "Save the card")
    await page.wait_for_url(f"**{BILLING}**")
    await story.days(31.5)
    await story.shows("A payment has failed", "Everything works as before until", "After the open invoice")
    await story.look("grace")
    await story.days(9)
    await story.shows("A payment has been overdue since")
    await eventually(story.told_of_less, "the organization is told that less is possible")
    await story.look("limited")
    await page.goto("/dashboard/team/invitations")
    await page.get_by_label("Email").fill("tunde@example.com")
    await page.get_by_role("button", name="Send the invitation").click()
    await expect(page.locator("main")).to_contain_text("A payment is overdue")
    await page.goto(BILLING)
    await story.click("link", "Pay now")
    await page.wait_for_url("**/simulator/stripe/invoice/**")
    await story.give_card("4242424242424242", "Pay €99")
    await expect(page.locator("main")).to_contain_text("Thank you")
    await story.shows("is on Professional, paid monthly", "Upcoming")
    await story.look("paid")


async def _takes_less(story: Story) -> None:
    page = story.page
    await story.change(RULES)
    await page.goto(BILLING)
    await story.click("link", "Downgrade to Starter")
    await expect(page.locator("#over")).to_contain_text("13 of 10")
    await story.look("downgrade")
    await page.get_by_role("button", name="Change on").click()
    await expect(page.locator("#toasts")).to_contain_text("You change to Starter on")
    await expect(page.locator("main")).to_contain_text("You change from Professional to Starter on")
    await story.look("changing")
    await story.days(31.5)
    await story.shows("is on Starter, paid monthly")
    await page.goto(BILLING)
    await story.click("link", "Upgrade to Business")
    await expect(page.locator("#amount")).to_contain_text("€")
    await story.look("upgrade")


async def _leaves(story: Story) -> None:
    page = story.page
    await page.goto(BILLING)
    await story.click("link", "Cancel the plan")
    await story.look("cancellation")
    await page.get_by_role("button", name="Cancel on").click()
    await expect(page.locator("main")).to_contain_text("Starter ends on")
    await story.click("button", "Keep Starter")
    await expect(page.locator("#toasts")).to_contain_text("Your plan goes on as it is.")
    await story.click("link", "Cancel the plan")
    await page.get_by_role("button", name="Cancel on").click()
    await expect(page.locator("main")).to_contain_text("Starter ends on")
    await story.look("cancelled")
    await story.days(31.5)
    await story.shows("Your subscription has ended", "is on the limits of the plan Free")
    await story.look("ended")
