"""The SQL of the page of usage: figures that a job has made, by day, channel and member. A question costs what it shows."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from frontdesk.database import Tenant
from frontdesk.usage.records import DayFigure, Share


async def days(db: Tenant, first: date, last: date) -> list[DayFigure]:
    """How much of each metric the days had, by who did it."""
    return await db.records(
        DayFigure,
        """
        select d.day, d.metric, d.author, sum(d.amount)::bigint as amount
        from public.usage_days d
        where d.organization_id = %(organization_id)s and d.day between %(first)s and %(last)s
        group by d.day, d.metric, d.author order by d.day, d.metric, d.author
        """,
        {"organization_id": db.organization_id, "first": first, "last": last},
    )


async def channels(db: Tenant, first: date, last: date, after: int, how_many: int) -> list[Share]:
    """What each channel had, who had most first; `after` so many. Those that are gone have no name."""
    return await db.records(
        Share,
        """
        select t.id, c.name, t.sent, t.received
        from (
          select d.channel_id as id, sum(d.amount) filter (where d.metric = 'messages_sent')::bigint as sent,
            sum(d.amount) filter (where d.metric = 'messages_received')::bigint as received
          from public.usage_days d
          where d.organization_id = %(organization_id)s and d.day between %(first)s and %(last)s
            and d.metric in ('messages_sent', 'messages_received')
          group by d.channel_id order by sum(d.amount) desc, d.channel_id offset %(after)s limit %(how_many)s
        ) as found
        cross join lateral (select found.id, coalesce(found.sent, 0) as sent, coalesce(found.received, 0) as received) as t
        left join public.channels c on c.organization_id = %(organization_id)s and c.id = t.id
        order by t.sent + t.received desc, t.id
        """,
        {"organization_id": db.organization_id, "first": first, "last": last, "after": after, "how_many": how_many},
    )


async def members(db: Tenant, first: date, last: date, after: int, how_many: int) -> list[Share]:
    """What each member wrote, who wrote most first; `after` so many. Those who left have no name."""
    return await db.records(
        Share,
        """
        select t.id, private.colleague_name(%(organization_id)s, t.id) as name, t.sent, 0::bigint as received
        from (
          select d.user_id as id, sum(d.amount)::bigint as sent
          from public.usage_days d
          where d.organization_id = %(organization_id)s and d.day between %(first)s and %(last)s and d.metric = 'messages_sent'
            and d.author = 'member'
          group by d.user_id order by sum(d.amount) desc, d.user_id offset %(after)s limit %(how_many)s
        ) as t
        order by t.sent desc, t.id
        """,
        {"organization_id": db.organization_id, "first": first, "last": last, "after": after, "how_many": how_many},
    )


async def rows(db: Tenant, first: date, last: date) -> Sequence[dict[str, Any]]:
    """Every figure of these days with the names of its channel and its member: what a file has."""
    return await db.rows(
        """
        with named as materialized (
          select u.user_id, private.colleague_name(%(organization_id)s, u.user_id) as name
          from (
            select distinct d.user_id from public.usage_days d
            where d.organization_id = %(organization_id)s and d.day between %(first)s and %(last)s
          ) as u
        )
        select d.day, d.metric, d.channel_id, c.name as channel, d.author, d.user_id, n.name as member, d.amount
        from public.usage_days d
        left join public.channels c on c.organization_id = d.organization_id and c.id = d.channel_id
        left join named n on n.user_id = d.user_id
        where d.organization_id = %(organization_id)s and d.day between %(first)s and %(last)s
        order by d.day, d.metric, d.channel_id, d.author, d.user_id
        """,
        {"organization_id": db.organization_id, "first": first, "last": last},
    )
