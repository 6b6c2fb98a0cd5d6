"""The SQL of what leaves: claim, record."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from frontdesk.channels import Lane
from frontdesk.database import Tenants, recordset
from frontdesk.outbound.records import Claim, Result


async def claim(db: Tenants, room: Mapping[Lane, int], most: int, worker: UUID) -> list[Claim]:
    """Claim for each lane at most so many of its due messages, `most` in all: answers first, then single messages, then campaigns."""
    # the index of what waits has the order; a plan that sorts, made while nothing waited, goes through all that an organization sends
    await db.run("select set_config('enable_sort', 'off', true), set_config('jit', 'off', true)")
    return await db.records(
        Claim,
        """
        with lane as materialized (
          select * from json_to_recordset(%(lanes)s) as l (organization_id uuid, channel_id uuid, room integer)
          where l.channel_id = any (array[l.channel_id])
        ), next as materialized (
          select o.ctid
          from lane l
          cross join lateral (
            select o.ctid from public.outbox o
            where o.organization_id = l.organization_id and o.channel_id = l.channel_id and o.claimed_at is null and o.not_before <= now()
            order by o.organization_id, o.channel_id, o.priority, o.id limit l.room for update skip locked
          ) as o
          limit %(most)s
        ), claimed as (
          -- by their place in the table, which is ours until the end: a queue is empty or full, and a plan made for the one joins badly in the other
          update public.outbox o set claimed_at = clock_timestamp(), claimed_by = %(worker)s, attempts = o.attempts + 1
          where o.ctid = any (array(select n.ctid from next n))
          returning o.organization_id, o.id, o.channel_id, o.recipient, o.content, o.window_ends_at, o.attempts, o.priority
        )
        select organization_id, id, channel_id, recipient, content::text, window_ends_at, attempts from claimed order by priority, id
        """,
        {"lanes": recordset([lane._asdict() | {"room": many} for lane, many in room.items()]), "most": most, "worker": worker},
    )


async def record(db: Tenants, results: Sequence[Result], worker: UUID) -> None:
    """Record what became of claims: the message moves up, its place in the outbox is given up or waits for another try.

    A claim that somebody else has settled meanwhile is left alone; a status that WhatsApp already told is not lowered.
    """
    rows = [
        {"organization_id": r.claim.organization_id, "id": r.claim.id, "verdict": r.verdict, "provider_message_id": r.provider_message_id,
         "error_code": r.error_code, "error_text": r.error_text, "wait": r.wait, "attempts": r.claim.attempts - (not r.counts)}
        for r in results
    ]  # fmt: skip
    await db.run(
        """
        with told as materialized (
          select * from json_to_recordset(%(batch)s) as t (organization_id uuid, id uuid, verdict text, provider_message_id text,
            error_code integer, error_text text, wait double precision, attempts smallint)
          where t.id = any (array[t.id])
          order by organization_id, id
        ), place as materialized (  -- as above: found one by one, and then by where they are
          select o.ctid, t.verdict, t.attempts, t.wait
          from told t
          cross join lateral (
            select o.ctid from public.outbox o where o.organization_id = t.organization_id and o.id = t.id and o.claimed_by = %(worker)s offset 0
          ) as o
        ), done as (
          delete from public.outbox o where o.ctid = any (array(select p.ctid from place p where p.verdict <> 'again'))
        ), again as (
          update public.outbox o set claimed_at = null, claimed_by = null, attempts = (select p.attempts from place p where p.ctid = o.ctid),
            not_before = now() + make_interval(secs => (select p.wait from place p where p.ctid = o.ctid))
          where o.ctid = any (array(select p.ctid from place p where p.verdict = 'again'))
        )
        update public.messages m set
          status = case when private.status_rank(t.verdict) > private.status_rank(m.status) then t.verdict else m.status end,
          provider_message_id = coalesce(m.provider_message_id, t.provider_message_id),
          error_code = t.error_code, error_text = t.error_text,
          failed_at = case when t.verdict = 'failed' then now() else m.failed_at end
        from told t
        where m.organization_id = t.organization_id and m.id = t.id and t.verdict <> 'again'
          and (private.status_rank(t.verdict) > private.status_rank(m.status) or m.provider_message_id is null)
        """,
        {"batch": recordset(rows), "worker": worker},
    )


async def stop_channel(db: Tenants, lane: Lane, reason: str) -> str | None:
    """Take a channel out of service, with the reason its people will read. Returns its number, or None if it was stopped before."""
    stopped: str | None = await db.value(
        """
        update public.channels set stopped_at = now(), stopped_reason = %(reason)s, last_error = %(reason)s, last_error_at = now()
        where organization_id = %(organization_id)s and id = %(channel_id)s and stopped_at is null
        returning display_number
        """,
        {**lane._asdict(), "reason": reason},
    )
    return stopped
