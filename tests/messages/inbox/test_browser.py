"""The inbox in a real browser: live, by keyboard, and never in the way of somebody who types."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import ConsoleMessage, Page, Route, async_playwright, expect

from tests.messages.inbox.conftest import Shop, days_ago

pytestmark = pytest.mark.browser


@pytest.fixture
async def page(chromium: str, salon: Shop) -> AsyncIterator[Page]:
    """A browser in which the salon's owner is signed in; its console must stay silent."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = await browser.new_context(base_url=salon.site.url, locale="en-GB")
        await context.add_cookies([{"name": "frontdesk_session", "value": salon.boss.token, "url": salon.site.url}])
        opened, complaints = await context.new_page(), list[str]()
        opened.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.set_default_timeout(8_000)
        yield opened
        await browser.close()
        assert complaints == []


async def test_what_arrives_appears_and_what_is_being_typed_stays(page: Page, salon: Shop) -> None:
    arrived = await salon.customer_writes("hi")
    await page.goto(f"/dashboard/inbox/{arrived.conversation_id}")
    await _connected(page)
    await page.get_by_label("Message", exact=True).fill("half a sent")
    await salon.customer_writes("are you there?")
    await salon.customer_writes("hello", who="Kurt", phone="491701234567")
    salon.site.live.changed([salon.id])
    await expect(page.locator("#log")).to_contain_text("are you there?")
    await expect(page.locator("#conversations")).to_contain_text("Kurt")
    await expect(page.get_by_label("Message", exact=True)).to_have_value("half a sent")
    await expect(page.get_by_label("Message", exact=True)).to_be_focused()
    await expect(page.locator("#conversations a.active .count")).to_have_count(0)  # it was read as it arrived
    await expect(page.locator("#unread")).to_contain_text("1")


async def test_a_search_without_a_result_leads_to_the_closed_conversations(page: Page, salon: Shop) -> None:
    arrived = await salon.customer_writes("hi")
    await salon.boss.post(f"/dashboard/inbox/{arrived.conversation_id}/closure")
    await page.goto("/dashboard/inbox?q=amina")
    link = page.get_by_role("link", name="Look among the closed conversations")
    await expect(link).not_to_have_attribute("aria-current", "true")
    await page.keyboard.press("j")  # no conversation to move to: a link is none
    await link.click()
    await expect(page.locator("#conversations .list-group-item")).to_contain_text("Amina")


async def test_what_could_not_be_fetched_is_fetched_again(page: Page, salon: Shop) -> None:
    await salon.customer_writes("hi")
    await page.goto("/dashboard/inbox")
    await _connected(page)
    refused = asyncio.Event()

    async def refuse(route: Route) -> None:
        await route.fulfill(status=503, body="")
        refused.set()

    await page.route("**/inbox/list*", refuse)
    await salon.customer_writes("are you there?", who="Kurt", phone="491701234567")
    salon.site.live.changed([salon.id])
    await asyncio.wait_for(refused.wait(), 8)
    await page.unroute("**/inbox/list*")
    await expect(page.locator("#conversations")).to_contain_text("Kurt", timeout=15_000)


async def test_enter_sends_and_the_ticks_follow(page: Page, salon: Shop) -> None:
    arrived = await salon.customer_writes("hi")
    await page.goto(f"/dashboard/inbox/{arrived.conversation_id}")
    await _connected(page)
    await page.keyboard.press("r")
    await page.keyboard.type("Hello Amina")
    await page.keyboard.press("Enter")
    await expect(page.locator(".msg.you")).to_contain_text("Hello Amina")
    await expect(page.get_by_label("Message", exact=True)).to_have_value("")
    await expect(page.locator(".msg.you time")).to_contain_text("waiting to be sent")
    sent = (await salon.stored(arrived.conversation_id))[1]
    await salon.whatsapp_says(sent["id"], "read")
    salon.site.live.changed([salon.id])
    await expect(page.locator(".msg.you time")).to_contain_text("read")


