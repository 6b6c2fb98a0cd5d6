"""The SQL of the overview. Time is a range of ids, and every question has an end: pages do not grow with a shop."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from frontdesk.analytics.records import Beginnings, Person, Slice, Standing, Waiting
from frontdesk.database import Tenant, batch

LOOKED_AT = 10_000  # conversations, the newest
SAMPLED = 100  # conversations whose first responses are measured
SAMPLED_MESSAGES = 50  # of each

SAMPLE_SOURCE = "Sample data"  # what contacts of the sample data have as their attribute `source`


async def per_slice(db: Tenant, slices: Sequence[Slice]) -> list[tuple[int, int, int]]:
    """How much was received, and how much was sent by members and by the bot, in each stretch of time."""
    rows = await db.rows(
        """
        select s.n, c.received, c.by_members, c.by_bot
        from jsonb_to_recordset(%(slices)s) as s (n integer, first_id uuid, end_id uuid)
        cross join lateral (
          select count(*) filter (where m.author = 'contact') as received,
            count(*) filter (where m.author = 'member') as by_members, count(*) filter (where m.author = 'bot') as
              by_bot
          from public.messages m
          where m.organization_id = %(organization_id)s and m.id >= s.first_id and m.id < s.end_id
            and m.type <> 'reaction'
        ) as c
        order by s.n
        """,
        {
            "organization_id": db.organization_id,
            "slices": batch([{"n": n, "first_id": one.first, "end_id": one.end} for n, one in enumerate(slices)]),
        },
    )
    return [(row["received"], row["by_members"], row["by_bot"]) for row in rows]


async def standing(db: Tenant) -> Standing:
    """How many of the newest conversations are open, and how many of those unread."""
    row = await db.row(
        """
        select count(*) filter (where open) as open, count(*) filter (where open and unread_count > 0) as unread,
          count(*) >= %(looked_at)s as more
        from (
          select unread_count, closed_at is null and (snoozed_until is null or snoozed_until < now()) as open
          from public.conversations where organization_id = %(organization_id)s
          order by last_message_at desc, id desc limit %(looked_at)s
        ) as newest
        """,
        {"organization_id": db.organization_id, "looked_at": LOOKED_AT},
    )
    return Standing(**row) if row else Standing(0, 0, False)


async def waiting(db: Tenant, how_many: int) -> list[Waiting]:
    """Who waits longest, with their last words: open, unread and not blocked, among the newest conversations."""
    rows = await db.rows(
        """
        with longest as materialized (
          select v.id, v.contact_id, v.last_inbound_at, v.last_text,
            coalesce(nullif(trim(k.given_name), ''), nullif(trim(k.name), ''), k.username,
              (select '+' || p.phone from private.people p where p.organization_id = k.organization_id and p.id = k.id), '') as name
          from (
            select * from public.conversations where organization_id = %(organization_id)s
            order by last_message_at desc, id desc limit %(looked_at)s
          ) as v
          join public.contacts k
            on k.organization_id = %(organization_id)s and k.id = v.contact_id and k.blocked_at is null
          where v.unread_count > 0 and v.closed_at is null and v.last_inbound_at is not null
            and (v.snoozed_until is null or v.snoozed_until < now())
          order by v.last_inbound_at, v.id limit %(how_many)s
        )
        select l.id, l.contact_id, l.last_inbound_at, l.name, coalesce(m.text, l.last_text) as last_text
        from longest l
        left join lateral (
          select left(text, 200) as text from public.messages
          where organization_id = %(organization_id)s and conversation_id = l.id
            and direction = 'in' and type <> 'reaction'
          order by occurred_at desc, position desc limit 1
        ) as m on true
        order by l.last_inbound_at, l.id
        """,
        {"organization_id": db.organization_id, "looked_at": LOOKED_AT, "how_many": how_many},
    )
    return [_waiting(row) for row in rows]


def _waiting(row: dict[str, Any]) -> Waiting:
    return Waiting(row["id"], Person(row["contact_id"], row["name"]), row["last_text"], row["last_inbound_at"])


async def first_response(db: Tenant, since: timedelta) -> float | None:
    """The median of the seconds from a customer's first line to the next answer, in the newest conversations."""
    median = await db.value(
        """
        select percentile_cont(0.5) within group (order by extract(epoch from turn.answered_at - turn.asked_at))
        from (
          select id from public.conversations
          where organization_id = %(organization_id)s and last_message_at > now() - %(since)s
          order by last_message_at desc, id desc limit %(sampled)s
        ) as v
        cross join lateral (
          select m.direction, m.occurred_at as asked_at, lag(m.direction) over in_order as before,
            min(m.occurred_at) filter (where m.direction = 'out') over (
              in_order rows between 1 following and unbounded following) as answered_at
          from (
            select direction, occurred_at, position from public.messages
            where organization_id = %(organization_id)s and conversation_id = v.id and type <> 'reaction'
              and occurred_at > now() - %(since)s
            order by occurred_at desc, position desc limit %(each)s
          ) as m window in_order as (order by m.occurred_at, m.position)
        ) as turn
        where turn.direction = 'in' and turn.before is distinct from 'in' and turn.answered_at is not null
        """,
        {"organization_id": db.organization_id, "since": since, "sampled": SAMPLED, "each": SAMPLED_MESSAGES},
    )
    return None if median is None else float(median)


