"""The first minute and a day's work without a mouse: every step by keyboard alone, and the focus is always seen."""

import os

import pytest
from playwright.async_api import Page, expect

from tests.browser.windows import Windows, connected, focused, tab_to
from tests.product import Shop, eventually
from tests.users.browser import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def fill(page: Page, **fields: str) -> None:
    """Go to each field by its label and type."""
    for name, text in fields.items():
        await tab_to(page, name.replace("_", " "))
        await page.keyboard.type(text)


async def press(page: Page, name: str, key: str = "Enter") -> None:
    """Go to a button or link and press it."""
    await tab_to(page, name)
    await page.keyboard.press(key)


async def test_the_first_minute(windows: Windows) -> None:
    page = await windows.open()
    await page.goto("/register")
    await fill(page, Organization="Meine Firma GmbH", Your_name="Maya Bello", Email=f"maya.{os.urandom(4).hex()}@example.com", Password=PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/dashboard")
    async with page.context.expect_page() as opening:
        await press(page, "Open the phone")
    phone = await opening.value
    await connected(phone)

    await tab_to(phone, "Message as Alex Morgan")
    await phone.keyboard.type("hi")
    await phone.keyboard.press("Enter")
    await expect(phone.locator(".ph-msg:not(.mine)")).to_contain_text("Thanks for writing to Meine Firma GmbH.")
    await expect(phone.get_by_label("Message as Alex Morgan")).to_have_value("")
    await expect(phone.get_by_label("Message as Alex Morgan")).to_be_focused()
    await tab_to(phone, "React to", "Shift+Tab")  # the chat stands before the composer
    await phone.keyboard.press("Enter")
    await tab_to(phone, "React with 👍")
    await phone.keyboard.press("Enter")
    await expect(phone.get_by_label("You reacted with 👍")).to_be_visible()
    await tab_to(phone, "Message as Alex Morgan")


async def test_a_conversation_is_found_answered_taken_and_closed(shop: Shop, windows: Windows) -> None:
    await shop.hears("Do you open on Friday?")
    page = await windows.open(shop.visitor)
    await page.goto("/dashboard")
    await press(page, "Inbox")
    await page.wait_for_url("**/dashboard/inbox")
    await expect(page.locator("#conversations a")).to_have_count(1)
    await press(page, "Lena")
    await expect(page.locator(".msg.in")).to_contain_text("Do you open on Friday?")
    await connected(page)
    await tab_to(page, "Message", exact=True)
    await page.keyboard.type("Yes, from nine.")
    await page.keyboard.press("Enter")
    await expect(page.locator(".msg.you")).to_contain_text("Yes, from nine.")
    await expect(page.get_by_label("Message", exact=True)).to_be_focused()
    await expect(page.get_by_label("Message", exact=True)).to_have_value("")

    for name, then, way in (("Take it", "Release", "Shift+Tab"), ("Stop the bot", "Return to bot", "Shift+Tab"), ("Close", "Reopen", "Tab")):
        await tab_to(page, name, way, exact=True)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("button", name=then, exact=True)).to_be_visible()
        assert await focused(page) == then, "the focus stays where one pressed"


async def press_backwards(page: Page, name: str) -> None:
    await tab_to(page, name, "Shift+Tab")
    await page.keyboard.press("Enter")


async def test_a_rule_is_written_and_answers(shop: Shop, windows: Windows) -> None:
    page = await windows.open(shop.visitor)
    await page.goto("/dashboard")
    await press(page, "Auto replies")
    await page.wait_for_url("**/dashboard/auto-replies")
    await press(page, "New rule")
    await page.wait_for_url("**/dashboard/auto-replies/new")
    await expect(page.get_by_label("Name", exact=True)).to_be_focused()
    await page.keyboard.type("Hours")
    await tab_to(page, "Any of these words")
    await page.keyboard.type("öffnungszeiten")
    await page.keyboard.press("Enter")
    await tab_to(page, "Text")
    await page.keyboard.type("From nine to five.")
    await tab_to(page, "This rule is on")
    if not await page.get_by_label("This rule is on").is_checked():
        await page.keyboard.press("Space")
    await press_backwards(page, "Save")
    await page.wait_for_url("**/dashboard/auto-replies")
    await expect(page.locator(".rule-row", has_text="Hours")).to_be_visible()
    await shop.hears("hi")
    await shop.hears("OFFNUNGSZEITEN?")

    async def answered() -> bool:
        return [message["text"] for message in await shop.phone()][-1:] == ["From nine to five."]

    await eventually(answered, "the new rule's answer")
