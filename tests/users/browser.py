"""A browser at the doors of users and registration: keeps cookies, sends forms, and may come from anywhere."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx
from fastapi import FastAPI

from frontdesk import secret_files, web
from frontdesk.database import Database, Tenant
from frontdesk.email_proofs import web as email_proofs_web
from frontdesk.live import Live
from frontdesk.mail import Mailer
from frontdesk.registration import visitor_finder
from frontdesk.registration import web as registration_web
from frontdesk.settings import Settings
from frontdesk.users import web as users_web
from frontdesk.users.account import web as account_web
from frontdesk.users.factors import web as factors_web
from frontdesk.users.passkeys import web as passkeys_web
from frontdesk.users.reauthentication import web as reauthentication_web
from frontdesk.users.second_step import web as second_step_web

HOME = "127.0.0.1"
AWAY = "203.0.113.5"
PASSWORD = "correct horse battery 42"
WRONG = "wrong horse battery 42"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605 Version/19.0 Mobile Safari/604.1"


def doors(database: Database, settings: Settings) -> FastAPI:
    """The application, with these two domains' doors only."""
    app = FastAPI(openapi_url=None)
    app.state.database, app.state.settings, app.state.live = database, settings, Live(database.url)
    app.state.secrets = secret_files.load(settings)
    app.state.find_visitor, app.state.load_frame = visitor_finder(database, settings), _no_frame
    app.state.mailer = Mailer(app.state.secrets.vault, settings)
    app.include_router(registration_web.door.router)
    for door in (users_web, second_step_web, account_web, factors_web, passkeys_web, reauthentication_web, email_proofs_web):
        app.include_router(door.door.router)
    web.install(app)
    return app


async def _no_frame(db: Tenant) -> dict[str, Any]:
    return {}


class Browser:
    """One browser. `base`: the address it uses; `address`: where it sits."""

    def __init__(self, app: FastAPI, base: str = "http://localhost:3002", address: str = HOME, agent: str = "") -> None:
        transport = httpx.ASGITransport(app, client=(address, 50_000))
        self.app, self.base = app, base
        headers = {"user-agent": agent or "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
        self.client = httpx.AsyncClient(transport=transport, base_url=base, headers=headers)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def send(self, path: str, *, page: str, **fields: str) -> httpx.Response:
        """Open `page`, and send its hidden fields with these to `path`."""
        hidden = hidden_fields((await self.get(page)).text)
        return await self.post(path, hidden | fields)

    async def post(self, path: str, fields: dict[str, str], **headers: str) -> httpx.Response:
        """Send just these fields, as a page of ours would."""
        return await self.client.post(path, data=fields, headers={"origin": self.base} | headers)

    async def register(self, **fields: str) -> httpx.Response:
        filled = {"name": "Maya Bello", "email": "maya@example.com", "organization_name": "Lagos Glow Salon"}
        return await self.send("/register", page="/register", **(filled | {"password": PASSWORD} | fields))

    async def sign_in(self, email: str = "maya@example.com", password: str = PASSWORD, **more: str) -> httpx.Response:
        return await self.send("/login", page="/login", email=email, password=password, **more)

    @property
    def token(self) -> str | None:
        return self.client.cookies.get("frontdesk_session") or self.client.cookies.get("__Host-frontdesk")


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of the page's forms."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


@asynccontextmanager
async def signed_in(app: FastAPI, **how: str) -> AsyncIterator[Browser]:
    """A browser in which the registered user is signed in."""
    async with Browser(app, **how) as browser:
        assert (await browser.sign_in()).status_code == 303
        yield browser
