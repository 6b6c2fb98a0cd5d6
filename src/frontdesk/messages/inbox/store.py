"""The SQL of the inbox: lists and threads. What changes a conversation stands in `changes`."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from frontdesk.contacts import by_figures
from frontdesk.database import Tenant
from frontdesk.messages.inbox.records import Conversation, Counts, Cursor, Listed, Message, Reaction

COUNTED = 100  # conversations: a badge says "99+"
LONGEST_THREAD = 1_000  # messages on one page

# One statement for each filter, so that each finds its index, which knows ten minutes apart; the newest of those are put in order.
# patterns: all must fit the contact's folded text, or the last words.
_LISTED: LiteralString = """
  select v.id, v.last_message_at, v.last_text, v.last_author, v.unread_count, v.closed_at, v.assigned_to,
    v.bot_off_at is not null as bot_off, v.contact_id,
    coalesce(nullif(btrim(c.given_name), ''), nullif(btrim(c.name), ''), nullif(btrim(c.username), ''),
      (select '+' || p.phone from private.people p where p.organization_id = c.organization_id and p.id = c.id), '') as contact_name
  from public.conversations v
  join public.contacts c on c.organization_id = v.organization_id and c.id = v.contact_id
  where v.organization_id = %(organization_id)s
    and (v.last_message_slot, v.last_message_at, v.id)
      < (date_bin('10 minutes', %(after_at)s::timestamptz, '2000-01-01 00:00+00'), %(after_at)s::timestamptz, %(after_id)s::uuid)
"""
_FOUND: LiteralString = """
    and (c.search_text like all (%(words)s::text[]) and (%(numbers)s::text[] = '{}' or concat_ws(' ', c.search_text,
        (select p.phone from private.people p where p.organization_id = c.organization_id and p.id = c.id)) like all (%(numbers)s::text[]))
      or replace(lower(regexp_replace(normalize(v.last_text, nfkd), '[\\u0300-\\u036f]', '', 'g')), 'ß', 'ss')
        like all (%(patterns)s::text[]))
"""
_LAST = UUID(int=(1 << 128) - 1)
_NEWEST: LiteralString = " order by v.last_message_slot desc, v.last_message_at desc, v.id desc limit %(how_many)s"
_SHOWN: dict[str, LiteralString] = {
    "open": " and v.closed_at is null",
    "mine": " and v.closed_at is null and v.assigned_to = %(user_id)s",
    "unassigned": " and v.closed_at is null and v.assigned_to is null",
    "unread": " and v.closed_at is null and v.unread_count > 0",
    "closed": " and v.closed_at is not null",
}


async def newest(db: Tenant, show: str, patterns: Sequence[str], after: Cursor | None, how_many: int) -> list[Listed]:
    """Conversations, newest first. show: one of records.SHOWN; patterns: for LIKE, folded; none is everything."""
    found: LiteralString = _FOUND if patterns else ""
    words, numbers = by_figures(patterns)
    return await db.records(
        Listed,
        _LISTED + _SHOWN[show] + found + _NEWEST,
        {
            "organization_id": db.organization_id,
            "user_id": db.actor.user_id,
            "patterns": list(patterns),
            "words": words,
            "numbers": numbers,
            "how_many": how_many,
            "after_at": after.last_message_at if after else "infinity",
            "after_id": after.id if after else _LAST,
        },
    )


async def counts(db: Tenant) -> Counts:
    """How many open conversations are mine and how many unread, counted up to 100."""
    row = await db.record(
        Counts,
        """
        select
          (select count(*) from (select from public.conversations
            where organization_id = %(organization_id)s and closed_at is null
              and assigned_to = %(user_id)s limit %(most)s) as mine) as mine,
          (select count(*) from (select from public.conversations
            where organization_id = %(organization_id)s and closed_at is null
              and unread_count > 0 limit %(most)s) as unread) as unread
        """,
        {"organization_id": db.organization_id, "user_id": db.actor.user_id, "most": COUNTED},
    )
    return row or Counts(0, 0)


async def unread(db: Tenant) -> int:
    """How many open conversations hold something nobody has read, counted up to 100."""
    return int(
        await db.value(
            """
            select count(*) from (select from public.conversations
              where organization_id = %(organization_id)s and closed_at is null
                and unread_count > 0 limit %(most)s) as unread
            """,
            {"organization_id": db.organization_id, "most": COUNTED},
        )
    )


async def anything(db: Tenant) -> bool:
    """Whether this organization ever had a conversation."""
    return bool(
        await db.value(
            "select exists (select from public.conversations where organization_id = %(id)s)",
            {"id": db.organization_id},
        )
    )


async def find(db: Tenant, conversation_id: UUID) -> Conversation | None:
    """One conversation with its contact and its number, or None, whoever's it may be."""
    return await db.record(
        Conversation,
        """
        select v.id, v.channel_id, n.name as channel_name, n.display_number as channel_number, n.kind as channel_kind,
          n.stopped_at as channel_stopped_at, n.held_back_at as channel_held_back_at, v.contact_id, c.blocked_at, v.last_position, v.last_inbound_at,
          v.unread_count, v.closed_at, v.assigned_to, v.bot_off_at is not null as bot_off,
          coalesce(nullif(btrim(c.given_name), ''), nullif(btrim(c.name), ''), nullif(btrim(c.username), ''),
            (select '+' || p.phone from private.people p where p.organization_id = c.organization_id and p.id = c.id), '') as contact_name,
          case when v.assigned_to is not null
            then private.colleague_name(v.organization_id, v.assigned_to) end as assigned_name
        from public.conversations v
        join public.contacts c on c.organization_id = v.organization_id and c.id = v.contact_id
        join public.channels n on n.organization_id = v.organization_id and n.id = v.channel_id
        where v.organization_id = %(organization_id)s and v.id = %(id)s
        """,
        {"organization_id": db.organization_id, "id": conversation_id},
    )


