"""The SQL of the road: messages in, statuses, messages out. One jsonb parameter a statement, joined by primary keys."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from frontdesk.database import Tenant, Tenants, batch, by_id, recordset
from frontdesk.messages.records import Talking


async def stored_already(db: Tenants, rows: Sequence[dict[str, Any]]) -> set[int]:
    """The numbers `n` of those rows whose message is stored already."""
    found = await db.rows(
        """
        with arriving as materialized (
          select * from jsonb_to_recordset(%(batch)s) as a (n integer, organization_id uuid, id uuid)
          where a.id = any (array[a.id])
        )
        select a.n from arriving a
        cross join lateral (select from public.messages m where m.organization_id = a.organization_id and m.id = a.id limit 1) as m
        """,
        {"batch": batch(rows)},
    )
    return {row["n"] for row in found}


async def open_conversations(db: Tenants, threads: Sequence[dict[str, Any]]) -> list[Talking]:
    """Open or continue conversations with what their contacts said; `last_position` leaves room for `added` messages.

    A thread that only holds reactions (`spoken` = 0) neither counts as unread nor reopens, renames or dates its conversation.
    """
    return await db.records(
        Talking,
        """
        insert into public.conversations as c (organization_id, id, channel_id, contact_id, last_position, last_message_at, last_text,
          last_author, last_inbound_at, unread_count)
        select organization_id, id, channel_id, contact_id, added, newest, last_text, 'contact', spoken_at, spoken
        from json_to_recordset(%(batch)s) as t (organization_id uuid, id uuid, channel_id uuid, contact_id uuid, added bigint, newest timestamptz,
          last_text text, spoken_at timestamptz, spoken integer)
        on conflict (organization_id, contact_id, channel_id) do update set
          last_position = c.last_position + excluded.last_position,
          unread_count = c.unread_count + excluded.unread_count,
          last_message_at = case when excluded.unread_count > 0 then greatest(c.last_message_at, excluded.last_message_at) else c.last_message_at end,
          last_text = case when excluded.unread_count > 0 then excluded.last_text else c.last_text end,
          last_author = case when excluded.unread_count > 0 then 'contact' else c.last_author end,
          last_inbound_at = greatest(c.last_inbound_at, excluded.last_inbound_at),
          closed_at = case when excluded.unread_count > 0 then null else c.closed_at end,
          closed_by = case when excluded.unread_count > 0 then null else c.closed_by end
        returning c.channel_id, c.contact_id, c.id, c.last_position, c.last_inbound_at, c.bot_off_at is not null as bot_off,
          case when c.answers_minute = date_trunc('minute', now()) then c.answers_count else 0 end as answers
        """,
        {"batch": recordset(threads)},
    )


async def add_inbound(db: Tenants, rows: Sequence[dict[str, Any]]) -> None:
    """Store messages in their conversations. Raises UniqueViolation when somebody stored one of them since `stored_already` looked."""
    await db.run(
        """
        insert into public.messages (organization_id, id, conversation_id, direction, author, type, text, payload, emoji, reply_to,
          provider_message_id, status, position, occurred_at)
        select organization_id, id, conversation_id, 'in', 'contact', type, text, payload::jsonb, emoji, reply_to, provider_message_id, 'received',
          position, occurred_at
        from json_to_recordset(%(batch)s) as a (organization_id uuid, id uuid, conversation_id uuid, type text, text text, payload text, emoji text,
          reply_to text, provider_message_id text, position bigint, occurred_at timestamptz)
        """,
        {"batch": recordset(rows)},
    )


async def raise_statuses(db: Tenants, rows: Sequence[dict[str, Any]]) -> list[UUID]:
    """Raise outbound messages to what WhatsApp said of them, never lower; the organizations in which something changed."""
    changed = await db.rows(
        """
        with told as materialized (
          select * from json_to_recordset(%(batch)s) as t (organization_id uuid, id uuid, status text, provider_message_id text,
            sent_at timestamptz, delivered_at timestamptz, read_at timestamptz, failed_at timestamptz, error_code integer, error_text text)
          where t.id = any (array[t.id])
          order by organization_id, id
        )
        update public.messages m set
          status = case when private.status_rank(t.status) > private.status_rank(m.status) then t.status else m.status end,
          provider_message_id = coalesce(m.provider_message_id, t.provider_message_id),
          sent_at = coalesce(m.sent_at, t.sent_at), delivered_at = coalesce(m.delivered_at, t.delivered_at),
          read_at = coalesce(m.read_at, t.read_at), failed_at = coalesce(m.failed_at, t.failed_at),
          error_code = coalesce(t.error_code, m.error_code),
          error_text = case when private.status_rank(t.status) > private.status_rank(m.status) then t.error_text else m.error_text end
        from told t
        where m.organization_id = t.organization_id and m.id = t.id and m.direction = 'out'
        returning m.organization_id
        """,
        {"batch": recordset(rows)},
    )
    return list({row["organization_id"] for row in changed})


async def continue_conversations(db: Tenant | Tenants, threads: Sequence[dict[str, Any]]) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """Move conversations on by `added` messages of ours, of which `answers` were automatic; `last_position` leaves room for them."""
    return await db.ask(
        """
        with thread as materialized (
          select * from json_to_recordset(%(batch)s) as t (organization_id uuid, id uuid, added bigint, answers integer, last_text text, last_author text)
          where t.id = any (array[t.id])
          order by organization_id, id
        )
        update public.conversations c set
          last_position = c.last_position + t.added, last_message_at = greatest(c.last_message_at, date_trunc('second', clock_timestamp())),
          last_text = t.last_text, last_author = t.last_author,
          answers_count = case when t.answers = 0 then c.answers_count
            when c.answers_minute = date_trunc('minute', now()) then c.answers_count + t.answers else t.answers end,
          answers_minute = case when t.answers = 0 then c.answers_minute else date_trunc('minute', now()) end
        from thread t where c.organization_id = t.organization_id and c.id = t.id
        returning c.organization_id, c.id, c.last_position, c.last_message_at
        """,
        {"batch": recordset(threads)},
    )


async def add_outbound(db: Tenant | Tenants, rows: Sequence[dict[str, Any]]) -> None:
    """Store messages to be sent and, unless refused, their places in the outbox."""
    await db.run(
        """
        with draft as materialized (
          select * from json_to_recordset(%(batch)s) as d (organization_id uuid, id uuid, conversation_id uuid, channel_id uuid, text text, author text,
            recipient text, window_ends_at timestamptz, priority smallint, auto_reply_id uuid, user_id uuid, reply_to text, resend_of uuid, refused text,
            content jsonb, claimed_by uuid, position bigint, occurred_at timestamptz, api_key_id uuid)
        ), written as (
          insert into public.messages (organization_id, id, conversation_id, direction, author, user_id, auto_reply_id, resend_of, text, reply_to,
            status, error_text, failed_at, position, occurred_at, api_key_id)
          select organization_id, id, conversation_id, 'out', author, user_id, auto_reply_id, resend_of, text, reply_to,
            case when refused is null then 'queued' else 'failed' end, refused, case when refused is not null then now() end, position, occurred_at,
            api_key_id
          from draft
        )
        insert into public.outbox (organization_id, id, channel_id, priority, recipient, content, window_ends_at, claimed_by, claimed_at, attempts)
        select organization_id, id, channel_id, priority, recipient, content, window_ends_at, claimed_by,
          case when claimed_by is not null then clock_timestamp() end, (claimed_by is not null)::integer
        from draft where refused is null
        """,
        {"batch": recordset(rows)},
    )


async def count_received(db: Tenants, counts: Mapping[UUID, int]) -> None:
    """Count inbound messages of many organizations; never refused. The worker folds them into the counters, and who reads those adds what is not folded."""
    await db.run("select private.count_received(%(counts)s::jsonb)", {"counts": by_id(counts)})


async def count_sent(db: Tenants, counts: Sequence[dict[str, Any]]) -> None:
    """Count messages that are sent whatever the plan allows."""
    await db.run("select private.track_usage_of_many('messages_sent', %(batch)s)", {"batch": batch(counts)})


async def grant_sends(db: Tenants, counts: Sequence[dict[str, Any]]) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """How many of the wished-for sends each organization's plan still allows (`granted`); they are counted now."""
    return await db.ask("select organization_id, granted from private.consume_usage_of_many('messages_sent', %(batch)s)", {"batch": batch(counts)})


async def grant_send(db: Tenant) -> bool:
    """Whether one more message fits the plan; it is counted now."""
    return bool(await db.value("select private.consume_usage(%(organization_id)s, 'messages_sent', 1)", {"organization_id": db.organization_id}))
