-- Messages that arrive are counted by one row a batch, which is folded into the counters every few seconds.

-- What batches of arriving messages have counted and is not folded into the counters yet: how many of each organization, in one row a batch. It is
-- written with the messages; a fold takes the rows and adds to the counters in one transaction, so that a counter and what is here are always exact
-- together. Not compressed: for a few seconds, that costs more than it saves.
create table private.received_counts (
  id bigint generated always as identity primary key,
  counted_at timestamptz not null default now(),  -- which is what the messages say of when they were stored
  counts jsonb not null check (jsonb_typeof(counts) = 'object')
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500, toast_tuple_target = 8160,
  toast.autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_vacuum_threshold = 2000);
alter table private.received_counts alter column counts set storage external;

-- Counts what has arrived, whatever the limit: {organization: how many messages, …}. No counter is touched: one row, however many organizations.
create function private.count_received(counts jsonb) returns void
language plpgsql security definer set search_path = '' as $$
begin
  -- one is looked for first, because most are
  if counts is null or jsonb_typeof(counts) <> 'object'
      or counts @? 'strict $.* ? (!exists(@ ? (@ == 1 || @ >= 1 && @ <= 1000000000 && @.floor() == @)))' then
    raise exception 'each organization must have a positive number of messages' using errcode = 'invalid_parameter_value';
  end if;
  if not (case current_setting('role') when 'frontdesk_worker' then coalesce(private.named_organizations(), '{}') ?& array(select jsonb_object_keys(counts))
      else not exists (select from jsonb_object_keys(counts) as k (key) where not private.may_act_for(k.key::uuid)) end) then
    raise exception 'not allowed for one of these organizations' using errcode = 'insufficient_privilege';
  end if;
  insert into private.received_counts (counts) values (count_received.counts);
end $$;
grant execute on function private.count_received(jsonb) to frontdesk_worker;

-- Adds to the counters what was counted as received since, the oldest first, and returns how many rows that were. Each goes into the period of the
-- day on which it was counted, as the organization's months are now. Rows are locked in the one order. Nobody folds at the same time, nor while months
-- are moved (`anchor_usage`): whoever comes second leaves it to the next fold.
create function private.fold_received() returns bigint
language plpgsql security definer set search_path = '' as $$
declare folded bigint;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('frontdesk received counts', 0)) then return 0; end if;
  with taken as materialized (
    delete from private.received_counts r where r.ctid = any (array(select o.ctid from private.received_counts o order by o.id limit 2000))
    returning r.counted_at, r.counts
  ), summed as materialized (
    select c.key as organization, (t.counted_at at time zone 'UTC')::date as day, sum(c.value::integer) as amount, max(t.counted_at) as last_at
    from taken t cross join lateral jsonb_each(t.counts) as c group by 1, 2
  ), dated as materialized (  -- of organizations that are there: one that went took its messages along
    select o.id, private.period_start(n.usage_anchor, s.day + coalesce(n.days_ahead, 0)) as period_start, sum(s.amount) as amount, max(s.last_at) as last_at
    from summed s
    cross join lateral (select g.id from public.organizations g where g.id = s.organization::uuid offset 0) as o
    left join lateral (select b.usage_anchor, b.days_ahead from public.subscriptions b where b.organization_id = o.id offset 0) as n on true
    group by 1, 2
  ), counted as (
    insert into public.organization_usage as u (organization_id, metric, period_start, used, updated_at)
    select d.id, 'messages_received', d.period_start, d.amount, d.last_at from dated d order by d.id, d.period_start
    on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = greatest(u.updated_at, excluded.updated_at)
  )
  select count(*) into folded from taken;
  return folded;
exception when foreign_key_violation then
  return 0;  -- an organization went in this very moment: all is as it was, and the next time it is not there
end $$;
grant execute on function private.fold_received() to frontdesk_app;

-- What an organization has received in a period and is not folded yet. Asked in the statement that reads the counter: one of them has each message.
create function private.unfolded_received(organization uuid, period date) returns bigint
language plpgsql stable security definer set search_path = '' as $$
begin
  return (
    select coalesce(sum((r.counts -> organization::text)::bigint), 0) from private.received_counts r
    left join public.subscriptions s on s.organization_id = organization
    where private.period_start(s.usage_anchor, (r.counted_at at time zone 'UTC')::date + coalesce(s.days_ahead, 0)) = period);
end $$;

-- ---- who reads the counter ----

create or replace function private.usage_overview(organization uuid) returns table (metric text, kind text, used bigint, allowed bigint)
language plpgsql stable security definer set search_path = '' as $$
declare period constant date := private.usage_period(organization);
begin
  if not private.may_act_for(organization) then return; end if;
  return query
  select m.metric, m.kind,
    case m.kind when 'level' then private.usage_level(organization, m.metric) else coalesce(u.used, 0) end
      + case m.metric when 'messages_received' then private.unfolded_received(organization, period) else 0 end,
    private.usage_limit(organization, m.metric)
  from public.usage_metrics m
  left join public.organization_usage u on u.organization_id = organization and u.metric = m.metric and u.period_start = period;
end $$;

