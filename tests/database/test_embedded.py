"""The embedded PostgreSQL is private, survives being killed, and never works for two at once."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from frontdesk.data_folder import DataFolderInUse, DataFolderUnusable
from frontdesk.database import binaries, embedded, postmaster
from frontdesk.database.cluster import ServerDidNotStart
from frontdesk.settings import Settings

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as somebody else")

SERVE_AND_DIE = """
import asyncio, os, signal, sys
from frontdesk.database import embedded
from frontdesk.settings import Settings
import psycopg

async def main():
    async with embedded.running(Settings.load()) as server:
        async with await psycopg.AsyncConnection.connect(server.owner_url, autocommit=True) as connection:
            await connection.execute("create table if not exists kept (id int)")
            await connection.execute("insert into kept values (1)")
            os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def made(pg_bin_dir: Path | None) -> Iterator[Settings]:
    """Settings of a data folder whose cluster was made and stopped once."""
    with _open_folder() as folder:
        settings = _settings(folder / "data", pg_bin_dir)
        asyncio.run(_run_once(settings))
        yield settings


@pytest.fixture
def folder() -> Iterator[Path]:
    """A new folder that every user may enter; pytest's own are closed."""
    with _open_folder() as folder:
        yield folder


@contextmanager
def _open_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fd-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def _settings(data_dir: Path, pg_bin_dir: Path | None) -> Settings:
    return Settings(_env_file=None, FRONTDESK_DATA_DIR=data_dir, PG_BIN_DIR=pg_bin_dir)


async def _run_once(settings: Settings) -> None:
    async with embedded.running(settings):
        pass


async def _value(url: str, query: str) -> Any:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        return (await (await connection.execute(query)).fetchone() or [None])[0]


async def _run(url: str, statement: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(statement)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_it_speaks_no_network_and_keeps_what_it_says_it_keeps(made: Settings) -> None:
    async with embedded.running(made) as server:
        assert await _value(server.owner_url, "show listen_addresses") == ""
        assert await _value(server.owner_url, "show fsync") == "on"
        assert await _value(server.owner_url, "show data_checksums") == "on"
        assert await _value(server.owner_url, "show server_encoding") == "UTF8"


async def test_only_its_password_lets_anybody_in(made: Settings) -> None:
    async with embedded.running(made) as server:
        password = (made.data_dir / "secrets" / "postgres").read_text().strip()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            await _value(server.owner_url.replace(password, "guess"), "select 1")
    for line in (made.data_dir / "postgres" / "pg_hba.conf").read_text().splitlines():
        assert line.startswith("#") or not line.strip() or line.split()[-1] == "scram-sha-256"


async def test_folders_and_secrets_are_closed_to_others(made: Settings) -> None:
    async with embedded.running(made):
        assert _mode(made.data_dir / "postgres") == 0o700
        assert _mode(made.data_dir / "secrets") == 0o700
        assert {_mode(path) for path in (made.data_dir / "secrets").iterdir()} == {0o600}


async def test_a_second_one_on_the_folder_is_refused_and_told_by_whom(made: Settings) -> None:
    async with embedded.running(made):
        with pytest.raises(
            DataFolderInUse, match=rf"{made.data_dir} is in use by another Frontdesk \(process {os.getpid()}\)"
        ):
            await _run_once(made)


async def test_a_command_reaches_the_server_that_runs(made: Settings) -> None:
    async with embedded.running(made) as server, embedded.reached(made) as reached:
        assert (reached.owner_url, reached.app_url) == (server.owner_url, server.app_url)


async def test_a_command_starts_a_server_for_itself_when_none_runs(made: Settings) -> None:
    async with embedded.reached(made) as reached:
        assert await _value(reached.owner_url, "select 1") == 1
    assert postmaster.leftover(made.data_dir / "postgres") is None


async def test_it_ends_with_the_block(made: Settings) -> None:
    async with embedded.running(made) as server:
        assert server.cluster is not None
        process = server.cluster.process
    assert process is not None
    assert process.returncode == 0
    assert not (made.data_dir / "postgres" / "postmaster.pid").exists()


async def test_a_start_that_is_called_off_leaves_no_server(made: Settings) -> None:
    async def start() -> None:
        async with embedded.running(made):
            raise AssertionError("called off too late")

    starting = asyncio.create_task(start())
    while not (made.data_dir / "postgres" / "postmaster.pid").exists():
        await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert postmaster.leftover(made.data_dir / "postgres") is None


async def test_after_kill_9_of_frontdesk_nothing_committed_is_lost(made: Settings) -> None:
    environment = os.environ | {"FRONTDESK_DATA_DIR": str(made.data_dir), "PG_BIN_DIR": str(made.pg_bin_dir or "")}
    for times in (1, 2):
        died = subprocess.run([sys.executable, "-c", SERVE_AND_DIE], env=environment, check=False)
        assert died.returncode == -signal.SIGKILL
        orphan = postmaster.leftover(made.data_dir / "postgres")
        assert orphan is not None
        async with embedded.running(made) as server:
            assert await _value(server.owner_url, "select count(*) from kept") == times
            assert postmaster.leftover(made.data_dir / "postgres") != orphan


async def test_after_kill_9_of_the_server_it_is_started_again(made: Settings) -> None:
    async with embedded.running(made) as server:
        assert server.cluster is not None
        assert server.cluster.process is not None
        await _run(server.owner_url, "create table survived as select 1 as it")
        keeper = asyncio.create_task(server.keep())
        first = server.cluster.process.pid
        server.cluster.process.kill()
        while server.cluster.process.pid == first:
            await asyncio.sleep(0.05)
        while not (written := postmaster.PidFile.read(server.cluster.folder)) or not written.ready:
            await asyncio.sleep(0.05)
        assert await _value(server.owner_url, "select count(*) from survived") == 1
        keeper.cancel()


async def test_a_pid_that_belongs_to_another_program_now_is_left_alone(made: Settings) -> None:
    bystander = subprocess.Popen(["sleep", "60"], cwd=made.data_dir / "postgres")
    pid_file = made.data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{bystander.pid}\n{pid_file.parent}\n1\n5432\n.\n\n0 0\nready\n")
    try:
        await _run_once(made)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


async def test_a_cluster_that_was_half_made_is_made_anew(folder: Path, pg_bin_dir: Path | None) -> None:
    half = folder / "data" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    async with embedded.running(_settings(folder / "data", pg_bin_dir)) as server:
        assert await _value(server.owner_url, "select current_database()") == "frontdesk"
    assert not half.exists()


async def test_a_deep_data_folder_gets_its_socket_elsewhere_in_a_private_folder(
    folder: Path, pg_bin_dir: Path | None
) -> None:
    settings = _settings(folder / ("deep" * 25) / "data", pg_bin_dir)
    async with embedded.running(settings) as server:
        assert await _value(server.owner_url, "select 1") == 1
        place = Path((settings.data_dir / "socket-folder").read_text().strip())
        assert _mode(place) == 0o700
    async with embedded.running(settings), embedded.reached(settings) as again:
        assert str(place).replace("/", "%2F") in again.owner_url
    place.rmdir()


async def test_a_folder_of_another_major_version_is_refused(made: Settings) -> None:
    version = made.data_dir / "postgres" / "PG_VERSION"
    true_version = version.read_text()
    version.write_text("12\n")
    try:
        with pytest.raises(ServerDidNotStart, match="was made by PostgreSQL 12, but these programs are PostgreSQL 1"):
            await _run_once(made)
    finally:
        version.write_text(true_version)


async def test_what_the_server_complains_of_is_repeated(made: Settings) -> None:
    conf = made.data_dir / "postgres" / "postgresql.conf"
    sound = conf.read_text()
    conf.write_text(sound + "\nno_such_setting = 1\n")
    try:
        with pytest.raises(ServerDidNotStart, match="no_such_setting"):
            await _run_once(made)
    finally:
        conf.write_text(sound)


async def test_a_lost_password_is_named(made: Settings) -> None:
    password = made.data_dir / "secrets" / "postgres"
    password.rename(password.with_name("away"))
    try:
        with pytest.raises(ServerDidNotStart, match=f"{password} is missing"):
            await _run_once(made)
    finally:
        password.with_name("away").rename(password)


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        DataFolderUnusable, match=f"{tmp_path}/file/data cannot be written: Not a directory. Set FRONTDESK_DATA_DIR"
    ):
        await _run_once(_settings(tmp_path / "file" / "data", None))


