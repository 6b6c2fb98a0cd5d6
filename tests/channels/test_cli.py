"""`frontdesk channels`, as the operator types it."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from frontdesk.channels.cli import app
from frontdesk.settings import Settings
from tests.conftest import Urls
from tests.graph import Graph, failure, tokens_of

CONNECT = ("connect", "--organization", "lagos-glow-salon", "--kind", "cloud_api", "--phone-number-id",
"106540352249999", "--waba-id", "102290129340398",
           "--display-number", "+49 151 12345678", "--access-token-stdin")  # fmt: skip


@pytest.fixture
def organization(urls: Urls) -> Iterator[psycopg.Connection[Any]]:
    """An organization, and the database's owner to look behind the wall."""
    with psycopg.connect(urls.owner, autocommit=True) as connection:
        connection.execute(
            "insert into auth.users (id, email, raw_user_meta_data)"
            """ values (gen_random_uuid(), 'maya@example.com', '{"organization_name": "Lagos Glow Salon"}')"""
        )
        yield connection


@pytest.fixture
def run(settings: Settings, meta: Graph, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("FRONTDESK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("WHATSAPP_GRAPH_URL", meta.url)

    def type_in(*words: str, stdin: str = "") -> Result:
        return CliRunner().invoke(app, list(words), input=stdin)

    return type_in


def test_the_operator_connects_and_lists_a_number(run: Any, organization: psycopg.Connection[Any]) -> None:
    connected = run(*CONNECT, stdin="EAAG-token\n")
    assert connected.exit_code == 0, connected.exception
    assert "Connected +49 151 12345678 to lagos-glow-salon." in connected.output
    assert "EAAG" not in connected.output
    listed = "".join(run("list").output.split())
    assert "lagos" in listed
    assert "working" in listed


def test_an_unknown_organization_is_named(run: Any, organization: psycopg.Connection[Any]) -> None:
    refused = run(*[word if word != "lagos-glow-salon" else "nobody" for word in CONNECT], stdin="token")
    assert refused.exit_code == 1
    assert "'nobody'" in str(refused.exception)


def test_the_token_comes_through_standard_input_only(run: Any, organization: psycopg.Connection[Any]) -> None:
    refused = run(*CONNECT[:-1])
    assert "--access-token-stdin" in str(refused.exception)
    empty = run(*CONNECT, stdin="")
    assert "access token" in str(empty.exception)


def test_the_secret_of_an_own_app_is_the_second_line_and_its_address_is_told(run: Any, organization: psycopg.Connection[Any]) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    missing = run(*CONNECT, "--own-app-secret-stdin", stdin="EAAG-token\n")
    assert "app secret" in str(missing.exception)
    connected = run(*CONNECT, "--own-app-secret-stdin", stdin=f"EAAG-token\n{secret}\n")
    assert connected.exit_code == 0, connected.exception
    assert re.search(r"/webhooks/whatsapp/[\w-]{43}\n.*verify token [\w-]{43}\n", connected.output)
    assert "EAAG" not in connected.output and secret not in connected.output


def test_other_kinds_are_not_connected_by_hand(run: Any, organization: psycopg.Connection[Any]) -> None:
    refused = run(*["simulator" if word == "cloud_api" else word for word in CONNECT], stdin="token")
    assert "cloud_api" in str(refused.exception)


def test_a_name_in_brackets_is_shown_as_it_is(run: Any, organization: psycopg.Connection[Any]) -> None:
    assert run(*CONNECT, "--name", "[red]Shop[/]", stdin="EAAG-token\n").exit_code == 0
    organization.execute("update channels set stopped_at = now(), stopped_reason = '[/closed] by Meta'")
    listed = run("list")
    assert listed.exit_code == 0
    assert "[red]Shop[/]" in "".join(listed.output.split()) and "[/closed]" in listed.output


def test_what_whatsapp_does_not_prove_is_not_connected(run: Any, meta: Graph, organization: psycopg.Connection[Any]) -> None:
    meta.show = tokens_of(EAAG_another="106540352240001")
    for token, said in (("EAAG-invented", "does not accept this access token"), ("EAAG-another", "may not speak for this number")):
        refused = run(*CONNECT, stdin=token)
        assert refused.exit_code == 1 and said in str(refused.exception) and "EAAG" not in refused.output
    meta.show = lambda number, token: failure(2, status=503)
    assert "could not be asked" in str(run(*CONNECT, stdin="EAAG-token").exception)
    assert organization.execute("select count(*) from channels where kind = 'cloud_api'").fetchone() == (0,)
