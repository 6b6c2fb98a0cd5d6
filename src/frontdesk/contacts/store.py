"""The SQL of contacts for the pages and their verbs."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from frontdesk.contacts.records import Address, Contact, Cursor, Listed, Talk, Thread
from frontdesk.database import Tenant

COUNTED = 10_000  # messages of a contact, at most: a count is not worth a long scan


# One statement for each filter, so that the few who are blocked are found by an index of their own.
_FITTING: LiteralString = """
  with fitting as not materialized (
    select id, name, given_name, username, tags, blocked_at, last_seen_at from public.contacts k
    where organization_id = %(organization_id)s and search_text like all (%(words)s::text[])
"""
# What has a figure in it may be a number, which is asked of each row only then, and found only by who sees it whole.
_NUMBERED: LiteralString = """
  and concat_ws(' ', k.search_text, (select p.phone from private.people p where p.organization_id = k.organization_id and p.id = k.id))
    like all (%(numbers)s::text[])
"""
_BLOCKED: dict[bool | None, LiteralString] = {
    None: "",
    True: " and blocked_at is not null",
    False: " and blocked_at is null",
}
_PAGE: LiteralString = """
  ), found as materialized (
    (select * from fitting where (last_seen_at, id) < (%(seen)s::timestamptz, %(id)s::uuid)
     order by last_seen_at desc nulls last, id desc limit %(how_many)s)
    union all  -- no comparison with a cursor is true of a null
    (select * from fitting where last_seen_at is null and (%(among_seen)s or id < %(id)s::uuid)
     order by id desc limit %(how_many)s)
    order by last_seen_at desc nulls last, id desc limit %(how_many)s
  )
  select f.*, coalesce(t.messages, 0)::bigint as messages, t.conversation_id,
    (select p.phone from private.people p where p.organization_id = %(organization_id)s and p.id = f.id) as phone,
    coalesce(f.id >= (select private.contacts_from(%(organization_id)s)), false) as over_limit
  from found f cross join lateral (
    select sum(v.last_position) as messages,  -- a position counts what came before
      (array_agg(v.id order by v.last_message_at desc, v.id desc))[1] as conversation_id
    from public.conversations v where v.organization_id = %(organization_id)s and v.contact_id = f.id
  ) as t order by f.last_seen_at desc nulls last, f.id desc
"""


async def newest(db: Tenant, patterns: list[str], blocked: bool | None, cursor: Cursor | None, how_many: int) -> list[Listed]:
    """Contacts by when they last wrote, those never seen last. patterns: all must fit. blocked: None is both."""
    words, numbers = by_figures(patterns)
    query: LiteralString = _FITTING + (_NUMBERED if numbers else "") + _BLOCKED[blocked] + _PAGE
    place = {"organization_id": db.organization_id, "words": words, "numbers": numbers, "how_many": how_many}
    return await db.records(Listed, query, _from(cursor) | place)


def by_figures(patterns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The patterns that names are asked for alone, and those that may be of a number."""
    numbers = [one for one in patterns if any(sign.isdigit() for sign in one)]
    return [one for one in patterns if one not in numbers], numbers


def _from(cursor: Cursor | None) -> dict[str, Any]:
    if cursor is None:
        return {"seen": "infinity", "id": _LAST, "among_seen": True}
    seen = "-infinity" if cursor.last_seen_at is None else cursor.last_seen_at
    return {"seen": seen, "id": cursor.id, "among_seen": cursor.last_seen_at is not None}


_LAST = UUID(int=(1 << 128) - 1)


async def figures(db: Tenant) -> tuple[int, int, int]:
    """How many contacts there are, how many of them are blocked, and how many over the plan's limit."""
    row = await db.row(
        """
        select count(*) as everybody, count(blocked_at) as blocked,
          count(*) filter (where id >= (select private.contacts_from(%(organization_id)s))) as over
        from public.contacts where organization_id = %(organization_id)s
        """,
        {"organization_id": db.organization_id},
    )
    return (row["everybody"], row["blocked"], row["over"]) if row else (0, 0, 0)


