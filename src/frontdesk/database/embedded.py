"""The PostgreSQL that Frontdesk brings along: one folder, no account, no network, gone when Frontdesk stops."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlencode

import psycopg

from frontdesk import data_folder, secret_files
from frontdesk.database import binaries
from frontdesk.database.cluster import Cluster, ServerDidNotStart
from frontdesk.database.postmaster import PidFile
from frontdesk.settings import Settings

PREDECESSOR_SECONDS = 5.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: `owner_url` for migrations, `app_url` for all else; `cluster` if it was started here."""

    owner_url: str
    app_url: str
    cluster: Cluster | None = None

    @classmethod
    def at(cls, data_dir: Path, socket_folder: Path, cluster: Cluster | None = None) -> Self:
        """The embedded server of this data folder, reached through the socket in that folder."""
        place = urlencode({"host": str(socket_folder), "port": 5432})
        owner, app = _secret(data_dir, "postgres"), secret_files.kept(data_dir, "frontdesk_app")
        return cls(
            f"postgresql://postgres:{quote(owner)}@/frontdesk?{place}",
            f"postgresql://frontdesk_app:{quote(app)}@/frontdesk?{place}",
            cluster,
        )

    async def keep(self) -> None:
        """Start the server again whenever it ends unasked, for ever. Raises ServerDidNotStart if it will not."""
        while True:
            await asyncio.sleep(0.5)
            if self.cluster is not None and self.cluster.ended():
                log.error("the embedded PostgreSQL ended by itself; starting it again")
                await self.cluster.start()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Server]:
    """Run the server of this data folder for as long as the block lasts.

    Raises DataFolderInUse, DataFolderUnusable, ServerDidNotStart or NoBinaries, each with what to do about it.
    """
    data_dir = data_folder.usable(settings.data_dir)
    async with _held(data_dir):
        cluster = _cluster(settings, data_dir)
        try:
            if not cluster.folder.exists():
                await cluster.create(secret_files.kept(data_dir, "postgres"))
            await cluster.start()
            server = Server.at(data_dir, await _socket_folder(cluster.folder), cluster)
            await _make_database(server)
            yield server
        finally:
            await cluster.stop()


@asynccontextmanager
async def _held(data_dir: Path) -> AsyncIterator[None]:
    """Hold the folder. Who was killed while starting PostgreSQL leaves a child that holds it for another moment: that is waited for."""
    deadline = time.monotonic() + PREDECESSOR_SECONDS
    with ExitStack() as held:
        while True:
            try:
                held.enter_context(data_folder.locked(data_dir))
                break
            except data_folder.DataFolderInUse:
                if data_folder.holder_lives(data_dir) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.05)
        yield


@asynccontextmanager
async def reached(settings: Settings) -> AsyncIterator[Server]:
    """The server of this data folder for one command: the one that runs already, else one for just this block."""
    data_dir = data_folder.usable(settings.data_dir)
    if data_folder.in_use(data_dir):
        yield Server.at(data_dir, await _socket_folder(data_dir / "postgres"))
    else:
        async with running(settings) as server:
            yield server


def _cluster(settings: Settings, data_dir: Path) -> Cluster:
    folder = data_dir / "postgres"
    account = binaries.account(folder)
    programs = binaries.within_reach(binaries.find(settings.pg_bin_dir), account, data_dir)
    # Room for the pool, the listener, the migrator and a visitor with psql.
    return Cluster(folder, programs, account, {"max_connections": str(max(60, 2 * settings.database_connections + 20))})


def _secret(data_dir: Path, name: str) -> str:
    if not secret_files.exists(data_dir, name):
        path = data_dir / "secrets" / name
        raise ServerDidNotStart(f"The password in {path} is missing; bring it back from a backup of the data folder.")
    return secret_files.kept(data_dir, name)


async def _socket_folder(cluster: Path) -> Path:
    """Where the running server's socket is, waiting a little if another process just starts it."""
    for _ in range(400):
        written = PidFile.read(cluster)
        if written and written.ready and written.socket_folder:
            return written.socket_folder.resolve()
        await asyncio.sleep(0.05)
    raise ServerDidNotStart(f"Another Frontdesk holds {cluster.parent}, but its PostgreSQL does not answer.")


async def _make_database(server: Server) -> None:
    """Make the database `frontdesk` at the first start."""
    maintenance = server.owner_url.replace("@/frontdesk?", "@/postgres?")
    async with await psycopg.AsyncConnection.connect(maintenance, autocommit=True) as connection:
        found = await connection.execute("select from pg_database where datname = 'frontdesk'")
        if await found.fetchone() is None:
            await connection.execute("create database frontdesk")
