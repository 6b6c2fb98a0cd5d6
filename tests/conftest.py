"""One PostgreSQL for the whole run, the schema built once, and a fresh copy of it for every test that asks."""

import asyncio
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg.conninfo import conninfo_to_dict

from frontdesk.database import Database, binaries, postmaster, setup
from frontdesk.database.cluster import Cluster
from frontdesk.settings import Settings
from tests import world as world_

DATABASE_FIXTURES = {"cluster", "pg_bin_dir", "template", "clones", "urls", "database", "owner"}
OURS = ("DATABASE", "FRONTDESK", "WHATSAPP", "SMTP", "MAIL_", "STRIPE_SECRET", "STRIPE_WEBHOOK", "HOST", "PORT", "PG_BIN_DIR")
CLUSTERS = "frontdesk-test-"
TEST_PG = os.environ.get("FRONTDESK_TEST_PG", "embedded")

# how fast a busy machine thinks of examples says nothing about the product
hypothesis_settings.register_profile("frontdesk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("frontdesk")

for variable in [name for name in os.environ if name.startswith(OURS)]:
    del os.environ[variable]  # a developer's own settings are no business of the tests


@dataclass(frozen=True, slots=True)
class Urls:
    """The addresses of one database: as its owner and as the application."""

    owner: str
    app: str


class Clones:
    """Copies of the template. A used one is dropped when the next is made: its connections are really gone by then."""

    def __init__(self, cluster: str, connection: psycopg.Connection[Any]) -> None:
        self._cluster, self._connection = cluster, connection
        self._numbers, self._done = itertools.count(1), list[str]()

    def make(self) -> Urls:
        """A fresh database."""
        while self._done:
            self._connection.execute(f"drop database {self._done.pop()} with (force)")
        name = f"test_{next(self._numbers)}"
        self._connection.execute(f"create database {name} template template_frontdesk strategy file_copy")
        return _urls(self._cluster, name)

    def done_with(self, urls: Urls) -> None:
        """Nobody needs this database any more."""
        self._done.append(str(conninfo_to_dict(urls.app)["dbname"]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses PostgreSQL, to run it on another one too: `FRONTDESK_TEST_PG=system pytest -m database`."""
    for item in items:
        if DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.database)


def pytest_report_header() -> str:
    """Say which PostgreSQL is tested."""
    return f"postgresql: {TEST_PG}"


def system_binaries() -> Path | None:
    """Where Debian's newest PostgreSQL keeps its programs, if there is one."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def pg_bin_dir() -> Path | None:
    """The programs to test with; None for those that Frontdesk brings along."""
    if TEST_PG != "system":
        return None
    return system_binaries() or pytest.skip("no PostgreSQL in /usr/lib/postgresql")


@pytest.fixture(scope="session")
def cluster(pg_bin_dir: Path | None) -> Iterator[str]:
    """The address of a running server, as its superuser. What it holds is thrown away, so it waits for no disk."""
    _sweep(_memory())
    folder = Path(tempfile.mkdtemp(prefix=f"{CLUSTERS}{os.getpid()}-", dir=_memory()))
    folder.chmod(0o711)  # as root the server runs as somebody else, who has to get in
    account = binaries.account(folder / "postgres")
    programs = binaries.within_reach(binaries.find(pg_bin_dir), account, folder)
    forgetful = {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "120",
        "autovacuum": "off",
    }
    server = Cluster(folder / "postgres", programs, account, forgetful)
    try:
        asyncio.run(server.create("secret"))
        asyncio.run(server.start())
        yield f"postgresql://postgres:secret@/postgres?host={server.folder}"
    finally:
        asyncio.run(server.stop())
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(cluster: str) -> Urls:
    """A database with every migration applied, which nobody uses but to copy it."""
    urls = _urls(cluster, "template_frontdesk")
    with psycopg.connect(cluster, autocommit=True) as connection:
        connection.execute("create database template_frontdesk")
    asyncio.run(setup.prepare(urls.owner, urls.app))
    return urls


@pytest.fixture(scope="session")
def clones(cluster: str, template: Urls) -> Iterator[Clones]:
    """Makes fresh databases, also for fixtures of wider scope than one test."""
    with psycopg.connect(cluster, autocommit=True) as connection:
        yield Clones(cluster, connection)


@pytest.fixture
def urls(clones: Clones) -> Iterator[Urls]:
    """The addresses of a fresh database for this test alone."""
    made = clones.make()
    yield made
    clones.done_with(made)


@pytest.fixture
async def database(urls: Urls) -> AsyncIterator[Database]:
    """The doors of a fresh database, as the application uses them."""
    opened = await Database.open(urls.app, min_size=1, max_size=8)
    yield opened
    await opened.close()


@pytest.fixture
async def owner(urls: Urls) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection to the same fresh database as its owner, who sees everything."""
    async with await psycopg.AsyncConnection.connect(urls.owner, autocommit=True) as connection:
        yield connection


@pytest.fixture
def settings(tmp_path: Path, urls: Urls) -> Settings:
    """Settings of a development installation on the fresh database, with a data folder of its own."""
    return Settings(_env_file=None, FRONTDESK_DATA_DIR=tmp_path / "data", DATABASE_URL=urls.app, DATABASE_OWNER_URL=urls.owner)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The system's Chromium; a test that needs one is skipped where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return pytest.skip("no Chromium found (Debian: apt-get install chromium)")


def _sweep(place: Path) -> None:
    """Remove what a run that was killed has left behind: a server and its folder, named after that run's process."""
    for folder in place.glob(f"{CLUSTERS}*"):
        run = folder.name.removeprefix(CLUSTERS).split("-")[0]
        if run.isdigit() and not _lives(int(run)):
            if server := postmaster.leftover(folder / "postgres"):
                os.kill(server, signal.SIGQUIT)
            shutil.rmtree(folder, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _memory() -> Path:
    """A folder in memory where there is room for a run's databases: three hundred files each are slow on a disk."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    return memory if roomy else Path(tempfile.gettempdir())


def _urls(cluster: str, name: str) -> Urls:
    owner = cluster.replace("@/postgres?", f"@/{name}?")
    return Urls(owner, owner.replace("postgres:secret@", "frontdesk_app:app-secret@"))


@pytest.fixture
async def world(database: Database, owner: psycopg.AsyncConnection[Any]) -> world_.World:
    """Two organizations, each with a connected number."""
    return await world_.make(database, owner)
