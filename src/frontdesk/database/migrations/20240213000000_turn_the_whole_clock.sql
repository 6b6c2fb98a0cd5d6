-- Whoever turns the clock of the simulated Stripe sees everything come that time brings: the end of a usage month and what it costs, the end of a
-- trial, reminders. In development only.

-- By how many days the payment provider's clock is ahead of ours; 0 but for a simulated Stripe whose clock was turned. Usage months go by it.
alter table public.subscriptions add column days_ahead integer not null default 0;
alter table public.subscriptions add constraint subscriptions_ahead_with_a_month check (days_ahead = 0 or (days_ahead > 0 and usage_anchor is not null));

-- That the clock of the provider may be turned here, and how far it is. Without a row it cannot be: so it is in production.
create table private.turned_clock (
  only_one boolean primary key default true check (only_one),
  days_ahead integer not null default 0 check (days_ahead >= 0)
);

-- Says at the start of a process whether the provider's clock can be turned. Where it cannot, every month goes by the real one again.
create function private.allow_turning(allowed boolean) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if allowed then
    insert into private.turned_clock default values on conflict do nothing;
  else
    delete from private.turned_clock;
    if found then update public.subscriptions s set days_ahead = 0 where s.days_ahead <> 0; end if;
  end if;
end $$;
grant execute on function private.allow_turning(boolean) to frontdesk_app;

-- The period in which an organization counts now, by the database's clock and no other: with the days by which the provider's is ahead in development.
create or replace function private.usage_period(organization uuid) returns date
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return null; end if;
  return coalesce(
    (select private.period_start(s.usage_anchor, (now() at time zone 'UTC')::date + s.days_ahead) from public.subscriptions s where s.organization_id = organization),
    private.usage_period());
end $$;

-- The same for many organizations at once: [{"organization_id", "amount"}, …]. Rows are locked in one order, so that two batches never wait for each other in a ring.
create or replace function private.track_usage_of_many(wanted_metric text, requests jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  today constant date := (now() at time zone 'UTC')::date;
  this_month constant date := date_trunc('month', today::timestamp)::date;
begin
  perform private.check_usage_batch(wanted_metric, requests);
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select r.organization_id, wanted_metric,
    case when s.usage_anchor is null then this_month else private.period_start(s.usage_anchor, today + s.days_ahead) end, r.amount
  from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint)
  left join lateral (select n.usage_anchor, n.days_ahead from public.subscriptions n where n.organization_id = r.organization_id offset 0) as s on true
  order by r.organization_id
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now();
end $$;

-- Checks and counts in one step: true and counted, or false and nothing changed. Never an overshoot, whoever calls at the same time: beyond the
-- limit only what the organization's cap still pays for, and nothing where its access to the metric is shut.
-- A level is not counted (its rows are the count): the organization's row is locked, so that the caller may add the row it asked for.
create or replace function private.consume_usage(organization uuid, wanted_metric text, amount bigint default 1) returns boolean
language plpgsql security definer set search_path = '' as $$
declare found_kind text; allowed bigint; stands text; anchor date; ahead integer; period date;
begin
  -- one look for everything, because callers stand in line for what follows
  select m.kind, (s.limits ->> wanted_metric)::bigint, s.access, s.usage_anchor, s.days_ahead into found_kind, allowed, stands, anchor, ahead
  from public.usage_metrics m left join public.subscriptions s on s.organization_id = organization where m.metric = wanted_metric;
  if found_kind is null or amount is null or amount <= 0 or not private.may_act_for(organization) then
    perform private.check_usage_call(organization, wanted_metric, amount);  -- which says what is wrong
  end if;
  if stands <> 'full' and not private.access_allows(stands, wanted_metric) then return false; end if;
  if found_kind = 'level' then
    perform from public.subscriptions where organization_id = organization for no key update;
    return allowed is null or private.usage_level(organization, wanted_metric) + amount <= allowed;
  end if;
  period := case when anchor is null then date_trunc('month', now() at time zone 'UTC')::date
    else private.period_start(anchor, (now() at time zone 'UTC')::date + ahead) end;
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select organization, wanted_metric, period, amount where allowed is null or amount <= allowed
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
    where allowed is null or u.used + excluded.used <= allowed;
  return found or private.consume_over(organization, wanted_metric, period, amount, allowed, true) = amount;
