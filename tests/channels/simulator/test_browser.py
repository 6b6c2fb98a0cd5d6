"""The phone in a real browser: live, with the keyboard, without scripts, and nothing the content policy refuses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.channels.simulator.stage import NUMBER, Stage

AXE = Path(__file__).parents[2] / "vendor" / "axe.min.js"
BUBBLE = ".ph-msg:not(.ph-types) > p:not(.ph-quote)"

pytestmark = pytest.mark.browser


@asynccontextmanager
async def opened(stage: Stage, chromium: str, **form: Any) -> AsyncIterator[Page]:
    """The phone in the chat with our number; at the end nothing may have complained."""
    said: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = await browser.new_context(**form)
        page = await context.new_page()
        page.on("console", lambda line: said.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(f"{stage.url}/phones/{NUMBER}")
        yield page
        await browser.close()
    assert said == []


async def test_one_writes_and_is_answered_without_touching_the_page(stage: Stage, chromium: str) -> None:
    await stage.write("before")
    async with opened(stage, chromium) as page:
        await page.get_by_label("Message as Lena").fill("Do you open on Friday?")
        await page.keyboard.press("Enter")
        await stage.eventually(lambda: len(stage.ear.messages) == 2)
        await expect(page.locator(BUBBLE)).to_have_text(["before", "Do you open on Friday?"])
        await expect(page.locator(".ph-msg.mine").last).to_contain_text("delivered")
        body = {"messaging_product": "whatsapp", "status": "read", "message_id": stage.ear.messages[1]["id"]}
        await stage.send(body | {"typing_indicator": {"type": "text"}})
        await expect(page.locator(".ph-types")).to_be_visible()
        await expect(page.locator(".ph-msg.mine").last).to_contain_text("read")
        await stage.send(text={"body": "Yes, from nine."})
        await expect(page.locator(BUBBLE).last).to_have_text("Yes, from nine.")
        await expect(page.locator(".ph-types")).to_have_count(0)
        await expect(page.locator("#told")).to_contain_text("status read")
        await expect(page.get_by_label("Message as Lena")).to_be_focused()


async def test_one_goes_on_writing_while_messages_arrive(stage: Stage, chromium: str) -> None:
    await stage.write()
    async with opened(stage, chromium) as page:
        await page.get_by_label("Message as Lena").press_sequentially("half a sent")
        await stage.send(text={"body": "interrupting"})
        await expect(page.locator(BUBBLE).last).to_have_text("interrupting")
        await page.keyboard.type("ence")
        await page.keyboard.press("Enter")
        await expect(page.locator(BUBBLE).last).to_have_text("half a sentence")


async def test_one_reacts_and_takes_it_back(stage: Stage, chromium: str) -> None:
    await stage.write()
    await stage.send()
    async with opened(stage, chromium) as page:
        await page.get_by_label("React to “Hello”").click()
        await page.get_by_label("React with ❤️").click()
        await expect(page.get_by_label("You reacted with ❤️")).to_be_visible()
        await page.get_by_label("React to “Hello”").click()
        await page.get_by_label("Take ❤️ back").click()
        await expect(page.get_by_label("You reacted with ❤️")).to_have_count(0)
    reactions = [message["reaction"]["emoji"] for message in stage.ear.messages if message["type"] == "reaction"]
    assert reactions == ["❤️", ""]


async def test_who_works_by_keyboard_stays_where_he_is_while_messages_and_ticks_arrive(stage: Stage, chromium: str) -> None:
    await stage.write()
    await stage.send(text={"body": "first"})
    async with opened(stage, chromium) as page:
        react = page.get_by_label("React to “first”")
        await react.focus()
        await stage.send(text={"body": "second"})
        await expect(page.locator(BUBBLE).last).to_have_text("second")
        await expect(react).to_be_focused()
        wamid = await stage.write("mine")
        await expect(page.locator(BUBBLE).last).to_have_text("mine")
        await stage.send({"messaging_product": "whatsapp", "status": "read", "message_id": wamid})
        await expect(page.locator(".ph-msg.mine").last).to_contain_text("read")
        await expect(react).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("You reacted with 👍")).to_be_visible()


async def test_one_becomes_somebody_without_a_number(stage: Stage, chromium: str) -> None:
    await stage.write()
    async with opened(stage, chromium) as page:
        await page.get_by_label("Name", exact=True).fill("Sheena Nelson")
        await page.get_by_label("Username only").check()
        await page.get_by_role("button", name="Be them").click()
        await page.get_by_label("Message as Sheena Nelson").fill("Guess who")
        await page.keyboard.press("Enter")
        await expect(page.locator(BUBBLE)).to_have_text(["Guess who"])
        await stage.eventually(lambda: len(stage.ear.messages) == 2)
        assert "from" not in stage.ear.messages[1]
        await page.get_by_label("Customer").select_option("Lena")
        await expect(page.get_by_label("Message as Lena")).to_be_visible()


async def test_faults_and_receipts_are_switched_at_once(stage: Stage, chromium: str) -> None:
    await stage.write()
    async with opened(stage, chromium) as page:
        await page.get_by_label("Deliver twice").check()
        await expect(page.locator("#faults")).to_contain_text("1 on")
        await page.get_by_text("More that can go wrong").click()
        await page.get_by_label("Answer slowly").check()
        await expect(page.locator("#faults")).to_contain_text("2 on")
        await page.get_by_label("Read receipts").uncheck()
        await page.reload()
        await expect(page.get_by_label("Deliver twice")).to_be_checked()
        await expect(page.get_by_label("Read receipts")).not_to_be_checked()


async def test_without_scripts_one_can_still_write(stage: Stage, chromium: str) -> None:
    await stage.write()
    async with opened(stage, chromium, java_script_enabled=False) as page:
        await page.get_by_label("Message as Lena").fill("No scripts here")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(BUBBLE).last).to_have_text("No scripts here")


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
async def test_everybody_can_use_it(stage: Stage, chromium: str, colours: Any, width: int) -> None:
    await stage.write()
    await stage.send()
    await stage.faults(slow=True)
    form = {"color_scheme": colours, "viewport": {"width": width, "height": 900}, "bypass_csp": True}
    async with opened(stage, chromium, **form) as page:
        for path in (f"/phones/{NUMBER}", "/"):
            await page.goto(stage.url + path)
            await page.evaluate(AXE.read_text())
            found = await page.evaluate("axe.run()")
            assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
