-- Fewer things to touch with every message that arrives, and with every answer that leaves.

-- ==== Arriving: a lane has as many parts as the worker has runners ====

alter table public.inbound_deliveries drop column half;
alter table public.inbound_deliveries add column part smallint not null default 0 check (part between 0 and 9);

drop function if exists private.keep_deliveries(jsonb);  -- what the first installations have
create or replace function private.keep_deliveries(deliveries jsonb, payloads text) returns setof uuid
language sql security definer set search_path = '' as $$
  with given as materialized (
    select * from rows from (
      jsonb_to_recordset(deliveries) as (organization_id uuid, channel_id uuid, id uuid, part smallint, kind text),
      string_to_table(payloads, E'\n')
    ) as d (organization_id, channel_id, id, part, kind, payload)
    where d.id = any (array[d.id])
  ), kept as (
    insert into public.inbound_deliveries (organization_id, channel_id, id, part, kind, payload)
    select g.organization_id, g.channel_id, g.id, g.part, g.kind, g.payload from given g
    where exists (select from public.channels c where c.organization_id = g.organization_id and c.id = g.channel_id)
    returning id
  )
  select g.id from given g where (select count(*) from kept) < (select count(*) from given) and not exists (select from kept k where k.id = g.id)
$$;
grant execute on function private.keep_deliveries(jsonb, text) to frontdesk_app;

-- ==== Listed: most messages of a conversation leave its place in every index as it is ====

-- The ten minutes of its newest message: lists are ordered by it first, and by the exact time within it.
alter table public.conversations add column
  last_message_slot timestamptz generated always as (date_bin('10 minutes', last_message_at, '2000-01-01 00:00+00')) stored;
drop index public.conversations_open, public.conversations_closed;
create index conversations_open on public.conversations (organization_id, last_message_slot desc) where closed_at is null;
create index conversations_closed on public.conversations (organization_id, last_message_slot desc) where closed_at is not null;

-- ==== Leaving: a place in the outbox goes with its message ====

-- It is written together with its message. A foreign key would say so, too, but its check costs every answer more than all else there, and an
-- index by conversation beside the primary key is one that a plan can take by mistake: for a table that is empty or full, no statistics tell
-- them apart.
alter table public.outbox drop column conversation_id;

-- A message that is deleted is not sent any more.
create function private.forget_outbox() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.outbox o where o.organization_id = old.organization_id and o.id = old.id;
  return null;
end $$;
create trigger messages_take_their_places after delete on public.messages for each row when (old.direction = 'out') execute function private.forget_outbox();

-- A channel that is given up takes what waits on its lanes along.
create function private.forget_lanes() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.inbound_deliveries d where d.organization_id = old.organization_id and d.channel_id = old.id;
  delete from public.outbox o where o.organization_id = old.organization_id and o.channel_id = old.id;
  return old;
end $$;
drop trigger channels_take_their_deliveries on public.channels;
drop function private.forget_deliveries();
create trigger channels_take_their_lanes after delete on public.channels for each row execute function private.forget_lanes();

revoke execute on all functions in schema private from public, anon;
