"""The SQL of what arrives: take it from its lane, or keep it as a failure."""

from collections.abc import Iterable, Sequence

from frontdesk.channels import Lane
from frontdesk.database import Tenants, batch, id_time, keys, recordset
from frontdesk.inbound.records import Failure, Pack


async def take(db: Tenants, lanes: Iterable[Lane], each: int, most: int, part: int | None = None) -> list[Pack]:
    """Take up to `each` events of every lane, at most `most` in all, the last packs whole; in order of arrival; of one part or of all.

    Gone only if this transaction commits.
    """
    taken = await db.records(
        Pack,
        """
        with lane as materialized (
          select * from json_to_recordset(%(lanes)s) as l (organization_id uuid, channel_id uuid)
          where l.channel_id = any (array[l.channel_id])
        ), next as materialized (
          select d.ctid, sum(d.events) over (rows unbounded preceding) - d.events as before
          from lane l
          cross join lateral (
            select q.ctid, q.events from (
              select d.ctid, d.events, sum(d.events) over (order by d.id rows unbounded preceding) - d.events as before
              from public.inbound_deliveries d
              where d.organization_id = l.organization_id and d.channel_id = l.channel_id and (%(part)s::smallint is null or d.part = %(part)s)
              order by d.organization_id, d.channel_id, d.id limit %(each)s
            ) as q where q.before < %(each)s
          ) as d
          limit %(most)s
        )
        -- by their place in the table, which nothing changes: a queue is empty or full, and no statistics fit both
        delete from public.inbound_deliveries d where d.ctid = any (array(select n.ctid from next n where n.before < %(most)s))
        returning d.organization_id, d.channel_id, d.id, d.part, d.kind, d.payload, d.events
        """,
        {"lanes": recordset([lane._asdict() for lane in lanes]), "each": each, "most": most, "part": part},
    )
    return sorted(taken, key=lambda pack: pack.id.int)


async def take_arrived(db: Tenants, lanes: Iterable[Lane], most: int, part: int) -> list[Pack]:
    """Take what arrived first in one part of these lanes, at most `most` events, the last pack whole; in order of arrival.

    As long as that is all there is, it is what `take` takes, for less than half. With more a lane that is full would take the place of others.
    """
    taken = await db.records(
        Pack,
        """
        with next as materialized (
          select d.ctid, sum(d.events) over (order by d.id rows unbounded preceding) - d.events as before
          from public.inbound_deliveries d
          where d.part = %(part)s and d.events > 0 and jsonb_exists(%(channels)s::jsonb, d.channel_id::text)
          order by d.part, d.id limit %(most)s
        )
        delete from public.inbound_deliveries d where d.ctid = any (array(select n.ctid from next n where n.before < %(most)s))
        returning d.organization_id, d.channel_id, d.id, d.part, d.kind, d.payload, d.events
        """,
        {"channels": keys(lane.channel_id for lane in lanes), "most": most, "part": part},
    )
    return sorted(taken, key=lambda pack: pack.id.int)


async def take_again(db: Tenants, packs: Sequence[Pack]) -> list[Pack]:
    """Take exactly these, as far as nobody else has."""
    rows = [{"organization_id": pack.organization_id, "channel_id": pack.channel_id, "id": pack.id} for pack in packs]
    taken = await db.records(
        Pack,
        """
        with wanted as materialized (
          select * from jsonb_to_recordset(%(batch)s) as w (organization_id uuid, channel_id uuid, id uuid)
          where w.id = any (array[w.id])
        ), place as materialized (
          select d.ctid
          from wanted w
          cross join lateral (
            select d.ctid from public.inbound_deliveries d where d.organization_id = w.organization_id and d.channel_id = w.channel_id and d.id = w.id offset 0
          ) as d
        )
        delete from public.inbound_deliveries d where d.ctid = any (array(select p.ctid from place p))
        returning d.organization_id, d.channel_id, d.id, d.part, d.kind, d.payload, d.events
        """,
        {"batch": batch(rows)},
    )
    return sorted(taken, key=lambda pack: pack.id.int)


async def put_back(db: Tenants, packs: Sequence[Pack]) -> None:
    """Keep packs of one event, which stood in another that was taken in this transaction."""
    await db.run(
        """
        insert into public.inbound_deliveries (organization_id, channel_id, id, part, kind, payload, received_at)
        select * from jsonb_to_recordset(%(batch)s)
          as d (organization_id uuid, channel_id uuid, id uuid, part smallint, kind text, payload text, received_at timestamptz)
        """,
        {"batch": batch([pack._asdict() | {"received_at": id_time(pack.id)} for pack in packs])},
    )


async def keep_failures(db: Tenants, failures: Sequence[Failure]) -> None:
    """Keep what could not be told, with its error, to be looked at and replayed."""
    rows = [
        {"organization_id": f.delivery.organization_id, "channel_id": f.delivery.channel_id, "id": f.delivery.id, "kind": f.delivery.kind,
         "payload": f.delivery.payload, "received_at": id_time(f.delivery.id), "error": f.error[:2000]}
        for f in failures
    ]  # fmt: skip
    await db.run(
        """
        insert into public.failed_deliveries as f (organization_id, channel_id, id, kind, payload, received_at, error)
        select * from jsonb_to_recordset(%(batch)s)
          as d (organization_id uuid, channel_id uuid, id uuid, kind text, payload text, received_at timestamptz, error text)
        on conflict (organization_id, channel_id, id) do update set error = excluded.error, failed_at = now(), attempts = f.attempts + 1
        """,
        {"batch": batch(rows)},
    )


async def drop_others(db: Tenants, lanes: Iterable[Lane], most: int) -> None:
    """Drop all but the newest of what is kept on these lanes and is neither message nor status: nobody can fill the disk with it."""
    await db.run(
        """
        with border as materialized (
          select l.organization_id, l.channel_id, (select o.id from public.failed_deliveries o
            where o.kind = 'other' and o.organization_id = l.organization_id and o.channel_id = l.channel_id
            order by o.kind desc, o.organization_id desc, o.channel_id desc, o.id desc offset %(most)s limit 1) as id
          from jsonb_to_recordset(%(lanes)s) as l (organization_id uuid, channel_id uuid)
        )
        delete from public.failed_deliveries f using border b
        where f.kind = 'other' and f.organization_id = b.organization_id and f.channel_id = b.channel_id and f.id <= b.id
        """,
        {"lanes": batch([lane._asdict() for lane in sorted(lanes)]), "most": most},
    )
