"""The simulator's memory: one SQLite file, one thread that reads and writes it, many changes in one commit."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists numbers (
  phone_number_id text primary key,
  display_number text not null,
  organization_name text not null,
  faults text not null default '{}'
) without rowid;
create table if not exists people (
  bsuid text primary key,
  phone text,
  username text,
  name text,
  read_receipts integer not null default 1
) without rowid;
create table if not exists messages (
  position integer primary key,
  wamid text not null unique,
  phone_number_id text not null,
  bsuid text not null,
  mine integer not null,
  type text not null,
  at real not null,
  text text, emoji text, target text, reply_to text, opaque text,
  sent_at real, delivered_at real, read_at real, failed_at real, error_code integer
);
create index if not exists messages_of_a_chat on messages (phone_number_id, bsuid, position);
create index if not exists messages_of_a_person on messages (bsuid, position);
-- Webhooks that Frontdesk has not confirmed yet.
create table if not exists updates (
  position integer primary key,
  phone_number_id text not null,
  due real not null,
  change text not null,
  label text not null,
  wamid text not null,
  born real not null,
  mine integer not null
);
"""

Work = Callable[[sqlite3.Connection], Any]
_Job = tuple[Work, "asyncio.Future[Any] | None"]
_Answer = tuple["asyncio.Future[Any] | None", BaseException | None, Any]


class Store:
    """A queue in front of SQLite. What `do` has returned survives a killed process."""

    def __init__(self, path: Path | None) -> None:
        """Keep everything in `path`, or in memory if it is None."""
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        """Open the file, create what is missing, and start the thread."""
        self._loop = asyncio.get_running_loop()
        opened: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put((_nothing, opened))
        self._thread = threading.Thread(target=self._run, args=(opened,), name="simulator store", daemon=True)
        self._thread.start()
        await opened

    async def close(self) -> None:
        """Finish what was asked and close the file."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    async def do(self, work: Work) -> Any:
        """Run `work` on the connection, and return once it is committed. Jobs run in the order they were given."""
        assert self._loop is not None, "the store is not open"
        done: asyncio.Future[Any] = self._loop.create_future()
        self._jobs.put((work, done))
        return await done

    def do_later(self, work: Work) -> None:
        """Run `work` soon; nobody waits for it."""
        self._jobs.put((work, None))

    def _run(self, opened: "asyncio.Future[Any]") -> None:
        try:
            db = _connect(self._path)
        except (OSError, sqlite3.Error) as error:
            self._answer([(opened, error, None)])
            return
        ended = False
        while not ended:
            jobs, ended = self._take()
            self._answer(_commit(db, jobs))
        db.close()

    def _take(self) -> tuple[list[_Job], bool]:
        """Everything that waits, at least one, and whether it is the end."""
        jobs: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, False
        return jobs, True

    def _answer(self, answers: list[_Answer]) -> None:
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, answers)


def _nothing(db: sqlite3.Connection) -> None:
    """The first job: once it is done, the file is open."""


def _connect(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # what is said on a phone is nobody else's; SQLite gives its other files the same mode
    db = sqlite3.connect(path or ":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    db.execute("pragma journal_mode = wal")
    # The system keeps what a killed process wrote; only a power cut could take the last moments of a simulated world.
    db.execute("pragma synchronous = normal")
    db.executescript(SCHEMA)
    return db


def _commit(db: sqlite3.Connection, jobs: list[_Job]) -> list[_Answer]:
    """Run all jobs in one transaction; if one fails, each in its own, so that only that one fails."""
    try:
        with db:
            db.execute("begin")
            return [(done, None, work(db)) for work, done in jobs]
    except Exception as error:  # noqa: BLE001 - whatever broke a job is raised where it is awaited
        if len(jobs) == 1:
            return [(jobs[0][1], error, None)]
        return [answer for job in jobs for answer in _commit(db, [job])]


def _settle(answers: list[_Answer]) -> None:
    for done, error, value in answers:
        if done is None or done.done():
            continue
        if error is None:
            done.set_result(value)
        else:
            done.set_exception(error)
