"""The frame in a real browser: light and dark, menus, dialogs, the phone's drawer, and the keyboard."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, expect

from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.web.running import browsing, register, served

pytestmark = pytest.mark.browser

FIRST_PAINT = """new PerformanceObserver(() => { window.painted ??= document.documentElement.dataset.bsTheme })
    .observe({ type: "paint", buffered: true })"""

INJECTION = """() => {
    document.querySelector("main").append(Object.assign(document.createElement("button"), { id: "evil" }))
    const evil = document.getElementById("evil")
    evil.setAttribute("hx-post", "/evil")
    htmx.process(evil)
    evil.click()
}"""
HTML_FROM_TEXT = """() => { try { document.body.innerHTML = "<b>x</b>"; return "taken" } catch { return "refused" } }"""


@pytest.fixture
async def desk(settings: Settings, database: Database, chromium: str) -> AsyncIterator[Page]:
    """The overview of somebody who has just registered."""
    async with (
        served(settings, database) as address,
        browsing(chromium, address, color_scheme="dark", timezone_id="Africa/Lagos") as page,
    ):
        await register(page)
        yield page


async def test_the_theme_follows_the_device_from_the_first_paint_until_one_is_chosen(desk: Page) -> None:
    await desk.add_init_script(FIRST_PAINT)
    await desk.reload()
    async with asyncio.timeout(8):  # wait_for_function evaluates in the page, which its security policy forbids
        while (painted := await desk.evaluate("window.painted")) is None:
            await asyncio.sleep(0.05)
    assert painted == "dark"
    await desk.emulate_media(color_scheme="light")
    await expect(desk.locator("html")).to_have_attribute("data-bs-theme", "light")
    await desk.get_by_role("button", name="Light or dark").click()
    await desk.get_by_role("button", name="Dark", exact=True).click()
    await expect(desk.locator("html")).to_have_attribute("data-bs-theme", "dark")
    await expect(desk.get_by_role("button", name="Dark", exact=True)).to_be_hidden()
    await desk.reload()
    await expect(desk.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert 'data-bs-theme="dark"' in await (await desk.request.get("/dashboard")).text()


async def test_the_server_learns_the_readers_time_zone(desk: Page) -> None:
    cookies = {cookie.get("name"): cookie.get("value") for cookie in await desk.context.cookies()}
    assert cookies["zone"] == "Africa/Lagos"


async def test_scripts_cannot_read_the_session(desk: Page) -> None:
    assert "frontdesk_session" not in await desk.evaluate("document.cookie")


async def test_one_signs_out_from_the_account_menu(desk: Page) -> None:
    await desk.get_by_role("button", name="Maya Bello").click()
    await desk.get_by_role("button", name="Sign out").click()
    await expect(desk.get_by_role("heading", name="Sign in")).to_be_visible()
    await desk.goto("/dashboard/contacts")
    assert desk.url.endswith("/login?next=/dashboard/contacts")


async def test_the_list_of_keys_opens_and_closes(desk: Page) -> None:
    await desk.keyboard.press("?")
    await expect(desk.get_by_role("dialog")).to_contain_text("Next conversation")
    await desk.keyboard.press("Escape")
    await expect(desk.get_by_role("dialog")).to_be_hidden()


async def test_good_news_is_a_toast_that_can_be_dismissed(desk: Page) -> None:
    await desk.goto("/account")
    await desk.get_by_label("Your name").fill("Maya B.")
    await desk.get_by_role("button", name="Save").click()
    await expect(desk.locator("#toasts")).to_contain_text("Your name is changed.")
    await desk.get_by_role("button", name="Dismiss").click()
    await expect(desk.locator("#toasts")).to_be_empty()


async def test_on_a_phone_the_menu_is_a_drawer(desk: Page) -> None:
    await desk.set_viewport_size({"width": 390, "height": 844})
    contacts = desk.get_by_role("link", name="Contacts")
    await expect(contacts).to_be_hidden()
    await desk.get_by_role("button", name="Menu", exact=True).click()
    await expect(contacts).to_be_visible()
    await desk.keyboard.press("Escape")
    await expect(contacts).to_be_hidden()


async def test_the_keyboard_alone_reaches_the_content_and_shows_where_it_is(desk: Page) -> None:
    await desk.keyboard.press("Tab")
    await expect(desk.get_by_role("link", name="Skip to content")).to_be_focused()
    await expect(desk.get_by_role("link", name="Skip to content")).to_be_visible()
    await desk.keyboard.press("Enter")
    await expect(desk.locator("#main")).to_be_focused()
    await desk.keyboard.press("Tab")
    outline = await desk.evaluate("getComputedStyle(document.activeElement).outline")
    assert outline.endswith("2px")


async def test_what_was_injected_does_nothing(settings: Settings, database: Database, chromium: str) -> None:
    async with served(settings, database) as address, browsing(chromium, address, quiet=False) as page:
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        await page.goto("/login")
        await page.evaluate(INJECTION)
        assert await page.evaluate(HTML_FROM_TEXT) == "refused"
        assert await page.evaluate("document.querySelectorAll('[hx-post]').length") == 0
        assert not any(url.endswith("/evil") for url in requests)
