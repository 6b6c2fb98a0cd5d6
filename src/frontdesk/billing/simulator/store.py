"""The simulated Stripe's memory: one SQLite file, one thread that reads and writes it, one transaction per call."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

SCHEMA = """
create table if not exists objects (
  position integer primary key autoincrement,
  id text not null unique,
  kind text not null,
  body text not null,
  customer text generated always as (json_extract(body, '$.customer')) virtual
);
create index if not exists objects_of_a_kind on objects (kind, position);
create index if not exists objects_of_a_customer on objects (customer, kind, position);
-- What Stripe knows about an object and shows nobody.
create table if not exists privates (
  id text primary key,
  body text not null
) without rowid;
-- Events on their way to an endpoint. Times are those of the real clock.
create table if not exists deliveries (
  position integer primary key autoincrement,
  event text not null,
  endpoint text not null,
  born real not null,
  due real not null,
  tries integer not null default 0,
  held_until real not null default 0,
  shifted integer not null default 0,
  settled_at real,
  taken integer not null default 0,
  answer text
);
create index if not exists deliveries_that_wait on deliveries (due, position) where settled_at is null;
create index if not exists deliveries_of_an_event on deliveries (event);
-- Answers that are given again to whoever repeats his call.
create table if not exists answers (
  key text primary key,
  path text not null,
  digest text not null,
  at real not null,
  status integer not null,
  request_id text not null,
  body text not null
) without rowid;
create index if not exists answers_by_age on answers (at);
"""

T = TypeVar("T")
PATIENCE = 30.0
"""Seconds that one process waits for another with the same file."""


class Store:
    """SQLite with a thread of its own. What `do` has returned survives a killed process."""

    def __init__(self, path: Path | None) -> None:
        """Keep everything in `path`, or in memory if it is None."""
        self._path = path
        self._thread: ThreadPoolExecutor | None = None
        self._db: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file and create what is missing."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="simulated stripe")
        self._db = await asyncio.get_running_loop().run_in_executor(self._thread, _connect, self._path)

    async def close(self) -> None:
        """Finish what was asked and close the file."""
        if self._thread is not None and self._db is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.close)
            self._thread.shutdown()
            self._thread = self._db = None

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work` in a transaction of its own; if it raises, what it did is taken back, unless the error says `keep`."""
        assert self._thread is not None, "the store is not open"
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._run, work)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        assert self._db is not None
        self._db.execute("begin immediate")
        try:
            done = work(self._db)
        except BaseException as error:
            self._db.execute("commit" if getattr(error, "keep", False) else "rollback")
            raise
        self._db.execute("commit")
        return done


def _connect(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # names and addresses of whoever plays customer; SQLite gives its other files the same mode
    db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=PATIENCE)
    db.row_factory = sqlite3.Row
    db.execute("pragma journal_mode = wal")
    # The system keeps what a killed process wrote; only a power cut could take the last moments of a simulated account.
    db.execute("pragma synchronous = normal")
    db.executescript(SCHEMA)
    return db
