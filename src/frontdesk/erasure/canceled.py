"""Parting from organizations that have canceled: told two weeks before, ordered with the usual days to undo it, told again a day before."""

from uuid import UUID

import structlog
from psycopg import DatabaseError, OperationalError

from frontdesk import audit
from frontdesk.database import Database
from frontdesk.erasure import store

EVERY = 60.0  # seconds: whoever buys again in the last minute is kept as well
AUDITED = {"ordered": "organization.deletion_requested", "kept": "organization.deletion_undone"}
log = structlog.get_logger()


async def part(database: Database, after_days: int | None) -> None:
    """Do what is due about each of them, in a transaction of its own. after_days: since its subscription ended; None keeps all, also what was ordered."""
    async with database.platform() as db:
        waiting = await store.canceled(db, after_days) if await store.claim_chore(db, "part_from_canceled", EVERY) else []
    for organization_id in waiting:
        try:
            await step(database, organization_id, after_days)
        except OperationalError:
            raise
        except DatabaseError as error:
            log.error("an organization that has canceled could not be looked at", organization=str(organization_id), error=str(error))


async def step(database: Database, organization_id: UUID, after_days: int | None) -> str | None:
    """What was done about one of them now: told, ordered, reminded or kept; None is nothing."""
    async with database.tenants([organization_id]) as db:
        done = await store.part_from_canceled(db, organization_id, after_days)
        if done in AUDITED:
            details = {"name": await store.name_of(db, organization_id), "days": 7}
            await audit.append(db, AUDITED[done], organization_id=organization_id, target_type="organization", target_id=organization_id, details=details)
    if done:
        log.info("an organization has canceled", organization=str(organization_id), done=done)
    return done
