"""L2: plain batched inserts of the same message rows: 200 a batch, one client, no policy, no other table."""

import time
from typing import Any

import orjson
import psycopg

from frontdesk.database import new_id

BATCH = 200


async def rows_per_second(owner: psycopg.AsyncConnection[Any], rows: int = 20_000) -> float:
    """Insert so many rows into a twin of `messages` (columns, partitions, indexes) and say how fast that went."""
    await owner.execute("drop table if exists public.messages_plain")
    await owner.execute(
        """
        create table public.messages_plain (like public.messages including defaults including constraints including indexes) partition by range (id);
        """
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
    batches = [_batch(n) for n in range(rows // BATCH)]
    began = time.monotonic()
    for batch in batches:
        await owner.execute(
            """
            insert into public.messages_plain (organization_id, id, conversation_id, direction, author, type, text, provider_message_id, status,
              position, occurred_at)
            select organization_id, id, conversation_id, 'in', 'contact', 'text', text, provider_message_id, 'received', position, occurred_at
            from jsonb_to_recordset(%s::jsonb) as r (organization_id uuid, id uuid, conversation_id uuid, text text, provider_message_id text,
              position bigint, occurred_at timestamptz)
            """,
            (batch,),
        )
    seconds = time.monotonic() - began
    await owner.execute("drop table public.messages_plain")
    return rows / seconds


def _batch(n: int) -> str:
    organization = str(new_id())
    rows = [
        {"organization_id": organization, "id": str(new_id()), "conversation_id": str(new_id()), "position": i, "occurred_at": "2026-11-22T12:00:00Z",
         "provider_message_id": f"wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTplain{n:08d}{i:04d}",
         "text": f"Hello, what is the price of number {i}? I would like to come by tomorrow afternoon if that suits you."}
        for i in range(BATCH)
    ]  # fmt: skip
    return orjson.dumps(rows).decode()
