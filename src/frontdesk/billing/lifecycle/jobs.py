"""What the worker does for subscriptions."""

import asyncio
from contextlib import suppress

import structlog
from psycopg import Error as DatabaseError

from frontdesk.billing.lifecycle import actions
from frontdesk.database import Database
from frontdesk.errors import Unavailable
from frontdesk.mail import Mailer

LOOK_EVERY = 5.0  # seconds: an index probe, where nothing is due
log = structlog.get_logger()


async def keep_time(database: Database, mailer: Mailer, stop: asyncio.Event) -> None:
    """Look at what the clock demands of subscriptions, until told to stop. Several workers may: an organization is looked at by one at a time."""
    while not stop.is_set():
        looked = 0
        try:
            looked = await actions.look(database, mailer)
        except (DatabaseError, Unavailable) as error:
            log.error("subscriptions wait for their clock", error=str(error) or type(error).__name__)
        if looked:
            continue
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await stop.wait()