end $$;

-- The same for many organizations at once, granting each what still fits: [{"organization_id", "amount"}, …] -> granted of each.
create or replace function private.consume_usage_of_many(wanted_metric text, requests jsonb) returns table (organization_id uuid, granted bigint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  today constant date := (now() at time zone 'UTC')::date;
  this_month constant date := date_trunc('month', today::timestamp)::date;
  organizations uuid[]; amounts bigint[]; periods date[]; limits bigint[];
begin
  perform private.check_usage_batch(wanted_metric, requests);
  -- each organization's limit and month are looked up once
  select array_agg(r.organization_id), array_agg(r.amount), array_agg(case when l.usage_anchor is null then this_month else private.period_start(l.usage_anchor, today + l.days_ahead) end), array_agg(l.allowed)
  into organizations, amounts, periods, limits
  from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint)
  cross join lateral (
    select s.usage_anchor, s.days_ahead, case when s.access = 'full' or private.access_allows(s.access, wanted_metric) then (s.limits ->> wanted_metric)::bigint else 0 end as allowed
    from public.subscriptions s where s.organization_id = r.organization_id offset 0) as l;
  if cardinality(organizations) > (
    select count(*) from unnest(organizations, periods) as r (organization_id, period_start) cross join lateral (
      select from public.organization_usage u
      where u.organization_id = r.organization_id and u.metric = wanted_metric and u.period_start = r.period_start offset 0) as there) then
    insert into public.organization_usage (organization_id, metric, period_start, used)
    select r.organization_id, wanted_metric, r.period_start, 0
    from unnest(organizations, periods) as r (organization_id, period_start) order by r.organization_id
    on conflict do nothing;
  end if;
  perform from public.organization_usage u
  where u.metric = wanted_metric and (u.organization_id, u.period_start) in (select * from unnest(organizations, periods))
  order by u.organization_id for no key update;
  -- the rows are ours now; a new statement sees their newest values
  return query
  with fitting as materialized (
    select u.organization_id, u.period_start, r.amount, r.allowed,
      least(r.amount, case when r.allowed is null then r.amount else greatest(r.allowed - u.used, 0) end) as below
    from unnest(organizations, amounts, periods, limits) as r (organization_id, amount, period_start, allowed)
    join public.organization_usage u on u.organization_id = r.organization_id and u.metric = wanted_metric and u.period_start = r.period_start
  ), granting as materialized (
    select f.organization_id, f.period_start, f.below
      + case when f.below < f.amount then private.go_over(f.organization_id, wanted_metric, f.period_start, f.amount - f.below, false) else 0 end as granted
    from fitting f
  ), counted as (
    update public.organization_usage u set used = u.used + g.granted, updated_at = now()
    from granting g
    where g.granted > 0 and u.organization_id = g.organization_id and u.metric = wanted_metric and u.period_start = g.period_start
  )
  select g.organization_id, g.granted from granting g;
end $$;

-- Takes over the calls that are not counted yet. Calls that are admitted at this moment are taken the next time.
create or replace function private.count_api_calls() returns void
language sql security definer set search_path = '' as $$
  with taken as materialized (
    select c.subject, c.organization_id, c.uncounted from private.api_calls c where c.uncounted > 0 order by c.subject for update skip locked
  ), cleared as (
    update private.api_calls c set uncounted = 0 from taken t where c.subject = t.subject
  )
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select t.organization_id, 'api_requests', private.period_start(s.usage_anchor, (now() at time zone 'UTC')::date + coalesce(s.days_ahead, 0)), sum(t.uncounted)
  from taken t join public.organizations o on o.id = t.organization_id left join public.subscriptions s on s.organization_id = t.organization_id
  group by t.organization_id, s.usage_anchor, s.days_ahead order by t.organization_id
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
$$;

