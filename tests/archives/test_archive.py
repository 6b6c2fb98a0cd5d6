"""An owner takes everything along: whole, nobody else's, without secrets, and never as a whole in memory."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from frontdesk.archives import actions
from frontdesk.database import Database, NotAMember
from frontdesk.settings import Settings
from tests.conftest import Urls
from tests.desk import Desk, seated
from tests.roles import becomes, leaves
from tests.rows import Rows
from tests.strangers import tenant_table_names

PAGE = "/dashboard/settings/archive"
Owner = psycopg.AsyncConnection[Any]


async def download(desk: Desk) -> zipfile.ZipFile:
    answer = await desk.send(PAGE, page=PAGE)
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(answer.content))


def rows(archive: zipfile.ZipFile, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in archive.read(f"{table}.jsonl").splitlines()]


async def test_the_archive_holds_every_row_of_every_table_once(desk: Desk, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PIECE", 7)
    ((channel,),) = await (await owner.execute("select id from channels limit 1")).fetchall()
    tables = await tenant_table_names(owner)
    await Rows(desk.organization_id, desk.user_id, channel).plant(owner, [t for t in tables if t not in ("organizations", "audit_logs")])
    archive = await download(desk)
    assert archive.testzip() is None
    held = {name.removesuffix(".jsonl") for name in archive.namelist()} - {"README.txt", "people"}
    assert set(tables) - held == {"api_answers", "archives", "failed_deliveries", "inbound_deliveries", "lanes"}  # the road's own, and this very list
    for table in sorted(held):
        key = "id" if table == "organizations" else "organization_id"
        ((many,),) = await (await owner.execute(f"select count(*) from {table} where {key} = %s", (desk.organization_id,))).fetchall()  # type: ignore[arg-type]  # named by the archive
        found = [json.dumps(row, sort_keys=True) for row in rows(archive, table)]
        assert len(found) == len(set(found)) == many, table
    assert rows(archive, "people")[0]["name"] == "Maya Bello"


async def test_nothing_of_a_neighbour_and_no_secret_is_in_it(desk: Desk, owner: Owner, database: Database, settings: Settings) -> None:
    async with seated(database, settings, email="olga@example.com", name="Olga Neighbour", organization_name="Zebulon Shoes") as olga:
        await olga.press("/dashboard/sample-data", "/dashboard")
        archive = await download(desk)
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
        assert not [name for name, text in texts.items() if str(olga.organization_id) in text or "Olga" in text or "Zebulon" in text]
    columns = {column for name in texts if name.endswith(".jsonl") for row in rows(archive, name.removesuffix(".jsonl"))[:1] for column in row}
    assert {column for column in columns if any(word in column for word in ("token", "secret", "password", "sealed"))} == set()


async def test_it_is_written_down_and_its_progress_is_shown(desk: Desk) -> None:
    assert "finished" not in (await desk.get(f"{PAGE}/progress")).text
    await download(desk)
    assert "The last archive was finished" in (await desk.get(f"{PAGE}/progress")).text
    assert "took an archive of everything along" in (await desk.get("/dashboard/audit")).text


async def test_only_owners_take_everything_along(desk: Desk, owner: Owner) -> None:
    for role in ("admin", "member", "viewer"):
        await becomes(owner, role, desk.user_id)
        assert (await desk.get(PAGE)).status_code == 403
        assert (await desk.send(PAGE, page="/dashboard")).status_code == 403
        assert PAGE not in (await desk.get("/dashboard/settings")).text


async def pieces(desk: Desk, database: Database) -> AsyncIterator[bytes]:
    async with desk.tenant() as db:
        archive_id, tables = await actions.begin(db)
    async for piece in actions.stream(database, desk.organization_id, desk.actor, archive_id, tables, "Salon"):
        yield piece


async def test_between_two_pieces_no_connection_is_held_and_progress_is_told(desk: Desk, urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PIECE", 20)
    single, told, largest = await Database.open(urls.app, min_size=1, max_size=1), set[str](), 0
    try:
        async for piece in pieces(desk, single):
            largest = max(largest, len(piece))
            assert await single.call("select 1 as one") == [{"one": 1}]
            told.add((await desk.get(f"{PAGE}/progress")).text.partition("Being written: ")[2][:20])
    finally:
        await single.close()
    assert len(told) > 10
    assert largest < 60_000


async def test_who_is_removed_meanwhile_gets_no_further(desk: Desk, owner: Owner, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PIECE", 20)
    stream = pieces(desk, database)
    for _ in range(5):
        await anext(stream)
    await leaves(owner, desk.user_id)
    with pytest.raises(NotAMember):
        async for _ in stream:
            pass


async def test_a_broken_download_says_so_and_can_be_begun_again(desk: Desk, owner: Owner) -> None:
    async with desk.tenant() as db:
        await actions.begin(db)
    assert "Being written: 0 of" in (await desk.get(PAGE)).text
    await owner.execute("alter table archives disable trigger all")
    await owner.execute("update archives set updated_at = now() - interval '1 hour'")
    assert "was broken off" in (await desk.get(PAGE)).text
    assert (await download(desk)).testzip() is None
