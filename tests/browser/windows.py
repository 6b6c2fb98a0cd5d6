"""Windows on the product. Nothing may complain in any of them, the content policy least of all."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page

from tests.product import PATIENCE, Visitor

WIDE: Any = {"width": 1440, "height": 900}
FOCUS = """() => {
    const at = document.activeElement
    if (!at || at === document.body) return null
    const box = at.getBoundingClientRect(), look = getComputedStyle(at), around = getComputedStyle(at.parentElement)
    const ringed = [look, around].some(one => one.outlineStyle !== "none" && parseFloat(one.outlineWidth) > 0) || look.boxShadow !== "none"
    return {
        name: (at.ariaLabel || at.labels?.[0]?.innerText || at.innerText || at.id).trim(),
        seen: at.id === "main" || at.matches(":focus-visible") && ringed && box.width > 1 && box.bottom > 0 && box.top < innerHeight,
    }
}"""
# said of a refused form, a line that was cut, or a stream that somebody lost; what matters is what the page shows
EXPECTED = ("Failed to load resource", "net::ERR_", "Failed to fetch", "network error", "SSE reconnect failed with status 403")


@dataclass
class Windows:
    """Opens windows, each with cookies of its own unless it stands beside another."""

    chrome: Browser
    address: str
    complaints: list[str] = field(default_factory=list)
    opened: list[BrowserContext] = field(default_factory=list)

    async def open(self, visitor: Visitor | None = None, **form: Any) -> Page:
        """A window of somebody who is signed in, or of a stranger."""
        context = await self.chrome.new_context(**{"base_url": self.address, "locale": "en-GB", "viewport": WIDE} | form)
        context.set_default_timeout(PATIENCE * 500)
        self.opened.append(context)
        context.on("page", self._listen)
        if visitor is not None:
            await context.add_cookies([{"name": "frontdesk_session", "value": str(visitor.token), "url": self.address}])
        return await context.new_page()

    async def close(self) -> None:
        """Close them all."""
        for context in self.opened:
            await context.close()

    def _listen(self, page: Page) -> None:
        page.on("console", lambda said: self._note(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._note(str(error)))

    def _note(self, complaint: str) -> None:
        if not any(expected in complaint for expected in EXPECTED):
            self.complaints.append(complaint)


async def connected(page: Page) -> None:
    """Wait until the page hears of changes."""
    deadline = time.monotonic() + PATIENCE  # wait_for_function evaluates in the page, which its content policy forbids
    while not await page.evaluate("document.getElementById('live')?._htmx?.sse?.status === 200"):
        assert time.monotonic() < deadline, "the page is not connected"
        await asyncio.sleep(0.05)


async def focused(page: Page) -> str:
    """What has the focus, by its name; the focus is never lost and always seen."""
    focus, deadline = await page.evaluate(FOCUS), time.monotonic() + 2
    while focus and not focus["seen"] and time.monotonic() < deadline:  # the browser scrolls there a moment after
        await asyncio.sleep(0.05)
        focus = await page.evaluate(FOCUS)
    assert focus is not None, "the focus is lost"
    assert focus["seen"], f"nobody sees that the focus is at {focus['name']!r}"
    return str(focus["name"])


async def tab_to(page: Page, name: str, key: str = "Tab", *, exact: bool = False) -> None:
    """Go there with one key, step by step, as far as from one end of a page to the other. name: a part of it, unless exact."""
    passed = []
    for _ in range(80):
        await page.keyboard.press(key)
        if name == (here := await focused(page)) or (name in here and not exact):
            return
        passed.append(here)
    raise AssertionError(f"{name} is not on the way: {passed}")
