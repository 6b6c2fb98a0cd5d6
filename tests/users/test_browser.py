"""Second factors in a real browser: set up, used and shown, usable by everybody and with nothing the content policy refuses."""

from typing import Any

import psycopg
import pytest
from playwright.async_api import Page, expect

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.users.factors import as_if_later, code, recovery_codes, shown_secret
from tests.web.running import PASSWORD, browsing, register, served
from tests.web.test_everybody import FORMS, look_here

pytestmark = pytest.mark.browser


async def sign_in(page: Page) -> None:
    await page.goto("/login")
    await page.get_by_label("Email").fill("maya@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Sign in").click()


async def enrol(page: Page) -> tuple[str, list[str], list[dict[str, Any]]]:
    """Set the authenticator up from the account page on; its secret, the recovery codes, and what is wrong with the pages."""
    await page.goto("/account")
    await page.get_by_role("link", name="Set up the authenticator app").click()
    await page.get_by_role("button", name="Show the QR code").click()
    await expect(page.get_by_alt_text("QR code")).to_be_visible()
    secret, problems = shown_secret(await page.content()), [await look_here(page)]
    await page.get_by_label("Code", exact=True).fill(code(secret))
    await page.get_by_role("button", name="Turn it on").click()
    await expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    return secret, recovery_codes(await page.content()), [*problems, await look_here(page)]


@pytest.mark.parametrize(("screen", "colours"), FORMS.values(), ids=FORMS)
async def test_an_authenticator_is_set_up_and_used(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str, screen: Any, colours: Any
) -> None:
    async with served(settings, database) as address, browsing(chromium, address, viewport=screen, color_scheme=colours) as page:
        await register(page)
        secret, codes, problems = await enrol(page)
        await page.get_by_role("link", name="I have kept them").click()
        for path in ("/account", "/account/authenticator", "/account/recovery-codes"):
            await page.goto(path)
            problems.append(await look_here(page))
        await page.context.clear_cookies()
        await sign_in(page)
        await expect(page.get_by_label("Code of your authenticator app")).to_be_focused()
        problems.append(await look_here(page))
        await page.get_by_label("Code of your authenticator app").fill("12 34 56")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("This code is not right")).to_be_visible()
        problems.append(await look_here(page))
        await page.get_by_text("Use a recovery code").click()
        await page.get_by_label("Recovery code").fill(codes[0].upper())
        await page.get_by_role("button", name="Sign in with it").click()
        await expect(page.locator("#toasts")).to_contain_text("9 recovery codes are left.")
        await as_if_later(owner)
        await owner.execute("update private.sessions set reauthenticated_at = now() - interval '1 hour'")
        await page.goto("/account/recovery-codes")
        await expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
        problems.append(await look_here(page))
        await page.get_by_label("Code of your authenticator app").fill(code(secret))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/account/recovery-codes")
    assert [one for one in problems if one] == []
