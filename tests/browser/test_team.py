"""A changed place in the team, in the windows of both: who changes it, and whose it is."""

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Team
from tests.browser.windows import Windows, connected
from tests.product import Shop

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="package")]


async def test_what_the_owner_changes_holds_at_once_in_the_members_window(shop: Shop, team: Team, windows: Windows) -> None:
    await shop.hears("hi")
    here = await shop.conversation("Lena")
    tunde = await windows.open(await team.join("Tunde", "member"))
    await tunde.goto(here)
    await connected(tunde)
    owner = await windows.open(shop.visitor)
    await owner.goto("/dashboard/team")
    await owner.get_by_role("link", name="Tunde").click()

    await owner.get_by_label("Viewer").check()
    await owner.get_by_role("button", name="Save the role").click()
    await expect(owner.locator("#toasts")).to_contain_text("Tunde is now a viewer.")
    await expect(tunde.get_by_role("button", name="Take it")).to_have_count(0)
    await tunde.get_by_label("Message", exact=True).fill("Still me?")
    await tunde.keyboard.press("Enter")
    await expect(tunde.get_by_role("alert")).to_contain_text("Your role in this organization does not allow this.")

    await owner.get_by_label("Member", exact=False).first.check()
    await owner.get_by_role("button", name="Save the role").click()
    await expect(owner.locator("#toasts")).to_contain_text("Tunde is now a member.")
    await owner.get_by_label("Phone numbers are masked").check()
    await owner.get_by_role("button", name="Save the restrictions").click()
    await expect(owner.locator("#toasts")).to_contain_text("Tunde is restricted from now on.")
    await expect(tunde.locator("#contact")).to_contain_text("•••")

    await owner.get_by_text("Remove from the organization").click()
    await owner.get_by_role("button", name="Remove", exact=True).click()
    await expect(owner.locator("#toasts")).to_contain_text("Tunde is no member any more.")
    await expect(tunde.locator("main, body").first).to_contain_text("You do not belong to an organization")
    await expect(tunde.locator("body")).not_to_contain_text("Lena")
