"""Which database a command works on: DATABASE_URL's, or the one in the data folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from frontdesk.database import boot_check, embedded, setup
from frontdesk.database.doors import Database
from frontdesk.database.embedded import Server
from frontdesk.settings import Settings


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Server]:
    """A server fit to serve from: the embedded one is started and migrated, any other is only checked."""
    if settings.database_url:
        await _checked(settings.database_url)
        yield Server(owner_url=settings.database_owner_url or "", app_url=settings.database_url)
    else:
        async with embedded.running(settings) as server:
            await setup.prepare(server.owner_url, server.app_url)
            await _checked(server.app_url)
            yield server


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    """The database for one short command, whether or not Frontdesk is serving at the same time."""
    if settings.database_url:
        await _checked(settings.database_url)
        async with _pool(settings.database_url) as database:
            yield database
    else:
        async with embedded.reached(settings) as server:
            if server.cluster is not None:  # started for this command; a server that others run is theirs to migrate
                await setup.prepare(server.owner_url, server.app_url)
            await _checked(server.app_url)
            async with _pool(server.app_url) as database:
                yield database


async def _checked(url: str) -> None:
    async with await setup.connect(url) as connection:
        await boot_check.check(connection)


@asynccontextmanager
async def _pool(url: str) -> AsyncIterator[Database]:
    database = await Database.open(url, min_size=1, max_size=4)
    try:
        yield database
    finally:
        await database.close()
