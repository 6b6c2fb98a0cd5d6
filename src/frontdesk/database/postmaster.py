"""A running PostgreSQL as seen from outside: its pid file, its process, and how to end it."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 60


@dataclass(frozen=True, slots=True)
class PidFile:
    """What `postmaster.pid` says; a starting server writes it line by line (PostgreSQL's utils/pidfile.h)."""

    pid: int
    socket_folder: Path | None = None
    ready: bool = False

    @classmethod
    def read(cls, cluster: Path) -> "PidFile | None":
        """The pid file of this cluster, or None when there is none or it says nothing yet."""
        try:
            lines = [line.strip() for line in (cluster / "postmaster.pid").read_text().splitlines()]
        except FileNotFoundError:
            return None
        if not lines or not lines[0].isdigit():
            return None
        folder = cluster / lines[4] if len(lines) > 4 and lines[4] else None
        return cls(int(lines[0]), folder, len(lines) > 7 and lines[7] == "ready")


def leftover(cluster: Path) -> int | None:
    """The process of a live server on this cluster, whoever started it."""
    found = PidFile.read(cluster)
    return found.pid if found and _is_server_of(found.pid, cluster) else None


async def end_leftover(cluster: Path) -> None:
    """End the server that a killed process left behind, and remove the lock files that one could have left."""
    if pid := leftover(cluster):
        await end(pid, lambda: leftover(cluster) is None)
    for name in (
        "postmaster.pid",
        ".s.PGSQL.5432.lock",
    ):  # the process id in there may belong to another program by now
        (cluster / name).unlink(missing_ok=True)


async def end(pid: int, ended: Callable[[], bool]) -> None:
    """End a server: with a last checkpoint, then without one, then by force."""
    for sign, patience in ((signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        deadline = time.monotonic() + patience
        with suppress(ProcessLookupError):
            os.kill(pid, sign)
        while time.monotonic() < deadline:
            if ended():
                return
            await asyncio.sleep(0.02)


def _is_server_of(pid: int, cluster: Path) -> bool:
    """Whether this process is a PostgreSQL standing in the cluster's folder, and not one that got its number later."""
    if not Path("/proc/self").exists():
        command = ["ps", "-o", "args=", "-p", str(pid)]
        shown = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        return "postgres" in shown and str(cluster) in shown
    try:
        process = Path(f"/proc/{pid}")
        return (process / "comm").read_text().strip() == "postgres" and (process / "cwd").samefile(cluster)
    except OSError:
        return False
