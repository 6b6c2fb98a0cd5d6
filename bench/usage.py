"""Limits under contention, and what counting costs a campaign.

Many callers on one organization's counter, against as many on a bare row of the same shape; and blocks of units for as many messages as are sent in
the same run.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any, LiteralString
from uuid import UUID

import psycopg

from bench import figures
from bench.children import child
from bench.product import Product, running
from frontdesk.database import Database, embedded, new_id, setup
from frontdesk.settings import Settings

CALLERS, SECONDS, ROUNDS = 64, 4.0, 5
LIMIT = 3_000  # messages that the plan allows where overshooting is tried
MESSAGES, BLOCK, TOGETHER = 10_000, 5_000, 500  # of a campaign; of a lease; of one piece of its work
COUNT: LiteralString = "select private.consume_usage(%(organization)s, 'messages_sent')"
BARE: LiteralString = """
  insert into public.bare_usage as u (organization_id, metric, period_start, used) values (%(organization)s, 'messages_sent', current_date, 1)
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
"""
BARE_TABLE = """
  create table public.bare_usage (organization_id uuid, metric text, period_start date, used bigint not null, updated_at timestamptz not null default now(),
    primary key (organization_id, metric, period_start)) with (fillfactor = 50);
  grant select, insert, update on public.bare_usage to frontdesk_app
"""
CAMPAIGN = f"""
  with people as (
    insert into contacts (organization_id, id, name, phone)
    select %(organization)s, private.uuid_v7(), 'Contact ' || n, (49150000000 + n)::text from generate_series(1, {MESSAGES}) as n returning id, phone
  ), talks as (
    insert into conversations (organization_id, id, channel_id, contact_id, last_position, last_message_at)
    select %(organization)s, private.uuid_v7(), %(channel)s, id, 1, now() from people returning id, contact_id
  ), written as (
    insert into messages (organization_id, id, conversation_id, direction, author, type, text, status, position, occurred_at)
    select %(organization)s, private.uuid_v7(), id, 'out', 'campaign', 'text', 'Ten percent on everything this week.', 'queued', 1, now() from talks
    returning id, conversation_id
  )
  insert into outbox (organization_id, id, channel_id, priority, recipient, content)
  select %(organization)s, w.id, %(channel)s, 2, p.phone, jsonb_build_object('type', 'text', 'text', 'Ten percent on everything this week.', 'reply_to', null)
  from written w join talks t on t.id = w.conversation_id join people p on p.id = t.contact_id
"""


async def usage(rounds: int = ROUNDS) -> bool:
    """Both."""
    return all([await contention(rounds), await campaign()])


async def contention(rounds: int = ROUNDS) -> bool:
    """Calls a second of 64 callers on one organization, turn by turn with a bare upsert of one row; and never one more than the limit allows."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-bench-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(_env_file=None, FRONTDESK_DATA_DIR=Path(folder) / "data", FRONTDESK_DATABASE_CONNECTIONS=CALLERS)  # type: ignore[call-arg]  # pydantic-settings' own argument
        async with embedded.running(settings) as server:
            await setup.prepare(server.owner_url, server.app_url)
            async with await psycopg.AsyncConnection.connect(server.owner_url, autocommit=True) as owner:
                organization = await _organization(owner)
                await owner.execute(BARE_TABLE)
                database = await Database.open(server.app_url, min_size=CALLERS, max_size=CALLERS)
                try:
                    seen: dict[str, list[float]] = {"bare": [], "counted": []}
                    for _ in range(rounds):
                        for name, statement in (("bare", BARE), ("counted", COUNT)):
                            seen[name].append(await _calls_per_second(database, statement, organization))
                    over = await _overshoot(database, owner, organization)
                finally:
                    await database.close()
    bare, counted = figures.middle(seen["bare"]), figures.middle(seen["counted"])
    kept = figures.show(f"usage.consume.{CALLERS}callers", counted, "calls/s", limit=bare, ratio=counted / bare, floor=0.8)
    return figures.show("usage.overshoot", over, "messages", floor=0, smaller_is_better=True) and kept


