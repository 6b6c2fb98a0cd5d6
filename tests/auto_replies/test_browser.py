"""Auto replies in a real browser: dragging, the keyboard, no scripts, and nothing the content policy refuses."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Locator, Page, async_playwright, expect

from tests.auto_replies.desk import LIST, add
from tests.world import World

pytestmark = pytest.mark.browser


@asynccontextmanager
async def opened(app: FastAPI, world: World, chromium: str, scripts: bool = True, **form: object) -> AsyncIterator[Page]:
    """A page of the owner's browser; at the end nothing may have complained."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    base = f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    said: list[str] = []
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            context = await browser.new_context(base_url=base, java_script_enabled=scripts, **form)  # type: ignore[arg-type]  # options as they come
            await context.add_cookies([{"name": "frontdesk_session", "value": str(world.shop.owner_id), "url": base}])
            page = await context.new_page()
            page.on(
                "console",
                lambda message: said.append(message.text) if message.type in ("error", "warning") and "/dashboard/live" not in str(message.location) else None,
            )
            page.on("pageerror", lambda error: said.append(str(error)))
            yield page
            await browser.close()
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task
    assert [line for line in said if "/dashboard/live" not in line and "/dashboard/inbox/unread" not in line] == []


async def stored(world: World) -> list[str]:
    rows = await world.see("select name from auto_replies where organization_id = %s order by position", world.shop.organization_id)
    return [row[0] for row in rows]


def order(page: Page) -> Locator:
    return page.locator(".rule-row a.fw-medium")


async def test_a_rule_is_dragged_to_another_place(app: FastAPI, world: World, chromium: str) -> None:
    await add(world, "A", "B", "C")
    async with opened(app, world, chromium) as page:
        await page.goto(LIST)
        await page.locator(".rule-row .grip").last.hover()
        await page.mouse.down()
        first = await page.locator(".rule-row").first.bounding_box()
        assert first is not None
        await page.mouse.move(first["x"] + 60, first["y"] + 40, steps=8)
        await page.mouse.move(first["x"] + 60, first["y"] + 5, steps=8)
        await page.mouse.up()
        await expect(page.locator("#rules [role=status]")).to_have_text("“C” is now rule 1 of 4.")
        await expect(order(page)).to_have_text(["C", "First greeting", "A", "B"])
    assert await stored(world) == ["C", "First greeting", "A", "B"]


async def test_rules_are_moved_and_switched_by_keyboard_alone(app: FastAPI, world: World, chromium: str) -> None:
    await add(world, "A", "B")
    async with opened(app, world, chromium) as page:
        await page.goto(LIST)
        await page.get_by_label("Move B up").focus()
        await page.keyboard.press("Enter")
        await expect(order(page)).to_have_text(["First greeting", "B", "A"])
        await expect(page.get_by_label("Move B up")).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(order(page)).to_have_text(["B", "First greeting", "A"])
        await page.get_by_label("A is on").focus()
        await page.keyboard.press("Space")
        await expect(page.locator("#rules [role=status]")).to_have_text("“A” is off.")
        await expect(page.get_by_label("A is on")).not_to_be_checked()
        await expect(page.get_by_label("A is on")).to_be_focused()
    assert await stored(world) == ["B", "First greeting", "A"]


async def test_a_rule_is_tried_and_written_with_its_preview(app: FastAPI, world: World, chromium: str) -> None:
    async with opened(app, world, chromium) as page:
        await page.goto(LIST)
        await page.get_by_label("A customer writes").fill("hi")
        await page.get_by_label("Who").select_option("new")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Try").click()
        await expect(page.locator("#verdict")).to_contain_text("Rule 1, First greeting, answers")
        await page.get_by_role("link", name="New rule").click()
        await page.get_by_label("Name", exact=True).fill("Prices")
        await page.get_by_label("Any of these words").fill("price")
        await page.keyboard.press("Enter")
        await page.keyboard.type("cost, fee,")
        await page.keyboard.press("Backspace")
        await page.get_by_label("Remove cost").click()
        await page.keyboard.type("how much")
        await page.get_by_label("Text").fill("Hello ")
        await page.get_by_role("button", name="The contact’s name").click()
        await page.keyboard.type(", from 10.")
        await expect(page.locator("#preview")).to_contain_text("Hello Amina, from 10.")
        await page.get_by_label("What happens").select_option("fallback")
        await expect(page.get_by_label("Any of these words")).to_be_hidden()
        await page.get_by_label("What happens").select_option("keyword")
        await page.get_by_role("button", name="Save").click()
        await expect(order(page)).to_have_text(["First greeting", "Prices"])
        assert await world.see("select keywords from auto_replies where name = 'Prices'") == [(["price", "how much"],)]
        await page.get_by_role("link", name="Prices").click()
        await expect(page.locator(".words .word")).to_have_text(["price", "how much"])
        await page.get_by_role("button", name="Delete").click()
        await page.locator("#delete").get_by_role("button", name="Delete").click()
        await expect(order(page)).to_have_text(["First greeting"])
    assert await stored(world) == ["First greeting"]


async def test_everything_works_without_scripts(app: FastAPI, world: World, chromium: str) -> None:
    await add(world, "A")
    async with opened(app, world, chromium, scripts=False) as page:
        await page.goto(LIST)
        await page.get_by_label("Move A up").click()
        await expect(order(page)).to_have_text(["A", "First greeting"])
        await page.get_by_label("A is on").click()
        await page.locator(".rule-row", has_text="A").get_by_role("button", name="Switch").first.click()
        await expect(page.get_by_label("A is on")).not_to_be_checked()
        await page.get_by_label("A customer writes").fill("hm")
        await page.get_by_role("button", name="Try").click()
        await expect(page.locator("#verdict")).to_contain_text("No rule answers")
        await page.get_by_role("link", name="A", exact=True).click()
        await page.get_by_role("button", name="Delete this rule for good").click()
        await expect(order(page)).to_have_text(["First greeting"])
