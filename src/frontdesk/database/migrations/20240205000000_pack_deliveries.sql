-- What arrives together for one part of a lane is kept as one row: what a row costs is paid once for many events.

-- Each line of the payload is one event; the id of the first is the row's, and each further one has the next higher. What waits now is packs of one.
alter table public.inbound_deliveries add column events smallint not null default 1 check (events > 0);
-- a pack stays in one piece, beside its row, up to nearly a page: compressed and cut up for a few hundred milliseconds it costs more than all else
alter table public.inbound_deliveries set (toast_tuple_target = 8160);

-- Keeps packs; returns the channels that are gone, for which nothing is kept. Payloads come beside the rest, in the same order, parted by U+001E:
-- they are lines of JSON, which has none, and are not to be taken apart and put together again on their way.
create function private.keep_packs(packs jsonb, payloads text) returns setof uuid
language sql security definer set search_path = '' as $$
  with given as materialized (
    select * from rows from (
      jsonb_to_recordset(packs) as (organization_id uuid, channel_id uuid, id uuid, part smallint, kind text, events smallint),
      string_to_table(payloads, E'\x1E')
    ) as p (organization_id, channel_id, id, part, kind, events, payload)
    where p.id = any (array[p.id])
  ), kept as (
    insert into public.inbound_deliveries (organization_id, channel_id, id, part, kind, events, payload)
    select g.organization_id, g.channel_id, g.id, g.part, g.kind, g.events, g.payload from given g
    where exists (select from public.channels c where c.organization_id = g.organization_id and c.id = g.channel_id)
    returning id
  )
  select distinct g.channel_id from given g
  where (select count(*) from kept) < (select count(*) from given) and not exists (select from kept k where k.id = g.id)
$$;
grant execute on function private.keep_packs(jsonb, text) to frontdesk_app;
drop function private.keep_deliveries(jsonb, text);

-- How much waits, counted up to a thousand: for health checks, which come often.
create or replace function private.road_state() returns table (deliveries bigint, failed bigint, unrouted bigint, outbox bigint, claimed bigint)
language sql stable security definer set search_path = '' as $$
  select (select least(1000, coalesce(sum(d.events), 0)) from (select p.events from public.inbound_deliveries p limit 1000) as d),
    (select count(*) from (select from public.failed_deliveries where kind in ('message', 'status') limit 1000) as f),
    (select count(*) from (select from private.unrouted_deliveries limit 1000) as u), (select count(*) from (select from public.outbox where claimed_at is null limit 1000) as o),
    (select count(*) from (select from public.outbox where claimed_at is not null limit 1000) as c)
$$;

revoke execute on all functions in schema private from public, anon;