async def find(db: Tenant, contact_id: UUID) -> Contact | None:
    """One contact of the organization."""
    return await db.record(
        Contact,
        """
        select k.id, k.name, k.given_name, k.username, k.language, k.tags, k.attributes, k.note, k.marketing_consent,
          k.marketing_consent_at, k.blocked_at, k.blocked_by, k.last_seen_at, k.created_at,
          (select p.phone from private.people p where p.organization_id = k.organization_id and p.id = k.id) as phone,
          coalesce(k.id >= private.contacts_from(%(organization_id)s), false) as over_limit
        from public.contacts k where k.organization_id = %(organization_id)s and k.id = %(id)s
        """,
        {"organization_id": db.organization_id, "id": contact_id},
    )


async def addresses(db: Tenant, contact_id: UUID) -> list[Address]:
    """Where the contact can be reached, phone numbers first."""
    return await db.records(
        Address,
        """
        select kind, scope, value, created_at from public.contact_identities
        where organization_id = %(organization_id)s and contact_id = %(contact_id)s
        order by kind desc, created_at, value
        """,
        {"organization_id": db.organization_id, "contact_id": contact_id},
    )


async def threads(db: Tenant, contact_id: UUID) -> list[Thread]:
    """The contact's conversations, newest first: at most one per channel."""
    return await db.records(
        Thread,
        """
        select v.id, c.name as channel_name, c.display_number as channel_number, c.kind = 'simulator' as sandbox,
          v.last_text, v.last_author, v.last_message_at, v.unread_count, v.closed_at,
          private.colleague_name(v.organization_id, v.assigned_to) as assigned_name
        from public.conversations v
        join public.channels c on c.organization_id = v.organization_id and c.id = v.channel_id
        where v.organization_id = %(organization_id)s and v.contact_id = %(contact_id)s
        order by v.last_message_at desc, v.id desc
        """,
        {"organization_id": db.organization_id, "contact_id": contact_id},
    )


async def talk(db: Tenant, contact_id: UUID) -> Talk:
    """How much was said in the contact's conversations, counted up to 10,000 messages."""
    row = await db.row(
        """
        select count(*) filter (where author = 'contact') as theirs, count(*) filter (where author = 'bot') as bot,
          count(*) filter (where author = 'member') as team, count(*) >= %(counted)s as more
        from (
          select m.author from public.conversations v
          join public.messages m on m.organization_id = v.organization_id and m.conversation_id = v.id
          where v.organization_id = %(organization_id)s and v.contact_id = %(contact_id)s
            and m.type <> 'reaction'
          limit %(counted)s
        ) as said
        """,
        {"organization_id": db.organization_id, "contact_id": contact_id, "counted": COUNTED},
    )
    return Talk(**row) if row else Talk(0, 0, 0, False)


async def colleague_name(db: Tenant, user_id: UUID) -> str | None:
    """What a member is called; None for who has left."""
    name: str | None = await db.value(
        "select private.colleague_name(%(organization_id)s, %(user_id)s)",
        {"organization_id": db.organization_id, "user_id": user_id},
    )
    return name


async def block(db: Tenant, contact_id: UUID) -> bool:
    """Block a contact that is not blocked; False when there was nothing to do."""
    return bool(
        await db.run(
            """
            update public.contacts set blocked_at = now(), blocked_by = %(user_id)s
            where organization_id = %(organization_id)s and id = %(id)s and blocked_at is null
            """,
            {"organization_id": db.organization_id, "id": contact_id, "user_id": db.actor.user_id},
        )
    )


async def unblock(db: Tenant, contact_id: UUID) -> bool:
    """Unblock a contact that is blocked; False when there was nothing to do."""
    return bool(
        await db.run(
            """
            update public.contacts set blocked_at = null, blocked_by = null
            where organization_id = %(organization_id)s and id = %(id)s and blocked_at is not null
            """,
            {"organization_id": db.organization_id, "id": contact_id},
        )
    )


async def rename(db: Tenant, contact_id: UUID, given_name: str | None, search_text: str) -> None:
    """Call a contact by another name; None goes back to the name from WhatsApp."""
    await db.run(
        """
        update public.contacts set given_name = %(given_name)s, search_text = %(search_text)s
        where organization_id = %(organization_id)s and id = %(id)s
        """,
        {"organization_id": db.organization_id, "id": contact_id, "given_name": given_name, "search_text": search_text},
    )
