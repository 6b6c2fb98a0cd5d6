"""Two of a team at the same inbox: each sees what happens, and neither is disturbed."""

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Team
from tests.browser.windows import Windows, connected
from tests.product import Product, Shop

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


def composer(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)


async def opened(page: Page, path: str) -> Page:
    await page.goto(path)
    await connected(page)
    return page


async def test_what_one_does_the_other_sees_and_what_is_typed_stays(shop: Shop, team: Team, windows: Windows) -> None:
    await shop.hears("hi")
    here = await shop.conversation("Lena")
    owner = await opened(await windows.open(shop.visitor), here)
    member = await opened(await windows.open(await team.join("Tunde", "member")), here)
    await composer(member).fill("half a sent")

    await shop.hears("are you there?")
    for page in (owner, member):
        await expect(page.locator("#log")).to_contain_text("are you there?")
    await composer(owner).fill("Yes, we are.")
    await owner.keyboard.press("Enter")
    await expect(member.locator(".msg.you")).to_contain_text("Maya Bello")
    await expect(member.locator(".msg.you time")).to_contain_text("read")
    await owner.get_by_role("button", name="Take it").click()
    await expect(member.locator("#contact")).to_contain_text("Maya Bello")
    await owner.get_by_role("button", name="Close", exact=True).click()
    await expect(member.get_by_role("button", name="Reopen")).to_be_visible()
    await expect(member.locator("#conversations a")).to_have_count(0)

    await expect(composer(member)).to_have_value("half a sent")
    await expect(composer(member)).to_be_focused()
    await member.keyboard.type("ence")
    await member.keyboard.press("Enter")
    await expect(owner.locator(".msg.you", has_text="half a sentence")).to_contain_text("Tunde")


async def test_after_a_cut_line_the_window_catches_up_and_nothing_typed_is_lost(shop: Shop, windows: Windows) -> None:
    await shop.hears("hi")
    page = await opened(await windows.open(shop.visitor), await shop.conversation("Lena"))
    await page.context.set_offline(True)
    await composer(page).fill("Written in a tunnel")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Frontdesk was not reached")
    await expect(composer(page)).to_have_value("Written in a tunnel")
    await shop.hears("said meanwhile")
    await page.context.set_offline(False)
    await expect(page.locator("#log")).to_contain_text("said meanwhile")
    await composer(page).press("Enter")
    await expect(page.locator(".msg.you")).to_have_count(1)
    await expect(page.locator(".msg.you")).to_contain_text("Written in a tunnel")


async def test_after_a_restart_of_the_server_the_window_catches_up(shop: Shop, windows: Windows, product: Product) -> None:
    await shop.hears("hi")
    page = await opened(await windows.open(shop.visitor), await shop.conversation("Lena"))
    await composer(page).fill("half a sent")
    product.kill()
    product.start()
    product.wait_until_healthy()
    await shop.hears("after the restart")
    await expect(page.locator("#log")).to_contain_text("after the restart")
    await expect(composer(page)).to_have_value("half a sent")
    await shop.hears("and live again")
    await expect(page.locator("#log")).to_contain_text("and live again")
