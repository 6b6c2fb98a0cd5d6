"""The audit log: nobody rewrites it unseen."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest

from frontdesk import audit
from frontdesk.access import Actor
from frontdesk.database import Database
from tests.organizations.test_store import sign_up

Owner = psycopg.AsyncConnection[Any]


@dataclass
class Log:
    """The logs of a salon and its neighbour, and a forger who owns the database."""

    database: Database
    owner: Owner
    salon: UUID
    maya: Actor
    moretti: UUID
    olga: Actor

    async def write(self, *actions: str) -> None:
        for action in actions:
            async with self.database.tenant(self.salon, self.maya) as db:
                await audit.append(db, action, target_type="thing", target_id="7", details={"to": action})

    async def forge(self, statement: str) -> None:
        """Change history with the trigger out of the way, as only the owner of the database can."""
        await self.owner.execute("alter table public.audit_logs disable trigger all")
        await self.owner.execute(statement, {"salon": self.salon})  # type: ignore[arg-type]  # literal in every test
        await self.owner.execute("alter table public.audit_logs enable trigger all")

    async def faults(self, slug: str | None = None) -> list[tuple[str, int, str]]:
        async with self.database.platform() as db:
            return [(one.slug, one.seq, one.fault.split(":")[0]) for one in (await audit.verify(db, slug)).faults]


@pytest.fixture
async def log(database: Database, owner: Owner) -> AsyncIterator[Log]:
    """Five entries in the salon's log, one in the neighbour's."""
    salon, maya = await sign_up(owner, "Lagos Glow Salon")
    moretti, olga = await sign_up(owner, "Moretti Calzature")
    made = Log(
        database,
        owner,
        salon,
        Actor("user", maya, "Maya", "203.0.113.5", "Firefox", "R1"),
        moretti,
        Actor("user", olga, "Olga"),
    )
    await made.write("a.one", "a.two", "a.three", "a.four")
    yield made


async def test_a_clean_log_has_no_faults(log: Log) -> None:
    assert await log.faults() == []
    async with log.database.platform() as db:
        assert (await audit.verify(db)).entries == 6
        assert (await audit.verify(db, "lagos-glow-salon")).entries == 5


async def test_an_entry_says_who_did_what_to_what_and_from_where(log: Log) -> None:
    async with log.database.tenant(log.salon, log.maya) as db:
        [entry] = await db.rows("select * from public.audit_logs where action = 'a.one'")
    said = {
        key: entry[key]
        for key in (
            "actor_kind",
            "actor_id",
            "actor_name",
            "target_type",
            "target_id",
            "details",
            "address",
            "user_agent",
            "request_id",
        )
    }
    assert said == {
        "actor_kind": "user", "actor_id": log.maya.user_id, "actor_name": "Maya", "target_type": "thing",
        "target_id": "7",
        "details": {"to": "a.one"}, "address": "203.0.113.5", "user_agent": "Firefox", "request_id": "R1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        "details = '{}'", "actor_name = 'Eve'", "actor_id = null", "action = 'b.two'", "address = null",
        "target_id = '8'", "user_agent = ''",
        "request_id = null", "created_at = created_at - interval '1 microsecond'", "actor_kind = 'system'",
        "target_type = null", "hash = '\\x00'", "format = 2",
    ],
)  # fmt: skip
async def test_a_changed_entry_is_named(log: Log, change: str) -> None:
    await log.forge(f"update public.audit_logs set {change} where organization_id = %(salon)s and seq = 3")
    assert ("lagos-glow-salon", 3, "changed") in await log.faults()
    assert await log.faults("moretti-calzature") == []


async def test_a_changed_entry_with_its_hash_made_anew_breaks_the_chain_after_it(log: Log) -> None:
    await log.forge("update public.audit_logs set details = '{}' where organization_id = %(salon)s and seq = 3")
    await log.forge("update public.audit_logs a set hash = private.audit_hash(a) where organization_id = %(salon)s and seq = 3")
    assert await log.faults() == [("lagos-glow-salon", 4, "inserted or replaced")]


async def test_missing_entries_are_named(log: Log) -> None:
    await log.forge("delete from public.audit_logs where organization_id = %(salon)s and seq in (2, 3)")
    assert await log.faults() == [("lagos-glow-salon", 2, "missing")]


async def test_a_missing_beginning_is_named(log: Log) -> None:
    await log.forge("delete from public.audit_logs where organization_id = %(salon)s and seq = 1")
    assert await log.faults() == [("lagos-glow-salon", 1, "missing")]


async def test_a_missing_end_is_named(log: Log) -> None:
    await log.forge("delete from public.audit_logs where organization_id = %(salon)s and seq >= 4")
    assert await log.faults() == [("lagos-glow-salon", 4, "missing")]


async def test_a_log_that_was_emptied_is_named(log: Log) -> None:
    await log.forge("delete from public.audit_logs where organization_id = %(salon)s")
    assert await log.faults() == [("lagos-glow-salon", 1, "missing")]


async def test_a_log_that_was_emptied_together_with_the_record_of_its_end_is_named(log: Log) -> None:
    await log.forge("delete from public.audit_logs where organization_id = %(salon)s")
    await log.forge("delete from private.audit_heads where organization_id = %(salon)s")
    assert await log.faults() == [("lagos-glow-salon", 1, "missing")]


async def test_an_entry_added_at_the_end_with_a_fitting_hash_is_named(log: Log) -> None:
    await log.forge(
        "with last as (select * from public.audit_logs where organization_id = %(salon)s order by seq desc limit"
        " 1), forged as ("
        " select row(organization_id, seq + 1, now(), 'user', null, 'Eve', 'a.five', null, null, '{}'::jsonb,"
        " null, null, null, 1::smallint,"
        " hash, ''::bytea)::public.audit_logs as entry from last)"
        " insert into public.audit_logs select (jsonb_populate_record(entry, jsonb_build_object('hash',"
        " private.audit_hash(entry)))).* from forged"
    )
    assert await log.faults() == [("lagos-glow-salon", 6, "inserted")]


async def test_an_entry_pushed_in_between_is_named(log: Log) -> None:
    await log.forge("update public.audit_logs set seq = seq + 100 where organization_id = %(salon)s and seq > 2")
    await log.forge("update public.audit_logs set seq = seq - 99 where organization_id = %(salon)s and seq > 100")
    await log.forge(
        "insert into public.audit_logs select organization_id, 3, created_at, actor_kind, actor_id, 'Eve', action,"
        " target_type, target_id, details,"
        " address, user_agent, request_id, format, hash, hash from public.audit_logs where organization_id ="
        " %(salon)s and seq = 2"
    )
    named = {(seq, fault) for _, seq, fault in await log.faults()}
    assert (3, "changed") in named and (4, "changed") in named


async def test_eight_writers_at_once_make_one_whole_chain(log: Log) -> None:
    async def write(number: int) -> None:
        await log.write(*[f"writer.wrote_{'abcdefgh'[number]}"] * 5)

    await asyncio.gather(*map(write, range(8)))
    async with log.database.platform() as db:
        verdict = await audit.verify(db)
    assert (verdict.entries, verdict.faults) == (46, ())
    rows = await (await log.owner.execute("select count(distinct seq), max(seq) from public.audit_logs where organization_id = %s", (log.salon,))).fetchall()
    assert rows == [(45, 45)]


async def test_what_is_rolled_back_leaves_no_entry_and_no_gap(log: Log) -> None:
    with pytest.raises(RuntimeError):
        async with log.database.tenant(log.salon, log.maya) as db:
            await audit.append(db, "a.never")
            raise RuntimeError
    await log.write("a.five")
    assert await log.faults() == []


async def test_a_member_signs_as_himself_whatever_he_says(log: Log) -> None:
    async with log.database.tenant(log.salon, Actor("operator", log.maya.user_id, "Maya")) as db:
        await audit.append(db, "a.five")
        assert await db.value("select actor_kind from public.audit_logs where action = 'a.five'") == "user"


async def test_nobody_writes_into_a_strangers_log(log: Log) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with log.database.tenant(log.salon, log.maya) as db:
            await audit.append(db, "a.foreign", organization_id=log.moretti)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with log.database.tenants([log.salon]) as workers:
            await audit.append(workers, "a.foreign", organization_id=log.moretti)


async def test_background_work_signs_as_frontdesk_and_must_name_the_organization(log: Log) -> None:
    async with log.database.tenants([log.salon]) as db:
        await audit.append(db, "a.five", organization_id=log.salon)
        with pytest.raises(ValueError, match="must name the organization"):
            await audit.append(db, "a.six")
    rows = await (await log.owner.execute("select actor_kind, actor_name from public.audit_logs where action = 'a.five'")).fetchall()
    assert rows == [("system", "Frontdesk")]


@pytest.mark.parametrize(
    "statement",
    ["update public.audit_logs set action = 'b.b'", "delete from public.audit_logs", "truncate public.audit_logs"],
)
async def test_even_the_owner_of_the_database_is_refused_while_the_trigger_stands(log: Log, statement: str) -> None:
    with pytest.raises(psycopg.Error):
        await log.owner.execute(statement)  # type: ignore[arg-type]  # literal above


async def test_the_log_goes_with_its_organization(log: Log) -> None:
    await log.owner.execute("delete from public.organizations where id = %s", (log.salon,))
    assert await (await log.owner.execute("select count(*) from public.audit_logs")).fetchone() == (1,)
    assert await log.faults() == []


async def test_there_is_nothing_to_verify_where_there_is_no_organization(log: Log) -> None:
    async with log.database.platform() as db:
        with pytest.raises(audit.NoSuchOrganization, match="There is no organization 'nobody'"):
            await audit.verify(db, "nobody")


async def test_a_writer_does_not_wait_for_another_organizations_writer_only_for_its_own(log: Log) -> None:
    async with log.database.tenant(log.salon, log.maya) as slow:
        await audit.append(slow, "a.slow")  # the salon's chain is locked from here on
        async with asyncio.timeout(5), log.database.tenant(log.moretti, log.olga) as db:
            for _ in range(50):
                await audit.append(db, "a.fast")
        waiting = asyncio.create_task(log.write("a.patient"))
        while not await held_up(log):
            await asyncio.sleep(0.01)
        assert not waiting.done()
    await asyncio.wait_for(waiting, 5)
    assert await log.faults() == []


async def held_up(log: Log) -> bool:
    """Whether a writer waits for another."""
    rows = await log.owner.execute("select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()")
    return await rows.fetchone() != (0,)
