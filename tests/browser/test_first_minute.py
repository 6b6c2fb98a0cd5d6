"""The first minute in the browser: from the registration to an answer by hand, with nothing but clicks."""

import os

import pytest
from playwright.async_api import Page, expect

from tests.browser.windows import Windows, connected
from tests.web.running import register

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_a_stranger_registers_writes_hi_is_answered_and_answers(windows: Windows) -> None:
    overview = await windows.open()
    await register(overview, "Meine Firma GmbH", f"maya.{os.urandom(4).hex()}@example.com")
    await expect(overview.locator("#first-steps")).to_contain_text("0 of 4 done")
    await connected(overview)
    inbox = await overview.context.new_page()
    await inbox.goto("/dashboard/inbox")
    await expect(inbox.get_by_role("heading", name="Write yourself a first message")).to_be_visible()
    await connected(inbox)
    phone = await _open_phone(overview)

    await phone.get_by_label("Message as Alex Morgan").fill("hi")
    await phone.keyboard.press("Enter")
    answer = phone.locator(".ph-msg:not(.mine)")
    await expect(answer).to_contain_text("Thanks for writing to Meine Firma GmbH. We will answer as soon as we can.")
    await expect(phone.locator(".ph-msg.mine time")).to_contain_text("delivered")

    await inbox.locator("#conversations a", has_text="Alex Morgan").click()
    await expect(inbox.locator(".msg.in")).to_contain_text("hi")
    await expect(inbox.locator(".msg.bot")).to_contain_text("Thanks for writing")
    await expect(phone.locator(".ph-msg.mine time")).to_contain_text("delivered")
    await inbox.get_by_label("Message", exact=True).fill("Hello Alex, Maya here.")
    await inbox.keyboard.press("Enter")
    await expect(answer.last).to_contain_text("Hello Alex, Maya here.")
    await expect(inbox.locator(".msg.you time")).to_contain_text("read")

    await expect(overview.locator("#first-steps")).to_contain_text("2 of 4 done")
    await expect(overview.locator("#numbers")).to_contain_text("Last message from a customer: Today")


async def _open_phone(page: Page) -> Page:
    async with page.context.expect_page() as opening:
        await page.get_by_role("link", name="Open the phone").click()
    phone = await opening.value
    await connected(phone)
    return phone