async def wrote_to_sandbox(db: Tenant, sample_data_at: datetime | None) -> bool:
    """Whether somebody wrote to the sandbox number who is not of the sample data, or since that was loaded."""
    return bool(
        await db.value(
            """
            with sandbox as materialized (  -- first: else the conversations of every number would be looked at
              select id from public.channels where organization_id = %(organization_id)s and kind = 'simulator'
            )
            select exists (
              select from sandbox s cross join lateral (
                select from public.conversations v
                join public.contacts k on k.organization_id = v.organization_id and k.id = v.contact_id
                where v.organization_id = %(organization_id)s and v.channel_id = s.id and v.last_inbound_at is not null
                  and (k.attributes ->> 'source' is distinct from %(sample)s or v.last_inbound_at > %(sample_data_at)s)
                limit 1
              ) as own)
            """,
            {"organization_id": db.organization_id, "sample": SAMPLE_SOURCE, "sample_data_at": sample_data_at},
        )
    )


async def answered_by_hand(db: Tenant, recent: Slice, sample_data_at: datetime | None) -> bool:
    """Whether a member has answered: among the recent messages, or as the last word of a conversation."""
    return bool(
        await db.value(
            """
            select exists (
              select from public.messages m
              where m.organization_id = %(organization_id)s and m.id >= %(first_id)s and m.id < %(end_id)s
                and m.author = 'member'
            ) or exists (
              select from (
                select last_author, last_message_at from public.conversations
                where organization_id = %(organization_id)s
                order by last_message_at desc, id desc limit %(looked_at)s
              ) as v
              where v.last_author = 'member'
                and v.last_message_at > coalesce(%(sample_data_at)s, '-infinity'::timestamptz))
            """,
            {"organization_id": db.organization_id, "sample_data_at": sample_data_at, "looked_at": LOOKED_AT,
             "first_id": recent.first, "end_id": recent.end},
        )
    )  # fmt: skip


async def beginnings(db: Tenant) -> Beginnings:
    """What an organization has made for itself so far."""
    row = await db.row(
        """
        select
          exists (
            select from public.auto_replies where organization_id = %(organization_id)s and created_by is not null
          ) as wrote_rule,
          exists (
            select from public.channels where organization_id = %(organization_id)s and kind <> 'simulator'
          ) as connected,
          not exists (select from public.contacts where organization_id = %(organization_id)s) as empty
        """,
        {"organization_id": db.organization_id},
    )
    return Beginnings(**row) if row else Beginnings(False, False, False)