_COLUMNS: LiteralString = """
  select m.id, m.author, m.user_id, r.name as rule, m.api_key_id, m.type, m.text, m.status, m.error_text, m.reply_to, m.provider_message_id, m.resend_of,
    m.occurred_at, m.position, case when m.api_key_id is not null then private.program_name(m.organization_id, m.api_key_id) end as program
  from public.messages m
  left join public.auto_replies r on r.organization_id = m.organization_id and r.id = m.auto_reply_id
"""
_MESSAGE: LiteralString = _COLUMNS + " where m.organization_id = %(organization_id)s and m.conversation_id = %(conversation_id)s and m.type <> 'reaction'"
# "is true" keeps the conversation out of the search for an index: no long thread is walked to find one message of it
_ONE: LiteralString = """
  where m.organization_id = %(organization_id)s and m.id = %(id)s and (m.conversation_id = %(conversation_id)s) is true and m.type <> 'reaction'
"""
# a moment that the planner does not know: it would take an old one for a short list, and sort thousands instead of walking the index
_BEFORE: LiteralString = " and (m.occurred_at, m.position) < ((select %(at)s::timestamptz), %(position)s)"
_FROM: LiteralString = " and (m.occurred_at, m.position) >= ((select %(at)s::timestamptz), %(position)s)"
_LATEST: LiteralString = " order by m.occurred_at desc, m.position desc limit %(how_many)s"


async def latest(db: Tenant, conversation_id: UUID, how_many: int) -> list[Message]:
    """The newest messages of a conversation, newest first, without reactions."""
    query: LiteralString = _MESSAGE + _LATEST
    return await db.records(
        Message,
        query,
        {"organization_id": db.organization_id, "conversation_id": conversation_id, "how_many": how_many},
    )


async def before(db: Tenant, conversation_id: UUID, at: datetime, position: int, how_many: int) -> list[Message]:
    """The messages before a place, newest first."""
    place = {
        "organization_id": db.organization_id,
        "conversation_id": conversation_id,
        "at": at,
        "position": position,
        "how_many": how_many,
    }
    query: LiteralString = _MESSAGE + _BEFORE + _LATEST
    return await db.records(Message, query, place)


async def since(db: Tenant, conversation_id: UUID, at: datetime, position: int) -> list[Message]:
    """The messages from a place on, newest first; of very many the newest thousand."""
    place = {
        "organization_id": db.organization_id,
        "conversation_id": conversation_id,
        "at": at,
        "position": position,
        "how_many": LONGEST_THREAD,
    }
    query: LiteralString = _MESSAGE + _FROM + _LATEST
    return await db.records(Message, query, place)


async def message(db: Tenant, conversation_id: UUID, message_id: UUID) -> Message | None:
    """One message of this conversation."""
    query: LiteralString = _COLUMNS + _ONE
    return await db.record(Message, query, {"organization_id": db.organization_id, "conversation_id": conversation_id, "id": message_id})


async def is_written(db: Tenant, message_id: UUID) -> bool:
    """Whether there is a message of this id, seen or not."""
    return bool(await db.value("select private.is_message_written(%(organization_id)s, %(id)s)", {"organization_id": db.organization_id, "id": message_id}))


async def quoted(db: Tenant, conversation_id: UUID, provider_ids: Sequence[str]) -> list[Message]:
    """The messages of this conversation that others quote."""
    query: LiteralString = _MESSAGE + " and m.provider_message_id = any (%(ids)s)"
    return await db.records(
        Message,
        query,
        {"organization_id": db.organization_id, "conversation_id": conversation_id, "ids": list(provider_ids)},
    )


async def reactions(db: Tenant, conversation_id: UUID, provider_ids: Sequence[str]) -> list[Reaction]:
    """The latest reaction of each side to these messages, also those taken back."""
    return await db.records(
        Reaction,
        """
        select distinct on (m.reply_to, m.direction) m.reply_to, m.direction, coalesce(m.emoji, '') as emoji
        from public.messages m
        where m.organization_id = %(organization_id)s and m.conversation_id = %(conversation_id)s
          and m.type = 'reaction' and m.reply_to = any (%(ids)s)
        order by m.reply_to, m.direction, m.occurred_at desc, m.position desc
        """,
        {"organization_id": db.organization_id, "conversation_id": conversation_id, "ids": list(provider_ids)},
    )


async def was_repeated(db: Tenant, conversation_id: UUID, original: Message) -> bool:
    """Whether this message was sent again already, which can only have been later."""
    return bool(
        await db.value(
            """
            select exists (select from public.messages m
              where m.organization_id = %(organization_id)s and m.conversation_id = %(conversation_id)s
              and m.occurred_at >= %(at)s and m.resend_of = %(id)s)
            """,
            {
                "organization_id": db.organization_id,
                "conversation_id": conversation_id,
                "at": original.occurred_at,
                "id": original.id,
            },
        )
    )


async def names(db: Tenant, user_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What members are called; who has left is missing."""
    if not user_ids:
        return {}
    rows = await db.rows(
        "select u.id, private.colleague_name(%(organization_id)s, u.id) as name from unnest(%(ids)s::uuid[]) as u (id)",
        {"organization_id": db.organization_id, "ids": list(user_ids)},
    )
    return {row["id"]: row["name"] for row in rows if row["name"]}
