"""L2: plain batched inserts of the same message rows: 200 a batch, one client, no policy, no other table."""

import time
from typing import Any

import psycopg

ROWS, BATCH = 20_000, 200
COLUMNS = "organization_id, id, conversation_id, direction, author, type, text, provider_message_id, status, position, occurred_at"


async def rows_per_second(owner: psycopg.AsyncConnection[Any]) -> float:
    """Insert the rows the product has just stored into a twin of `messages` (columns, partitions, indexes) and say how fast that went."""
    batches = await _stored_rows(owner)
    await owner.execute("drop table if exists public.messages_plain")
    await owner.execute(
        "create table public.messages_plain (like public.messages including defaults including constraints including indexes) partition by range (id)"
    )
    await owner.execute(
        """
        do $$ declare part record; begin
          for part in select c.relname, pg_get_expr(c.relpartbound, c.oid) as bound from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'public.messages'::regclass loop
            execute format('create table public.%I partition of public.messages_plain %s', 'plain_' || part.relname, part.bound);
          end loop;
        end $$
        """
    )
    began = time.monotonic()
    for batch in batches:
        await owner.execute(
            f"""
            insert into public.messages_plain ({COLUMNS})
            select {COLUMNS}
            from jsonb_to_recordset(%s::jsonb) as r (organization_id uuid, id uuid, conversation_id uuid, direction text, author text, type text, text text,
              provider_message_id text, status text, position bigint, occurred_at timestamptz)
            """,
            (batch,),
        )
    seconds = time.monotonic() - began
    await owner.execute("drop table public.messages_plain")
    return len(batches) * BATCH / seconds


async def _stored_rows(owner: psycopg.AsyncConnection[Any]) -> list[str]:
    """The newest inbound messages as they were stored, in batches of JSON."""
    cursor = await owner.execute(
        f"""
        with numbered as (
          select {COLUMNS}, row_number() over (order by created_at, tableoid, ctid) - 1 as n
          from (select *, tableoid, ctid from messages where direction = 'in' order by created_at desc limit {ROWS}) as newest
        )
        select jsonb_agg(to_jsonb(numbered) - 'n' order by n)::text from numbered group by n / {BATCH} having count(*) = {BATCH}
        """
    )
    return [row[0] for row in await cursor.fetchall()]
