"""The log as a file: whole, by filters, harmless to spreadsheets, and never held in memory or in a transaction."""

import csv
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from frontdesk import audit
from frontdesk.audit import exports
from frontdesk.audit.records import Question
from frontdesk.database import Database, NotAMember
from frontdesk.errors import NotAllowed
from frontdesk.settings import Settings
from tests.audit.test_chain import Log, log
from tests.conftest import Urls
from tests.desk import Desk, seated
from tests.roles import becomes, leaves

__all__ = ["log"]
EXPORT, PAGE = "/dashboard/audit/export", "/dashboard/audit"


@pytest.fixture
async def desk(database: Database, settings: Settings) -> AsyncIterator[Desk]:
    async with seated(database, settings) as desk:
        yield desk


async def write(desk: Desk, action: str, **details: Any) -> None:
    async with desk.tenant() as db:
        await audit.append(db, action, target_type="contact", target_id="7", details=details)


async def rows(desk: Desk, **asked: str) -> list[dict[str, str]]:
    answer = await desk.send(EXPORT, page=PAGE, form="csv", **asked)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def objects(desk: Desk, **asked: str) -> list[dict[str, Any]]:
    answer = await desk.send(EXPORT, page=PAGE, form="jsonl", **asked)
    assert answer.headers["content-type"] == "application/jsonl"
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_csv_has_a_row_for_every_entry_newest_first(desk: Desk) -> None:
    await write(desk, "contact.blocked", name="Zoë, “the 2nd”\nLine")
    found = await rows(desk)
    assert [int(row["entry"]) for row in found] == [4, 3, 2, 1]
    assert found[0]["what"] == "Maya Bello blocked Zoë, “the 2nd”\nLine"
    assert json.loads(found[0]["details"]) == {"name": "Zoë, “the 2nd”\nLine"}
    assert found[-1]["action"] == "organization.created" and len(found[-1]["hash"]) == 64


@pytest.mark.parametrize("begins", ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
async def test_no_cell_is_a_formula(desk: Desk, begins: str, owner: psycopg.AsyncConnection[Any]) -> None:
    await write(desk, "contact.blocked", name=begins)
    await owner.execute("alter table public.audit_logs disable trigger all")
    await owner.execute("update audit_logs set actor_name = %s, user_agent = %s, target_id = %s where seq = 4", (begins, begins, begins))
    newest = (await rows(desk))[0]
    assert {newest[name] for name in ("actor", "user_agent", "target_id")} == {f"'{begins}"}
    assert not any(cell.startswith(exports.FORMULA) for cell in newest.values())


async def test_json_lines_hold_everything(desk: Desk) -> None:
    await write(desk, "contact.blocked", name="=1", shape={"a": [1, None, True]})
    newest = (await objects(desk))[0]
    assert newest["actor"] == {"kind": "user", "id": str(desk.user_id), "name": "Maya Bello"}
    assert newest["details"] == {"name": "=1", "shape": {"a": [1, None, True]}}
    assert newest["target"] == {"type": "contact", "id": "7"}


async def test_an_export_honours_the_filters_and_is_written_down(desk: Desk) -> None:
    await write(desk, "contact.blocked", name="Ben")
    assert [one["action"] for one in await objects(desk, action="contacts", q="ben")] == ["contact.blocked"]
    assert [one["action"] for one in await objects(desk, actor="operator")] == []
    exported = (await objects(desk))[0]
    assert exported["action"] == "audit.exported"
    assert exported["details"] == {"form": "JSON Lines", "filters": {"actor": "operator"}}
    assert exported["address"] == "127.0.0.1" and exported["request"]


async def test_the_file_is_named_after_the_organization_and_the_day(desk: Desk) -> None:
    answer = await desk.send(EXPORT, page=PAGE, form="csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="audit-log-lagos-glow-salon-20')


async def test_who_may_not_read_the_log_takes_nothing_away(desk: Desk, owner: psycopg.AsyncConnection[Any]) -> None:
    await becomes(owner, "member", desk.user_id)
    assert (await desk.send(EXPORT, page="/dashboard", form="csv")).status_code == 403
    assert await (await owner.execute("select count(*) from audit_logs where action = 'audit.exported'")).fetchone() == (0,)


# ---- the stream ----


def stream(log: Log, database: Database) -> AsyncIterator[bytes]:
    return exports.stream(database, log.salon, log.maya, Question(), 6, exports.as_json_lines)


async def test_between_two_pieces_no_connection_is_held_and_pieces_are_small(log: Log, urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PIECE", 2)
    single, sizes = await Database.open(urls.app, min_size=1, max_size=1), []
    try:
        async for piece in stream(log, single):
            sizes.append(piece.count(b"\n"))
            assert await single.call("select 1 as one") == [{"one": 1}]
    finally:
        await single.close()
    assert sizes == [2, 2, 1]


async def test_who_loses_the_right_meanwhile_gets_no_further(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PIECE", 2)
    demoted, removed = stream(log, log.database), stream(log, log.database)
    assert (await anext(demoted)).count(b"\n") == (await anext(removed)).count(b"\n") == 2
    await becomes(log.owner, "viewer", log.maya.user_id)
    with pytest.raises(NotAllowed):
        await anext(demoted)
    await leaves(log.owner, log.maya.user_id)
    with pytest.raises(NotAMember):
        await anext(removed)
