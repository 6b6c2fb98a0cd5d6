"""The simulator's mailbox: everything that would have been sent, for whoever sits at this machine, in development only."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from frontdesk import app as application
from frontdesk import secret_files
from frontdesk.bell import Bell
from frontdesk.database import Database, new_id
from frontdesk.live import Live
from frontdesk.mail import Sender
from frontdesk.settings import Settings
from frontdesk.vault import Vault
from tests.mail.conftest import Look, Owe
from tests.users.browser import AWAY, Browser


async def built(settings: Settings, database: Database) -> AsyncIterator[Any]:
    async with Live(database.url) as live:
        yield application.build(settings, database, live, Bell(live))
        await live.close()


@pytest.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[Any]:
    async for one in built(settings, database):
        yield one


async def test_an_empty_mailbox_says_what_to_do(app: Any) -> None:
    async with Browser(app) as browser:
        assert "No mail yet" in (await browser.get("/simulator/mail")).text


async def test_a_mail_is_listed_at_once_and_stays_when_the_worker_has_seen_it(app: Any, owe: Owe, database: Database, settings: Settings, mails: Look) -> None:
    mail_id = await owe("ada+<b>@example.org")
    await owe("bob@example.org", "de")
    async with Browser(app) as browser:
        first = (await browser.get("/simulator/mail")).text
        assert await Sender(database, secret_files.load(settings).vault, settings)._turn() is False
        assert [row["state"] for row in await mails()] == ["shown", "shown"]
        second = (await browser.get("/simulator/mail")).text
        for page in (first, second):
            assert page.index("Post von Frontdesk kommt an") < page.index("Mail from Frontdesk arrives")
            assert "ada+&lt;b&gt;@example.org" in page
        page = (await browser.get(f"/simulator/mail/{mail_id}")).text
        assert "you need not do anything" in page and f'src="/simulator/mail/{mail_id}/html"' in page
        assert '<a href="http://localhost:3002/">http://localhost:3002/</a>' in page


async def test_the_html_part_is_locked_up_in_its_frame(app: Any, owe: Owe) -> None:
    mail_id = await owe()
    async with Browser(app) as browser:
        page, part = await browser.get(f"/simulator/mail/{mail_id}"), await browser.get(f"/simulator/mail/{mail_id}/html")
    assert page.headers["content-security-policy"].endswith("frame-src 'self'")
    policy = part.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "sandbox" in policy and "allow-scripts" not in policy and "allow-same-origin" not in policy
    assert part.headers.get_list("content-security-policy") == [policy]
    assert '<base target="_top">' in part.text


async def test_a_mail_that_is_gone_or_cannot_be_opened_is_told(app: Any, owe: Owe, settings: Settings, database: Database) -> None:
    await owe()
    async with Browser(app) as browser:
        assert (await browser.get(f"/simulator/mail/{new_id()}")).status_code == 404
        app.state.secrets = type("Others", (), {"vault": Vault(Vault.make_key("other"))})
        assert "sealed with a key that is gone" in (await browser.get("/simulator/mail")).text


@pytest.mark.parametrize("path", ["/simulator/mail", "/simulator/mail/{id}", "/simulator/mail/{id}/html"])
async def test_who_sits_elsewhere_reads_nobodys_mail(app: Any, owe: Owe, path: str) -> None:
    path = path.format(id=await owe())
    async with Browser(app, address=AWAY) as stranger, Browser(app, base="http://evil.example:3002") as rebound:
        assert (await stranger.get(path)).status_code == 403
        assert (await rebound.get(path)).status_code == 403
    async with Browser(app) as browser:
        answer = await browser.client.get(path, headers={"x-forwarded-for": "203.0.113.9"})
        assert answer.status_code == 403


@pytest.mark.parametrize("how", [{"env": "production", "secret_keys": Vault.make_key()}, {"smtp_url": "smtp://127.0.0.1:1", "mail_from": "a@b.example"}])
async def test_there_is_no_mailbox_in_production_or_beside_a_mail_server(settings: Settings, database: Database, owe: Owe, how: dict[str, str]) -> None:
    mail_id = await owe()
    real = {"whatsapp_app_secret": "s", "whatsapp_verify_token": "t"}
    async for one in built(settings.model_copy(update=how | real), database):
        async with Browser(one) as browser:
            assert (await browser.get("/simulator/mail")).status_code == 404
            assert (await browser.get(f"/simulator/mail/{mail_id}")).status_code == 404
