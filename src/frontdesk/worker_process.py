"""The worker as a second process of `frontdesk serve`: forked before anything runs, led through a socket, gone when its leader is gone."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from struct import Struct
from time import monotonic
from typing import Any, Self

import uvloop

from frontdesk import sealing, secret_files, worker
from frontdesk.bell import Bell
from frontdesk.channels import Lane
from frontdesk.database import Database, uuid_of
from frontdesk.errors import FrontdeskError
from frontdesk.inbound import Place
from frontdesk.live import Live
from frontdesk.settings import Settings

# how long the thread of the HTTP client waits at most for its turn to hand over an answer; by default it is ten times as long
SWITCH_SECONDS = 0.0005
FINISHES_IN = 20.0  # seconds a worker may take to finish what it has begun
RING = Struct("=c32sB")  # what waits: i(n) or o(ut), organization and channel, part
MOST_KNOWN = 50_000  # lanes
MOST_UNHEARD = 1 << 20  # bytes of rings that wait for a worker which does not listen
PR_SET_PDEATHSIG = 1  # prctl(2)


class WorkerEnded(FrontdeskError):
    """The worker process ended by itself. Its last words are above; start Frontdesk again."""


class WorkerProcess:
    """The leader's side."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        """Made by `fork`."""
        self._pid, self._line = pid, line
        self._writer: asyncio.StreamWriter | None = None

    @classmethod
    def fork(cls, settings: Settings) -> Self:
        """Make the process, before there is any thread or event loop. It shares the memory of all that is imported, and waits to be led."""
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        leader = os.getpid()
        if pid := os.fork():
            theirs.close()
            return cls(pid, ours)
        ours.close()
        os._exit(_follow(settings, theirs, leader))

    async def lead(self, app_url: str) -> None:
        """The database can be reached: begin. Raises WorkerEnded when the process ends, and never returns before."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._line)
        self._writer.write(app_url.encode() + b"\n")
        await reader.read()
        raise WorkerEnded

    def ring_in(self, places: Iterable[Place]) -> None:
        """Something was kept in these places."""
        self._ring(RING.pack(b"i", lane.organization_id.bytes + lane.channel_id.bytes, part) for lane, part in places)

    def ring_out(self, lanes: Iterable[Lane]) -> None:
        """Something waits to be sent on these lanes."""
        self._ring(RING.pack(b"o", lane.organization_id.bytes + lane.channel_id.bytes, 0) for lane in lanes)

    def _ring(self, rings: Iterable[bytes]) -> None:
        # it finds by itself what waits, if it does not hear of it
        if self._writer is not None and not self._writer.is_closing() and self._writer.transport.get_write_buffer_size() < MOST_UNHEARD:
            self._writer.write(b"".join(rings))

    async def finish(self) -> None:
        """Let it finish what it has begun, and wait for its end. May be called again."""
        if self._writer is None:
            self._line.close()
        else:
            self._writer.close()
        patience = monotonic() + FINISHES_IN
        while self._pid:
            if os.waitpid(self._pid, os.WNOHANG)[0]:  # noqa: ASYNC222 - which does not wait
                self._pid = 0
            elif monotonic() > patience:
                os.kill(self._pid, signal.SIGKILL)
                patience = float("inf")
            else:
                await asyncio.sleep(0.01)


def _follow(settings: Settings, line: socket.socket, leader: int) -> int:
    """The life of the process; its exit status."""
    # whoever stops a terminal's or a service's processes all at once means the leader, which lets us finish
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _die_with(leader)
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_work(settings, line))
        return 0
    except BaseException:  # noqa: BLE001 - nothing of the leader's may run here, whatever happens
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _die_with(leader: int) -> None:
    """Ask Linux to end this process when its leader ends, however that is: the next one works under the same name."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != leader:
        os._exit(1)


async def _work(settings: Settings, line: socket.socket) -> None:
    reader, writer = await asyncio.open_unix_connection(sock=line)
    if app_url := (await reader.readline()).decode().strip():
        badge = sealing.badge(secret_files.load(settings).vault)
        database = await Database.open(app_url, max_size=settings.database_connections, name=badge)
        try:
            stop = asyncio.Event()
            async with Live(app_url) as live, asyncio.TaskGroup() as parts:
                bell = Bell(live)
                parts.create_task(worker.run(settings, database, live, bell, stop))
                await _heed(reader, bell.ring)
                stop.set()
        finally:
            await database.close()
    writer.close()


async def _heed(reader: asyncio.StreamReader, ring: Callable[[str, Iterable[Any]], None]) -> None:
    """Pass on what rings, until the leader hangs up."""
    rest, known = b"", dict[bytes, Lane]()  # the same lane is the same object: it is looked up a dozen times with each batch
    while heard := await reader.read(65536):
        rest += heard
        whole = len(rest) - len(rest) % RING.size
        places, lanes = list[Place](), list[Lane]()
        for way, name, part in RING.iter_unpack(rest[:whole]):
            lane = known.get(name) or known.setdefault(name, _lane(name))
            if way == b"i":
                places.append(Place(lane, part))
            else:
                lanes.append(lane)
        rest = rest[whole:]
        for direction, waiting in (("in", places), ("out", lanes)):
            if waiting:
                ring(direction, waiting)
        if len(known) > MOST_KNOWN:
            known.clear()


def _lane(name: bytes) -> Lane:
    return Lane(*(uuid_of(int.from_bytes(half, "big")) for half in (name[:16], name[16:])))
