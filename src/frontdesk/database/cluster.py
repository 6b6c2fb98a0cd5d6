"""One PostgreSQL cluster folder and the life of the server on it: made, started, watched, stopped."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frontdesk.database import memory, postmaster, sockets
from frontdesk.database.binaries import Account, Binaries
from frontdesk.errors import FrontdeskError

START_SECONDS = 300  # crash recovery of a busy server takes its time
WHERE_I_STAND = Path("/proc/self/cwd")  # a folder's name for whoever stands in it, whatever lies above it

CONFIGURATION = {
    "autovacuum_naptime": "10s",  # a young table outgrows its statistics in seconds
    "listen_addresses": "''",
    "port": "5432",  # only names the socket
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "fsync": "on",
    "max_wal_size": "2GB",  # after each checkpoint a page is written whole once more: rarely is enough
    "jit": "off",
    "random_page_cost": "1.1",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "logging_collector": "on",
    "log_directory": "'log'",
    "log_filename": "'postgresql-%a.log'",  # a week of logs
    "log_rotation_age": "1d",
    "log_truncate_on_rotation": "on",
    "log_min_duration_statement": "1s",
    "log_parameter_max_length": "0",  # parameters and failing rows hold what customers write: never in a log
    "log_error_verbosity": "terse",
    "cluster_name": "'frontdesk'",
}


class ServerDidNotStart(FrontdeskError):
    """The embedded PostgreSQL did not start."""


@dataclass(slots=True)
class Cluster:
    """A cluster in `folder`; `configuration` overrides what `CONFIGURATION` says."""

    folder: Path
    binaries: Binaries
    account: Account
    configuration: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    async def create(self, password: str) -> None:
        """Make the folder with `initdb`, all or nothing: a half-made one is thrown away."""
        self._check_reach()
        draft = self.folder.with_name(self.folder.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if self.account.switch:
            os.chown(draft, self.account.uid, self.account.gid)
        await asyncio.to_thread(self._initdb, draft, password)
        defaults = draft / "postgresql.conf"
        self.account.write(defaults, defaults.read_text() + "\ninclude_if_exists = 'frontdesk.conf'\n")
        draft.rename(self.folder)

    async def start(self) -> None:
        """Start the server, after ending one left over from a killed process, and wait until it takes connections.

        Raises ServerDidNotStart with what the server said.
        """
        self._check_version()
        self._check_reach()
        await postmaster.end_leftover(self.folder)
        self._configure()
        deadline = time.monotonic() + START_SECONDS
        while not await self._launched(deadline):
            # After a `kill -9` of the server's first process its others need a moment to notice.
            if "still in use" not in self._start_log.read_text(errors="replace") or time.monotonic() > deadline:
                raise ServerDidNotStart(f"PostgreSQL did not start on {self.folder}. It said: {self._said()}")
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        """Stop the server: open transactions are rolled back, everything committed is on disk."""
        if self.process is not None:
            await postmaster.end(self.process.pid, self.ended)
            self.process = None

    def ended(self) -> bool:
        """Whether the server that was started here is gone."""
        return self.process is not None and self.process.poll() is not None

    def _initdb(self, draft: Path, password: str) -> None:
        flags = ["-U", "postgres", "--encoding=UTF8", "-k", "--auth-local=scram-sha-256", "--auth-host=scram-sha-256"]
        provider = ["--locale-provider=builtin"] if self.binaries.major >= 17 else []
        command = [self.binaries.program("initdb"), "-D", self._name(draft), "--pwfile=/dev/stdin", *flags, *provider]
        reader, writer = os.pipe()
        if self.account.switch:
            os.fchown(reader, self.account.uid, self.account.gid)  # initdb opens /dev/stdin anew, as its own user
        os.write(writer, password.encode() + b"\n")
        os.close(writer)
        options: dict[str, Any] = {"cwd": draft, "env": _environment(), **self.account.popen}
        command.append("--locale=C.UTF-8")
        done = subprocess.run(command, stdin=reader, capture_output=True, text=True, check=False, **options)
        os.close(reader)
        if done.returncode != 0:
            raise ServerDidNotStart(f"PostgreSQL could not make {self.folder}: {done.stderr.strip()[-500:]}")

    def _configure(self) -> None:
        socket_folder = sockets.place(self.folder, self.account)
        settings = {**CONFIGURATION, "shared_buffers": memory.shared_buffers(), **self.configuration, "unix_socket_directories": f"'{socket_folder}'"}
        text = "# Written by Frontdesk at every start; change settings with ALTER SYSTEM.\n"
        text += "".join(f"{name} = {value}\n" for name, value in settings.items())
        path = self.folder / "frontdesk.conf"
        if not path.exists() or path.read_text() != text:
            self.account.write(path, text)

    async def _launched(self, deadline: float) -> bool:
        """Whether a new server process came as far as taking connections."""
        self.process = self._launch()
        try:
            while not self.ended() and time.monotonic() < deadline:
                written = postmaster.PidFile.read(self.folder)
                if written and written.ready and written.pid == self.process.pid:
                    return True
                await asyncio.sleep(0.02)
        except asyncio.CancelledError:
            await self.stop()
            raise
        await self.stop()
        return False

    def _launch(self) -> subprocess.Popen[bytes]:
        with self._start_log.open("wb") as log:
            return subprocess.Popen(
                [self.binaries.program("postgres"), "-D", self._name(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=_environment(),
                start_new_session=True,  # Ctrl-C in the terminal is for us; we end the server after our last statement
                **self.account.popen,
            )

    def _name(self, folder: Path) -> str:
        return str(folder if self._reachable() else WHERE_I_STAND)

    def _reachable(self) -> bool:
        return self.account.may_enter(self.folder.parent)

    def _check_reach(self) -> None:
        # Under a closed folder such as /root the server is started standing in its own; PostgreSQL 15 cannot do that.
        if not self._reachable() and not (WHERE_I_STAND.exists() and self.binaries.major >= 16):
            raise ServerDidNotStart(
                f"The user {self.account.name}, who runs PostgreSQL because we are root, cannot enter"
                f" {self.folder.parent}. Set FRONTDESK_DATA_DIR to a folder that other users may enter."
            )

    def _check_version(self) -> None:
        made_by = (self.folder / "PG_VERSION").read_text().strip()
        if made_by != str(self.binaries.major):
            raise ServerDidNotStart(
                f"{self.folder} was made by PostgreSQL {made_by}, but these programs are PostgreSQL"
                f" {self.binaries.major}. Set PG_BIN_DIR to those of {made_by}, or move the data with pg_dump."
            )

    @property
    def _start_log(self) -> Path:
        return self.folder.with_name("postgres-start.log")

    def _said(self) -> str:
        """The last words of the server: before it opened its own log, or in there."""
        said = self._start_log.read_text(errors="replace")
        if "FATAL" not in said:
            logs = sorted((self.folder / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)
            said += "".join(path.read_text(errors="replace")[-2000:] for path in logs[-1:])
        return " | ".join(said.splitlines()[-4:]) or "nothing"


def _environment() -> dict[str, str]:
    """Our environment without what would point PostgreSQL's programs elsewhere (PGDATA, PGPORT, …)."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