create or replace function private.usage_for_operators(organization uuid)
returns table (metric text, kind text, description text, unit text, used bigint, allowed bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  select m.metric, m.kind, m.description, m.unit, v.used, v.allowed
  from private.usage_overview(organization) v join public.usage_metrics m on m.metric = v.metric
  order by m.kind, m.metric;
end $$;

create or replace function private.usage_differences(organization uuid) returns table (metric text, period_start date, counted bigint, recounted bigint)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
  turned constant boolean := coalesce((select s.days_ahead <> 0 from public.subscriptions s where s.organization_id = organization), false);
  period constant date := private.period_start((select s.usage_anchor from public.subscriptions s where s.organization_id = organization), (now() at time zone 'UTC')::date);
begin
  return query
  select f.metric, f.period_start, f.counted::bigint, f.recounted::bigint from (
    select w.metric, period as period_start,
      coalesce((select u.used from public.organization_usage u where u.organization_id = organization and u.metric = w.metric and u.period_start = period), 0)
        + case w.metric when 'messages_received' then private.unfolded_received(organization, period) else 0 end
        - coalesce((select sum(l.taken - l.spent) from public.usage_leases l where l.organization_id = organization and l.metric = w.metric and l.period_start = period), 0) as counted,
      coalesce(sum(m.n), 0)::bigint + coalesce((
        select sum(g.amount) from public.usage_days g
        where g.organization_id = organization and g.metric = w.metric and g.day >= period
          and not exists (select from public.channels c where c.organization_id = organization and c.id = g.channel_id)), 0)::bigint as recounted
    from (values ('messages_sent', 'out'), ('messages_received', 'in')) as w (metric, direction)
    left join (
      select c.direction, count(*) as n from private.counted_messages(organization, period::timestamp at time zone 'UTC', now() + interval '1 day', '8 days') c group by 1
    ) as m on m.direction = w.direction
    where not turned  -- then messages have other days than the months that they were counted in
    group by w.metric
    union all
    select u.metric, u.period_start, u.rolled_up, coalesce(sum(l.amount), 0)::bigint
    from public.organization_usage u
    left join public.usage_ledger l on l.organization_id = organization and l.metric = u.metric and l.period_start = u.period_start
    where u.organization_id = organization and u.metric not in ('messages_sent', 'messages_received')
    group by u.metric, u.period_start, u.rolled_up
  ) as f
  where f.counted <> f.recounted;
end $$;

create or replace function private.anchor_usage(organization uuid, new_anchor date) returns date
language plpgsql security definer set search_path = '' as $$
declare
  ahead constant integer := coalesce((select t.days_ahead from private.turned_clock t), 0);
  today constant date := (now() at time zone 'UTC')::date + ahead;
  period constant date := private.period_start(new_anchor, today);
  since constant timestamptz := (period - ahead)::timestamp at time zone 'UTC';
  old_anchor date; old_period date; one record; earlier record; missing bigint; moved bigint;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  select s.usage_anchor, private.period_start(s.usage_anchor, today - ahead + s.days_ahead) into old_anchor, old_period from public.subscriptions s where s.organization_id = organization for no key update;
  if not found or old_anchor is not distinct from new_anchor then return old_period; end if;
  update public.subscriptions s set usage_anchor = new_anchor, days_ahead = ahead where s.organization_id = organization;
  if period = old_period then return period; end if;
  -- until this ends nothing is folded: what would go where the months begun before it, and what is not folded by now goes by itself where they begin now
  perform pg_advisory_xact_lock_shared(hashtextextended('frontdesk received counts', 0));
  perform from public.organization_usage u where u.organization_id = organization order by u.metric, u.period_start for no key update;
  for one in select m.metric from public.usage_metrics m where m.kind = 'period' loop
    missing := case when one.metric in ('messages_sent', 'messages_received') then (
        select count(*) from private.counted_messages(organization, since, now() + interval '1 day', '8 days') m where (m.direction = 'in') = (one.metric = 'messages_received'))
      else coalesce((select sum(l.amount) from public.usage_ledger l where l.organization_id = organization and l.metric = one.metric and l.created_at >= since), 0)
        + coalesce((select sum(u.used - u.rolled_up) from public.organization_usage u where u.organization_id = organization and u.metric = one.metric), 0)
      end - coalesce((select u.used from public.organization_usage u where u.organization_id = organization and u.metric = one.metric and u.period_start = period), 0)
      - case one.metric when 'messages_received' then private.unfolded_received(organization, period) else 0 end;
    for earlier in select u.period_start, u.used from public.organization_usage u
      where u.organization_id = organization and u.metric = one.metric and u.period_start <> period
        and (ahead = 0 or u.period_start = old_period)  -- where a clock was turned, a month that is over is none by its messages' days
      order by u.period_start desc loop
      moved := least(earlier.used, missing);
      exit when moved <= 0;
      update public.organization_usage u set used = u.used - moved
      where u.organization_id = organization and u.metric = one.metric and u.period_start = earlier.period_start;
      insert into public.organization_usage as u (organization_id, metric, period_start, used) values (organization, one.metric, period, moved)
      on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used;
      missing := missing - moved;
    end loop;
  end loop;
  return period;
end $$;

revoke execute on all functions in schema private from public, anon;
