"""`frontdesk deliveries`, as the operator types it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from typer.testing import CliRunner, Result

from frontdesk.database import new_id
from frontdesk.inbound.cli import NoSuchDelivery, app
from frontdesk.settings import Settings
from tests.conftest import Urls

NUMBER = "106540352242922"


class Kept:
    """An organization with a number, one delivery that could not be told, and one for a number nobody has connected."""

    def __init__(self, owner: psycopg.Connection[Any]) -> None:
        self.owner, self.failed, self.unrouted, self.channel_id = owner, new_id(), new_id(), new_id()
        owner.execute("insert into auth.users (id, email, raw_user_meta_data)"
                      """ values (gen_random_uuid(), 'maya@example.com', '{"organization_name": "Lagos Glow Salon"}')""")  # fmt: skip
        ((self.organization_id,),) = owner.execute("select id from organizations").fetchall()
        self.connect(self.channel_id, "106540352240000")
        owner.execute(
            "insert into failed_deliveries (organization_id, channel_id, id, kind, payload, received_at, error)"
            " values (%s, %s, %s, 'message', '{}', now(), %s)",
            (self.organization_id, self.channel_id, self.failed, "CheckViolation: of a [column] that said no"),
        )
        owner.execute("select private.keep_unrouted(%s, 'cloud_api', 'message', %s, '{}', 'no channel has this phone number id')", (self.unrouted, NUMBER))

    def connect(self, channel_id: UUID, number: str) -> None:
        """Connect a number to the organization."""
        self.owner.execute("select private.connect_channel(%s, %s, 'cloud_api', 'x', %s, '+1', '1', '1', 'sealed', null)",
                           (self.organization_id, channel_id, number))  # fmt: skip

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.owner.execute(f"select count(*) from {table}").fetchall()[0][0])  # type: ignore[call-overload]


@pytest.fixture
def kept(urls: Urls) -> Iterator[Kept]:
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        yield Kept(owner)


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DATABASE_URL", settings.database_url or "")
    monkeypatch.setenv("FRONTDESK_DATA_DIR", str(settings.data_dir))

    def type_in(*words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    return type_in


def test_without_failures_it_says_so(run: Any, urls: Urls) -> None:
    assert "No delivery is waiting for a look." in run().output
    assert "0 put back" in run("replay").output


@pytest.mark.parametrize("words", [[], ["list"]])
def test_failures_are_listed(run: Any, kept: Kept, words: list[str]) -> None:
    listed = "".join(run(*words).output.split())
    for said in ("lagos", "(unknown)", "message"):
        assert said in listed


def test_one_is_replayed_by_its_id(run: Any, kept: Kept) -> None:
    assert "1 put back on the road." in run("replay", str(kept.failed)).output
    assert (kept.count("failed_deliveries"), kept.count("inbound_deliveries"), kept.count("private.unrouted_deliveries")) == (0, 1, 1)


def test_all_are_replayed_and_what_nobody_has_connected_stays(run: Any, kept: Kept) -> None:
    assert "1 put back on the road." in run("replay").output
    assert kept.count("private.unrouted_deliveries") == 1
    kept.connect(new_id(), NUMBER)
    assert "1 put back on the road." in run("replay").output
    assert (kept.count("inbound_deliveries"), kept.count("private.unrouted_deliveries")) == (2, 0)


@pytest.mark.parametrize("name", ["not-an-id", str(UUID(int=7))])
def test_what_is_not_there_is_not_replayed(run: Any, kept: Kept, name: str) -> None:
    refused = run("replay", name)
    assert isinstance(refused.exception, NoSuchDelivery)
    assert kept.count("failed_deliveries") == 1


def test_the_list_shows_whole_ids_so_that_one_can_be_replayed(run: Any, kept: Kept) -> None:
    listed = "".join(run().output.split())
    assert str(kept.failed) in listed and "[column]" in listed
