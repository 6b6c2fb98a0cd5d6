"""The inbox list, a thread and the contact list: with the policies of a member, and without.

The plans of both stand in `plans/`, written anew by every run.
"""

import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import AsyncClientCursor

from bench import figures
from bench.rls import office
from frontdesk.access import Actor
from frontdesk.contacts import store as contacts
from frontdesk.database import Database, Tenant, embedded, setup
from frontdesk.messages.inbox import store as inbox
from frontdesk.settings import Settings

ROUNDS, REPEATS, WARM_UP = 5, 200, 20  # the first ones prepare the statement and settle its plan
PLANS = Path(__file__).parent / "plans"
UUIDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MOMENTS = re.compile(r"'\d{4}-\d\d-\d\d [^']*'")
Question = Callable[[Tenant], Awaitable[Any]]


async def pages(rounds: int = ROUNDS) -> bool:
    """Median milliseconds of each list, turn by turn on the same rows, as a multiple of the same without policies."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-bench-") as folder:
        Path(folder).chmod(0o755)
        async with embedded.running(Settings(_env_file=None, FRONTDESK_DATA_DIR=Path(folder) / "data")) as server:
            await setup.prepare(server.owner_url, server.app_url)
            async with await psycopg.AsyncConnection.connect(server.owner_url, autocommit=True) as owner:
                await office.fill(owner)
                return await _compare(server, owner, rounds)


async def _compare(server: embedded.Server, owner: psycopg.AsyncConnection[Any], rounds: int) -> bool:
    await owner.execute("create role frontdesk_bench bypassrls; grant frontdesk_member to frontdesk_bench; grant frontdesk_bench to frontdesk_app")
    kept = []
    for size, number in (("usual", 7), ("large", 1)):
        organization, user = await _the(owner, "organization", number), await _the(owner, "user", number)
        for name, question in await _questions(owner, number):
            on, off = [], []
            for _ in range(rounds):
                async with _entered(server.app_url, organization, user) as walled, _entered(server.app_url, organization, user) as bare:
                    await bare.run("set local role frontdesk_bench")  # the same grants, and no policy
                    seen = await _milliseconds(question, walled, bare)
                    on.append(seen[0])
                    off.append(seen[1])
                    for wall, db in (("with", walled), ("without", bare)):
                        (PLANS / f"{size}.{name}.{wall}.txt").write_text(await _plan(db, question))
            kept.append(_show(f"rls.{size}.{name}", on, off))
    return all(kept)


def _show(name: str, on: list[float], off: list[float]) -> bool:
    ratio = figures.middle([one / other for one, other in zip(on, off, strict=True)])
    return figures.show(name, figures.middle(on), "ms", limit=figures.middle(off), ratio=ratio, floor=1.15, smaller_is_better=True)


async def _questions(owner: psycopg.AsyncConnection[Any], number: int) -> list[tuple[str, Question]]:
    conversation = await _the(owner, "conversation", office.LARGE_SHARE if number == 1 else number - 1)
    return [
        ("inbox", lambda db: inbox.newest(db, "open", [], None, 50)),
        ("thread", lambda db: inbox.latest(db, conversation, 51)),
        ("contacts", lambda db: contacts.newest(db, [], None, None, 50)),
    ]


async def _the(owner: psycopg.AsyncConnection[Any], noun: str, number: int) -> UUID:
    row = await (await owner.execute("select pg_temp.the(%s, %s)", (noun, number))).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


@asynccontextmanager
async def _entered(app_url: str, organization_id: UUID, user_id: UUID) -> AsyncIterator[Tenant]:
    """A member's transaction on a connection that has planned nothing yet."""
    database = await Database.open(app_url, min_size=1, max_size=1)
    try:
        async with database.tenant(organization_id, Actor("user", user_id)) as db:
            yield db
    finally:
        await database.close()


async def _milliseconds(question: Question, *doors: Tenant) -> list[float]:
    """What the question takes behind each door, asked in turns, so that a slow moment of the machine is everybody's."""
    taken: list[list[float]] = [[] for _ in doors]
    for turn in range(REPEATS + WARM_UP):
        for seconds, db in zip(taken, doors, strict=True):
            began = time.perf_counter()
            found = await question(db)
            seconds.append(time.perf_counter() - began)
            if turn == 0 and len(found) < 20:
                raise RuntimeError("a list without rows measures nothing")
    return [figures.middle(seconds[WARM_UP:]) * 1000 for seconds in taken]


async def _plan(db: Tenant, question: Question) -> str:
    """What PostgreSQL says it does, with ids and moments left out: they differ from run to run."""
    connection, found = db._connection, list[str]()

    class Explaining(psycopg.AsyncCursor[Any]):
        async def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            written = AsyncClientCursor(self.connection).mogrify(query, params)
            plain = psycopg.AsyncCursor(self.connection)
            rows = await (await plain.execute(f"explain (costs off) {written}".encode())).fetchall()
            found.extend(row[0] for row in rows)
            return await super().execute(query, params, **more)

    connection.cursor_factory = Explaining
    try:
        await question(db)
    finally:
        connection.cursor_factory = psycopg.AsyncCursor
    return MOMENTS.sub("'(moment)'", UUIDS.sub("(id)", "\n".join(found))) + "\n"
