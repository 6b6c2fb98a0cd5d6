"""The SQL of auto replies."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from frontdesk.auto_replies.records import Proposal, Rule
from frontdesk.database import Tenant, Tenants, batch, recordset

# ---- one member in one organization ----


async def list_rules(db: Tenant) -> list[Rule]:
    """Every rule, in the order in which they are asked."""
    return await db.records(
        Rule,
        """
        select id, name, trigger, match, keywords, reply, cooldown_seconds, enabled_at is not null as enabled, position,
          answered_count, last_answered_at, held_back
        from public.auto_replies where organization_id = %(organization_id)s
        order by trigger = 'fallback', position, id""",
        {"organization_id": db.organization_id},
    )


async def find(db: Tenant, rule_id: UUID) -> Rule | None:
    """One rule."""
    return await db.record(
        Rule,
        """
        select id, name, trigger, match, keywords, reply, cooldown_seconds, enabled_at is not null as enabled, position,
          answered_count, last_answered_at, held_back
        from public.auto_replies where organization_id = %(organization_id)s and id = %(id)s""",
        {"organization_id": db.organization_id, "id": rule_id},
    )


async def organization_name(db: Tenant) -> str:
    """What `{{organization.name}}` says."""
    return str(
        await db.value(
            "select name from public.organizations where id = %(organization_id)s",
            {"organization_id": db.organization_id},
        )
        or ""
    )


async def lock(db: Tenant) -> None:
    """Let nobody else change a rule before this transaction ends; locked in the order in which batches lock."""
    await db.run(
        "select from public.auto_replies where organization_id = %(organization_id)s order by organization_id, id for no key update",
        {"organization_id": db.organization_id},
    )


async def add(db: Tenant, rule_id: UUID, proposal: Proposal, enabled: bool) -> None:
    """Store a new rule below all others."""
    await db.run(
        """
        insert into public.auto_replies (organization_id, id, name, position, trigger, match, keywords, reply,
          cooldown_seconds, enabled_at, created_by)
        select %(organization_id)s, %(id)s, %(name)s, coalesce(max(position), 0) + 1, %(trigger)s, %(match)s,
          %(keywords)s, %(reply)s, %(cooldown_seconds)s, case when %(enabled)s then now() end, %(user_id)s
        from public.auto_replies where organization_id = %(organization_id)s""",
        {
            "organization_id": db.organization_id,
            "id": rule_id,
            "enabled": enabled,
            "user_id": db.actor.user_id,
            **_columns(proposal),
        },
    )


async def change(db: Tenant, rule_id: UUID, proposal: Proposal) -> None:
    """Write what a rule says now."""
    await db.run(
        """
        update public.auto_replies set name = %(name)s, trigger = %(trigger)s, match = %(match)s,
          keywords = %(keywords)s, reply = %(reply)s, cooldown_seconds = %(cooldown_seconds)s
        where organization_id = %(organization_id)s and id = %(id)s""",
        {"organization_id": db.organization_id, "id": rule_id, **_columns(proposal)},
    )


async def switch(db: Tenant, rule_id: UUID, on: bool) -> bool:
    """Switch a rule; False if it stood so already."""
    return (
        await db.run(
            """update public.auto_replies set enabled_at = case when %(on)s then now() end
        where organization_id = %(organization_id)s and id = %(id)s and (enabled_at is not null) <> %(on)s""",
            {"organization_id": db.organization_id, "id": rule_id, "on": on},
        )
        > 0
    )


async def hold_back(db: Tenant) -> None:
    """Mark which rules are over the plan's limit now, by their order."""
    await db.run("select private.hold_back(%(organization_id)s)", {"organization_id": db.organization_id})


async def remove(db: Tenant, rule_id: UUID) -> None:
    """Delete a rule, and with it its cooldowns."""
    await db.run("delete from public.auto_replies where organization_id = %(organization_id)s and id = %(id)s",
                 {"organization_id": db.organization_id, "id": rule_id})  # fmt: skip


async def place(db: Tenant, rule_ids: Sequence[UUID]) -> None:
    """Number the rules 1, 2, 3, … in this order, touching only those that move."""
    await db.run(
        """
        with wanted as materialized (
          select w.id, w.position from jsonb_to_recordset(%(batch)s) as w (id uuid, position integer)
        )
        update public.auto_replies r set position = w.position
        from wanted w where r.organization_id = %(organization_id)s and r.id = w.id and r.position <> w.position""",
        {
            "organization_id": db.organization_id,
            "batch": batch([{"id": one, "position": n} for n, one in enumerate(rule_ids, 1)]),
        },
    )


