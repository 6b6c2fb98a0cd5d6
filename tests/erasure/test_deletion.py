"""An organization is deleted: asked for by an owner, undone by one, and after seven days gone piece by piece, whatever is killed meanwhile."""

import asyncio
import os
import signal
import subprocess
import sys
from typing import Any

import psycopg
import pytest
from psycopg import errors

from frontdesk import audit
from frontdesk.database import Database, NotAMember
from frontdesk.erasure import actions, delete_what_is_due
from tests.conftest import Urls
from tests.desk import Desk
from tests.roles import another_owner, becomes
from tests.rows import Rows
from tests.strangers import tenant_table_names

# What outlives an organization: no more than its id, and what was taken in.
STAYS = (
    "private.customers_to_close",  # until the payment provider has closed its customer
    "private.revenue_moves",  # books of the installation: amounts, and the id of whom they came from
)
PAGE, UNDO = "/dashboard/settings/deletion", "/dashboard/settings/deletion/undoing"
Owner = psycopg.AsyncConnection[Any]


async def ask(desk: Desk, typed: str = "lagos-glow-salon") -> str:
    answer = await desk.send(PAGE, page=PAGE, confirmation=typed)
    return answer.text if answer.status_code == 422 else (await desk.get(answer.headers["location"])).text


async def due(owner: Owner) -> None:
    """Seven days later."""
    await owner.execute("update organization_deletions set requested_at = now() - interval '8 days', due_at = now() - interval '1 day'")


async def rows_of(owner: Owner, desk: Desk) -> dict[str, int]:
    """How many rows the organization has in each table that still holds some."""
    tables = [f"public.{one}" for one in await tenant_table_names(owner)]
    more = await owner.execute(
        "select a.attrelid::regclass::text from pg_attribute a join pg_class c on c.oid = a.attrelid where a.attname = 'organization_id'"
        " and c.relkind = 'r' and c.relnamespace = 'private'::regnamespace"
    )
    counted = {}
    for table in tables + [row[0] for row in await more.fetchall() if row[0] not in STAYS]:
        key = "id" if table == "public.organizations" else "organization_id"
        ((many,),) = await (await owner.execute(f"select count(*) from {table} where {key} = %s", (desk.organization_id,))).fetchall()  # type: ignore[arg-type]  # tables from the catalogue
        counted |= {table: many} if many else {}
    return counted


async def finish(database: Database) -> int:
    """Sweep until nothing is left; how many pieces that took."""
    pieces = 0
    while await actions.sweep(database):
        pieces += 1
    return pieces


async def test_an_owner_types_the_short_name_and_everybody_sees_the_banner(desk: Desk, owner: Owner) -> None:
    assert "Type lagos-glow-salon to confirm." in await ask(desk, "Lagos Glow Salon")
    assert "was asked for on" in await ask(desk)
    inbox = (await desk.get("/dashboard/inbox")).text
    assert "This organization will be deleted on" in inbox and "Keep the organization" in inbox
    await becomes(owner, "viewer", desk.user_id)
    page = (await desk.get("/dashboard")).text
    assert "This organization will be deleted on" in page and "Maya Bello asked for it." in page
    inbox = (await desk.get("/dashboard/inbox")).text
    assert "Keep the organization" not in page + inbox and "An owner can still undo it." in inbox
    assert (await desk.get(PAGE)).status_code == 403


async def test_any_owner_undoes_it_until_it_begins(desk: Desk, owner: Owner, database: Database) -> None:
    await ask(desk)
    assert await actions.sweep(database) == 0
    assert "The organization stays" in (await desk.press(UNDO, PAGE)).text
    assert "will be deleted" not in (await desk.get("/dashboard")).text
    assert (await desk.send(UNDO, page=PAGE)).status_code == 409
    await ask(desk)
    await due(owner)
    await owner.execute("update organization_deletions set begun_at = now()")
    assert (await desk.send(UNDO, page=PAGE)).status_code == 409


async def test_asked_for_twice_it_is_one_deletion_and_both_are_told_once(desk: Desk, owner: Owner) -> None:
    await ask(desk)
    async with desk.tenant() as db:
        await actions.request_deletion(db, "lagos-glow-salon")
        assert await db.value("select count(*) from public.audit_logs where action = 'organization.deletion_requested'") == 1


