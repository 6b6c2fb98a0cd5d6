"""Buying a plan in a browser: from the plans to the payment page of the simulated Stripe and back."""

import pytest
from playwright.async_api import Page, expect

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.product import free_port
from tests.web.running import browsing, register, served
from tests.web.test_everybody import look_twice

pytestmark = pytest.mark.browser


async def pay(page: Page, press: str) -> None:
    """Type a card on the payment page, and pay."""
    await page.wait_for_url("**/simulator/stripe/pay/**")
    for name, value in {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123", "name": "Maya Bello"}.items():
        await page.fill(f"[name={name}]", value)
    await page.get_by_role("button", name=press).click()


async def buy(page: Page) -> None:
    """Register, and buy Professional."""
    await register(page)
    await page.goto("/dashboard/billing")
    await page.get_by_role("button", name="Choose Professional").click()
    await pay(page, "Subscribe and pay")


async def test_a_plan_is_bought_in_a_browser_whose_policy_follows_no_form_to_another_site(chromium: str, settings: Settings, database: Database) -> None:
    port = free_port()
    async with served(settings.model_copy(update={"port": port}), database, port) as address, browsing(chromium, address) as page:
        await buy(page)
        await page.wait_for_url("**/dashboard/billing")
        await expect(page.get_by_text("Thank you. You are on Professional now.")).to_be_visible()
        await expect(page.get_by_text("Paid until")).to_be_visible()


async def test_credit_is_bought_in_a_browser(chromium: str, settings: Settings, database: Database) -> None:
    port = free_port()
    own = settings.model_copy(update={"port": port, "overage_billing": "prepaid"})
    async with served(own, database, port) as address, browsing(chromium, address) as page:
        await register(page)
        await page.goto("/dashboard/usage")
        wrong = await look_twice(page)
        await page.get_by_role("button", name="€50", exact=True).click()
        await page.wait_for_url("**/simulator/stripe/pay/**")
        wrong += await look_twice(page)
        await pay(page, "Pay")
        await page.wait_for_url("**/dashboard/usage#credit")
        await expect(page.get_by_text("Thank you. Your credit is here.")).to_be_visible()
        await expect(page.locator("#credit").get_by_text("€50", exact=True).first).to_be_visible()
        wrong += await look_twice(page)
        await page.goto("/dashboard/billing")
        wrong += await look_twice(page)
    assert wrong == []
