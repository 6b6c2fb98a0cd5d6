"""Every page of the console, light and dark, wide and on a phone: usable by everybody, and nothing beyond the edge."""

from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.async_api import Page, expect

from frontdesk.database import Database
from frontdesk.settings import Settings
from frontdesk.web import needs_of
from tests.billing.test_browser import buy
from tests.operator.conftest import REASON, Console, signed_in
from tests.operator.crowd import crowd
from tests.product import free_port
from tests.users.browser import Browser
from tests.web.running import browsing, served
from tests.web.test_everybody import BEYOND, FORMS, look, look_twice

pytestmark = pytest.mark.browser

PAGES = ("organizations", "organizations/new", "organizations?q=nothing+like+it", "organizations?state=failing", "revenue", "plans", "plans/starter", "events",
         "events?show=given_up", "users", "deliveries", "deliveries?show=other", "lanes", "incidents", "log")  # fmt: skip
LEADS = {"organizations?q=shop+number+4": "a.go[href*='/organizations/']", "users": "a.go", "organizations?q=long": "a.go[href*='/organizations/']"}


class Nowhere:
    """No application: only the cookie of this browser is wanted."""


async def operator(page: Page, address: str, owner: psycopg.AsyncConnection[Any], database: Database) -> None:
    """Let this page be the operator's."""
    await owner.set_autocommit(True)
    browser = Browser(Nowhere())  # type: ignore[arg-type]  # it asks nothing
    user_id, _ = await signed_in(owner, browser, "jonas@example.com", "Jonas Weber", "Frontdesk Hosting")
    await owner.execute("insert into private.authenticators (user_id, secret, last_step) values (%s, repeat('s', 40), 0)", (user_id,))
    await owner.execute("update private.sessions set second_factor_at = now()")
    await database.call("select private.grant_operator('jonas@example.com', 'a test')")
    token = browser.client.cookies.get("frontdesk_session")
    await page.context.add_cookies([{"name": "frontdesk_session", "value": str(token), "url": address}])


@pytest.mark.parametrize(("screen", "colours"), FORMS.values(), ids=FORMS)
async def test_everybody_can_use_the_console(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str, screen: Any, colours: Any
) -> None:
    async with served(settings, database) as address, browsing(chromium, address, viewport=screen, color_scheme=colours) as page:
        await operator(page, address, owner, database)
        problems = [await look(page, "/operator/revenue"), await look(page, "/operator/log")]
        await crowd(owner, 60)
        problems += [await look(page, f"/operator/{path}") for path in PAGES]
        for path, link in LEADS.items():
            await page.goto(f"/operator/{path}")
            problems.append(await look(page, urlsplit(str(await page.locator(link).first.get_attribute("href"))).path))
            for fold in await page.locator("details.op > summary").all():
                await fold.click()
            problems.append(await look_open(page))
    assert [one for one in problems if one] == []


async def look_open(page: Page) -> dict[str, Any]:
    """What is wrong with what was folded away."""
    from tests.web.test_everybody import look_here

    return await look_here(page)


async def test_no_page_of_the_console_is_forgotten(console: Console) -> None:
    pages = {path for method, path in needs_of(console.built.app.routes) if method == "GET" and path.startswith("/operator")} - {"/operator"}
    looked_at = {f"/operator/{path}".partition("?")[0] for path in PAGES} | {"/operator/plans/{plan_id}"}
    led_to = {"/operator/organizations/{organization_id}", "/operator/users/{user_id}"}  # LEADS
    assert pages - looked_at == led_to | {"/operator/organizations/{organization_id}/purchase"}  # below: it wants something bought


async def test_an_operator_looks_into_an_organization_and_stops(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str
) -> None:
    async with served(settings, database) as address, browsing(chromium, address) as page:
        await operator(page, address, owner, database)
        await crowd(owner, 5)
        for width in (600, 820, 1024, 1240, 1366):  # what is between a phone and a wide screen
            await page.set_viewport_size({"width": width, "height": 900})
            await page.goto("/operator/organizations")
            assert await page.evaluate(BEYOND) == [], width
        await page.goto("/operator/organizations?q=owner-2@example.org")
        await page.locator("#main a.go").first.click()
        await page.get_by_text("View as this organization").click()
        await page.locator("#viewing-reason").fill(REASON)
        await page.get_by_role("button", name="Look into it").click()
        await page.wait_for_url("**/dashboard")
        await expect(page.locator(".looking")).to_contain_text("without changing anything")
        await owner.execute("update auth.users set email_confirmed_at = null where email = 'jonas@example.com'")
        await page.goto("/dashboard/settings")
        await expect(page.get_by_text("Confirm your email")).to_have_count(0)  # that is no matter of the organization's
        await expect(page.get_by_text(REASON)).to_be_visible()
        await page.get_by_role("button", name="Stop looking").click()
        await expect(page.locator("#toasts")).to_contain_text("You do not look into it any more.")
        await expect(page.locator(".looking")).to_have_count(0)


async def test_what_was_bought_is_changed_cancelled_and_kept(
    settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any], chromium: str
) -> None:
    port = free_port()
    async with served(settings.model_copy(update={"port": port}), database, port) as address, browsing(chromium, address) as page:
        await buy(page)
        await expect(page.get_by_text("You are on Professional now.")).to_be_visible()
        await operator(page, address, owner, database)
        await page.goto("/operator/organizations?q=lagos")
        await page.locator("#main a.go").first.click()
        await page.wait_for_url("**/operator/organizations/*")
        home, wrong = page.url, await look_twice(page)
        for price in ("business_month_eur", "starter_month_eur"):
            await page.goto(f"{home}/purchase?price={price}")
            await expect(page.get_by_label("Reason")).to_be_visible()
            wrong += await look_twice(page)
        await page.goto(home)
        for fold, press, said in (
            ("Cancel what it bought", "Cancel it", "Until then nothing is less."),
            ("Keep what it bought", "Keep it", "It goes on as it is."),
        ):
            await page.get_by_text(fold).click()
            await page.locator("details.op[open] textarea").fill(REASON)
            await page.get_by_role("button", name=press, exact=True).click()
            await expect(page.locator("#toasts")).to_contain_text(said)
        wrong += await look_twice(page)
    assert wrong == []
