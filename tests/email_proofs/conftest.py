"""The doors under test, and the mail that was owed."""

import re
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from fastapi import FastAPI

from frontdesk.database import Database
from frontdesk.mail import actions, store
from frontdesk.mail.records import Letter
from frontdesk.settings import Settings
from tests.users.browser import Browser, doors

Owner = psycopg.AsyncConnection[Any]


@dataclass
class Post:
    """What was owed to whom, the newest first."""

    app: FastAPI

    async def of(self, template: str) -> list[tuple[str, Letter]]:
        """The letters of one kind, with their readers. template: of this domain, or with the name of another before it."""
        async with self.app.state.database.platform() as db:
            kept = await store.kept(db, 100)
        vault = self.app.state.secrets.vault
        return [(one.recipient, actions.unseal(vault, one.id, one.sealed)) for one in kept if one.template in (template, f"email_proofs/{template}")]

    async def link(self, template: str) -> str:
        """The path of the link in the newest letter of a kind."""
        (_, letter), *_ = await self.of(template)
        return link_in(letter)

    async def count(self) -> dict[str, int]:
        """How many letters of each kind."""
        async with self.app.state.database.platform() as db:
            kinds = [one.template.partition("/")[2] for one in await store.kept(db, 100)]
        return {kind: kinds.count(kind) for kind in set(kinds)}


def link_in(letter: Letter) -> str:
    """The path of the link with a token; the text and the HTML have the same one."""
    [found] = set(re.findall(r"http://localhost:3002(/[\w/-]+\?token=[\w-]{43})", letter.text))
    assert f'href="http://localhost:3002{found}"' in letter.html
    return str(found)


@pytest.fixture
def app(database: Database, settings: Settings) -> FastAPI:
    """The doors of users, registration and links on a fresh database."""
    return doors(database, settings)


@pytest.fixture
def post(app: FastAPI) -> Post:
    """The mail."""
    return Post(app)


@pytest.fixture
async def maya(app: FastAPI) -> None:
    """Maya has registered."""
    async with Browser(app) as browser:
        await browser.register()


async def seen(owner: Owner, query: str, *params: Any) -> list[Any]:
    """What the owner of the database sees."""
    return await (await owner.execute(query, params or None)).fetchall()  # type: ignore[arg-type]  # literal in every test


async def press(browser: Browser, link: str, **fields: str) -> Any:
    """Open the page of a link and press its button."""
    return await browser.send(link.partition("?")[0], page=link, **fields)
