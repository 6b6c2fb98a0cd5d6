"""A mail server, and somebody who sends."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from frontdesk import secret_files
from frontdesk.database import Database
from frontdesk.mail import Mailer, Sender
from frontdesk.settings import Settings
from tests.mail.server import Post, listening

Owe = Callable[..., Awaitable[UUID]]
Look = Callable[[], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with listening(Post()) as server:
        yield server


@pytest.fixture
def sending(settings: Settings, post: Post) -> Settings:
    """The same installation, with a mail server."""
    return settings.model_copy(update={"smtp_url": post.url, "mail_from": "Frontdesk <desk@example.com>"})


@pytest.fixture
def sender(database: Database, sending: Settings) -> Sender:
    return Sender(database, secret_files.load(sending).vault, sending)


@pytest.fixture
def owe(database: Database, settings: Settings) -> Owe:
    """Owes somebody the trial mail."""
    mailer = Mailer(secret_files.load(settings).vault, settings)

    async def queue(to: str = "ada@example.org", locale: str = "en", **more: Any) -> UUID:
        async with database.platform() as db:
            return await mailer.queue(db, "mail/trial", to=to, locale=locale, values={}, **more)

    return queue


@pytest.fixture
def mails(owner: psycopg.AsyncConnection[Any]) -> Look:
    """The rows of the outbox, in the order in which they were queued."""

    async def look() -> list[dict[str, Any]]:
        rows = await owner.execute(
            "select id, recipient, state, attempts, sealed is not null as has_text, last_error, extract(epoch from not_before - now())::float as wait"
            " from private.mail_outbox order by id"
        )
        assert rows.description
        return [dict(zip([column.name for column in rows.description], row, strict=True)) for row in await rows.fetchall()]

    return look
