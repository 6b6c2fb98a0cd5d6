-- What is counted stands under the day on which it was counted, whenever the books are kept.

-- The day on which the entry was counted. Entries from before have none: they were made in the first minutes of an hour and are of the one before.
alter table public.usage_ledger add column counted_on date;

-- The day (in UTC) of what was counted since a time and is booked now. last_count: when it was last counted. Of what was counted on both sides of a
-- midnight, which is what the books that are kept right after it have, the day that has more of the time: they are kept every hour.
create function private.day_counted(last_count timestamptz, since timestamptz, at timestamptz) returns date
language plpgsql immutable set search_path = '' as $$
declare
  today constant date := (at at time zone 'UTC')::date;
  midnight constant timestamptz := today::timestamp at time zone 'UTC';
begin
  if last_count < midnight then return (last_count at time zone 'UTC')::date; end if;
  return case when since >= midnight or at - midnight > midnight - since then today else today - 1 end;
end $$;

-- Adds to the ledger what the next counters have counted since their last entry, once an hour each. A counter that is busy at this moment is
-- passed over, so that no message waits for a ring of locks; it has its turn in a moment. Returns the organizations with the first day that anything
-- is of, and where to go on. `usage.booked` is when everything was booked last.
drop function private.roll_up_usage(uuid, integer);
create function private.roll_up_usage(after uuid, how_many integer) returns table (organization_id uuid, first_day date)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  hour constant text := to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24');
  booked constant timestamptz := (select t.taken_at from private.clock_turns t where t.job = 'usage.booked');
begin
  return query
  with due as materialized (
    select u.organization_id, u.metric, u.period_start, u.used - u.rolled_up as amount, u.updated_at
    from public.organization_usage u
    where u.organization_id > after and u.used <> u.rolled_up
    order by u.organization_id limit how_many for no key update skip locked
  ), dated as materialized (
    select d.*, private.day_counted(d.updated_at, greatest(booked, o.created_at), now()) as day from due d join public.organizations o on o.id = d.organization_id
  ), written as (
    insert into public.usage_ledger (organization_id, metric, source_id, period_start, amount, counted_on)
    select d.organization_id, d.metric, d.metric || ':' || d.period_start || ':' || hour, d.period_start, d.amount, d.day from dated d
    on conflict do nothing
    returning organization_id, metric, period_start, amount
  ), noted as (
    update public.organization_usage u set rolled_up = u.rolled_up + w.amount
    from written w where u.organization_id = w.organization_id and u.metric = w.metric and u.period_start = w.period_start
  )
  select d.organization_id, min(d.day) from dated d group by 1 order by 1;
end $$;
grant execute on function private.roll_up_usage(uuid, integer) to frontdesk_app;

-- Adds everything of one organization at once: before a period is billed.
create or replace function private.close_usage(organization uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare since constant timestamptz := greatest(
  (select t.taken_at from private.clock_turns t where t.job = 'usage.booked'), (select o.created_at from public.organizations o where o.id = organization));
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  with due as materialized (
    select u.metric, u.period_start, u.used, u.used - u.rolled_up as amount, u.updated_at from public.organization_usage u
    where u.organization_id = organization and u.used <> u.rolled_up order by u.metric, u.period_start for no key update
  ), written as (
    insert into public.usage_ledger (organization_id, metric, source_id, period_start, amount, counted_on)
    select organization, d.metric, d.metric || ':' || d.period_start || ':at ' || d.used || ' ' || to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.US'), d.period_start, d.amount,
      private.day_counted(d.updated_at, since, now())
    from due d returning metric, period_start, amount
  )
  update public.organization_usage u set rolled_up = u.rolled_up + w.amount
  from written w where u.organization_id = organization and u.metric = w.metric and u.period_start = w.period_start;
end $$;

-- Makes the figures of these days anew; late: how long before it came a message may have been written. Two who do so at once take turns.
create or replace function private.make_usage_days(organization uuid, first_day date, last_day date, late interval) returns void
language plpgsql security definer set search_path = '' as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  since constant timestamptz := first_day::timestamp at time zone 'UTC';
  until constant timestamptz := (last_day + 1)::timestamp at time zone 'UTC';
begin
  perform pg_advisory_xact_lock(hashtextextended('frontdesk usage days ' || organization, 0));
  -- what a channel had that is gone stays as it was: its messages went with it
  delete from public.usage_days d where d.organization_id = organization and d.day between first_day and last_day
    and (d.channel_id = nobody or exists (select from public.channels c where c.organization_id = organization and c.id = d.channel_id));
  insert into public.usage_days (organization_id, day, metric, channel_id, author, user_id, amount)
  select organization, (m.created_at at time zone 'UTC')::date, case m.direction when 'in' then 'messages_received' else 'messages_sent' end, v.channel_id,
    case when m.api_key_id is not null then 'program' else m.author end, coalesce(m.user_id, nobody), count(*)
  from private.counted_messages(organization, since, until, late) m
  join public.conversations v on v.organization_id = organization and v.id = m.conversation_id
  group by 2, 3, 4, 5, 6
  union all
  select organization, e.day, e.metric, nobody, 'nobody', nobody, sum(e.amount)
  from (
    select l.metric, l.amount, coalesce(l.counted_on, ((l.created_at - interval '30 minutes') at time zone 'UTC')::date) as day
    from public.usage_ledger l
    where l.organization_id = organization and l.metric not in ('messages_sent', 'messages_received') and l.created_at >= since
  ) as e
  where e.day between first_day and last_day
  group by e.day, e.metric
  on conflict do nothing;
end $$;

revoke execute on all functions in schema private from public, anon;