async def test_a_text_that_is_too_long_stays_with_the_reason(page: Page, salon: Shop) -> None:
    arrived = await salon.customer_writes("hi")
    await page.goto(f"/dashboard/inbox/{arrived.conversation_id}")
    await page.get_by_label("Message", exact=True).fill("x" * 4_097)
    await page.get_by_label("Send").click()
    await expect(page.get_by_role("alert")).to_contain_text("at most 4,096 characters")
    assert len(await page.get_by_label("Message", exact=True).input_value()) == 4_097
    await page.get_by_label("Message", exact=True).fill("short")
    await page.get_by_label("Send").click()
    await expect(page.locator(".msg.you")).to_contain_text("short")


async def test_who_reads_far_up_stays_there(page: Page, salon: Shop) -> None:
    for n in range(60):
        arrived = await salon.customer_writes(f"message {n}", at=days_ago(0.5 - n / 1000))
    await page.goto(f"/dashboard/inbox/{arrived.conversation_id}")
    await _connected(page)
    assert await page.evaluate("log.scrollTop + log.clientHeight >= log.scrollHeight - 2")
    await page.evaluate("log.scrollTop = 0")
    await page.get_by_role("button", name="Earlier messages").click()
    await expect(page.locator(".msg")).to_have_count(60)
    before = await page.evaluate("log.scrollTop")
    await salon.customer_writes("the newest")
    salon.site.live.changed([salon.id])
    await expect(page.locator(".msg")).to_have_count(61)
    assert abs(await page.evaluate("log.scrollTop") - before) < 3


async def test_the_composer_comes_back_when_the_customer_writes(page: Page, salon: Shop) -> None:
    arrived = await salon.customer_writes("long ago", at=days_ago(2))
    await page.goto(f"/dashboard/inbox/{arrived.conversation_id}")
    await _connected(page)
    await expect(page.locator("#composer")).to_contain_text("more than 24 hours old")
    await salon.customer_writes("here I am again")
    salon.site.live.changed([salon.id])
    await expect(page.get_by_label("Message", exact=True)).to_be_visible()
    await expect(page.locator("#chat-head")).to_contain_text("Open window")


async def test_clicks_open_close_and_take_conversations(page: Page, salon: Shop) -> None:
    await salon.customer_writes("hi")
    kurt = await salon.customer_writes("hello", who="Kurt", phone="491701234567")
    await page.goto("/dashboard/inbox")
    await _connected(page)
    await page.locator("#conversations a", has_text="Kurt").click()
    await expect(page.locator("#chat-head")).to_contain_text("Kurt")
    await expect(page).to_have_url(f"{salon.site.url}/dashboard/inbox/{kurt.conversation_id}")
    await page.get_by_role("button", name="Take it").click()
    await expect(page.locator("#contact")).to_contain_text("Salon Boss")
    await page.get_by_role("button", name="Stop the bot").click()
    await expect(page.get_by_role("button", name="Return to bot")).to_be_visible()
    await page.get_by_role("button", name="Close", exact=True).click()
    await expect(page.locator("#conversations")).not_to_contain_text("Kurt")
    await page.get_by_role("button", name="Reopen").click()
    await expect(page.locator("#conversations")).to_contain_text("Kurt")


async def test_after_a_lost_connection_the_page_catches_up(page: Page, salon: Shop) -> None:
    arrived = await salon.customer_writes("hi")
    await page.goto(f"/dashboard/inbox/{arrived.conversation_id}")
    await _connected(page)
    await page.context.set_offline(True)
    salon.site.live.end_streams()  # the server's end of a broken line
    await salon.customer_writes("said meanwhile")
    salon.site.live.changed([salon.id])
    await page.context.set_offline(False)
    await expect(page.locator("#log")).to_contain_text("said meanwhile", timeout=15_000)


def _is_complaint(message: ConsoleMessage) -> bool:
    """Errors and warnings, but not what Chromium says of a form that was refused or a line that was cut."""
    expected = ("status of 422", "status of 503", "ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_CHANGED", "Failed to fetch", "network error")
    return message.type in ("error", "warning") and not any(one in message.text for one in expected)


async def _connected(page: Page) -> None:
    async with asyncio.timeout(8):  # wait_for_function evaluates in the page, which its security policy forbids
        while not await page.evaluate("document.getElementById('live')?._htmx?.sse?.status === 200"):
            await asyncio.sleep(0.05)
