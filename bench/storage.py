"""What it costs that much is stored already, and how fast everything starts."""

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg

from bench import figures
from bench.children import child
from bench.product import Product, running
from bench.road import stored

ROUNDS = 3
SMALL, LARGE = 10_000, 5_000_000


async def growth(rounds: int = ROUNDS) -> bool:
    """Inbound, and recording what became of answers, with ten thousand and with five million messages stored."""
    stored_at: dict[int, float] = {}
    answered_at: dict[int, float] = {}
    async with child("bench.graph") as graph, running(f"http://127.0.0.1:{graph}") as product:
        await product.furnish(100)
        await stored(product, 100, 1)
        for size in (SMALL, LARGE):
            await _fill(product, size)
            await product.answer_everything(False)
            stored_at[size] = figures.middle([await stored(product, 100, 1) for _ in range(rounds)])
            await product.answer_everything(True)
            answered_at[size] = figures.middle([await stored(product, 100, 1) for _ in range(rounds)])
    kept = []
    for name, values in (("inbound", stored_at), ("answered", answered_at)):
        ratio = values[LARGE] / values[SMALL]
        kept.append(figures.show(f"growth.{name}.5M/10k", values[LARGE], "messages/s", limit=values[SMALL], ratio=ratio, floor=0.8))
    return all(kept)


async def _fill(product: Product, size: int) -> None:
    """Bring the number of stored messages up to `size`, spread over the conversations there are and the last thirty days."""
    async with await product.owner() as owner, _index_free(owner):
        await owner.execute("set session_replication_role = replica")  # the rows are right; checking five million keys proves nothing
        await owner.execute("set synchronous_commit = off")
        await owner.execute("create temporary table talk as select organization_id, id, row_number() over () - 1 as k from conversations")
        await owner.execute("analyze talk")
        for first in range(await _count(owner), size, 250_000):
            await owner.execute(
                """
                insert into messages (organization_id, id, conversation_id, direction, author, type, text, provider_message_id, status, position, occurred_at)
                select c.organization_id,
                  overlay(overlay(md5(c.id::text || n)
                    placing lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') from 1) placing '7' from 13)::uuid,
                  c.id, 'in', 'contact', 'text', 'An older message, as long as messages usually are, number ' || n, 'wamid.HBgLMTY1MDM4Nzk0MzkVAgASG' || n,
                  'received', -n, date_trunc('second', at)
                from generate_series(%(first)s::bigint, %(last)s::bigint) as n
                cross join lateral (select now() - interval '30 days' * (n::float8 / %(size)s) as at) as moment
                join talk c on c.k = n %% (select count(*) from talk)
                """,
                {"first": first, "last": min(first + 250_000, size) - 1, "size": size},
            )
    async with await product.owner() as owner:
        await owner.execute("vacuum analyze messages")
        await owner.execute("checkpoint")  # or what was filled would be written while it is measured


@asynccontextmanager
async def _index_free(owner: psycopg.AsyncConnection[Any]) -> AsyncIterator[None]:
    """Take the indexes of `messages` away for the block: made anew from all rows they cost a fraction."""
    key = await (
        await owner.execute("select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'messages'::regclass and contype = 'p'")
    ).fetchone()
    cursor = await owner.execute(
        "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index where indrelid = 'messages'::regclass and not indisprimary"
    )
    indexes = await cursor.fetchall()
    assert key is not None
    await owner.execute(f"alter table messages drop constraint {key[0]}")
    for name, _ in indexes:
        await owner.execute(f"drop index {name}")
    yield
    await owner.execute("set maintenance_work_mem = '512MB'")
    await owner.execute(f"alter table messages add constraint {key[0]} {key[1]}")
    for _, definition in indexes:
        await owner.execute(definition.replace(" ON ONLY ", " ON "))


async def _count(owner: psycopg.AsyncConnection[Any]) -> int:
    row = await (await owner.execute("select count(*) from messages")).fetchone()
    return int(row[0]) if row else 0


async def start() -> bool:
    """Seconds from `frontdesk serve` to a healthy answer, on an empty and on an existing data folder."""
    taken: dict[str, list[float]] = {"empty": [], "existing": []}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="frontdesk-bench-") as folder:
            Path(folder).chmod(0o755)
            for state in ("empty", "existing"):
                async with running("http://127.0.0.1:9", Path(folder)) as product:
                    taken[state].append(time.monotonic() - product.started)
    kept = [figures.show(f"start.{state}", figures.middle(taken[state]), "s", floor=floor, smaller_is_better=True)
            for state, floor in (("empty", 5), ("existing", 2))]  # fmt: skip
    return all(kept)
