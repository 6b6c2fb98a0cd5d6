"""L2: plain batched inserts of the same message rows: 200 a batch, one client, no policy, no other table.

The client has rows, as the product has, and puts them into the form in which they travel; the product's own form is the fastest known here.
"""

import time
from typing import Any

import psycopg
from psycopg.rows import dict_row

from frontdesk.database import batch

ROWS, BATCH = 36_000, 200  # as many as a run of the product stores: less is over too soon to be measured
COLUMNS = "organization_id, id, conversation_id, direction, author, type, text, provider_message_id, status, position, occurred_at"


async def rows_per_second(owner: psycopg.AsyncConnection[Any]) -> float:
    """Insert the rows the product has just stored into a twin of `messages` (columns, partitions, indexes) and say how fast that went."""
    rows = await _stored_rows(owner)
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
    for first in range(0, len(rows), BATCH):
        await owner.execute(
            f"""
            insert into public.messages_plain ({COLUMNS})
            select {COLUMNS}
            from jsonb_to_recordset(%s::jsonb) as r (organization_id uuid, id uuid, conversation_id uuid, direction text, author text, type text, text text,
              provider_message_id text, status text, position bigint, occurred_at timestamptz)
            """,
            (batch(rows[first : first + BATCH]),),
        )
    seconds = time.monotonic() - began
    await owner.execute("drop table public.messages_plain")
    return len(rows) / seconds


async def _stored_rows(owner: psycopg.AsyncConnection[Any]) -> list[dict[str, Any]]:
    """The newest inbound messages, in the order in which they were stored."""
    async with owner.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            f"select {COLUMNS} from (select *, tableoid, ctid from messages where direction = 'in' order by created_at desc limit {ROWS}) as newest"
            " order by created_at, tableoid, ctid"
        )
        return await cursor.fetchall()
