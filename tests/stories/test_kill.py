"""`kill -9` at random instants under load: nothing that arrived is lost or doubled, no answer reaches a phone twice, none is missing unsaid."""

import asyncio
import os
import sqlite3
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg

from frontdesk.database import embedded
from frontdesk.settings import Settings
from tests.conftest import Urls
from tests.product import PATIENCE, Product, Shop, eventually, free_port, installed, open_shop

SEED = int(os.environ.get("KILL_SEED", time.time_ns() % 1_000_000))
PHONES = [f"+49151{n:07}" for n in range(2_000_001, 2_000_025)]
PER_SECOND = 30
KILLS = {"serve": 12, "work": 8}
ROAD = ("inbound_deliveries", "failed_deliveries", "private.unrouted_deliveries", "outbox")
Owner = psycopg.AsyncConnection[Any]


async def test_kill_9_of_everything_loses_nothing_and_doubles_nothing(pg_bin_dir: Path | None) -> None:
    programs = {"PG_BIN_DIR": str(pg_bin_dir)} if pg_bin_dir else {}
    with _installed(**programs) as (product, simulator):
        product.start()
        product.wait_until_healthy()
        settings = Settings(_env_file=None, FRONTDESK_DATA_DIR=product.data_dir, PG_BIN_DIR=pg_bin_dir)
        async with _town(product, simulator) as town:
            async with town.writing():
                for n in range(KILLS["serve"]):
                    await asyncio.sleep(town.chance.uniform(0.05, 1.5))
                    product.kill()
                    if n % 3 == 1:
                        product.kill_database()
                    product.start()
                    if n % 4 != 2:  # else the next one comes while it is starting
                        await asyncio.to_thread(product.wait_until_healthy)
                # before this process looks at the database: it would start one of its own if it came first, and the product would find it taken
                await asyncio.to_thread(product.wait_until_healthy)
            assert "in use by another" not in product.said(), f"a start was refused because of its predecessor; KILL_SEED={SEED}"
            async with embedded.reached(settings) as server, await psycopg.AsyncConnection.connect(server.owner_url, autocommit=True) as owner:
                await town.settle(owner)
                await town.check(owner, f"{KILLS['serve']} kills of serve, {KILLS['serve'] // 3} of them with PostgreSQL")


async def test_kill_9_of_a_worker_loses_nothing_and_doubles_nothing(urls: Urls, owner: Owner) -> None:
    with _installed(DATABASE_URL=urls.app) as (product, simulator):
        product.start("web")
        product.wait_until_healthy("web")
        product.start("work")
        async with _town(product, simulator) as town:
            async with town.writing():
                for _ in range(KILLS["work"]):
                    await asyncio.sleep(town.chance.uniform(0.3, 2.0))
                    product.kill("work")
                    # the lanes of the dead are free 20 seconds after their last renewal: nobody waits
                    await owner.execute("update public.lanes set leased_until = now()")
                    product.start("work")
                    await town.answered_again(owner)
            await town.settle(owner)
            await town.check(owner, f"{KILLS['work']} kills of a worker")


@contextmanager
def _installed(**environment: str) -> Iterator[tuple[Product, str]]:
    """The product, not yet started, beside a simulator that lives on."""
    simulator = f"http://127.0.0.1:{free_port()}/simulator"
    with installed(FRONTDESK_SIMULATOR_URL=simulator, FRONTDESK_AUTOMATIC_ANSWERS_PER_MINUTE="100000", **environment) as product:
        product.start("simulator")
        yield product, simulator


@asynccontextmanager
async def _town(product: Product, simulator: str) -> AsyncIterator["Town"]:
    """Three organizations that answer every message."""
    async with AsyncExitStack() as stack:
        shops = [await stack.enter_async_context(open_shop(product, name, simulator=simulator)) for name in ("Lagos Glow Salon", "Moretti", "Bäckerei Vogel")]
        for shop in shops:
            rule = {"name": "Always", "trigger": "fallback", "match": "contains", "keywords": "", "reply": "Thank you", "cooldown_seconds": "0", "on": "on"}
            assert (await shop.visitor.send("/dashboard/auto-replies/new", page="/dashboard/auto-replies/new", **rule)).status_code == 303
        yield Town(product, shops)


