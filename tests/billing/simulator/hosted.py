"""The simulated Stripe as browsers find it: at its path, with the frame of the product around it."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import stripe
from fastapi import FastAPI
from playwright.async_api import Page, async_playwright
from starlette.routing import Mount

from frontdesk.billing.simulator import SimulatorSettings, build, running
from frontdesk.web import BodyLimit, RequestId, SecurityHeaders, serve_static
from tests.billing.simulator.stage import KEY, QUICK, SECRET, Stage
from tests.channels.simulator.stage import Ear, serving
from tests.web.running import listening

AXE = Path(__file__).parents[2] / "vendor" / "axe.min.js"
PATH = "/simulator/stripe"
EXPECTED = ("Failed to load resource",)  # said of every page that answers 404 or 422; what matters is what the page shows
CARD = {"number": "4242 4242 4242 4242", "expiry": "12 / 34", "cvc": "123", "name": "Maya Bello", "country": "DE"}


@asynccontextmanager
async def hosted() -> AsyncIterator[Stage]:
    """A stage whose pages can be opened."""
    ear, taken = Ear(), socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    taken.close()
    async with serving(ear) as ear_url:
        root = f"http://localhost:{port}{PATH}"
        app = build(SimulatorSettings(public_url=root, webhook_url=ear_url, webhook_secret=SECRET, pace=QUICK), development=True)
        framed = FastAPI(openapi_url=None, routes=[Mount("/static", serve_static, name="static"), Mount(PATH, app)])
        for layer in (BodyLimit, SecurityHeaders, RequestId):
            framed.add_middleware(layer)
        async with running(app), listening(framed, port), httpx.AsyncClient(base_url=root + "/", timeout=30) as http:
            client = stripe.StripeClient(KEY, base_addresses={"api": root}, http_client=stripe.HTTPXClient(), max_network_retries=0)
            yield Stage(root, ear, client, http, app.state.account, app)


async def send(stage: Stage, path: str, fields: dict[str, Any], form: str = "") -> httpx.Response:
    """Fill in a form as a browser would: with the token of the page that it stands on. form: where it is sent, if elsewhere than its page."""
    page = await stage.http.get(path)
    assert page.status_code == 200, page.text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token, "there is no form on the page"
    return await stage.http.post(form or path, data=fields | {"csrf_token": token[1]})


@asynccontextmanager
async def browsing(chromium: str, **form: Any) -> AsyncIterator[Page]:
    """A page in a fresh browser; at the end nothing may have complained."""
    said: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = await browser.new_context(**form)
        page = await context.new_page()
        page.on("console", lambda line: said.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        await browser.close()
    assert [line for line in said if not line.startswith(EXPECTED)] == []
