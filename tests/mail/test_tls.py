"""A password goes to a mail server over TLS only, and only to one that somebody we trust vouches for."""

from pathlib import Path

import pytest

from frontdesk import secret_files
from frontdesk.database import Database
from frontdesk.mail import Sender
from frontdesk.settings import Settings
from tests.authority import Authority
from tests.mail.conftest import Look, Owe
from tests.mail.server import Post, listening

SECRET = "s3cret%2Fwith%3Asigns"


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this machine trusts."""
    authority = Authority.new()
    (tmp_path / "authority.pem").write_bytes(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return authority


def sender(database: Database, settings: Settings, url: str) -> Sender:
    settings = settings.model_copy(update={"smtp_url": url, "mail_from": "Frontdesk <desk@example.com>"})
    return Sender(database, secret_files.load(settings).vault, settings)


@pytest.mark.parametrize("starttls", [False, True])
async def test_it_signs_in_over_tls(database: Database, settings: Settings, owe: Owe, trusted: Authority, tmp_path: Path, starttls: bool) -> None:
    post = Post()
    how = {"authenticator": post.authenticate, "auth_required": True}
    async with listening(post, trusted.server_side("localhost", tmp_path), starttls=starttls, auth_require_tls=starttls, **how):
        scheme, query = ("smtp", "?starttls") if starttls else ("smtps", "")
        await owe()
        assert await sender(database, settings, f"{scheme}://desk:{SECRET}@localhost:{post.port}{query}").send_one()
    assert [(login.login, login.password) for login in post.logins] == [(b"desk", b"s3cret/with:signs")]
    assert len(post.taken) == 1


async def test_where_tls_is_demanded_a_server_without_it_gets_nothing(database: Database, settings: Settings, owe: Owe, mails: Look) -> None:
    post = Post()
    async with listening(post):
        await owe()
        assert not await sender(database, settings, f"smtp://127.0.0.1:{post.port}?starttls").send_one()
    assert post.taken == [] and [row["state"] for row in await mails()] == ["queued"]


async def test_a_server_that_nobody_vouches_for_gets_nothing(database: Database, settings: Settings, owe: Owe, mails: Look, tmp_path: Path) -> None:
    post = Post()
    async with listening(post, Authority.new().server_side("localhost", tmp_path)):
        await owe()
        assert not await sender(database, settings, f"smtps://localhost:{post.port}").send_one()
    (row,) = await mails()
    assert post.taken == [] and row["state"] == "queued" and "certificate" in row["last_error"].lower()


async def test_a_wrong_password_says_nothing_about_the_mail(database: Database, settings: Settings, owe: Owe, mails: Look) -> None:
    post = Post()
    async with listening(post, authenticator=post.authenticate, auth_required=True, auth_require_tls=False):
        await owe()
        assert not await sender(database, settings, f"smtp://desk:wrong@127.0.0.1:{post.port}").send_one()
    (row,) = await mails()
    assert row["state"] == "queued" and row["last_error"].startswith("535") and "wrong" not in row["last_error"]