@dataclass
class Town:
    """Three organizations, their customers, and what the simulator took from those."""

    product: Product
    shops: list[Shop]
    accepted: list[str] = field(default_factory=list)
    chance: Random = field(default_factory=lambda: Random(SEED))
    began: float = field(default_factory=time.monotonic)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Customers write all the time."""
        ended = asyncio.Event()
        writers = [asyncio.create_task(self._write(Random(SEED + n), ended)) for n in range(3)]
        try:
            yield
        finally:
            ended.set()
            await asyncio.gather(*writers)

    async def _write(self, chance: Random, ended: asyncio.Event) -> None:
        while not ended.is_set():
            phone = chance.choice(PHONES)
            self.accepted.append(await chance.choice(self.shops).hears(f"message {len(self.accepted)}", of=phone, name=f"Customer {phone[-3:]}"))
            await asyncio.sleep(chance.uniform(0, 2 * 3 / PER_SECOND))

    async def answered_again(self, owner: Owner) -> None:
        """Wait until a new worker tells and sends."""
        before = await _count(owner, "messages where direction = 'out' and status <> 'queued'")
        await self._until(lambda now: now > before, owner, "messages where direction = 'out' and status <> 'queued'")

    async def settle(self, owner: Owner) -> None:
        """Wait until all is delivered, told and sent; then for what nobody can know, let two minutes pass."""
        await eventually(self._all_delivered, f"the simulator rid of all it took (KILL_SEED={SEED}); {self._said()}")
        await self._until(lambda n: n >= len(self.accepted), owner, "messages where direction = 'in'")
        await self._until(lambda n: n == 0, owner, "inbound_deliveries")
        await self._until(lambda n: n == 0, owner, "outbox where claimed_at is null")

        async def ticked() -> bool:
            on_phones = {message["biz_opaque_callback_data"] for message in await self.phones()}
            rows = await (await owner.execute("select id::text from public.messages where direction = 'out' and status = 'read'")).fetchall()
            return on_phones <= {row[0] for row in rows}

        await eventually(ticked, f"all ticks back (seed {SEED})")
        await owner.execute("update public.outbox set claimed_at = claimed_at - interval '2 minutes'")
        await self._until(lambda n: n == 0, owner, "outbox")
        await self._until(lambda n: n == 0, owner, "private.received_counts")

    async def _all_delivered(self) -> bool:
        """Whether Frontdesk has said 200 to everything: what it was not there for waits at the simulator, and comes again."""
        with closing(sqlite3.connect(f"file:{self.product.data_dir / 'simulator.sqlite3'}?mode=ro", uri=True)) as store:
            return bool(store.execute("select not exists (select 1 from updates where mine)").fetchone()[0])

    async def phones(self) -> list[dict[str, Any]]:
        """Every answer on every phone."""
        async with httpx.AsyncClient(base_url=self.shops[0].door.base_url, timeout=PATIENCE, trust_env=False, verify=False) as door:
            answers = [await door.get("messages", params={"to": phone, "limit": "10000"}) for phone in PHONES]
        return [message for answer in answers for message in answer.json()]

    async def check(self, owner: Owner, what: str) -> None:
        """The promise, line by line."""
        seed = f"KILL_SEED={SEED}"
        stored = await (await owner.execute("select provider_message_id, conversation_id from public.messages where direction = 'in'")).fetchall()
        assert Counter(row[0] for row in stored) == Counter(self.accepted), seed
        sent = await (await owner.execute("select id::text, conversation_id, status from public.messages where direction = 'out'")).fetchall()
        assert Counter(row[1] for row in sent) == Counter(row[1] for row in stored), f"every message is answered once; {seed}"
        seen = Counter(message["biz_opaque_callback_data"] for message in await self.phones())
        assert set(seen.values()) == {1}, f"an answer came twice; {seed}"
        assert {id_ for id_, _, status in sent if status == "read"} == set(seen), seed
        unknown = [id_ for id_, _, status in sent if status == "unknown"]
        assert len(seen) + len(unknown) == len(sent), f"{Counter(row[2] for row in sent)}; {seed}"
        await self._check_figures(owner, len(stored), len(sent))
        took = time.monotonic() - self.began
        print(f"\n{what} in {took:.0f} s: {len(stored)} in, {len(seen)} answers on phones, {len(unknown)} unknown, none twice, none missing ({seed})")

    async def _check_figures(self, owner: Owner, stored: int, sent: int) -> None:
        """What is counted beside the messages agrees with them."""
        rows = await (await owner.execute("select metric, sum(used) from public.organization_usage group by 1")).fetchall()
        used = {metric: int(figure) for metric, figure in rows}
        assert (used["messages_received"], used["messages_sent"]) == (stored, sent), f"KILL_SEED={SEED}"
        rows = await (await owner.execute("select sum(last_position), sum(unread_count), count(*) from public.conversations")).fetchall()
        assert rows == [(stored + sent, stored, await _count(owner, "contacts"))], f"KILL_SEED={SEED}"
        for table in ("public.failed_deliveries", "private.unrouted_deliveries"):
            assert await _count(owner, table) == 0, f"KILL_SEED={SEED}"

    async def _until(self, enough: Callable[[int], bool], owner: Owner, of: str) -> None:
        async def so() -> bool:
            return enough(await _count(owner, of))

        try:
            await eventually(so, of)
        except AssertionError:
            waiting = [f"{await _count(owner, table)} {table}" for table in ROAD]
            raise AssertionError(f"{await _count(owner, of)} {of}, {len(self.accepted)} accepted; {waiting}; KILL_SEED={SEED}; {self._said()}") from None

    def _said(self) -> str:
        return "".join(self.product.said(command)[-1500:] for command in self.product.processes)


async def _count(owner: Owner, of: str) -> int:
    rows = await (await owner.execute(f"select count(*) from {of}")).fetchall()  # type: ignore[arg-type]  # literals of this file
    return int(rows[0][0])
