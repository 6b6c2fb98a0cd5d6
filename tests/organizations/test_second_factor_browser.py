"""The account of a member who owes a second factor, in a real browser: it says what to do, and everybody can do it."""

from typing import Any

import psycopg
import pytest
from playwright.async_api import expect

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.browser.windows import connected
from tests.product import Visitor
from tests.users.factors import code, shown_secret
from tests.web.running import browsing, register, served
from tests.web.test_everybody import FORMS, look_here

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("screen", "colours"), FORMS.values(), ids=FORMS)
async def test_a_member_without_one_is_led_to_it_and_in_again(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str, screen: Any, colours: Any
) -> None:
    async with served(settings, database) as address, browsing(chromium, address, viewport=screen, color_scheme=colours) as page:
        await register(page)
        await page.goto("/dashboard/inbox")
        await owner.execute("update organizations set second_factor_required_at = now()")
        await page.goto("/dashboard/contacts")
        await expect(page).to_have_url(address + "/account")
        await expect(page.get_by_text("Lagos Glow Salon asks for a second factor")).to_be_visible()
        problems = [await look_here(page)]
        await page.get_by_role("link", name="Set up an app").click()
        await page.get_by_role("button", name="Show the QR code").click()
        problems += [await look_here(page)]
        await page.get_by_label("Code", exact=True).fill(code(shown_secret(await page.content())))
        await page.get_by_role("button", name="Turn it on").click()
        await page.get_by_role("link", name="I have kept them").click()
        await expect(page.get_by_text("asks for a second factor")).to_be_hidden()
        await page.goto("/dashboard/settings")
        await expect(page.get_by_role("heading", name="Second factor for everybody")).to_be_visible()
        problems += [await look_here(page)]
        await page.get_by_role("button", name="Leave it to the members").click()
        await expect(page.locator("#toasts")).to_contain_text("A second factor is up to each member again.")
        await page.get_by_role("button", name="Ask everybody for it").click()
        await page.locator("dialog[open]").get_by_role("button", name="Ask everybody for it").click()
        await expect(page.locator("#toasts")).to_contain_text("Every member needs a second factor now.")
    assert [one for one in problems if one] == []


async def test_a_page_that_is_open_when_it_is_asked_for_leads_there_by_itself(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str
) -> None:
    # quiet=False: that a stream was refused is told on the console
    async with served(settings, database) as address, browsing(chromium, address, quiet=False) as page, Visitor(address) as elsewhere:
        await register(page)
        await page.goto("/dashboard/inbox")
        await connected(page)
        await elsewhere.sign_in()
        await owner.execute("update organizations set second_factor_required_at = now()")
        await elsewhere.send("/logout", page="/account")  # whoever listens looks again whether he may
        await expect(page).to_have_url(address + "/account", timeout=30_000)
        await expect(page.get_by_text("Lagos Glow Salon asks for a second factor")).to_be_visible()