-- Lets an organization's months begin with another day, as its subscription's do. What was counted since the period that this makes the present
-- one began belongs to that, and leaves the periods before. Returns when the present period began. Asked again, nothing happens.
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
  perform from public.organization_usage u where u.organization_id = organization order by u.metric, u.period_start for no key update;
  for one in select m.metric from public.usage_metrics m where m.kind = 'period' loop
    missing := case when one.metric in ('messages_sent', 'messages_received') then (
        select count(*) from private.counted_messages(organization, since, now() + interval '1 day', '8 days') m where (m.direction = 'in') = (one.metric = 'messages_received'))
      else coalesce((select sum(l.amount) from public.usage_ledger l where l.organization_id = organization and l.metric = one.metric and l.created_at >= since), 0)
        + coalesce((select sum(u.used - u.rolled_up) from public.organization_usage u where u.organization_id = organization and u.metric = one.metric), 0)
      end - coalesce((select u.used from public.organization_usage u where u.organization_id = organization and u.metric = one.metric and u.period_start = period), 0);
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

-- The organizations with something to bill of periods that are over.
create or replace function private.list_overage_due(after uuid, how_many integer) returns table (organization_id uuid)
language sql stable security definer set search_path = '' as $$
  select distinct o.organization_id
  from public.usage_overage o left join public.subscriptions s on s.organization_id = o.organization_id
  where o.billed_at is null and o.units > 0 and o.organization_id > after
    and o.period_start < private.period_start(s.usage_anchor, (now() at time zone 'UTC')::date + coalesce(s.days_ahead, 0))
  order by 1 limit how_many
$$;

-- The ends of the trials that nobody bought and that still run.
create function private.running_trials() returns setof timestamptz
language sql stable security definer set search_path = '' as $$
  select distinct s.trial_ends_at from public.subscriptions s where s.status = 'trialing' and s.provider_subscription_id is null and s.trial_ends_at > now()
$$;
grant execute on function private.running_trials() to frontdesk_app;

-- A time as notices are known by, which Python writes.
create function private.iso_time(at timestamptz) returns text
language sql immutable set search_path = '' as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || case when at = date_trunc('second', at) then '' else to_char(at at time zone 'UTC', '.US') end || '+00:00'
$$;

drop function private.let_time_pass(bigint);
-- Lets time pass for everybody: what our own clock decides was so many seconds earlier (since when payments are overdue, when trials end that nobody
-- bought), and usage months go by what the provider's clock shows. What was told stays told.
create function private.let_time_pass(seconds bigint, shows timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
declare
  passed constant interval := make_interval(secs => seconds);
  ahead constant integer := greatest(0, (shows at time zone 'UTC')::date - (now() at time zone 'UTC')::date);
begin
  update private.turned_clock t set days_ahead = ahead;
  if not found then raise exception 'the clock cannot be turned here' using errcode = 'insufficient_privilege'; end if;
  update public.billing_notices n set object = private.iso_time(m.moment - passed)
  from public.subscriptions s
  cross join lateral (values (s.past_due_since, 'payment_failed'), (s.past_due_since, 'access_reduced'),
    (case when s.provider_subscription_id is null then s.trial_ends_at end, 'trial_ending'),
    (case when s.provider_subscription_id is null then s.trial_ends_at end, 'trial_ended')) as m (moment, kind)
  where s.organization_id = n.organization_id and n.kind = m.kind and n.object = private.iso_time(m.moment);
  update public.subscriptions s set past_due_since = s.past_due_since - passed, look_at = now() where s.past_due_since is not null;
  update public.subscriptions s set trial_ends_at = s.trial_ends_at - passed, look_at = now()
  where s.status = 'trialing' and s.provider_subscription_id is null and s.trial_ends_at is not null;
  update public.subscriptions s set days_ahead = ahead, look_at = now() where s.usage_anchor is not null and s.days_ahead <> ahead;
end $$;
grant execute on function private.let_time_pass(bigint, timestamptz) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
