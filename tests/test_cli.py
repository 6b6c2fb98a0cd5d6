"""The command line: it serves, stops, survives, and says in one sentence what it cannot do."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from frontdesk import cli
from frontdesk.database import postmaster
from tests.conftest import Urls

FRONTDESK = [sys.executable, "-c", "from frontdesk.cli import main; main()"]
PATIENCE = 60  # seconds; a busy machine is slow


class Serving:
    """`frontdesk serve`, or a part of it, in a process of its own, with its words in a file."""

    def __init__(self, folder: Path, command: str = "serve", **environment: str) -> None:
        self.port = _free_port()
        self.data_dir = folder / "data"
        self.environment = os.environ | {
            "PORT": str(self.port),
            "FRONTDESK_DATA_DIR": str(self.data_dir),
            **environment,
        }
        self.folder, self.command, self.said = folder, command, folder / f"{command}.txt"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                [*FRONTDESK, self.command],
                env=self.environment,
                cwd=self.folder,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        return self.process

    def wait_until_healthy(self) -> None:
        self._wait_until(self._healthy)

    def wait_until_it_says(self, words: str) -> None:
        self._wait_until(lambda: words in self.said.read_text())

    def _wait_until(self, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not there():
            assert self.process.poll() is None, self.said.read_text()
            assert time.monotonic() < deadline, self.said.read_text()
            time.sleep(0.05)

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        environment = self.environment | environment
        return subprocess.run(
            [*FRONTDESK, *command],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(sign)
        return self.process.wait(PATIENCE)

    def _healthy(self) -> bool:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status == 200
        except (urllib.error.URLError, OSError):
            return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A Frontdesk that serves from a new folder."""
    with served(tmp_path_factory.mktemp("serving")) as started:
        yield started


@contextmanager
def served(folder: Path) -> Iterator[Serving]:
    """A Frontdesk that serves from this folder for the block, and leaves nothing running."""
    started = Serving(folder)
    try:
        started.wait_until_healthy()
        yield started
    finally:
        started.process.kill()
        started.process.wait()
        _end_server(started)


def _end_server(serving: Serving) -> None:
    if pid := postmaster.leftover(serving.data_dir / "postgres"):
        os.kill(pid, signal.SIGQUIT)


def test_a_second_one_on_the_port_is_told_so(serving: Serving) -> None:
    refused = serving.run("serve", FRONTDESK_DATA_DIR=str(serving.folder / "other"))
    assert refused.returncode == 1
    assert f"Port {serving.port} is in use by another program" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (serving.folder / "other").exists()


def test_a_second_one_on_the_data_folder_is_told_so(serving: Serving) -> None:
    refused = serving.run("serve", PORT=str(_free_port()))
    assert refused.returncode == 1
    assert f"{serving.data_dir} is in use by another Frontdesk (process {serving.process.pid})" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_what_watches_over_it_may_ask_for_the_head_alone(serving: Serving) -> None:
    asked = urllib.request.Request(f"http://127.0.0.1:{serving.port}/healthz", method="HEAD")
    assert urllib.request.urlopen(asked, timeout=PATIENCE).status == 200


def test_commands_work_while_it_serves(serving: Serving) -> None:
    assert "The database is up to date." in serving.run("migrate").stdout
    assert "pending" not in serving.run("migrate", "--status").stdout
    assert serving.run("audit", "verify").returncode == 0


def test_the_doctor_finds_nothing_wrong(serving: Serving) -> None:
    examined = serving.run("doctor")
    assert examined.returncode == 0, examined.stdout
    assert "migrations applied" in examined.stdout


def test_the_doctor_finds_a_secret_that_others_may_read(serving: Serving) -> None:
    secret = serving.data_dir / "secrets" / "frontdesk_app"
    secret.chmod(0o644)
    examined = serving.run("doctor", COLUMNS="200")
    secret.chmod(0o600)
    assert examined.returncode == 1
    assert "others may read frontdesk_app" in examined.stdout


def test_after_kill_9_it_serves_again(serving: Serving) -> None:
    serving.process.kill()
    serving.process.wait()
    assert postmaster.leftover(serving.data_dir / "postgres") is not None
    serving.start()
    serving.wait_until_healthy()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_when_asked(serving: Serving, sign: signal.Signals) -> None:
    assert serving.stop(sign) == 0
    assert postmaster.leftover(serving.data_dir / "postgres") is None
    assert "Traceback" not in serving.said.read_text()
    serving.start()
    serving.wait_until_healthy()


