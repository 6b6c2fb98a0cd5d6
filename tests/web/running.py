"""The whole application on a port of its own, and browsers at it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from playwright.async_api import Page, async_playwright
from starlette.types import ASGIApp

from frontdesk import app
from frontdesk.bell import Bell
from frontdesk.database import Database
from frontdesk.live import Live
from frontdesk.settings import Settings

PASSWORD = "correct horse battery 42"
EXPECTED = ("Failed to load resource",)  # said of every page that answers 404 or 422; what matters is what the page shows


@asynccontextmanager
async def served(settings: Settings, database: Database, port: int = 0) -> AsyncIterator[str]:
    """The application without its worker; yields its address."""
    async with Live(database.url) as live, listening(app.build(settings, database, live, Bell(live)), port) as address:
        yield address
        await live.close()


@asynccontextmanager
async def listening(application: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Any application on a free port, or on this one."""
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def browsing(chromium: str, address: str, *, quiet: bool = True, **form: Any) -> AsyncIterator[Page]:
    """A page of a fresh browser. At the end nothing may have complained, the content policy least of all."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = await browser.new_context(base_url=address, **form)
        page, complaints = await context.new_page(), list[str]()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        await browser.close()
    assert not quiet or [said for said in complaints if not said.startswith(EXPECTED)] == []


async def register(page: Page, organization: str = "Lagos Glow Salon", email: str = "maya@example.com") -> None:
    """Register as anybody would, and arrive at the overview."""
    await page.goto("/register")
    await page.get_by_label("Organization").fill(organization)
    await page.get_by_label("Your name").fill("Maya Bello")
    await page.get_by_label("Email").fill(email)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Create it").click()
    await page.wait_for_url("**/dashboard")


async def forget(page: Page) -> None:
    """Lose the session, as on another device. The page is left first: one whose stream is refused loads itself again, in the middle of what comes next."""
    await page.goto("about:blank")
    await page.context.clear_cookies()
