"""A member proves his organization's own log, in pieces."""

import re
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from frontdesk.audit import actions
from frontdesk.audit.records import Walk
from frontdesk.database import Database
from frontdesk.settings import Settings
from tests.audit.test_chain import Log, log
from tests.desk import Desk, seated
from tests.roles import becomes

__all__ = ["log"]


async def walk(log: Log) -> Walk:
    """From one end to the other, or to the first break."""
    after = walked = 0
    while True:
        async with log.database.tenant(log.salon, log.maya) as db:
            piece = await actions.walk(db, after, walked)
        if piece.over:
            return piece
        after, walked = piece.last, piece.entries


async def breaks(log: Log) -> list[tuple[int, str]]:
    return [(one.seq, one.kind) for one in (await walk(log)).breaks]


@pytest.fixture(params=[1, 2, 3, 10_000])
def pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The chain is walked in pieces of this size."""
    monkeypatch.setattr(actions, "PIECE", request.param)
    return int(request.param)


@pytest.mark.usefixtures("pieces")
async def test_a_whole_chain_is_clean_however_it_is_cut(log: Log) -> None:
    assert await walk(log) == Walk(5, 5, 5, True, ())


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize(("forgery", "named"), [
    ("update public.audit_logs set actor_name = 'Eve' where organization_id = %(salon)s and seq = 3", (3, "changed")),
    ("delete from public.audit_logs where organization_id = %(salon)s and seq in (2, 3)", (2, "missing")),
    ("delete from public.audit_logs where organization_id = %(salon)s and seq = 1", (1, "missing")),
    ("delete from public.audit_logs where organization_id = %(salon)s and seq >= 4", (4, "missing_end")),
    ("delete from public.audit_logs where organization_id = %(salon)s", (1, "missing_end")),
    ("delete from private.audit_heads where organization_id = %(salon)s", (5, "unknown_end")),
    ("insert into audit_logs select organization_id, 6, created_at, actor_kind, null, 'Eve', action, null, null, details, null, null, null, 1, hash, hash"
     " from audit_logs where organization_id = %(salon)s and seq = 5", (6, "changed")),
])  # fmt: skip
async def test_what_was_forged_is_named(log: Log, forgery: str, named: tuple[int, str]) -> None:
    await log.forge(forgery)
    assert named in await breaks(log)


@pytest.mark.usefixtures("pieces")
async def test_an_entry_changed_with_its_hash_made_anew_shows_at_the_next(log: Log) -> None:
    await log.forge("update public.audit_logs set details = '{}' where organization_id = %(salon)s and seq = 3")
    await log.forge("update public.audit_logs a set hash = private.audit_hash(a) where organization_id = %(salon)s and seq = 3")
    assert await breaks(log) == [(4, "replaced")]


@pytest.mark.usefixtures("pieces")
async def test_a_neighbours_broken_chain_is_none_of_ours(log: Log) -> None:
    await log.owner.execute("alter table public.audit_logs disable trigger all")
    await log.owner.execute("delete from audit_logs where organization_id = %s", (log.moretti,))
    assert await breaks(log) == []


async def test_nobody_walks_along_a_neighbours_chain_or_without_the_permission(log: Log) -> None:
    async with log.database.tenant(log.moretti, log.olga) as db:
        with pytest.raises(errors.InsufficientPrivilege):
            await db.rows("select * from private.walk_audit(%(of)s, 0, 10)", {"of": log.salon})
    await becomes(log.owner, "viewer", log.maya.user_id)
    with pytest.raises(errors.InsufficientPrivilege):
        await walk(log)


# ---- the button ----


@pytest.fixture
async def desk(database: Database, settings: Settings) -> AsyncIterator[Desk]:
    async with seated(database, settings) as desk:
        yield desk


async def press(desk: Desk, **fields: str) -> str:
    answer = await desk.send("/dashboard/audit/verification", page="/dashboard/audit", **fields)
    assert answer.status_code == 200
    return answer.text


async def test_the_button_says_clean_or_where_it_breaks(desk: Desk, owner: psycopg.AsyncConnection[Any]) -> None:
    assert "Verified: 3 entries, none changed, none missing" in await press(desk)
    await owner.execute("alter table public.audit_logs disable trigger all")
    await owner.execute("update audit_logs set actor_name = 'Eve' where organization_id = %s and seq = 2", (desk.organization_id,))
    page = await press(desk)
    assert "The chain is broken in 1 place" in page
    assert re.search(r'<a href="/dashboard/audit\?before=3">Entry 2</a>: what it says is not what was sealed', page)


async def test_a_long_walk_tells_how_far_it_is_and_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PIECE", 1)
    first = await press(desk)
    assert "1 of 3 entries, and nothing is wrong so far" in first
    assert 'name="after" value="1"' in first and 'name="walked" value="1"' in first
    assert "2 of 3" in await press(desk, after="1", walked="1")
    assert "Verified: 3 entries" in await press(desk, after="3", walked="3")


async def test_a_walk_that_begins_nowhere_begins_at_the_beginning(desk: Desk) -> None:
    assert "Verified: 3 entries" in await press(desk, after="-5", walked="x")
    assert "broken" in await press(desk, after="1000")


async def test_a_member_without_the_permission_walks_nowhere(desk: Desk, owner: psycopg.AsyncConnection[Any]) -> None:
    await becomes(owner, "viewer", desk.user_id)
    answer = await desk.send("/dashboard/audit/verification", page="/dashboard")
    assert answer.status_code == 403
