"""Finding entries, newest first. Whatever is asked, no question looks at more than a few thousand entries: it says where it stopped."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

from frontdesk.audit.records import Entry, Page, Question
from frontdesk.database import Tenant

LOOKED_AT = 2_000  # entries that one question looks through
SLACK = timedelta(hours=1)  # the order of entries is that of their numbers; a clock that is set back puts their times out of order
END = 1 << 62

# The narrowest index there is for a question. A thing has fewer entries than a person, a person fewer than an action.
_FROM: LiteralString = """
  with looked as materialized (
"""
_BETWEEN: LiteralString = """
    select a.seq from public.audit_logs a
    where a.organization_id = %(organization_id)s and a.seq >= %(first)s and a.seq < %(before)s
"""
_NEWEST: LiteralString = " order by a.seq desc limit %(look)s"
_EACH_ACTION: LiteralString = "select s.seq from unnest(%(actions)s::text[]) as w (action) cross join lateral ("
_ALL_ACTIONS: LiteralString = ") as s order by s.seq desc limit %(look)s"
_INDEX: dict[str, LiteralString] = {
    "log": _BETWEEN + _NEWEST,
    "target": _BETWEEN + " and a.target_type = %(target_type)s and a.target_id = %(target_id)s" + _NEWEST,
    "actor": _BETWEEN + " and a.actor_kind = %(actor_kind)s and a.actor_id = %(actor_id)s" + _NEWEST,
    "kind": _BETWEEN + " and a.actor_kind = %(actor_kind)s and a.actor_id is null" + _NEWEST,
    "actions": _EACH_ACTION + _BETWEEN + " and a.action = w.action" + _NEWEST + _ALL_ACTIONS,
}
_SIEVE: LiteralString = """
  ), found as (
    select a.seq, a.created_at, a.actor_kind, a.actor_id, a.actor_name, a.action, a.target_type, a.target_id, a.details, a.address, a.user_agent, a.request_id,
      encode(a.hash, 'hex') as hash
    from looked l join public.audit_logs a on a.organization_id = %(organization_id)s and a.seq = l.seq
    where (%(since)s::timestamptz is null or a.created_at >= %(since)s) and (%(until)s::timestamptz is null or a.created_at < %(until)s)
      and (%(actor_kind)s::text is null or (a.actor_kind = %(actor_kind)s and a.actor_id is not distinct from %(actor_id)s))
      and (%(actions)s::text[] is null or a.action = any (%(actions)s))
      and (%(target_type)s::text is null or (a.target_type = %(target_type)s and a.target_id = %(target_id)s))
      and concat_ws(' ', a.actor_name, a.action, a.target_id, a.address, a.details::text) ilike all (%(patterns)s::text[])
    order by a.seq desc limit %(how_many)s
  )
  select t.looked, t.last, f.* from (select count(*) as looked, min(seq) as last from looked) as t left join found f on true order by f.seq desc
"""


async def find(db: Tenant, question: Question, before: int | None = None, how_many: int = 50) -> Page:
    """The newest entries that fit, below the one named."""
    first, end = await _bounds(db, question)
    before = min(before or END, end)
    look = LOOKED_AT if question.sieved else how_many + 1
    query: LiteralString = _FROM + _INDEX[_narrowest(question)] + _SIEVE
    rows = await db.rows(query, _terms(db, question) | {"first": first, "before": before, "look": look, "how_many": how_many + 1})
    looked, last = rows[0].pop("looked"), rows[0].pop("last")
    for row in rows[1:]:
        del row["looked"], row["last"]
    entries = [Entry(**row) for row in rows if row["seq"] is not None]
    if len(entries) > how_many:
        return Page(entries[:how_many], entries[how_many - 1].seq)
    return Page(entries, last if looked == look else None, paused=looked == look)


async def recent(db: Tenant, target_type: str, target_ids: Sequence[str], how_many: int) -> list[Entry]:
    """The newest entries of each of these things, newest first."""
    return await db.records(
        Entry,
        """
        select s.* from unnest(%(target_ids)s::text[]) as w (target_id) cross join lateral (
          select a.seq, a.created_at, a.actor_kind, a.actor_id, a.actor_name, a.action, a.target_type, a.target_id, a.details, a.address, a.user_agent,
            a.request_id, encode(a.hash, 'hex') as hash
          from public.audit_logs a
          where a.organization_id = %(organization_id)s and a.target_type = %(target_type)s and a.target_id = w.target_id
          order by a.seq desc limit %(how_many)s
        ) as s order by s.seq desc
        """,
        {"organization_id": db.organization_id, "target_type": target_type, "target_ids": list(target_ids), "how_many": how_many},
    )


async def _bounds(db: Tenant, question: Question) -> tuple[int, int]:
    """The numbers between which entries of the wanted time stand."""
    if question.since is None and question.until is None:
        return 0, END
    row = await db.row(
        """
        select
          (select a.seq from public.audit_logs a where a.organization_id = %(organization_id)s and a.created_at >= %(since)s
           order by a.created_at, a.seq limit 1) as first,
          (select a.seq from public.audit_logs a where a.organization_id = %(organization_id)s and a.created_at < %(until)s
           order by a.created_at desc, a.seq desc limit 1) as last
        """,
        {"organization_id": db.organization_id, "since": _shift(question.since, -SLACK), "until": _shift(question.until, SLACK)},
    ) or {"first": None, "last": None}
    first = 0 if question.since is None else END if row["first"] is None else row["first"]
    return first, END if question.until is None else 0 if row["last"] is None else row["last"] + 1


def _shift(moment: datetime | None, by: timedelta) -> datetime | None:
    return None if moment is None else moment + by


def _narrowest(question: Question) -> str:
    if question.target:
        return "target"
    if question.actor:
        return "actor" if question.actor[1] else "kind"
    return "actions" if question.actions is not None else "log"


def _terms(db: Tenant, question: Question) -> dict[str, Any]:
    kind, identity = question.actor or (None, None)
    target_type, target_id = question.target or (None, None)
    return {
        "organization_id": db.organization_id, "actor_kind": kind, "actor_id": identity, "target_type": target_type, "target_id": target_id,
        "actions": None if question.actions is None else list(question.actions), "since": question.since, "until": question.until,
        "patterns": [f"%{_literal(word)}%" for word in question.words],
    }  # fmt: skip


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
