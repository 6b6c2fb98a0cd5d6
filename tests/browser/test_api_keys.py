"""API keys before somebody's eyes: made, copied, used, revoked."""

import re

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.windows import Windows
from tests.product import Product, Shop

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]

KEY = re.compile(r"fd_live_[0-9A-Za-z]{38}")


async def test_a_key_is_made_copied_used_and_revoked(product: Product, shop: Shop, windows: Windows) -> None:
    page = await windows.open(shop.visitor, permissions=["clipboard-read", "clipboard-write"])
    await page.goto("/dashboard")
    await page.get_by_role("link", name="API keys").click()
    await page.get_by_role("link", name="Make the first key").click()
    await page.get_by_role("textbox", name="Name").fill("Web shop")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.get_by_text("Tick at least one thing that the key may do.")).to_be_visible()
    await page.get_by_label("Read contacts").check()
    await page.get_by_role("button", name="Make the key").click()
    key = await page.get_by_text(KEY).inner_text()
    await page.get_by_role("button", name="Copy the key").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == key

    async with httpx.AsyncClient(base_url=f"{product.url}/api/v1/", headers={"authorization": f"Bearer {key}"}, trust_env=False) as program:
        assert (await program.get("contacts")).status_code == 200
        await page.get_by_role("link", name="I have copied it").click()
        await expect(page.get_by_role("row", name="Web shop")).to_contain_text("Today")
        assert key not in await page.content()
        await page.get_by_role("button", name="Revoke Web shop").click()
        await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
        await expect(page.get_by_text("No key is in use")).to_be_visible()
        assert (await program.get("contacts")).status_code == 401


async def test_the_reference_is_read_without_signing_in(windows: Windows) -> None:
    page = await windows.open()
    await page.goto("/api/v1/reference")
    await page.get_by_role("link", name="Send message").click()
    await expect(page.get_by_role("heading", name="Send message")).to_be_in_viewport()
    await page.locator("#send_message summary").click()
    await expect(page.locator("#send_message")).to_contain_text("The API key lacks the permission")