async def campaign() -> bool:
    """What taking, spending and giving back blocks takes for as many messages as a campaign sends, as a part of the time in which it sends them."""
    async with child("bench.graph") as graph, running(f"http://127.0.0.1:{graph}") as product:
        await product.furnish(1)
        async with await product.owner() as owner:
            sending = figures.middle([await _send(product, owner) for _ in range(3)])
            organization = await _the(owner, "select organization_id from subscriptions limit 1")
            async with embedded.reached(product.settings) as server:
                database = await Database.open(server.app_url, min_size=1, max_size=1)
                try:
                    counting = figures.middle([await _count(database, organization) for _ in range(3)])
                finally:
                    await database.close()
    figures.show("usage.campaign", MESSAGES / sending, "messages/s")
    return figures.show("usage.leases", counting * 1000, "ms", limit=sending * 1000, ratio=counting / sending, floor=0.02, smaller_is_better=True)


async def _organization(owner: psycopg.AsyncConnection[Any]) -> UUID:
    await owner.execute("insert into auth.users (id, email) values (gen_random_uuid(), 'ada@example.com')")
    await owner.execute("update subscription_plans set limits = limits || '{\"messages_sent\": 1000000000}' where id = 'starter'")
    found: UUID = await _the(owner, "select organization_id from subscriptions")
    return found


async def _the(owner: psycopg.AsyncConnection[Any], question: LiteralString) -> Any:
    row = await (await owner.execute(question)).fetchone()
    return row[0] if row else None


async def _calls_per_second(database: Database, statement: LiteralString, organization: UUID) -> float:
    began, counts = time.monotonic(), [0] * CALLERS

    async def call(n: int) -> None:
        async with database.platform_at_once() as db:
            while time.monotonic() - began < SECONDS:
                await db.run(statement, {"organization": organization})
                counts[n] += 1

    await asyncio.gather(*(call(n) for n in range(CALLERS)))
    return sum(counts) / (time.monotonic() - began)


async def _overshoot(database: Database, owner: psycopg.AsyncConnection[Any], organization: UUID) -> int:
    """How many more than the plan allows are granted to all callers together, or fewer; 0 is right."""
    await owner.execute("truncate organization_usage")
    await owner.execute("update subscription_plans set limits = limits || jsonb_build_object('messages_sent', %s::bigint) where id = 'starter'", (LIMIT,))

    async def call() -> int:
        async with database.platform_at_once() as db:
            return sum([bool(await db.value(COUNT, {"organization": organization})) for _ in range(2 * LIMIT // CALLERS)])

    return abs(sum(await asyncio.gather(*(call() for _ in range(CALLERS)))) - LIMIT)


async def _send(product: Product, owner: psycopg.AsyncConnection[Any]) -> float:
    """Seconds in which a campaign's messages leave, from their being queued to the last one's being recorded."""
    row = await (await owner.execute("select organization_id, id from channels limit 1")).fetchone()
    await owner.execute("delete from contacts")
    began = time.monotonic()
    await owner.execute(CAMPAIGN, {"organization": row[0], "channel": row[1]} if row else {})
    queued = time.monotonic()
    await owner.execute("select pg_notify('frontdesk_wake', '')")
    return await product.drained() - (began if queued < began else queued)


async def _count(database: Database, organization: UUID) -> float:
    """Seconds in which blocks for as many messages are taken, spent piece by piece and given back. A piece is spent in the transaction of its messages,
    which is there anyway: here it is that of its block."""
    began = time.monotonic()
    for _ in range(MESSAGES // BLOCK):
        lease = new_id()
        async with database.tenants([organization]) as db:
            given = {"organization": organization, "lease": lease}
            await db.run("select private.lease_usage(%(organization)s, 'messages_sent', %(lease)s, %(block)s)", given | {"block": BLOCK})
            for _ in range(BLOCK // TOGETHER):
                spent = await db.value("select private.spend_usage(%(organization)s, %(lease)s, %(amount)s)", given | {"amount": TOGETHER})
                if not spent:
                    raise RuntimeError("a block held less than it was taken for")
            await db.run("select private.return_usage(%(organization)s, %(lease)s)", given)
    return time.monotonic() - began
