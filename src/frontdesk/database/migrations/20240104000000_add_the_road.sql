-- The road of a message: what arrived and waits to be told, what must be sent, and who may drive which lane.

-- One raw event as it arrived, kept before WhatsApp is answered, deleted when its story is told. No foreign key: checking one would lock the
-- row of a busy channel with every message. What keeps a delivery asks for its channel instead, and a channel takes its deliveries along.
create table public.inbound_deliveries (
  organization_id uuid not null,
  channel_id uuid not null,
  id uuid not null,
  half smallint not null default 0 check (half in (0, 1)),  -- parted by contact: the two halves of a lane are told side by side
  kind text not null check (kind in ('message', 'status', 'other')),
  payload text not null,
  received_at timestamptz not null default now(),
  primary key (organization_id, channel_id, id)  -- a queue by channel: one lane's rows lie together, in order of arrival
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
select private.protect('public.inbound_deliveries', reads => null, writes => null);

create function private.forget_deliveries() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.inbound_deliveries d where d.organization_id = old.organization_id and d.channel_id = old.id;
  return old;
end $$;
create trigger channels_take_their_deliveries after delete on public.channels for each row execute function private.forget_deliveries();

-- A delivery whose story could not be told, with the reason; `frontdesk deliveries replay` puts it back. Of kind "other": what is neither a
-- message nor a status (an account update, a group's message), which is no failure and only there to be looked at, as long as it is new.
create table public.failed_deliveries (
  organization_id uuid not null,
  channel_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('message', 'status', 'other')),
  payload text not null,
  received_at timestamptz not null,
  failed_at timestamptz not null default now(),
  error text not null,
  attempts integer not null default 1,
  primary key (organization_id, channel_id, id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
);
create index failed_deliveries_by_kind on public.failed_deliveries (kind, organization_id, channel_id, id);
select private.protect('public.failed_deliveries', reads => null, writes => null);

-- What was signed but could not be understood (then the body as it came, and no kind), or is for a number nobody here has connected.
create table private.unrouted_deliveries (
  id uuid primary key,
  source text not null,
  kind text check (kind in ('message', 'status', 'other')),
  phone_number_id text not null default '',
  body bytea not null,
  reason text not null,
  received_at timestamptz not null default now()
);

-- Keeps deliveries; returns the ids of those whose channel is gone, which are not kept. Payloads come beside the rest, one a line, in the
-- same order: they are JSON, which has no line ends of its own, and are not to be taken apart and put together again on their way.
create function private.keep_deliveries(deliveries jsonb, payloads text) returns setof uuid
language sql security definer set search_path = '' as $$
  with given as materialized (
    select * from rows from (
      jsonb_to_recordset(deliveries) as (organization_id uuid, channel_id uuid, id uuid, half smallint, kind text),
      string_to_table(payloads, E'\n')
    ) as d (organization_id, channel_id, id, half, kind, payload)
    where d.id = any (array[d.id])
  ), kept as (
    insert into public.inbound_deliveries (organization_id, channel_id, id, half, kind, payload)
    select g.organization_id, g.channel_id, g.id, g.half, g.kind, g.payload from given g
    where exists (select from public.channels c where c.organization_id = g.organization_id and c.id = g.channel_id)
    returning id
  )
  select g.id from given g where (select count(*) from kept) < (select count(*) from given) and not exists (select from kept k where k.id = g.id)
$$;
grant execute on function private.keep_deliveries(jsonb, text) to frontdesk_app;

create function private.keep_unrouted(delivery uuid, from_source text, event_kind text, number_id text, raw bytea, why text) returns void
language sql security definer set search_path = '' as $$
  insert into private.unrouted_deliveries (id, source, kind, phone_number_id, body, reason)
  values (delivery, from_source, event_kind, left(number_id, 100), raw, why) on conflict do nothing
$$;
grant execute on function private.keep_unrouted(uuid, text, text, text, bytea, text) to frontdesk_app;

-- What the operator looks at: failures first, then what is only there to be seen; the newest first.
create function private.list_failed_deliveries(how_many integer)
returns table (organization text, id uuid, kind text, received_at timestamptz, error text, attempts integer, size integer)
language sql stable security definer set search_path = '' as $$
  select * from (
    select o.slug, f.id, f.kind, f.received_at, f.error, f.attempts, octet_length(f.payload)
    from public.failed_deliveries f join public.organizations o on o.id = f.organization_id
    union all
    select null, u.id, coalesce(u.kind, 'unreadable'), u.received_at, u.reason, 0, octet_length(u.body) from private.unrouted_deliveries u) as kept
  order by kept.kind = 'other', 2 desc limit how_many
$$;
grant execute on function private.list_failed_deliveries(integer) to frontdesk_app;

-- Puts failures back on their lanes: one by id, or all but those of kind "other", which would only come back. Returns how many.
create function private.replay_failed_deliveries(wanted uuid default null) returns integer
language plpgsql security definer set search_path = '' as $$
declare replayed integer;
begin
  with taken as (
    delete from public.failed_deliveries f where case when wanted is null then f.kind <> 'other' else f.id = wanted end
    returning f.organization_id, f.channel_id, f.id, f.kind, f.payload, f.received_at)
  insert into public.inbound_deliveries (organization_id, channel_id, id, kind, payload, received_at) select * from taken on conflict do nothing;
  get diagnostics replayed = row_count;
  return replayed;
end $$;
grant execute on function private.replay_failed_deliveries(uuid) to frontdesk_app;

-- Puts events on their lanes whose number is connected by now, and not with an app of its own: they came for all. Returns how many.
create function private.replay_unrouted(wanted uuid default null) returns integer
language plpgsql security definer set search_path = '' as $$
declare replayed integer;
begin
  with taken as (
    delete from private.unrouted_deliveries u using private.channel_routes r
    where (wanted is null or u.id = wanted) and u.kind is not null and r.kind = u.source and r.phone_number_id = u.phone_number_id and not r.own_app
    returning r.organization_id, r.channel_id, u.id, u.kind, convert_from(u.body, 'UTF8'), u.received_at)
  insert into public.inbound_deliveries (organization_id, channel_id, id, kind, payload, received_at) select * from taken on conflict do nothing;
  get diagnostics replayed = row_count;
  return replayed;
end $$;
grant execute on function private.replay_unrouted(uuid) to frontdesk_app;

-- Forgets what is neither message nor status: after thirty days, and of what belongs to no number all but the newest ten thousand.
create function private.forget_others() returns void
language sql security definer set search_path = '' as $$
  delete from public.failed_deliveries f where f.kind = 'other' and f.received_at < now() - interval '30 days';
  delete from private.unrouted_deliveries u where u.kind = 'other' and (u.received_at < now() - interval '30 days'
    or u.id <= (select o.id from private.unrouted_deliveries o where o.kind = 'other' order by o.id desc offset 10000 limit 1));
$$;
grant execute on function private.forget_others() to frontdesk_app;

-- Messages that wait to be sent; one row each, deleted when the outcome is recorded.
create table public.outbox (
  organization_id uuid not null,
  id uuid not null,                 -- the message's id
  channel_id uuid not null,
  conversation_id uuid not null,
  priority smallint not null default 1 check (priority between 0 and 9),  -- 0 automatic answers, 1 single messages, 5 campaigns
  recipient text not null,          -- phone digits, or a BSUID
  content jsonb not null,           -- what to say, in no channel's own form
  window_ends_at timestamptz,       -- free text may be sent until then; null: whenever
  not_before timestamptz not null default now(),
  attempts smallint not null default 0,
  claimed_at timestamptz,
  claimed_by uuid,
  created_at timestamptz not null default now(),
  primary key (organization_id, id),
  foreign key (organization_id, conversation_id) references public.conversations (organization_id, id) on delete cascade
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
create index outbox_waiting on public.outbox (organization_id, channel_id, priority, id) where claimed_at is null;
create index outbox_claimed on public.outbox (claimed_at) where claimed_at is not null;
create index outbox_conversation on public.outbox (organization_id, conversation_id);
select private.protect('public.outbox', reads => 'messages:read', writes => 'messages:write');

-- Who drives which lane, and until when. A lane is due when its queue holds rows; its holder keeps it while there is work.
create table public.lanes (
  organization_id uuid not null,
  channel_id uuid not null,
  direction text not null check (direction in ('in', 'out')),
  leased_by uuid,
  leased_until timestamptz not null default '-infinity',
  last_served_at timestamptz,
  primary key (organization_id, channel_id, direction),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
) with (fillfactor = 50);
select private.protect('public.lanes', reads => null, writes => null, worker => 'reads');

-- Lanes with deliveries waiting: one index probe per lane that has any, after the given one, so that callers go round and round.
create function private.waiting_inbound(after_organization uuid, after_channel uuid, how_many integer) returns table (organization_id uuid, channel_id uuid)
language sql stable security definer set search_path = '' as $$
  with recursive lane as (
    (select d.organization_id, d.channel_id from public.inbound_deliveries d
     where (d.organization_id, d.channel_id) > (after_organization, after_channel) order by d.organization_id, d.channel_id limit 1)
    union all
    select n.organization_id, n.channel_id from lane,
      lateral (select d.organization_id, d.channel_id from public.inbound_deliveries d
        where (d.organization_id, d.channel_id) > (lane.organization_id, lane.channel_id) order by d.organization_id, d.channel_id limit 1) as n
  )
  select lane.organization_id, lane.channel_id from lane limit how_many
$$;
grant execute on function private.waiting_inbound(uuid, uuid, integer) to frontdesk_app;

-- The same for the outbox; a channel that is stopped does not wait.
create function private.waiting_outbound(after_organization uuid, after_channel uuid, how_many integer) returns table (organization_id uuid, channel_id uuid)
language sql stable security definer set search_path = '' as $$
  with recursive lane as (
    (select o.organization_id, o.channel_id from public.outbox o
     where o.claimed_at is null and (o.organization_id, o.channel_id) > (after_organization, after_channel) order by o.organization_id, o.channel_id limit 1)
    union all
    select n.organization_id, n.channel_id from lane,
      lateral (select o.organization_id, o.channel_id from public.outbox o
        where o.claimed_at is null and (o.organization_id, o.channel_id) > (lane.organization_id, lane.channel_id) order by o.organization_id, o.channel_id limit 1) as n
  )
  select lane.organization_id, lane.channel_id from lane
  where exists (select from public.channels c where c.organization_id = lane.organization_id and c.id = lane.channel_id and c.stopped_at is null)
    and exists (select from public.outbox o where o.organization_id = lane.organization_id and o.channel_id = lane.channel_id
      and o.claimed_at is null and o.not_before <= now())
  limit how_many
$$;
grant execute on function private.waiting_outbound(uuid, uuid, integer) to frontdesk_app;

-- Leases lanes for some seconds: those that are free, expired or already this worker's. [{"organization_id", "channel_id"}, …]
-- Returns what the holder needs to know of each channel; the sealed token for sending only.
create function private.lease_lanes(worker uuid, lane_direction text, wanted jsonb, seconds integer)
returns table (organization_id uuid, id uuid, kind text, name text, phone_number_id text, display_number text, waba_id text, scope text,
  rate_per_second integer, stopped_at timestamptz, access_token text)
language sql security definer set search_path = '' as $$
  with asked as materialized (
    select w.organization_id, w.channel_id from jsonb_to_recordset(wanted) as w (organization_id uuid, channel_id uuid)
    order by w.organization_id, w.channel_id
  ), leased as (
    insert into public.lanes as l (organization_id, channel_id, direction, leased_by, leased_until, last_served_at)
    select c.organization_id, c.id, lane_direction, worker, now() + make_interval(secs => seconds), now()
    from asked a join public.channels c on c.organization_id = a.organization_id and c.id = a.channel_id
    on conflict (organization_id, channel_id, direction) do update
      set leased_by = excluded.leased_by, leased_until = excluded.leased_until, last_served_at = excluded.last_served_at
      where l.leased_until < now() or l.leased_by = excluded.leased_by
    returning l.organization_id, l.channel_id
  )
  select c.organization_id, c.id, c.kind, c.name, c.phone_number_id, c.display_number, c.waba_id, c.scope, c.rate_per_second, c.stopped_at,
    case lane_direction when 'out' then k.access_token end
  from leased l
  join public.channels c on c.organization_id = l.organization_id and c.id = l.channel_id
  left join private.channel_credentials k on k.organization_id = c.organization_id and k.channel_id = c.id
$$;
grant execute on function private.lease_lanes(uuid, text, jsonb, integer) to frontdesk_app;

-- Gives every lane of a worker back, at its end.
create function private.release_lanes(worker uuid) returns void
language sql security definer set search_path = '' as $$
  update public.lanes set leased_until = '-infinity', leased_by = null where leased_by = worker
$$;
grant execute on function private.release_lanes(uuid) to frontdesk_app;

-- Messages claimed longer ago than that, with no outcome: whether they were sent is unknown, so they are never sent again by
-- themselves. Returns the organizations concerned.
create function private.expire_claims(older_than interval) returns setof uuid
language sql security definer set search_path = '' as $$
  with expired as (
    delete from public.outbox o where o.claimed_at < now() - older_than returning o.organization_id, o.id
  ), settled as (
    update public.messages m set status = 'unknown',
      error_text = 'It is not known whether this message was sent: the connection broke while it was being handed over. Look at the phone before you send it again.'
    from expired e where m.organization_id = e.organization_id and m.id = e.id and private.status_rank(m.status) < private.status_rank('unknown')
    returning m.organization_id
  )
  select distinct e.organization_id from expired e
$$;
grant execute on function private.expire_claims(interval) to frontdesk_app;

-- Renews the statistics of tables that have grown fast since they were last looked at. Plans are kept for as long as a connection lives, also
-- those of foreign key checks; new statistics, from a small sample, make PostgreSQL think again. Returns the tables it looked at.
create function private.notice_growth() returns setof text
language plpgsql security definer set search_path = '' set default_statistics_target = 5 as $$
declare grown text;
begin
  for grown in
    select c.oid::regclass::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind = 'r' and pg_catalog.pg_relation_size(c.oid) / 8192 > 4 * greatest(c.relpages, 4)
  loop
    execute 'analyze ' || grown;
    return next grown;
  end loop;
end $$;
grant execute on function private.notice_growth() to frontdesk_app;

-- How much waits, counted up to a thousand: for health checks, which come often.
create function private.road_state() returns table (deliveries bigint, failed bigint, unrouted bigint, outbox bigint, claimed bigint)
language sql stable security definer set search_path = '' as $$
  select (select count(*) from (select from public.inbound_deliveries limit 1000) as d), (select count(*) from (select from public.failed_deliveries where kind in ('message', 'status') limit 1000) as f),
    (select count(*) from (select from private.unrouted_deliveries limit 1000) as u), (select count(*) from (select from public.outbox where claimed_at is null limit 1000) as o),
    (select count(*) from (select from public.outbox where claimed_at is not null limit 1000) as c)
$$;
grant execute on function private.road_state() to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
