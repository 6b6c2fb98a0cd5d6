"""A copy of the database gives nothing away: no secret in the clear, and nothing that opens anything.

ASVS 5.0, 11.3.2 and 13.3.1. The story uses every kind of secret that the product has; everything that was typed as one, or came back looking
like one, is searched for in a dump.
"""

import base64
import hashlib
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from frontdesk import app as application
from frontdesk import secret_files
from frontdesk.bell import Bell
from frontdesk.database import Database, binaries
from frontdesk.live import Live
from frontdesk.mail import Mailer
from frontdesk.settings import Settings
from tests.api_keys.test_web import KEY, KEYS
from tests.channels.test_web import NEW, SECRET, TYPED
from tests.conftest import Urls
from tests.graph import graph
from tests.invitations.conftest import ADA, TEAM
from tests.mailbox import letters
from tests.single_sign_on.browser import BASE, register, set_out
from tests.single_sign_on.conftest import trusting
from tests.single_sign_on.idp import SECRET as CLIENT_SECRET
from tests.single_sign_on.idp import idp
from tests.users.browser import PASSWORD, Browser
from tests.users.factors import enrol, offered

TYPED_AS_SECRET = re.compile(r"password|token|secret|code|key")
# What looks like a secret: long, of the letters that tokens are made of, and neither an id nor a name.
TOKEN = re.compile(r"(?<![\w-])[A-Za-z0-9_-]{32,}(?![\w-])")
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
FORM_TOKENS = re.compile(r'name="csrf_token" value="([^"]+)"|"x-csrf-token": ?"([^"]+)"|csrf[^>]*content="([^"]+)"', re.IGNORECASE)
# Columns whose names speak of secrets and that hold none, and why.
NO_SECRET = {
    "billing_accounts.checkout_lookup_key": "the name of a price",
    "entitlement_overrides.key": "the name of a metric or a feature",
    "plan_prices.lookup_key": "the name of a price",
    "subscriptions.price_lookup_key": "the name of a price",
    "api_answers.api_key_id": "whose answer it is",
    "api_answers.idempotency_key": "chosen by the program, which is to make it up anew each time",
    "private.api_key_hashes.api_key_id": "which key it is",
    "auto_replies.keywords": "what customers write",
    "audit_logs.hash": "of what the log says; opens nothing",
    "private.audit_heads.hash": "of what the log says; opens nothing",
    "private.passkeys.credential_id": "browsers tell it to whoever asks",
    "private.passkeys.public_key": "the public half; the other one never leaves the device",
    "private.sealed_columns.row_key": "names of columns",
    "private.sealed_columns.with_data_key": "yes or no",
    "private.sessions.csrf_token": "worth nothing without the session's cookie, of which only a hash is kept",
    "messages.api_key_id": "which key wrote it",
    "messages.error_code": "WhatsApp's",
}


class Ear:
    """Hears everything that goes through a browser, and remembers what was secret in it."""

    def __init__(self) -> None:
        self.secrets, self.form_tokens = set[str](), set[str]()

    def listen(self, browser: Browser) -> Browser:
        browser.client.event_hooks = {"request": [self._asked], "response": [self._answered]}
        return browser

    async def _asked(self, request: httpx.Request) -> None:
        fields = httpx.QueryParams(request.content.decode("utf-8", "replace")) if request.method == "POST" else httpx.QueryParams()
        typed = {value for name, value in fields.multi_items() if TYPED_AS_SECRET.search(name) and name != "csrf_token" and len(value) > 7}
        self.secrets |= {one for one in typed if not IDS.fullmatch(one)}
        self._note(request.headers.get("cookie", "") + " " + str(request.url))

    async def _answered(self, response: httpx.Response) -> None:
        said = (await response.aread()).decode("utf-8", "replace") if "text/html" in response.headers.get("content-type", "") else ""
        self.form_tokens |= {token for found in FORM_TOKENS.findall(said) for token in found if token}
        said += " ".join(response.headers.get_list("set-cookie")) + response.headers.get("location", "")
        self._note(said)

    def _note(self, said: str) -> None:
        self.secrets |= {one for one in TOKEN.findall(said) if not IDS.fullmatch(one)}