def _columns(proposal: Proposal) -> dict[str, Any]:
    return {
        "name": proposal.name,
        "trigger": proposal.trigger,
        "match": proposal.match,
        "keywords": list(proposal.keywords),
        "reply": proposal.reply,
        "cooldown_seconds": proposal.cooldown_seconds,
    }


# ---- background work over many organizations ----


async def houses_changed(db: Tenants, since: int, most: int) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """Ask which organizations have changed since a transaction, themselves or their rules, up to so many; to be read later.

    Each row has run and seen, how far this looked, and but for the only one of a look that found nothing, organization_id and changed. Counting
    answers is no change.
    """
    return await db.ask(
        """
        select c.run, c.seen::text::bigint as seen, c.organization_id, c.changed::text::bigint as changed
        from private.houses_changed(%(since)s::xid8, %(most)s) as c
        """,
        {"since": str(since), "most": most},
    )


async def open_books(db: Tenants, organization_ids: Iterable[UUID]) -> list[dict[str, Any]]:
    """The name and the rules that are on of each of these organizations."""
    return await db.rows(
        """
        with asked as materialized (
          select a.organization_id from json_to_recordset(%(batch)s) as a (organization_id uuid)
          where a.organization_id = any (array[a.organization_id])
        )
        select a.organization_id, o.name, o.locale, (
          select coalesce(jsonb_agg(jsonb_build_object('id', r.id, 'name', r.name, 'trigger', r.trigger,
            'match', r.match, 'keywords', r.keywords, 'reply', r.reply, 'cooldown_seconds', r.cooldown_seconds,
            'position', r.position, 'held_back', r.held_back)), '[]')
          from public.auto_replies r
          where r.organization_id = a.organization_id and r.enabled_at is not null and r.held_back is distinct from 'over_limit') as rules
        from asked a
        cross join lateral (select n.name, n.locale from public.organizations n where n.id = a.organization_id offset 0) as o
        """,
        {"batch": recordset([{"organization_id": one} for one in organization_ids])},
    )


async def cooldowns(db: Tenants, askers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """When which rule last answered these contacts. age: seconds ago. askers: keys organization_id and contact_id."""
    return await db.rows(
        """
        with asker as materialized (
          select a.organization_id, a.contact_id
          from jsonb_to_recordset(%(batch)s) as a (organization_id uuid, contact_id uuid)
          where a.contact_id = any (array[a.contact_id])
        )
        select c.organization_id, c.contact_id, c.auto_reply_id,
          extract(epoch from now() - c.answered_at)::float8 as age
        from asker a
        join public.auto_reply_cooldowns c on c.organization_id = a.organization_id and c.contact_id = a.contact_id
        """,
        {"batch": batch(askers)},
    )


async def count_answers(db: Tenants, answered: Sequence[dict[str, Any]]) -> None:
    """Count what rules answered, locked in the order of their keys. Those that still exist do until the transaction ends.

    answered: one per rule, keys organization_id, id, answers.
    """
    await db.run(
        """
        with answered as materialized (
          select a.organization_id, a.id, a.answers
          from jsonb_to_recordset(%(batch)s) as a (organization_id uuid, id uuid, answers integer)
          where a.id = any (array[a.id])
        ), held as materialized (
          select r.organization_id, r.id, a.answers
          from answered a join public.auto_replies r on r.organization_id = a.organization_id and r.id = a.id
          order by r.organization_id, r.id for no key update of r
        )
        update public.auto_replies r set answered_count = r.answered_count + h.answers, last_answered_at = now()
        from held h where h.id = any (array[h.id]) and r.organization_id = h.organization_id and r.id = h.id
        """,
        {"batch": batch(answered)},
    )


async def start_cooldowns(db: Tenants, started: Sequence[dict[str, Any]]) -> None:
    """Remember when rules answered contacts, unless the rule was deleted. Keys organization_id, auto_reply_id, contact_id; each triple once."""
    await db.run(
        """
        insert into public.auto_reply_cooldowns (organization_id, auto_reply_id, contact_id, answered_at)
        select s.organization_id, s.auto_reply_id, s.contact_id, now()
        from jsonb_to_recordset(%(batch)s) as s (organization_id uuid, auto_reply_id uuid, contact_id uuid)
        where exists (select from public.auto_replies r where r.organization_id = s.organization_id and r.id = s.auto_reply_id)
        order by s.organization_id, s.auto_reply_id, s.contact_id
        on conflict (organization_id, auto_reply_id, contact_id) do update set answered_at = excluded.answered_at
        """,
        {"batch": batch(started)},
    )