@as_root
async def test_root_starts_it_as_somebody_else(made: Settings) -> None:
    async with embedded.running(made) as server:
        assert server.cluster is not None
        assert server.cluster.process is not None
        assert Path(f"/proc/{server.cluster.process.pid}").stat().st_uid != 0


@as_root
async def test_a_folder_that_only_root_enters_serves_and_stays_closed(folder: Path, pg_bin_dir: Path | None) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    settings = _settings(closed / "data", pg_bin_dir)
    if pg_bin_dir is not None:  # PostgreSQL 15 looks its own folder up from the root
        with pytest.raises(ServerDidNotStart, match=f"cannot enter {closed}/data"):
            await _run_once(settings)
    else:
        for _ in range(2):
            async with embedded.running(settings) as server:
                assert await _value(server.owner_url, "select 1") == 1
    assert _mode(closed) == 0o700
    assert closed.stat().st_uid == 0


@as_root
async def test_programs_that_only_root_reaches_are_copied_once(folder: Path) -> None:
    found = binaries.find(None)
    wheel = found.folder.parent.parent
    site = folder / "closed" / "site"
    site.parent.mkdir(mode=0o700)
    shutil.copytree(found.folder.parent, site / wheel.name / found.folder.parent.name, symlinks=True)
    shutil.copytree(wheel.with_name(wheel.name + ".libs"), site / (wheel.name + ".libs"))
    settings = _settings(folder / "data", site / wheel.name / found.folder.parent.name / "bin")
    async with embedded.running(settings) as server:
        assert await _value(server.owner_url, "select 1") == 1
    copied = [path.stat().st_mtime for path in (folder / "data" / "server").iterdir()]
    await _run_once(settings)
    assert [path.stat().st_mtime for path in (folder / "data" / "server").iterdir()] == copied
