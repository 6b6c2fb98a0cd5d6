"""`kill -9` of the real worker with a mail in its hands: before the mail server had it, it is sent; afterwards it is seen, and not doubled."""

import asyncio
import os
from typing import Any

import psycopg

from frontdesk import secret_files
from frontdesk.database import Database
from frontdesk.mail import Mailer, Sender
from frontdesk.settings import Settings
from tests.conftest import Urls
from tests.mail.conftest import Look
from tests.mail.server import Post
from tests.product import PATIENCE, Product, installed

Owner = psycopg.AsyncConnection[Any]


def worker(urls: Urls, settings: Settings, post: Post) -> Any:
    keys = secret_files.load(settings) and (settings.data_dir / "secrets" / "keys").read_text().strip()
    return installed(DATABASE_URL=urls.app, FRONTDESK_SECRET_KEYS=keys, SMTP_URL=post.url, MAIL_FROM="desk@example.com")


async def owed(database: Database, settings: Settings) -> None:
    async with database.platform() as db:
        await Mailer(secret_files.load(settings).vault, settings).queue(db, "mail/trial", to="ada@example.org", locale="en", values={})


async def killed_when_asked(product: Product, post: Post) -> None:
    """Let the worker begin with the mail, and kill it where the server makes it wait."""
    product.start("work")
    await asyncio.wait_for(post.asked.wait(), PATIENCE)
    await asyncio.to_thread(product.kill, "work")


async def two_minutes_later(owner: Owner) -> None:
    await owner.execute("update private.mail_outbox set claimed_at = claimed_at - interval '3 minutes'")


async def test_killed_before_the_server_had_it_the_mail_is_sent_by_the_next_worker(
    urls: Urls, database: Database, sending: Settings, post: Post, mails: Look, owner: Owner
) -> None:
    post.hold_rcpt = asyncio.Event()
    await owed(database, sending)
    with worker(urls, sending, post) as product:
        await killed_when_asked(product, post)
    assert [row["state"] for row in await mails()] == ["claimed"]
    post.hold_rcpt = None
    sender = Sender(database, secret_files.load(sending).vault, sending)
    assert not await sender.send_one()  # nobody knows yet that it was killed
    await two_minutes_later(owner)
    assert await sender.send_one()
    assert [(row["state"], row["attempts"]) for row in await mails()] == [("sent", 2)]
    assert len(post.taken) == 1


async def test_killed_between_the_servers_taking_it_and_our_recording_it_the_mail_is_uncertain_and_not_doubled(
    urls: Urls, database: Database, sending: Settings, post: Post, mails: Look, owner: Owner
) -> None:
    post.hold_data, post.asked = asyncio.Event(), asyncio.Event()
    await owed(database, sending)
    with worker(urls, sending, post) as product:
        product.start("work")
        while not post.taken:
            await asyncio.wait_for(post.asked.wait(), PATIENCE)
            post.asked.clear()
        await asyncio.to_thread(product.kill, "work")
    assert [row["state"] for row in await mails()] == ["given"]
    post.hold_data = None
    await two_minutes_later(owner)
    sender = Sender(database, secret_files.load(sending).vault, sending)
    assert not await sender.send_one()
    (row,) = await mails()
    assert row["state"] == "uncertain" and row["has_text"] and "Nobody knows whether it arrived" in row["last_error"]
    assert len(post.taken) == 1
    await database.call("select private.resend_mail(%(id)s)", {"id": row["id"]})  # the operator has looked
    assert await sender.send_one()
    assert post.taken[0]["Message-ID"] == post.taken[1]["Message-ID"]
    assert [row["state"] for row in await mails()] == ["sent"]


async def test_a_worker_that_is_told_to_stop_has_finished_its_mail(urls: Urls, database: Database, sending: Settings, post: Post, mails: Look) -> None:
    post.hold_data = asyncio.Event()
    await owed(database, sending)
    with worker(urls, sending, post) as product:
        product.start("work")
        while not post.taken:
            await asyncio.wait_for(post.asked.wait(), PATIENCE)
            post.asked.clear()
        product.processes["work"].terminate()
        await asyncio.sleep(0)
        post.hold_data.set()
        assert await asyncio.to_thread(product.processes.pop("work").wait, PATIENCE) == os.EX_OK
    assert [row["state"] for row in await mails()] == ["sent"]