@pytest.fixture
async def heard(settings: Settings, database: Database, owner: psycopg.AsyncConnection[Any]) -> AsyncIterator[tuple[Ear, Settings]]:
    """Everything secret that a day's work brings about."""
    ear = Ear()
    async with Live(database.url) as live, graph() as meta, idp() as provider:
        chosen = trusting(settings.model_copy(update={"whatsapp_graph_url": meta.url}), provider.issuer)
        built: Any = application.build(chosen, database, live, Bell(live))
        async with built.app.router.lifespan_context(built.app):
            async with Browser(built, BASE) as maya, Browser(built, BASE) as phone, Browser(built, BASE) as newcomer, Browser(built, BASE) as lost:
                for browser in (maya, phone, newcomer, lost):
                    ear.listen(browser)
                ear.secrets |= set(await work(database, chosen, maya, phone))
                provider.person |= {"sub": "another", "email": "lena@example.com"}
                assert (await register(newcomer)).status_code == 303
                await offered(newcomer)  # a second factor that he never turns on
                await set_out(lost)  # and never comes back
                assert (await lost.send("/forgotten-password", page="/forgotten-password", email="maya@example.com")).status_code == 200
                mails = await letters(owner, settings)
                assert {"invitations/invitation", "mail/trial"} < {mail.template for mail in mails} and any(
                    "forgotten-password/new" in mail.letter.text for mail in mails
                )
                for mail in mails:
                    ear._note(mail.letter.text)
            yield ear, chosen
            await live.close()


async def work(database: Database, settings: Settings, maya: Browser, phone: Browser) -> list[str]:
    """What an owner does in the first days; her recovery codes, which do not look like tokens."""
    assert (await maya.register()).status_code == 303
    async with database.platform() as db:  # room for two more numbers
        organization = await db.value("select organization_id from private.find_account('maya@example.com')")
    async with await psycopg.AsyncConnection.connect(settings.database_owner_url or "", autocommit=True) as owner:
        await owner.execute("update public.subscriptions set plan_id = 'business' where organization_id = %s", (organization,))
        await owner.execute("update auth.users set email_confirmed_at = now()")  # who is not confirmed invites nobody
    assert (await maya.send(NEW, page=NEW, **TYPED)).status_code == 303
    own = TYPED | {"phone_number_id": "106540352248888", "own_app_secret": SECRET, "access_token": "EAAG-of-the-second-number"}
    assert (await maya.send(NEW, page=NEW, **own)).status_code == 303
    assert "/webhooks/whatsapp/" in (await maya.get("/dashboard/channels")).text
    assert (await phone.sign_in()).status_code == 303
    changed = await maya.send("/account/password", page="/account/password", password=PASSWORD, new_password="an even longer passphrase 7")
    assert changed.status_code == 303, changed.text
    made = await maya.send(f"{KEYS}/new", page=f"{KEYS}/new", name="Web shop", scopes="contacts:read", expires="90", networks="")
    assert KEY.search(made.text), made.text
    assert (await maya.send(TEAM, page=TEAM, email=ADA, role="member", locale="en")).status_code == 303
    async with database.platform() as db:
        await Mailer(secret_files.load(settings).vault, settings).queue(db, "mail/trial", to="ada@example.org", locale="en", values={})
    secret, codes = await enrol(maya)
    assert len(codes) == 10
    return [secret, *codes]


