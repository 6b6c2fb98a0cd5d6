"""Our own clock beside the one of the simulated Stripe: whoever turns that one on wants to see the days of grace go by as well."""

import asyncio
from contextlib import suppress

from frontdesk.billing import inbox
from frontdesk.database import Database

HEARD_WITHIN, LOOK_EVERY = 3.0, 0.1  # seconds that the worker gets to store what was told; and between two looks


async def let_time_pass(database: Database, seconds: int) -> None:
    """Count so many seconds more since payments were overdue, once all events that are kept were handled. In development only."""
    with suppress(TimeoutError):
        async with asyncio.timeout(HEARD_WITHIN):
            while await _something_waits(database):  # noqa: ASYNC110 - another process handles it, and says nothing when it has
                await asyncio.sleep(LOOK_EVERY)
    await database.call("select private.let_time_pass(%(seconds)s)", {"seconds": seconds})


async def _something_waits(database: Database) -> bool:
    async with database.platform() as db:
        return (await inbox.state(db)).waiting > 0