def test_web_and_worker_run_apart_on_one_database(tmp_path: Path, urls: Urls) -> None:
    web = Serving(tmp_path, "web", DATABASE_URL=urls.app)
    worker = Serving(tmp_path, "work", DATABASE_URL=urls.app)
    web.wait_until_healthy()
    worker.wait_until_it_says("Frontdesk is working")
    assert worker.stop() == 0
    assert web.stop() == 0


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> "Refusal":
    """Runs a command that cannot work, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Refusal(capsys, monkeypatch)


class Refusal:
    """What a command says when it refuses."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, *command: str, **environment: str) -> str:
        for name, value in environment.items():
            self.monkeypatch.setenv(name, value)
        self.monkeypatch.setattr(sys, "argv", ["frontdesk", *command])
        with pytest.raises(SystemExit) as exit_:
            cli.main()
        assert exit_.value.code == 1
        return self.capsys.readouterr().err


def test_a_setting_that_makes_no_sense_is_named(refusal: Refusal) -> None:
    assert "PORT: Input should be a valid integer" in refusal("serve", PORT="abc")


def test_a_host_that_is_not_ours_is_named(refusal: Refusal) -> None:
    assert "HOST=192.0.2.1 is no address of this machine" in refusal("serve", HOST="192.0.2.1", PORT=str(_free_port()))


def test_a_data_folder_that_cannot_be_written_is_named(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = refusal("serve", FRONTDESK_DATA_DIR=str(tmp_path / "file" / "data"), PORT=str(_free_port()))
    assert "cannot be written: Not a directory. Set FRONTDESK_DATA_DIR" in said


@pytest.mark.parametrize("command", ["serve", "web", "work"])
def test_a_wrong_database_address_is_named(refusal: Refusal, command: str) -> None:
    said = refusal(command, DATABASE_URL="postgresql://frontdesk_app:hush@127.0.0.1:1/x", PORT=str(_free_port()))
    assert said.count("\n") == 1
    assert "DATABASE_URL (user frontdesk_app, database x, host 127.0.0.1:1) cannot be used" in said
    assert "hush" not in said


def test_the_owner_may_not_serve(refusal: Refusal, urls: Urls) -> None:
    said = refusal("serve", DATABASE_URL=urls.owner, PORT=str(_free_port()))
    assert "the login postgres is a superuser" in said


@pytest.mark.parametrize("command", ["web", "work"])
def test_parts_of_a_fleet_need_a_shared_database(refusal: Refusal, command: str) -> None:
    assert f"`frontdesk {command}` shares a PostgreSQL with other processes: set DATABASE_URL" in refusal(command)


def test_migrating_a_shared_database_needs_its_owner(refusal: Refusal, urls: Urls) -> None:
    assert "set DATABASE_OWNER_URL, or give --owner-url" in refusal("migrate", DATABASE_URL=urls.app)


def test_migrate_prepares_a_shared_database(urls: Urls, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", urls.app)
    monkeypatch.setattr(sys, "argv", ["frontdesk", "migrate", "--owner-url", urls.owner])
    with pytest.raises(SystemExit) as exit_:
        cli.main()
    assert exit_.value.code == 0
    assert capsys.readouterr().out == "The database is up to date.\n"


def test_the_status_of_migrations_changes_nothing_and_tells_of_a_newer_version(
    urls: Urls, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def status() -> list[str]:
        monkeypatch.setattr(sys, "argv", ["frontdesk", "migrate", "--status", "--owner-url", urls.owner])
        with pytest.raises(SystemExit):
            cli.main()
        return capsys.readouterr().out.splitlines()

    assert status()[-1] == "The database is up to date."
    with psycopg.connect(urls.owner, autocommit=True) as owner:
        owner.execute("insert into supabase_migrations.schema_migrations (version, name) values ('29990101000000', 'new')")
        assert status()[-2:] == [
            "unknown  29990101000000_new",
            "The database was migrated by a newer version of Frontdesk: 1 of its migrations are unknown here.",
        ]
        owner.execute("truncate supabase_migrations.schema_migrations")
        assert status()[-1].endswith("migrations are pending.")
        assert owner.execute("select count(*) from supabase_migrations.schema_migrations").fetchone() == (0,)
