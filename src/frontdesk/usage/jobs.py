"""What the worker does for the books of usage: every minute, every hour, every night."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import date
from uuid import UUID

import structlog
from psycopg import Error as DatabaseError

from frontdesk.database import Database
from frontdesk.errors import Unavailable
from frontdesk.usage import ledger
from frontdesk.usage.records import Drift

MINUTE = 60.0  # seconds
PIECE = 500  # counters, or organizations, of one transaction
PASSES = 3  # a counter that is busy is passed over, and has its turn in the next one
BOOKED = "usage.booked"  # when everything was in the ledger last
BREATH = 0.05  # seconds between two passes
log = structlog.get_logger()


async def keep_books(database: Database, stop: asyncio.Event) -> None:
    """Look after the books until told to stop. Several workers may: each hour and each night are one worker's."""
    while not stop.is_set():
        await _try("calls of the API", lambda: ledger.take_calls(database))
        await _try("the hour", lambda: _in_turn(database, "usage.hour", "hour", hourly))
        await _try("the night", lambda: _in_turn(database, "usage.night", "day", nightly))
        with suppress(TimeoutError):
            async with asyncio.timeout(MINUTE):
                await stop.wait()


async def hourly(database: Database) -> None:
    """Bring the ledger and the figures of the day up to now, and tell whoever is near a limit."""
    await ledger.take_calls(database)
    await ledger.return_stale(database)
    for organization_id, first_day in sorted((await roll_up(database)).items()):
        await ledger.make_days(database, organization_id, back="2 hours", late="6 hours", first_day=first_day)
        await ledger.note_full(database, organization_id)


async def nightly(database: Database) -> None:
    """Count everything again: the figures of two days with what came late, levels that are nearly full, and what counters say."""
    async for organization_id in everybody(database):
        await ledger.make_days(database, organization_id, back="1 day", late="8 days")
        await ledger.note_full(database, organization_id)
        for drift in await recount(database, organization_id):
            log.error("a counter differs from what it counts", organization=str(organization_id), metric=drift.metric,
                      period=drift.period_start.isoformat(), counted=drift.counted, recounted=drift.recounted)  # fmt: skip


async def roll_up(database: Database) -> dict[UUID, date]:
    """Add to the ledger what was counted since; the organizations that had anything, with the first day of it."""
    seen: dict[UUID, date] = {}
    for _ in range(PASSES):
        after = ledger.NOBODY
        while found := await ledger.roll_up(database, after, PIECE):
            for organization_id, first_day in found:
                seen[organization_id] = min(first_day, seen.get(organization_id, first_day))
            after = found[-1][0]
        if after == ledger.NOBODY:
            break
        await asyncio.sleep(BREATH)
    await ledger.turn(database, BOOKED, "hour")
    return seen


async def recount(database: Database, organization_id: UUID) -> list[Drift]:
    """Count one organization again."""
    async with database.platform() as db:
        return await ledger.recount(db, organization_id)


async def everybody(database: Database) -> AsyncIterator[UUID]:
    """Every organization there is."""
    after = ledger.NOBODY
    while found := await ledger.organizations(database, after, PIECE):
        for organization_id in found:
            yield organization_id
        after = found[-1]


async def _in_turn(database: Database, job: str, unit: str, work: Callable[[Database], Awaitable[None]]) -> None:
    if await ledger.turn(database, job, unit):
        await work(database)


async def _try(what: str, work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except (DatabaseError, Unavailable) as error:
        log.error("the books of usage wait", what=what, error=str(error) or type(error).__name__)
