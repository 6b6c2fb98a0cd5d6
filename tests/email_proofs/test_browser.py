"""The links in a real browser: from the mailbox through every page, light and dark, wide and on a phone."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.product import free_port
from tests.web.running import PASSWORD, browsing, register, served
from tests.web.test_everybody import FORMS, look

pytestmark = pytest.mark.browser
LONG = "somebody.with.many.names.and.a.long.one@a-long-name-of-an-organization.example.com"


@pytest.mark.parametrize(("screen", "colours"), FORMS.values(), ids=FORMS)
async def test_every_link_works_by_clicks_alone(settings: Settings, database: Database, chromium: str, screen: Any, colours: Any) -> None:
    port = free_port()
    async with (
        served(settings.model_copy(update={"port": port}), database, port),
        browsing(chromium, f"http://127.0.0.1:{port}", viewport=screen, color_scheme=colours) as page,
    ):
        await register(page, email=LONG)
        problems = [await look(page, path) for path in ("/dashboard", "/dashboard/inbox", "/account")]
        await page.get_by_role("button", name="Send a new link").click()
        await expect(page.locator("#toasts")).to_contain_text("A new link is on its way")
        problems.append(await look(page, await newest_link(page)))
        await page.get_by_role("button", name="Yes, confirm it").click()
        await expect(page.locator("#toasts")).to_contain_text("Your email is confirmed.")
        assert await page.get_by_role("button", name="Send a new link").count() == 0

        await page.goto("/account/email")
        await page.get_by_label("New email").fill("maya@example.com")
        await page.get_by_role("button", name="Send the link").click()
        problems.append(await look(page, "/account/email"))
        problems.append(await look(page, await newest_link(page)))
        await page.get_by_role("button", name="Yes, change it").click()
        await expect(page.locator("#toasts")).to_contain_text("Your email is maya@example.com now.")
        problems.append(await look(page, await newest_link(page)))
        await page.get_by_role("button", name="Yes, take it back").click()
        await page.wait_for_url("**/login")

        problems.append(await look(page, await newest_link(page)))
        await page.get_by_label("New password").fill("password1234")
        await page.get_by_role("button", name="Set it").click()
        await expect(page.get_by_label("New password")).to_be_focused()
        await page.get_by_label("New password").fill(PASSWORD)
        await page.get_by_role("button", name="Set it").click()
        await page.wait_for_url("**/login")
        await page.get_by_role("link", name="Forgot your password?").click()
        await page.get_by_label("Email").fill(LONG)
        await page.get_by_role("button", name="Send the link").click()
        await expect(page.get_by_role("status")).to_contain_text("is on its way there")
        assert [one for one in problems if one] == []


async def newest_link(page: Page) -> str:
    """The address in the newest mail that has a link with a token."""
    await page.goto("/simulator/mail")
    await page.locator("a.go").first.click()
    return str(await page.locator(".mail-text a[href*='token=']").get_attribute("href"))