async def test_once_it_has_begun_nobody_gets_in_and_nothing_is_heard(desk: Desk, owner: Owner, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PIECE", 1)
    await another_owner(owner, desk.user_id)
    await ask(desk)
    await due(owner)
    assert await actions.sweep(database) == 1
    with pytest.raises(NotAMember):
        async with desk.tenant():
            pass
    assert await (await owner.execute("select count(*) from private.channel_routes where organization_id = %s", (desk.organization_id,))).fetchone() == (0,)


async def test_everything_goes_in_pieces_and_nothing_of_the_neighbours(
    desk: Desk, neighbour: Desk, owner: Owner, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((channel,),) = await (await owner.execute("select id from channels where organization_id = %s limit 1", (desk.organization_id,))).fetchall()
    await Rows(desk.organization_id, desk.user_id, channel).plant(owner, [t for t in await tenant_table_names(owner) if t != "organizations"])
    before, theirs = await rows_of(owner, desk), await rows_of(owner, neighbour)
    monkeypatch.setattr(actions, "PIECE", 50)
    await due(owner)  # the row was planted
    assert await finish(database) > sum(before.values()) // 50
    assert await rows_of(owner, desk) == {}
    assert await rows_of(owner, neighbour) == theirs
    async with database.platform() as db:
        assert (await audit.verify(db)).faults == ()
        [left] = await db.rows("select slug, entries from private.list_deleted_organizations()")
    assert left["slug"] == "lagos-glow-salon" and left["entries"] > 0


async def test_no_transaction_holds_more_than_a_piece(desk: Desk, owner: Owner, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "PIECE", 20)
    await ask(desk)
    await due(owner)
    sizes = []
    while gone := await actions.sweep(database):
        sizes.append(gone)
    assert max(sizes) <= 20 and len(sizes) > 20


async def test_a_deletion_that_fails_is_put_off_and_the_others_go_on(desk: Desk, neighbour: Desk, owner: Owner, database: Database) -> None:
    await ask(desk)
    await due(owner)
    await actions.sweep(database)  # the one that fails began first
    ((slug,),) = await (await owner.execute("select slug from organizations where id = %s", (neighbour.organization_id,))).fetchall()
    await ask(neighbour, slug)
    await due(owner)
    await owner.execute("create table stuck (id uuid references organizations (id))")
    await owner.execute("insert into stuck values (%s)", (desk.organization_id,))
    await finish(database)
    left = "select o.id, p.failures from organizations o left join private.deletions_put_off p on p.organization_id = o.id"
    assert await (await owner.execute(left)).fetchall() == [(desk.organization_id, 1)]
    assert await actions.sweep(database) == 0  # its minute is not over
    await owner.execute("update private.deletions_put_off set until = now()")
    await finish(database)
    assert await (await owner.execute("select failures, until > now() + interval '90 seconds' from private.deletions_put_off")).fetchall() == [(2, True)]
    await owner.execute("drop table stuck")
    await owner.execute("update private.deletions_put_off set until = now()")
    await finish(database)
    assert await (await owner.execute("select count(*) from organizations")).fetchone() == (0,)


async def test_killed_between_any_two_lines_it_goes_on(desk: Desk, owner: Owner, database: Database, urls: Urls) -> None:
    await ask(desk)
    await due(owner)
    program = (
        "import asyncio\nfrom frontdesk.database import Database\nfrom frontdesk.erasure import actions\nactions.PIECE = 7\n"
        f"async def go():\n    database = await Database.open({urls.app!r}, min_size=1, max_size=2)\n"
        "    while await actions.sweep(database): print('piece', flush=True)\n"
        "asyncio.run(go())"
    )
    for pieces in (1, 2, 5):
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=os.environ) as process:
            assert process.stdout is not None
            for _ in range(pieces):
                assert "piece" in next(line for line in process.stdout if line.startswith("piece"))
            process.send_signal(signal.SIGKILL)
    assert await rows_of(owner, desk)
    assert await finish(database) > 0
    assert await rows_of(owner, desk) == {}


async def test_the_log_cannot_be_emptied_while_no_deletion_has_begun(desk: Desk, owner: Owner) -> None:
    await ask(desk)
    with pytest.raises(errors.InsufficientPrivilege):
        await owner.execute("delete from audit_logs where organization_id = %s", (desk.organization_id,))


async def test_a_sooner_day_is_no_day(desk: Desk, owner: Owner) -> None:
    with pytest.raises(errors.CheckViolation):
        await owner.execute("insert into organization_deletions (organization_id, due_at) values (%s, now())", (desk.organization_id,))


async def test_the_worker_does_it_by_itself_and_stops_when_told(desk: Desk, owner: Owner, database: Database) -> None:
    await ask(desk)
    await due(owner)
    stop = asyncio.Event()
    working = asyncio.create_task(delete_what_is_due(database, None, stop))
    async with asyncio.timeout(30):
        while await rows_of(owner, desk):
            await asyncio.sleep(0.05)
        stop.set()
        await working