def dump(urls: Urls, pg_bin_dir: Path | None) -> str:
    """Everything in the database, as text."""
    program = binaries.find(pg_bin_dir).program("pg_dump")
    made = subprocess.run([program, "--data-only", "--inserts", urls.owner], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


def spellings(secret: str) -> set[str]:
    """How a secret may stand in a dump without being sealed."""
    plain = secret.encode()
    return {secret, plain.hex(), base64.b64encode(plain).decode().rstrip("="), base64.urlsafe_b64encode(plain).decode().rstrip("=")}


def leaked(secrets: set[str], text: str) -> set[str]:
    """How those begin that stand in a dump."""
    return {secret[:6] for secret in secrets if any(spelling in text for spelling in spellings(secret))}


async def test_11_3_2_and_13_3_1_no_secret_stands_in_a_dump(
    heard: tuple[Ear, Settings], urls: Urls, pg_bin_dir: Path | None, owner: psycopg.AsyncConnection[Any]
) -> None:
    ear, settings = heard
    text = dump(urls, pg_bin_dir)
    own = {path.read_text().strip().partition(":")[2] or path.read_text().strip() for path in (settings.data_dir / "secrets").iterdir()}
    wanted = (ear.secrets | own | {PASSWORD, SECRET, TYPED["access_token"], CLIENT_SECRET, "Your mail works"}) - ear.form_tokens
    assert len(wanted) > 20 and "maya@example.com" in text
    assert leaked(wanted, text) == set()
    await owner.execute("update public.organizations set name = %s, timezone = encode(%s, 'base64')", (TYPED["access_token"], PASSWORD.encode()))
    assert leaked(wanted, dump(urls, pg_bin_dir)) == {TYPED["access_token"][:6], PASSWORD[:6]}


async def test_16_2_5_no_secret_is_logged(heard: tuple[Ear, Settings], capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    said = "".join(capfd.readouterr()) + caplog.text
    assert leaked(heard[0].secrets | {PASSWORD, SECRET, TYPED["access_token"], CLIENT_SECRET}, said) == set()


async def test_nothing_in_a_dump_is_what_a_stored_hash_was_made_of(heard: tuple[Ear, Settings], urls: Urls, pg_bin_dir: Path | None) -> None:
    text = dump(urls, pg_bin_dir)
    hashes = set(re.findall(r"'\\x([0-9a-f]{64})'", text))
    words = set(re.findall(r"[\w.+/=@-]{6,}", text))
    assert len(hashes) > 5 and len(words) > 500
    made_of = {word for word in words if hashlib.sha256(word.encode()).hexdigest() in hashes}
    assert made_of == set()
    assert any(hashlib.sha256(secret.encode()).hexdigest() in hashes for secret in heard[0].secrets)  # the sessions' cookies, or this would prove nothing


COLUMNS = """
  select c.relname, a.attname, c.oid::regclass::text, format_type(a.atttypid, null) from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace::regnamespace::text in ('public', 'private', 'auth')
    and a.attnum > 0 and not a.attisdropped
"""
SEALED = r"v[0-9]\.[A-Za-z0-9_-]+\.[A-Za-z0-9_=-]{16}\.[A-Za-z0-9_=-]{22,}"
SPEAKS_OF_SECRETS = re.compile(r"token|secret|pass|key|code|nonce|hash|verifier|sealed|wrapped|challenge|credential|otp")


async def registered(owner: psycopg.AsyncConnection[Any]) -> set[str]:
    return {f"private.{place}" for (place,) in await seen(owner, "select place from private.sealed_columns")}


async def test_every_sealed_value_stands_in_a_registered_column(heard: tuple[Ear, Settings], owner: psycopg.AsyncConnection[Any]) -> None:
    found = set()
    for _, column, table, kind in await seen(owner, COLUMNS):
        if kind in ("text", "jsonb") and await seen(owner, f"select from {table} where \"{column}\"::text ~ '{SEALED}' limit 1"):
            found.add(f"{table}.{column}")
    assert found == await registered(owner)  # and each of them was used by the story


async def test_whatever_is_called_a_secret_is_sealed_or_hashed(owner: psycopg.AsyncConnection[Any]) -> None:
    sealed, unsaid = await registered(owner), set()
    for _, column, table, kind in await seen(owner, COLUMNS):
        hashed = kind == "bytea" and column.endswith("_hash")
        if SPEAKS_OF_SECRETS.search(column) and not hashed and f"{table}.{column}" not in sealed and not table.startswith("auth."):
            unsaid.add(f"{table}.{column}")
    assert unsaid == NO_SECRET.keys()


async def seen(owner: psycopg.AsyncConnection[Any], query: str) -> list[Any]:
    return await (await owner.execute(query)).fetchall()  # type: ignore[arg-type]  # literal in every test
