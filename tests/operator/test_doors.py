"""Every door while an organization is suspended or looked into: streams, keys, the command line."""

import asyncio
from typing import Any
from uuid import UUID

import psycopg
import pytest
from typer.testing import CliRunner

from frontdesk import cli
from frontdesk.database import new_id
from frontdesk.live import SESSIONS
from frontdesk.operator.cli import NoSuchOperator, NoSuchUser
from frontdesk.settings import Settings
from tests.api.conftest import desk
from tests.api.desk import Desk
from tests.conftest import Urls
from tests.messages.inbox.conftest import Shop, bakery, salon, shops, site

__all__ = ["bakery", "desk", "salon", "shops", "site"]


async def looks(owner: psycopg.AsyncConnection[Any], user_id: UUID, into: UUID) -> None:
    """Let this user look into an organization, as an operator with a second factor."""
    view = new_id()
    await owner.execute("insert into private.operators (user_id, granted_by) values (%s, 'a test')", (user_id,))
    await owner.execute("insert into private.authenticators (user_id, secret, last_step) values (%s, repeat('s', 40), 0)", (user_id,))
    await owner.execute(
        "insert into operator_views (organization_id, id, operator_id, purpose, reason) values (%s, %s, %s, 'view', 'asked by the owner')",
        (into, view, user_id),
    )
    await owner.execute(
        "update private.sessions set second_factor_at = now(), viewing_organization = %s, view_id = %s where user_id = %s", (into, view, user_id)
    )


@pytest.mark.parametrize(
    "end", ["update operator_views set ended_at = now()", "update private.operators set revoked_at = now()", "delete from private.authenticators"]
)
async def test_a_stream_of_an_organization_that_is_looked_into_ends_with_the_look(salon: Shop, bakery: Shop, end: str) -> None:
    await looks(salon.owner, bakery.boss.user_id, salon.id)
    async with bakery.boss.listening() as ear:
        await ear.hears(1)
        salon.site.live.changed([salon.id])
        await ear.hears(len(ear.heard) + 1)
        await salon.owner.execute(end)  # type: ignore[arg-type]  # one of the above
        salon.site.live.changed([salon.id], SESSIONS)
        await asyncio.wait_for(ear.ended.wait(), 5)


async def test_the_keys_of_a_suspended_organization_read_and_write_nothing(desk: Desk) -> None:
    program, narrow = await desk.program(), await desk.program("contacts:read")
    await desk.world.owner.execute("update organizations set suspended_at = now(), suspended_reason = 'a reason' where id = %s", (desk.shop.organization_id,))
    assert (await program.get("/organization")).status_code == 200
    conversation = await desk.conversation()  # what customers write is stored
    assert (await program.get(f"/conversations/{conversation}/messages")).status_code == 200
    refused = await program.post(f"/conversations/{conversation}/messages", {"text": "hello"})
    assert refused.status_code == 403 and "The organization of this API key is suspended" in refused.json()["detail"]
    assert "needs the permission" in (await narrow.get(f"/conversations/{conversation}/messages")).json()["detail"]  # that it never had
    await desk.world.owner.execute("update organizations set suspended_at = null, suspended_reason = null where id = %s", (desk.shop.organization_id,))
    assert "needs the permission" in (await narrow.post(f"/conversations/{conversation}/messages", {"text": "hello"})).json()["detail"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, urls: Urls, settings: Settings) -> None:
    monkeypatch.chdir(settings.data_dir.parent)
    for name, value in {"DATABASE_URL": urls.app, "FRONTDESK_DATA_DIR": str(settings.data_dir), "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)


async def typed(*words: str) -> str:
    """What the command says; its refusal is raised."""
    result = await asyncio.to_thread(CliRunner().invoke, cli.commands, ["operator", *words])
    if result.exception:
        raise result.exception
    return str(result.output)


@pytest.mark.usefixtures("environment")
async def test_operators_are_made_and_unmade_at_the_command_line_only(owner: psycopg.AsyncConnection[Any]) -> None:
    await owner.set_autocommit(True)
    with pytest.raises(NoSuchUser):
        await typed("grant", "jonas@example.com")
    await owner.execute("insert into auth.users (id, email) values (%s, 'jonas@example.com')", (new_id(),))
    assert "no second factor yet" in await typed("grant", "Jonas@Example.com")
    assert "already" in await typed("grant", "jonas@example.com")
    listed = await typed("list")
    assert "jonas@example.com" in listed and "no" in listed
    assert await typed("revoke", "jonas@example.com") == "Done.\n"
    with pytest.raises(NoSuchOperator):
        await typed("revoke", "jonas@example.com")
    assert "There is no operator" in await typed("list")
    rows = await (await owner.execute("select action from private.operator_entries order by id")).fetchall()
    assert rows == [("operator.granted",), ("operator.revoked",)]
