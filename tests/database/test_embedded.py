"""The embedded PostgreSQL is private, survives being killed, and never works for two at once."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from frontdesk import data_folder
from frontdesk.data_folder import DataFolderInUse, DataFolderUnusable
from frontdesk.database import embedded, postmaster
from frontdesk.database.cluster import ServerDidNotStart
from frontdesk.settings import Settings
from tests.database.running import mode, run, run_once, settings_of, value

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


async def test_it_speaks_no_network_and_keeps_what_it_says_it_keeps(made: Settings) -> None:
    async with embedded.running(made) as server:
        assert await value(server.owner_url, "show listen_addresses") == ""
        assert await value(server.owner_url, "show fsync") == "on"
        assert await value(server.owner_url, "show data_checksums") == "on"
        assert await value(server.owner_url, "show server_encoding") == "UTF8"


async def test_only_its_password_lets_anybody_in(made: Settings) -> None:
    async with embedded.running(made) as server:
        password = (made.data_dir / "secrets" / "postgres").read_text().strip()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            await value(server.owner_url.replace(password, "guess"), "select 1")
    for line in (made.data_dir / "postgres" / "pg_hba.conf").read_text().splitlines():
        assert line.startswith("#") or not line.strip() or line.split()[-1] == "scram-sha-256"


async def test_folders_and_secrets_are_closed_to_others(made: Settings) -> None:
    async with embedded.running(made):
        assert mode(made.data_dir) == (0o711 if os.geteuid() == 0 else 0o700)
        assert mode(made.data_dir / "postgres") == 0o700
        assert mode(made.data_dir / "secrets") == 0o700
        assert {mode(path) for path in (made.data_dir / "secrets").iterdir()} == {0o600}


async def test_a_second_one_on_the_folder_is_refused_and_told_by_whom(made: Settings) -> None:
    async with embedded.running(made):
        with pytest.raises(DataFolderInUse, match=rf"{made.data_dir} is in use by another Frontdesk \(process {os.getpid()}\)"):
            await run_once(made)


HOLDER = """
import os, signal, sys, time
from pathlib import Path
from frontdesk import data_folder
with data_folder.locked(Path(sys.argv[1])):
    if os.fork() == 0:
        os.setsid()
        time.sleep(float(sys.argv[2]))
        os._exit(0)
    print("held", flush=True)
    signal.pause()
"""


async def test_what_a_killed_one_left_behind_is_waited_for(made: Settings) -> None:
    killed = subprocess.Popen([sys.executable, "-c", HOLDER, str(made.data_dir), "1"], stdout=subprocess.PIPE)
    assert killed.stdout is not None
    with killed.stdout:
        assert killed.stdout.readline() == b"held\n"
    with pytest.raises(DataFolderInUse, match=rf"process {killed.pid}"):
        await run_once(made)  # while it lives it is no predecessor
    killed.kill()
    killed.wait()
    assert data_folder.in_use(made.data_dir)
    await run_once(made)


async def test_a_command_reaches_the_server_that_runs(made: Settings) -> None:
    async with embedded.running(made) as server, embedded.reached(made) as reached:
        assert (reached.owner_url, reached.app_url) == (server.owner_url, server.app_url)


async def test_a_command_starts_a_server_for_itself_when_none_runs(made: Settings) -> None:
    async with embedded.reached(made) as reached:
        assert await value(reached.owner_url, "select 1") == 1
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
            assert await value(server.owner_url, "select count(*) from kept") == times
            assert postmaster.leftover(made.data_dir / "postgres") != orphan


async def test_after_kill_9_of_the_server_it_is_started_again(made: Settings) -> None:
    async with embedded.running(made) as server:
        assert server.cluster is not None
        assert server.cluster.process is not None
        await run(server.owner_url, "create table survived as select 1 as it")
        keeper = asyncio.create_task(server.keep())
        first = server.cluster.process.pid
        server.cluster.process.kill()
        while server.cluster.process.pid == first:
            await asyncio.sleep(0.05)
        while not (written := postmaster.PidFile.read(server.cluster.folder)) or not written.ready:
            await asyncio.sleep(0.05)
        assert await value(server.owner_url, "select count(*) from survived") == 1
        keeper.cancel()


async def test_a_pid_that_belongs_to_another_program_now_is_left_alone(made: Settings) -> None:
    bystander = subprocess.Popen(["sleep", "60"], cwd=made.data_dir / "postgres")
    pid_file = made.data_dir / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{bystander.pid}\n{pid_file.parent}\n1\n5432\n.\n\n0 0\nready\n")
    try:
        await run_once(made)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


async def test_a_cluster_that_was_half_made_is_made_anew(folder: Path, pg_bin_dir: Path | None) -> None:
    half = folder / "data" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    async with embedded.running(settings_of(folder / "data", pg_bin_dir)) as server:
        assert await value(server.owner_url, "select current_database()") == "frontdesk"
    assert not half.exists()


async def test_a_deep_data_folder_gets_its_socket_elsewhere_in_a_private_folder(folder: Path, pg_bin_dir: Path | None) -> None:
    settings = settings_of(folder / ("deep" * 25) / "data", pg_bin_dir)
    async with embedded.running(settings) as server:
        assert await value(server.owner_url, "select 1") == 1
        place = Path((settings.data_dir / "socket-folder").read_text().strip())
        assert mode(place) == 0o700
    async with embedded.running(settings), embedded.reached(settings) as again:
        assert str(place).replace("/", "%2F") in again.owner_url
    place.rmdir()


async def test_a_folder_of_another_major_version_is_refused(made: Settings) -> None:
    version = made.data_dir / "postgres" / "PG_VERSION"
    true_version = version.read_text()
    version.write_text("12\n")
    try:
        with pytest.raises(ServerDidNotStart, match="was made by PostgreSQL 12, but these programs are PostgreSQL 1"):
            await run_once(made)
    finally:
        version.write_text(true_version)


async def test_what_the_server_complains_of_is_repeated(made: Settings) -> None:
    conf = made.data_dir / "postgres" / "postgresql.conf"
    sound = conf.read_text()
    conf.write_text(sound + "\nno_such_setting = 1\n")
    try:
        with pytest.raises(ServerDidNotStart, match="no_such_setting"):
            await run_once(made)
    finally:
        conf.write_text(sound)


async def test_a_lost_password_is_named(made: Settings) -> None:
    password = made.data_dir / "secrets" / "postgres"
    password.rename(password.with_name("away"))
    try:
        with pytest.raises(ServerDidNotStart, match=f"{password} is missing"):
            await run_once(made)
    finally:
        password.with_name("away").rename(password)


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataFolderUnusable, match=f"{tmp_path}/file/data cannot be written: Not a directory. Set FRONTDESK_DATA_DIR"):
        await run_once(settings_of(tmp_path / "file" / "data", None))


async def test_a_folder_with_files_that_somebody_else_owns_is_named(made: Settings) -> None:
    password = made.data_dir / "secrets" / "postgres"
    password.rename(password.with_name("away"))
    password.mkdir()  # even root cannot read a folder as a file
    try:
        with pytest.raises(DataFolderUnusable, match=f"{password} cannot be read or made: Is a directory"):
            await run_once(made)
    finally:
        password.rmdir()
        password.with_name("away").rename(password)
