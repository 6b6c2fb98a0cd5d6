"""The SQL of the sample data: one statement a table, each with one jsonb parameter."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from frontdesk.database import Tenant, batch

Rows = Sequence[dict[str, Any]]


async def mark_loaded(db: Tenant, at: datetime) -> bool:
    """Write down that sample data is here; False when it was already, also to who asks at the same moment."""
    return bool(
        await db.run(
            """
            update public.organizations set sample_data_loaded_at = %(at)s
            where id = %(id)s and sample_data_loaded_at is null
            """,
            {"id": db.organization_id, "at": at},
        )
    )


async def last_position(db: Tenant) -> int:
    """The position of the last rule; 0 without any."""
    return int(
        await db.value(
            """
            select coalesce(max(position), 0) from public.auto_replies where organization_id = %(organization_id)s
            """,
            {"organization_id": db.organization_id},
        )
    )


async def add_rules(db: Tenant, rows: Rows) -> None:
    """Add rules; they were written by nobody here."""
    await db.run(
        """
        insert into public.auto_replies (organization_id, id, name, position, trigger, match, keywords, reply,
          cooldown_seconds, enabled_at, answered_count, last_answered_at)
        select %(organization_id)s, r.id, r.name, r.position, r.trigger, r.match,
          coalesce((select array_agg(word) from jsonb_array_elements_text(r.keywords) as word), '{}'), r.reply,
          r.cooldown_seconds, r.enabled_at, r.answered_count, r.last_answered_at
        from jsonb_to_recordset(%(batch)s) as r (id uuid, name text, position integer, trigger text, match text,
          keywords jsonb, reply text, cooldown_seconds integer, enabled_at timestamptz, answered_count bigint,
          last_answered_at timestamptz)
        """,
        {"organization_id": db.organization_id, "batch": batch(rows)},
    )


async def add_contacts(db: Tenant, rows: Rows) -> None:
    """Add contacts."""
    await db.run(
        """
        insert into public.contacts (organization_id, id, name, given_name, username, phone, search_text, language,
          tags, attributes, note, blocked_at, blocked_by, last_seen_at, created_at)
        select %(organization_id)s, c.id, c.name, c.given_name, c.username, c.phone, c.search_text, c.language,
          coalesce((select array_agg(tag) from jsonb_array_elements_text(c.tags) as tag), '{}'), c.attributes, c.note,
          c.blocked_at, c.blocked_by, c.last_seen_at, c.created_at
        from jsonb_to_recordset(%(batch)s) as c (id uuid, name text, given_name text, username text, phone text,
          search_text text, language text, tags jsonb, attributes jsonb, note text, blocked_at timestamptz,
          blocked_by uuid, last_seen_at timestamptz, created_at timestamptz)
        """,
        {"organization_id": db.organization_id, "batch": batch(rows)},
    )


async def add_identities(db: Tenant, rows: Rows) -> None:
    """Add the contacts' addresses, but for those that somebody has already."""
    await db.run(
        """
        insert into public.contact_identities (organization_id, kind, scope, value, contact_id, created_at)
        select %(organization_id)s, i.kind, i.scope, i.value, i.contact_id, i.created_at
        from jsonb_to_recordset(%(batch)s)
          as i (kind text, scope text, value text, contact_id uuid, created_at timestamptz)
        on conflict do nothing
        """,
        {"organization_id": db.organization_id, "batch": batch(rows)},
    )


async def add_conversations(db: Tenant, rows: Rows) -> None:
    """Add conversations."""
    await db.run(
        """
        insert into public.conversations (organization_id, id, channel_id, contact_id, last_position, last_message_at,
          last_text, last_author, last_inbound_at, unread_count, closed_at, closed_by, assigned_to, assigned_at,
          bot_off_at, bot_off_by, created_at)
        select %(organization_id)s, v.id, v.channel_id, v.contact_id, v.last_position, v.last_message_at,
          v.last_text, v.last_author, v.last_inbound_at, v.unread_count, v.closed_at, v.closed_by, v.assigned_to,
          v.assigned_at, v.bot_off_at, v.bot_off_by, v.created_at
        from jsonb_to_recordset(%(batch)s) as v (id uuid, channel_id uuid, contact_id uuid, last_position bigint,
          last_message_at timestamptz, last_text text, last_author text, last_inbound_at timestamptz,
          unread_count integer, closed_at timestamptz, closed_by uuid, assigned_to uuid, assigned_at timestamptz,
          bot_off_at timestamptz, bot_off_by uuid, created_at timestamptz)
        """,
        {"organization_id": db.organization_id, "batch": batch(rows)},
    )


async def add_messages(db: Tenant, rows: Rows) -> None:
    """Add messages with what became of them. They are not counted: nothing was sent."""
    await db.run(
        """
        insert into public.messages (organization_id, id, conversation_id, direction, author, user_id, auto_reply_id,
          text, provider_message_id, status, error_code, error_text, position, occurred_at, sent_at, delivered_at,
          read_at, failed_at, created_at)
        select %(organization_id)s, m.id, m.conversation_id, m.direction, m.author, m.user_id, m.auto_reply_id,
          m.text, m.provider_message_id, m.status, m.error_code, m.error_text, m.position, m.occurred_at, m.sent_at,
          m.delivered_at, m.read_at, m.failed_at, m.occurred_at
        from jsonb_to_recordset(%(batch)s) as m (id uuid, conversation_id uuid, direction text, author text,
          user_id uuid, auto_reply_id uuid, text text, provider_message_id text, status text, error_code integer,
          error_text text, position bigint, occurred_at timestamptz, sent_at timestamptz, delivered_at timestamptz,
          read_at timestamptz, failed_at timestamptz)
        """,
        {"organization_id": db.organization_id, "batch": batch(rows)},
    )
