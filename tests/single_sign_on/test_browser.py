"""The sign-in through the provider in a real browser: its content policy lets it there and back, and everybody can use its pages."""

from typing import Any

import pytest
from playwright.async_api import expect

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.product import free_port
from tests.single_sign_on.conftest import trusting
from tests.single_sign_on.idp import Idp
from tests.web.running import browsing, forget, register, served
from tests.web.test_everybody import FORMS, look

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("screen", "colours"), FORMS.values(), ids=FORMS)
async def test_there_and_back_by_clicks_alone(settings: Settings, database: Database, house: Idp, chromium: str, screen: Any, colours: Any) -> None:
    port = free_port()
    chosen = trusting(settings.model_copy(update={"port": port}), house.issuer)
    house.person |= {"email": "a.very.long.address.of.somebody.with.many.names@a-long-name-of-an-organization.example.com"}
    async with (
        served(chosen, database, port),
        browsing(chromium, f"http://localhost:{port}", viewport=screen, color_scheme=colours) as page,
    ):
        await page.goto("/register")
        await page.get_by_role("link", name="Continue with Example").click()
        await page.wait_for_url("**/register/provider")
        problems = [await look(page, "/register/provider")]
        await page.get_by_label("Organization").fill("Lagos Glow Salon")
        await page.get_by_role("button", name="Create it").click()
        await page.wait_for_url("**/dashboard")
        problems.append(await look(page, "/account/provider"))
        await page.get_by_role("button", name="Unlink").click()
        await page.locator("dialog").get_by_role("button", name="Unlink").click()
        await expect(page.locator("#toasts")).to_contain_text("This is your only way to sign in.")

        await forget(page)
        await register(page, "Moretti", "olga@example.com")
        house.person["sub"] = "olga"
        await page.goto("/account")
        await page.get_by_role("link", name="Accounts of Example").click()
        problems.append(await look(page, "/account/provider"))
        await page.get_by_role("button", name="Link Example").click()
        await expect(page.locator("#toasts")).to_contain_text("You can sign in with Example now.")

        await forget(page)
        problems.append(await look(page, "/login"))
        await page.goto("/account/provider")
        await page.get_by_role("link", name="Continue with Example").click()
        await page.wait_for_url("**/account/provider")
        assert [one for one in problems if one] == []
