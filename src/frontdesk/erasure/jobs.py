"""What the worker does for erasure."""

import asyncio
from contextlib import suppress

import structlog
from psycopg import Error as DatabaseError

from frontdesk.database import Database
from frontdesk.erasure import actions, canceled, contacts
from frontdesk.errors import Unavailable

LOOK_EVERY = 60.0  # seconds
BREATH = 0.05  # seconds between two pieces: those who work do not wait for what goes
log = structlog.get_logger()


async def delete_what_is_due(database: Database, canceled_after: int | None, stop: asyncio.Event) -> None:
    """Delete organizations whose day has come, and what is left of erased contacts, until told to stop; what was begun goes on wherever it was, after
    whatever happened. canceled_after: so many days after its subscription ended, an organization is on its way; None is never.
    """
    while not stop.is_set():
        pause = LOOK_EVERY
        try:
            await canceled.part(database, canceled_after)
            erased, deleted = await contacts.sweep(database), await actions.sweep(database)
            pause = BREATH if erased or deleted else LOOK_EVERY
        except (DatabaseError, Unavailable) as error:
            log.error("a deletion waits", error=str(error) or type(error).__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()
