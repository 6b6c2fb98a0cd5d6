"""`frontdesk mail` and what the doctor says about mail, as the operator types it."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest
from typer.testing import CliRunner

from frontdesk import doctor
from frontdesk.errors import FrontdeskError
from frontdesk.mail.cli import app
from frontdesk.settings import BadSettings, Settings
from tests.conftest import Urls
from tests.mail.conftest import Look, Owe

SERVER = {"SMTP_URL": "smtp://127.0.0.1:1", "MAIL_FROM": "Frontdesk <desk@example.com>"}
Owner = psycopg.AsyncConnection[Any]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, urls: Urls, settings: Settings) -> None:
    monkeypatch.chdir(settings.data_dir.parent)
    for name, value in {"DATABASE_URL": urls.app, "FRONTDESK_DATA_DIR": str(settings.data_dir), "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)


async def typed(*words: str) -> str:
    """What the command says; its refusal is raised."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(words))
    if isinstance(result.exception, FrontdeskError):
        raise result.exception
    return str(result.output)


async def finding() -> doctor.Finding:
    (found,) = [one for one in await doctor.examine() if one.what == "mail"]
    return found


async def test_what_wants_a_look_comes_first_and_is_sent_again(owe: Owe, mails: Look, owner: Owner) -> None:
    assert await typed() == "No mail.\n"
    failed, _waiting = await owe("ada[b]@example.org"), await owe("bob@example.org")
    await owner.execute(
        "update private.mail_outbox set state = 'failed', finished_at = now(), last_error = '550 no [such] user', attempts = 1 where id = %s", (failed,)
    )
    said = await typed()
    assert said.index("failed") < said.index("queued") and "ada[b]@example.org" in said and "550 no [such] user" in said and "mail/trial" in said
    assert await typed("resend", str(failed)) == "It is sent again.\n"
    assert [row["state"] for row in await mails()] == ["queued", "queued"]


@pytest.mark.parametrize(("word", "why"), [("nonsense", "not the id of a mail"), (str(UUID(int=1)), "no mail with this id")])
async def test_what_cannot_be_sent_again_is_told(word: str, why: str) -> None:
    with pytest.raises(FrontdeskError, match=why):
        await typed("resend", word)


async def test_a_trial_goes_to_whoever_is_named(monkeypatch: pytest.MonkeyPatch, mails: Look) -> None:
    with pytest.raises(FrontdeskError, match="set SMTP_URL and MAIL_FROM"):
        await typed("test", "ada@example.org")
    for name, value in SERVER.items():
        monkeypatch.setenv(name, value)
    assert "The worker sends it" in await typed("test", "ada@example.org", "--locale", "de")
    assert [row["recipient"] for row in await mails()] == ["ada@example.org"]


async def test_the_doctor_says_where_mail_goes(monkeypatch: pytest.MonkeyPatch, owe: Owe, owner: Owner) -> None:
    assert await finding() == doctor.Finding("mail", True, "no SMTP_URL: shown on http://localhost:3002/simulator/mail")
    for name, value in SERVER.items():
        monkeypatch.setenv(name, value)
    assert await finding() == doctor.Finding("mail", True, "sent by SMTP_URL")
    await owe()
    assert (await finding()).well
    await owner.execute("update private.mail_outbox set created_at = now() - interval '1 hour'")
    late = await finding()
    assert not late.well and "1 waiting since" in late.text
    await owner.execute("update private.mail_outbox set state = 'uncertain', finished_at = now()")
    assert await finding() == doctor.Finding("mail", False, "sent by SMTP_URL; 1 uncertain this week: `frontdesk mail` shows them")


async def test_the_doctor_says_that_production_sends_nothing(monkeypatch: pytest.MonkeyPatch, owe: Owe) -> None:
    await owe()
    for name in ("WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"):
        monkeypatch.setenv(name, "real")
    monkeypatch.setenv("FRONTDESK_SECRET_KEYS", "k1:" + "A" * 43 + "=")
    monkeypatch.setenv("FRONTDESK_ENV", "production")
    found = await finding()
    assert not found.well and found.text.startswith("no SMTP_URL: nothing is sent; 1 waiting since")


async def test_old_mail_is_forgotten_and_its_text_before_it(owe: Owe, mails: Look, owner: Owner) -> None:
    ages = {"sent": 31, "failed": 8, "uncertain": 91, "shown": 29}
    for state, days in ages.items():
        await owner.execute(
            "update private.mail_outbox set state = %s, finished_at = now() - make_interval(days => %s), sealed = case when %s <> 'sent' then sealed end"
            " where id = %s", (state, days, state, await owe(f"{state}@example.org")),
        )  # fmt: skip
    await owe("waiting@example.org")
    await owner.execute("select private.forget_mails()")
    assert [(row["state"], row["has_text"]) for row in await mails()] == [("failed", False), ("shown", True), ("queued", True)]


@pytest.mark.parametrize(
    ("url", "why"),
    [("http://mail.example.com", "must be an address"), ("smtp://desk:s3cret@mail.example.com", "in clear"), ("mail.example.com", "must be an address")],
)
def test_a_mail_server_that_cannot_be_is_refused_without_telling_its_password(monkeypatch: pytest.MonkeyPatch, url: str, why: str) -> None:
    monkeypatch.setenv("SMTP_URL", url)
    monkeypatch.setenv("MAIL_FROM", "desk@example.com")
    with pytest.raises(BadSettings, match=f"SMTP_URL: .*{why}") as refusal:
        Settings.load()
    assert "s3cret" not in str(refusal.value)


def test_mail_needs_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_URL", "smtp://mail.example.com:587?starttls")
    with pytest.raises(BadSettings, match="SMTP_URL needs a MAIL_FROM"):
        Settings.load()
    monkeypatch.setenv("MAIL_FROM", "nobody")
    with pytest.raises(BadSettings, match="MAIL_FROM: must be an address such as"):
        Settings.load()
