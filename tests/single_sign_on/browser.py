"""A browser that goes to the provider and comes back."""

from urllib.parse import urlsplit

import aiohttp
import httpx

from tests.users.browser import Browser

BASE = "http://localhost:3002"  # where the provider sends back to


async def sent_back(address: str) -> str:
    """Where the provider sends a browser that it was shown this address by: path and query on our side."""
    async with aiohttp.ClientSession() as outside, outside.get(address, allow_redirects=False) as answer:
        back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}" == BASE
    return f"{back.path}?{back.query}"


async def set_out(browser: Browser, wanted: str = "/dashboard") -> str:
    """Begin a sign-in, and come as far as the way back."""
    begun = await browser.client.get("/login/provider", params={"next": wanted})
    assert begun.status_code == 303, begun.text
    return await sent_back(begun.headers["location"])


async def through(browser: Browser, wanted: str = "/dashboard") -> httpx.Response:
    """The whole way there and back."""
    return await browser.get(await set_out(browser, wanted))


async def register(browser: Browser, **fields: str) -> httpx.Response:
    """Come as a newcomer, and name an organization."""
    answer = await through(browser)
    assert answer.headers["location"] == "/register/provider"
    return await browser.send("/register/provider", page="/register/provider", **({"organization_name": "Lagos Glow Salon", "name": "Maya Bello"} | fields))


async def complaint(browser: Browser, answer: httpx.Response) -> str:
    """The page that a refusal leads to."""
    assert answer.status_code == 303
    page = await browser.get(answer.headers["location"])
    assert page.status_code == 200
    return page.text
