"""Second factors under test: an authenticator app in a few lines."""

import html
import re
from typing import Any

import psycopg
import pyotp

from tests.users.browser import PASSWORD, Browser

Owner = psycopg.AsyncConnection[Any]
AUTHENTICATOR, CODES, STEP = "/account/authenticator", "/account/recovery-codes", "/login/second-factor"


async def offered(browser: Browser) -> str:
    """The secret that the page shows after "Show the QR code"."""
    answer = await browser.send(f"{AUTHENTICATOR}/offer", page=AUTHENTICATOR)
    assert answer.headers.get("location") == AUTHENTICATOR, answer.text
    return shown_secret((await browser.get(AUTHENTICATOR)).text)


def shown_secret(page: str) -> str:
    found = re.search(r'data-copy="([A-Z2-7]{32})"', page)
    assert found, "no secret is shown"
    return found[1]


async def enrol(browser: Browser) -> tuple[str, list[str]]:
    """Turn the authenticator on; its secret and the recovery codes that were shown."""
    secret = await offered(browser)
    answer = await browser.send(AUTHENTICATOR, page=AUTHENTICATOR, code=code(secret))
    return secret, recovery_codes(answer.text)


def recovery_codes(page: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(r"<li>([0-9a-z]{5}-[0-9a-z]{5})</li>", page)]


def code(secret: str) -> str:
    """What the app shows now."""
    return pyotp.TOTP(secret).now()


async def as_if_later(owner: Owner) -> None:
    """The code that was used last is long over."""
    await owner.execute("update private.authenticators set last_step = 0")


async def password_step(browser: Browser, wanted: str = "", **who: str) -> str:
    """The first step; where it leads."""
    page = f"/login?next={wanted}" if wanted else "/login"
    answer = await browser.send("/login", page=page, **({"email": "maya@example.com", "password": PASSWORD} | who))
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def logged(owner: Owner, *, after: int = 2) -> list[tuple[str, Any]]:
    """What stands in the log since the registration."""
    rows = await (await owner.execute("select action, details from public.audit_logs order by seq")).fetchall()
    return [tuple(row) for row in rows][after:]
