"""A mail is sent once, or it can be seen that and why it was not: against a real mail server that takes, refuses, hangs up and is away."""

import asyncio
import re
from typing import Any

import psycopg
import pytest

from frontdesk import secret_files
from frontdesk.database import Database
from frontdesk.mail import Mailer, Sender
from frontdesk.settings import Settings
from frontdesk.vault import Vault
from tests.mail.conftest import Look, Owe
from tests.mail.server import TAKEN, Post, listening

Owner = psycopg.AsyncConnection[Any]


async def test_a_mail_arrives_with_both_parts_and_its_text_is_gone_from_here(post: Post, sender: Sender, owe: Owe, mails: Look) -> None:
    mail_id = await owe()
    assert (await mails())[0]["has_text"]
    assert await sender.send_one()
    (arrived,) = post.taken
    assert post.recipients == ["ada@example.org"]
    assert (arrived["From"], arrived["To"], arrived["Subject"]) == ("Frontdesk <desk@example.com>", "ada@example.org", "Mail from Frontdesk arrives")
    assert (arrived["Message-ID"], arrived["Auto-Submitted"]) == (f"<{mail_id}@example.com>", "auto-generated")
    assert [part.get_content_type() for part in arrived.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert "you need not do anything" in arrived.get_body(["plain"]).get_content()  # type: ignore[union-attr]  # it has one
    assert "<h1" in arrived.get_body(["html"]).get_content()  # type: ignore[union-attr]  # and this one
    (row,) = await mails()
    assert (row["state"], row["attempts"], row["has_text"], row["last_error"]) == ("sent", 1, False, None)
    assert not await sender.send_one()


async def test_a_mail_of_a_transaction_that_is_undone_was_never_owed(database: Database, settings: Settings, mails: Look) -> None:
    mailer = Mailer(secret_files.load(settings).vault, settings)
    with pytest.raises(ZeroDivisionError):
        async with database.platform() as db:
            await mailer.queue(db, "mail/trial", to="ada@example.org", locale="en", values={})
            raise ZeroDivisionError
    assert await mails() == []


async def test_not_now_is_tried_again_later_and_others_do_not_wait_for_it(post: Post, sender: Sender, owe: Owe, mails: Look, owner: Owner) -> None:
    post.on_rcpt = ["451 greylisted, come back", TAKEN]
    await owe("slow@example.org")
    await owe("ada@example.org")
    assert await sender.send_one() and await sender.send_one()
    slow, quick = await mails()
    assert (slow["state"], slow["attempts"], slow["last_error"]) == ("queued", 1, "451 greylisted, come back")
    assert 5 < slow["wait"] <= 10
    assert quick["state"] == "sent"
    assert not await sender.send_one()  # its time has not come
    await owner.execute("update private.mail_outbox set not_before = now() where state = 'queued'")
    assert await sender.send_one()
    assert post.recipients == ["ada@example.org", "slow@example.org"]
    assert [row["state"] for row in await mails()] == ["sent", "sent"]


@pytest.mark.parametrize("where", ["on_rcpt", "on_data"])
async def test_never_is_a_failure_that_can_be_seen_and_sent_again(post: Post, sender: Sender, owe: Owe, mails: Look, where: str, database: Database) -> None:
    setattr(post, where, ["550 no such user", TAKEN])
    mail_id = await owe()
    assert await sender.send_one()
    (row,) = await mails()
    assert (row["state"], row["last_error"], row["has_text"]) == ("failed", "550 no such user", True)
    assert not await sender.send_one()
    assert await database.call("select private.resend_mail(%(id)s) as done", {"id": mail_id}) == [{"done": True}]
    assert await sender.send_one()
    assert [row["state"] for row in await mails()] == ["sent"]
    assert await database.call("select private.resend_mail(%(id)s) as done", {"id": mail_id}) == [{"done": False}]


async def test_a_refusal_of_the_whole_mail_for_now_is_tried_again(post: Post, sender: Sender, owe: Owe, mails: Look) -> None:
    post.on_data = ["452 no room"]
    await owe()
    assert await sender.send_one()
    assert [(row["state"], row["last_error"]) for row in await mails()] == [("queued", "452 no room")]
    assert post.taken == []


async def test_a_server_that_is_away_costs_a_try_and_is_not_stormed(database: Database, settings: Settings, owe: Owe, mails: Look, owner: Owner) -> None:
    async with listening(Post()) as gone:
        port = gone.port
    away = settings.model_copy(update={"smtp_url": f"smtp://127.0.0.1:{port}", "mail_from": "desk@example.com"})
    sender = Sender(database, secret_files.load(away).vault, away)
    await owe()
    assert not await sender.send_one()
    (row,) = await mails()
    assert row["state"] == "queued" and "Error connecting to 127.0.0.1" in row["last_error"]
    await owner.execute("update private.mail_outbox set not_before = now()")
    async with listening(Post(), port=port) as back:
        assert await sender.send_one()
        assert len(back.taken) == 1


async def test_what_nobody_takes_in_time_has_failed(database: Database, sender: Sender, owe: Owe, mails: Look, owner: Owner) -> None:
    await owe()
    await owner.execute("update private.mail_outbox set expires_at = now() - interval '1 second', last_error = '451 greylisted'")
    assert not await sender.send_one()
    assert [(row["state"], row["last_error"]) for row in await mails()] == [("failed", "451 greylisted")]


async def test_a_connection_that_breaks_while_the_mail_is_handed_over_leaves_it_uncertain(post: Post, sender: Sender, owe: Owe, mails: Look) -> None:
    post.break_in_data = True
    await owe()
    assert await sender.send_one()
    (row,) = await mails()
    assert row["state"] == "uncertain" and row["last_error"].startswith("The connection broke while the mail was handed over")
    assert row["has_text"]
    post.break_in_data = False
    assert not await sender.send_one()
    assert len(post.taken) == 1  # it did arrive: sending it again would have doubled it


async def test_what_is_learned_late_settles_what_was_uncertain(post: Post, sender: Sender, owe: Owe, mails: Look, database: Database, owner: Owner) -> None:
    post.hold_data = asyncio.Event()
    await owe()
    slow = asyncio.create_task(sender.send_one())
    await post.asked.wait()
    await until_taken(post)
    await owner.execute("update private.mail_outbox set claimed_at = now() - interval '3 minutes'")
    await database.call("select * from private.claim_mail()")
    assert [row["state"] for row in await mails()] == ["uncertain"]
    post.hold_data.set()
    await slow
    assert [(row["state"], row["has_text"], row["last_error"]) for row in await mails()] == [("sent", False, None)]


async def until_taken(post: Post) -> None:
    while not post.taken:
        post.asked.clear()
        await post.asked.wait()


async def test_a_claim_that_was_lost_on_the_way_to_the_server_is_not_spoken(
    post: Post, sender: Sender, owe: Owe, mails: Look, owner: Owner, database: Database, sending: Settings
) -> None:
    post.hold_rcpt = asyncio.Event()
    await owe()
    slow = asyncio.create_task(sender.send_one())
    await post.asked.wait()
    await owner.execute("update private.mail_outbox set claimed_at = now() - interval '3 minutes'")
    hold, post.hold_rcpt = post.hold_rcpt, None
    assert await Sender(database, secret_files.load(sending).vault, sending).send_one()
    hold.set()
    assert await slow
    assert len(post.taken) == 1
    assert [(row["state"], row["attempts"]) for row in await mails()] == [("sent", 2)]


async def test_several_senders_send_each_mail_once(post: Post, owe: Owe, mails: Look, database: Database, sending: Settings) -> None:
    for number in range(12):
        await owe(f"ada{number}@example.org")
    vault = secret_files.load(sending).vault

    async def drain() -> None:
        one = Sender(database, vault, sending)
        while await one.send_one():
            pass

    await asyncio.gather(drain(), drain(), drain())
    assert sorted(post.recipients) == sorted(f"ada{number}@example.org" for number in range(12))
    assert {row["state"] for row in await mails()} == {"sent"}


async def test_without_the_key_that_sealed_it_a_mail_fails_and_says_so(post: Post, owe: Owe, mails: Look, database: Database, sending: Settings) -> None:
    await owe()
    assert await Sender(database, Vault(Vault.make_key("other")), sending).send_one()
    assert [(row["state"], row["last_error"]) for row in await mails()] == [("failed", "It cannot be opened: its key is gone from FRONTDESK_SECRET_KEYS.")]
    assert post.taken == []


@pytest.mark.parametrize(("to", "given"), [("jürgen@example.org", "jürgen@example.org"), ("ada@müller.example", "ada@xn--mller-kva.example")])
async def test_addresses_outside_of_ascii_are_written_to(post: Post, sender: Sender, owe: Owe, mails: Look, to: str, given: str) -> None:
    await owe(to)
    assert await sender.send_one()
    assert [row["state"] for row in await mails()] == ["sent"], await mails()
    assert post.recipients == [given]


async def test_it_is_sent_in_german_to_whoever_reads_german(post: Post, sender: Sender, owe: Owe) -> None:
    await owe(locale="de-AT,de;q=0.9,en;q=0.5")
    assert await sender.send_one()
    (arrived,) = post.taken
    assert arrived["Subject"] == "Post von Frontdesk kommt an"
    assert "Sie müssen nichts tun" in arrived.get_body(["plain"]).get_content()  # type: ignore[union-attr]  # it has one
    assert '<html lang="de">' in arrived.get_body(["html"]).get_content()  # type: ignore[union-attr]  # and this one


async def test_the_worker_is_woken_by_the_commit_and_stops_when_told(post: Post, sender: Sender, owe: Owe, database: Database, mails: Look) -> None:
    stop, woken = asyncio.Event(), await psycopg.AsyncConnection.connect(database.url, autocommit=True)
    await woken.execute("listen frontdesk_wake")
    task = asyncio.create_task(sender.run(stop))
    await owe()
    async for notice in woken.notifies(timeout=20, stop_after=1):
        assert re.fullmatch(r"\S+ mail", notice.payload)
        sender.look()
    await until_taken(post)
    stop.set()
    await asyncio.wait_for(task, 20)
    assert [row["state"] for row in await mails()] == ["sent"]
    await woken.close()


async def test_in_production_without_a_mail_server_it_waits(database: Database, settings: Settings, owe: Owe, mails: Look) -> None:
    production = settings.model_copy(update={"env": "production"})
    stop, sender = asyncio.Event(), Sender(database, secret_files.load(settings).vault, production)
    await owe()
    task = asyncio.create_task(sender.run(stop))
    stop.set()
    await task
    assert [(row["state"], row["attempts"]) for row in await mails()] == [("queued", 0)]
