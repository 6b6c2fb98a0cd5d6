-- The books of usage: ten metrics, months that begin on an organization's own day, a ledger that is only added to, figures by day, choices of
-- what happens at a limit, overage, and blocks that are taken at once.

-- ---- what is counted ----

-- unit: one of it. anchor: whether its period is the organization's own month; a level has none.
alter table public.usage_metrics
  add column unit text not null default 'message',
  add column anchor text not null default 'organization' check (anchor in ('organization', 'none'));
update public.usage_metrics set anchor = 'none' where kind = 'level';
update public.usage_metrics set unit = case metric when 'campaigns' then 'campaign' when 'channels' then 'channel' when 'members' then 'member'
  when 'contacts' then 'contact' when 'auto_replies' then 'rule' else 'message' end;
alter table public.usage_metrics
  alter column unit drop default, alter column anchor drop default,
  add constraint usage_metrics_levels_have_no_period check ((kind = 'period') = (anchor = 'organization'));
insert into public.usage_metrics (metric, kind, description, unit, anchor) values
  ('media_bytes', 'period', 'Media', 'byte', 'organization'), ('ai_replies', 'period', 'AI replies', 'reply', 'organization'),
  ('api_requests', 'period', 'API calls', 'call', 'organization');

-- ---- the organization's month ----

-- The day whose number each of the organization's months begins with; null is the calendar's first.
alter table public.subscriptions add column usage_anchor date;

-- When the month began that a day belongs to. A month without the anchor's day begins on its last one, and the next one on the right day again.
create function private.period_start(anchor date, day date) returns date
language plpgsql immutable parallel safe set search_path = '' as $$
declare months integer; started date;
begin
  if anchor is null then return date_trunc('month', day::timestamp)::date; end if;
  months := (extract(year from day) - extract(year from anchor)) * 12 + extract(month from day) - extract(month from anchor);
  started := (anchor + make_interval(months => months))::date;
  return case when started <= day then started else (anchor + make_interval(months => months - 1))::date end;
end $$;
grant execute on function private.period_start(date, date) to frontdesk_app, frontdesk_member, frontdesk_worker;

-- The day on which the month after this one begins. started: when this one did.
create function private.period_end(anchor date, started date) returns date
language sql immutable parallel safe set search_path = '' as $$
  select (coalesce(anchor, date_trunc('month', started::timestamp)::date) + make_interval(months => (1 +
    (extract(year from started) - extract(year from coalesce(anchor, started))) * 12 + extract(month from started) - extract(month from coalesce(anchor, started)))::integer))::date
$$;
grant execute on function private.period_end(date, date) to frontdesk_app, frontdesk_member, frontdesk_worker;

-- The period in which an organization counts now, by the database's clock and no other.
create function private.usage_period(organization uuid) returns date
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return null; end if;
  return private.period_start((select s.usage_anchor from public.subscriptions s where s.organization_id = organization), (now() at time zone 'UTC')::date);
end $$;
grant execute on function private.usage_period(uuid) to frontdesk_app, frontdesk_member, frontdesk_worker;

-- ---- the ledger ----

-- How much of a counter stands in the ledger.
alter table public.organization_usage add column rolled_up bigint not null default 0;

-- What was used, as billing knows it: added to and never changed. Each entry has a source that counts once; an amount below zero gives back what
-- had been taken ahead, or was moved into another period.
create table public.usage_ledger (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null check (metric ~ '^[a-z_]{1,40}$'),
  source_id text not null check (char_length(source_id) between 1 and 200),
  period_start date not null,
  amount bigint not null check (amount <> 0),
  created_at timestamptz not null default now(),
  primary key (organization_id, metric, source_id)
);
create index usage_ledger_by_period on public.usage_ledger (organization_id, period_start, metric, created_at);
select private.protect('public.usage_ledger', reads => 'organization:read', writes => null, worker => 'reads');
create function private.refuse_rebooking() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' and (not exists (select from public.organizations o where o.id = old.organization_id) or private.is_going(old.organization_id)) then
    return old;
  end if;
  raise exception 'what is in the ledger stays as it is: add to it' using errcode = 'insufficient_privilege';
end $$;
create trigger usage_ledger_append_only before update or delete on public.usage_ledger for each row execute function private.refuse_rebooking();
create trigger usage_ledger_not_emptied before truncate on public.usage_ledger for each statement execute function private.refuse_rebooking();

-- Whose turn it is to do what the clock demands: each job once an hour or once a day, whichever worker asks first.
create table private.clock_turns (
  job text primary key,
  taken_at timestamptz not null
);
create function private.take_turn(wanted_job text, unit text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.clock_turns as t (job, taken_at) values (wanted_job, now())
  on conflict (job) do update set taken_at = excluded.taken_at
    where date_trunc(unit, t.taken_at at time zone 'UTC') < date_trunc(unit, excluded.taken_at at time zone 'UTC');
  return found;
end $$;
grant execute on function private.take_turn(text, text) to frontdesk_app;

-- Adds to the ledger what the next counters have counted since their last entry, once an hour each. A counter that is busy at this moment is
-- passed over, so that no message waits for a ring of locks; it has its turn in a moment. Returns the organizations, and where to go on.
create function private.roll_up_usage(after uuid, how_many integer) returns table (organization_id uuid)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare hour constant text := to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24');
begin
  return query
  with due as materialized (
    select u.organization_id, u.metric, u.period_start, u.used - u.rolled_up as amount
    from public.organization_usage u
    where u.organization_id > after and u.used <> u.rolled_up
    order by u.organization_id limit how_many for no key update skip locked
  ), written as (
    insert into public.usage_ledger (organization_id, metric, source_id, period_start, amount)
    select d.organization_id, d.metric, d.metric || ':' || d.period_start || ':' || hour, d.period_start, d.amount from due d
    on conflict do nothing
    returning organization_id, metric, period_start, amount
  ), noted as (
    update public.organization_usage u set rolled_up = u.rolled_up + w.amount
    from written w where u.organization_id = w.organization_id and u.metric = w.metric and u.period_start = w.period_start
  )
  select distinct d.organization_id from due d order by 1;
end $$;
grant execute on function private.roll_up_usage(uuid, integer) to frontdesk_app;

-- Adds everything of one organization at once: before a period is billed.
create function private.close_usage(organization uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  with due as materialized (
    select u.metric, u.period_start, u.used, u.used - u.rolled_up as amount from public.organization_usage u
    where u.organization_id = organization and u.used <> u.rolled_up order by u.metric, u.period_start for no key update
  ), written as (
    insert into public.usage_ledger (organization_id, metric, source_id, period_start, amount)
    select organization, d.metric, d.metric || ':' || d.period_start || ':at ' || d.used || ' ' || to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.US'), d.period_start, d.amount
    from due d returning metric, period_start, amount
  )
  update public.organization_usage u set rolled_up = u.rolled_up + w.amount
  from written w where u.organization_id = organization and u.metric = w.metric and u.period_start = w.period_start;
end $$;
grant execute on function private.close_usage(uuid) to frontdesk_app, frontdesk_worker;

-- ---- what happens at a limit ----

-- What an organization chose for a metric: to stop (which is what happens without a choice), or to go on up to a cap each month, in minor units.
create table public.usage_choices (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null check (metric ~ '^[a-z_]{1,40}$'),
  over_limit text not null check (over_limit in ('stop', 'overage')),
  cap bigint check (cap between 1 and 100000000),
  chosen_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, metric),
  check ((over_limit = 'overage') = (cap is not null))
);
create index usage_choices_chosen_by on public.usage_choices (chosen_by);
select private.protect('public.usage_choices', reads => 'billing:read', writes => 'billing:write', worker => 'reads');
create trigger usage_choices_updated before update on public.usage_choices for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- What went beyond a limit in a period, at the price of that moment, and where it was billed: once, which the key says.
-- cost: in thousandths of the currency's minor unit, because prices are for a thousand.
create table public.usage_overage (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null check (metric ~ '^[a-z_]{1,40}$'),
  period_start date not null,
  units bigint not null default 0 check (units >= 0),
  cost bigint not null default 0 check (cost >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  claimed_at timestamptz,
  attempts integer not null default 0,
  billed_at timestamptz,
  biller text,
  provider_item_id text,
  provider_invoice_id text,
  primary key (organization_id, metric, period_start),
  check ((billed_at is null) = (biller is null))
);
create index usage_overage_unbilled on public.usage_overage (organization_id) where billed_at is null;
select private.protect('public.usage_overage', reads => 'billing:read', writes => null, worker => 'reads');

-- Whether an organization stands so well that it may go beyond its limits and pay later: it pays, or is late by a week at most.
create function private.may_go_over(organization uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return exists (
    select from public.subscriptions s
    where s.organization_id = organization and s.status in ('active', 'past_due') and s.access in ('full', 'grace_full'));
end $$;

-- Takes units beyond the limit, as many of those wanted as the cap still pays for, or all or none of them; 0 where nobody chose overage, or the
-- plan has no price for it. The caller holds the counter's row, so that nobody else is in here for the same period.
create function private.go_over(organization uuid, wanted_metric text, period date, wanted bigint, all_or_none boolean) returns bigint
language plpgsql security definer set search_path = '' as $$
declare chosen record; room bigint;
begin
  select c.cap, (p.overage ->> wanted_metric)::bigint as price, p.currency into chosen
  from public.usage_choices c
  join public.subscriptions s on s.organization_id = c.organization_id
  join public.subscription_plans p on p.id = s.plan_id
  where c.organization_id = organization and c.metric = wanted_metric and c.over_limit = 'overage';
  if not found or coalesce(chosen.price, 0) <= 0 or not private.may_go_over(organization) then return 0; end if;
  room := least(wanted, greatest(0, chosen.cap * 1000 - coalesce((
    select o.cost from public.usage_overage o where o.organization_id = organization and o.metric = wanted_metric and o.period_start = period), 0)) / chosen.price);
  if room <= 0 or (all_or_none and room < wanted) then return 0; end if;
  insert into public.usage_overage as o (organization_id, metric, period_start, units, cost, currency)
  values (organization, wanted_metric, period, room, room * chosen.price, chosen.currency)
  on conflict (organization_id, metric, period_start) do update set units = o.units + excluded.units, cost = o.cost + excluded.cost;
  return room;
end $$;

-- ---- counting ----

-- Counts, whatever the limit: for what is never refused, such as inbound messages.
create or replace function private.track_usage(organization uuid, wanted_metric text, amount bigint default 1) returns bigint
language plpgsql security definer set search_path = '' as $$
declare total bigint;
begin
  if private.check_usage_call(organization, wanted_metric, amount) = 'level' then
    raise exception 'there is no metric % that is counted', quote_literal(wanted_metric) using errcode = 'invalid_parameter_value';
  end if;
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  values (organization, wanted_metric, private.usage_period(organization), amount)
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
  returning u.used into total;
  return total;
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
    case when s.usage_anchor is null then this_month else private.period_start(s.usage_anchor, today) end, r.amount
  from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint)
  left join lateral (select n.usage_anchor from public.subscriptions n where n.organization_id = r.organization_id offset 0) as s on true
  order by r.organization_id
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now();
end $$;

-- What is used and allowed now, for every metric; advice for the screen, never enforcement.
create or replace function private.usage_overview(organization uuid) returns table (metric text, kind text, used bigint, allowed bigint)
language plpgsql stable security definer set search_path = '' as $$
declare period constant date := private.usage_period(organization);
begin
  if not private.may_act_for(organization) then return; end if;
  return query
  select m.metric, m.kind,
    case m.kind when 'level' then private.usage_level(organization, m.metric) else coalesce(u.used, 0) end,
    private.usage_limit(organization, m.metric)
  from public.usage_metrics m
  left join public.organization_usage u on u.organization_id = organization and u.metric = m.metric and u.period_start = period;
end $$;

-- The same with everything that a page says beside it. price: of a thousand beyond the limit, in minor units; null where none is sold.
-- cost: what went beyond it so far, in thousandths of a minor unit.
create function private.usage_standing(organization uuid)
returns table (metric text, kind text, unit text, used bigint, allowed bigint, over_limit text, cap bigint, price bigint, currency text, over bigint, cost bigint)
language plpgsql stable security definer set search_path = '' as $$
declare period constant date := private.usage_period(organization);
begin
  if not private.may_act_for(organization) then return; end if;
  return query
  select v.metric, v.kind, m.unit, v.used, v.allowed, coalesce(c.over_limit, 'stop'), c.cap, (p.overage ->> v.metric)::bigint, p.currency,
    coalesce(o.units, 0), coalesce(o.cost, 0)
  from private.usage_overview(organization) v
  join public.usage_metrics m on m.metric = v.metric
  left join public.usage_choices c on c.organization_id = organization and c.metric = v.metric
  left join public.subscriptions s on s.organization_id = organization
  left join public.subscription_plans p on p.id = s.plan_id
  left join public.usage_overage o on o.organization_id = organization and o.metric = v.metric and o.period_start = period
  order by v.metric;
end $$;
grant execute on function private.usage_standing(uuid) to frontdesk_member;

-- Whether the amount would still fit; advice for the screen (it races), never enforcement.
create or replace function private.check_usage_limit(organization uuid, wanted_metric text, amount bigint default 1) returns boolean
language plpgsql stable security definer set search_path = '' as $$
declare
  found_kind constant text := private.check_usage_call(organization, wanted_metric, amount);
  allowed constant bigint := private.usage_limit(organization, wanted_metric);
  period constant date := private.usage_period(organization);
  stands constant text := (select s.access from public.subscriptions s where s.organization_id = organization);
  used_now constant bigint := case found_kind when 'level' then private.usage_level(organization, wanted_metric)
    else coalesce((select used from public.organization_usage where organization_id = organization and metric = wanted_metric and period_start = period), 0) end;
begin
  if not private.access_allows(stands, wanted_metric) then return false; end if;
  if allowed is null or used_now + amount <= allowed then return true; end if;
  return exists (
    select from public.usage_choices c
    join public.subscriptions s on s.organization_id = c.organization_id join public.subscription_plans p on p.id = s.plan_id
    left join public.usage_overage o on o.organization_id = organization and o.metric = wanted_metric and o.period_start = period
    where c.organization_id = organization and c.metric = wanted_metric and c.over_limit = 'overage' and (p.overage ->> wanted_metric)::bigint > 0
      and private.may_go_over(organization) and found_kind = 'period'
      and coalesce(o.cost, 0) + least(check_usage_limit.amount, used_now + check_usage_limit.amount - allowed) * (p.overage ->> wanted_metric)::bigint <= c.cap * 1000);
end $$;

-- Checks and counts in one step: true and counted, or false and nothing changed. Never an overshoot, whoever calls at the same time: beyond the
-- limit only what the organization's cap still pays for, and nothing where its access to the metric is shut.
-- A level is not counted (its rows are the count): the organization's row is locked, so that the caller may add the row it asked for.
create or replace function private.consume_usage(organization uuid, wanted_metric text, amount bigint default 1) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  found_kind constant text := private.check_usage_call(organization, wanted_metric, amount);
  allowed bigint; stands text; anchor date; period date;
begin
  select (s.limits ->> wanted_metric)::bigint, s.access, s.usage_anchor into allowed, stands, anchor
  from public.subscriptions s where s.organization_id = organization;
  if stands <> 'full' and not private.access_allows(stands, wanted_metric) then return false; end if;
  if found_kind = 'level' then
    perform from public.subscriptions where organization_id = organization for no key update;
    return allowed is null or private.usage_level(organization, wanted_metric) + amount <= allowed;
  end if;
  period := private.period_start(anchor, (now() at time zone 'UTC')::date);
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select organization, wanted_metric, period, amount where allowed is null or amount <= allowed
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
    where allowed is null or u.used + excluded.used <= allowed;
  return found or private.consume_over(organization, wanted_metric, period, amount, allowed, true) = amount;
end $$;

-- The way beyond the limit: how much of the amount is granted, with what is still below it, all of it or none, or as much as there is.
create function private.consume_over(organization uuid, wanted_metric text, period date, amount bigint, allowed bigint, all_or_none boolean) returns bigint
language plpgsql security definer set search_path = '' as $$
declare so_far bigint; below bigint; beyond bigint;
begin
  if not exists (select from public.usage_choices c where c.organization_id = organization and c.metric = wanted_metric and c.over_limit = 'overage') then return 0; end if;
  insert into public.organization_usage (organization_id, metric, period_start) values (organization, wanted_metric, period) on conflict do nothing;
  select u.used into so_far from public.organization_usage u
  where u.organization_id = organization and u.metric = wanted_metric and u.period_start = period for no key update;
  below := least(amount, greatest(allowed - so_far, 0));
  beyond := case when below < amount then private.go_over(organization, wanted_metric, period, amount - below, all_or_none) else 0 end;
  if below + beyond = 0 or (all_or_none and below + beyond < amount) then return 0; end if;
  update public.organization_usage u set used = u.used + below + beyond, updated_at = now()
  where u.organization_id = organization and u.metric = wanted_metric and u.period_start = period;
  return below + beyond;
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
  select array_agg(r.organization_id), array_agg(r.amount), array_agg(case when l.usage_anchor is null then this_month else private.period_start(l.usage_anchor, today) end), array_agg(l.allowed)
  into organizations, amounts, periods, limits
  from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint)
  cross join lateral (
    select s.usage_anchor, case when s.access = 'full' or private.access_allows(s.access, wanted_metric) then (s.limits ->> wanted_metric)::bigint else 0 end as allowed
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

-- ---- blocks ----

-- Units that were taken at once and are spent one by one, for work that would else count a million times. What is spent is written with the work
-- itself, so that whoever is killed has lost nothing: what was not spent goes back.
create table public.usage_leases (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  metric text not null check (metric ~ '^[a-z_]{1,40}$'),
  period_start date not null,
  taken bigint not null check (taken > 0),
  spent bigint not null default 0 check (spent between 0 and taken),
  beyond bigint not null default 0 check (beyond between 0 and taken),  -- how many of them are overage
  beyond_cost bigint not null default 0 check (beyond_cost >= 0),
  created_at timestamptz not null default now(),
  touched_at timestamptz not null default now(),
  primary key (organization_id, id)
) with (fillfactor = 50);
create index usage_leases_touched on public.usage_leases (touched_at);
select private.protect('public.usage_leases', reads => 'organization:read', writes => null, worker => 'reads');

-- Takes a block of units, as many of those wanted as there are, and returns how many it holds. Asked again for the same block: what is left of it.
create function private.lease_usage(organization uuid, wanted_metric text, lease uuid, wanted bigint) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  allowed constant bigint := private.usage_limit(organization, wanted_metric);
  period constant date := private.usage_period(organization);
  before record; so_far bigint; below bigint; beyond bigint; cost_before bigint;
begin
  if private.check_usage_call(organization, wanted_metric, wanted) = 'level' then
    raise exception 'there is no metric % that is counted', quote_literal(wanted_metric) using errcode = 'invalid_parameter_value';
  end if;
  if not private.access_allows((select s.access from public.subscriptions s where s.organization_id = organization), wanted_metric) then return 0; end if;
  insert into public.organization_usage (organization_id, metric, period_start) values (organization, wanted_metric, period) on conflict do nothing;
  select u.used into so_far from public.organization_usage u
  where u.organization_id = organization and u.metric = wanted_metric and u.period_start = period for no key update;
  select l.taken, l.spent, l.metric into before from public.usage_leases l where l.organization_id = organization and l.id = lease;
  if found then
    if before.metric <> wanted_metric then raise exception 'this block is of another metric' using errcode = 'invalid_parameter_value'; end if;
    return before.taken - before.spent;
  end if;
  below := case when allowed is null then wanted else least(wanted, greatest(allowed - so_far, 0)) end;
  cost_before := coalesce((select o.cost from public.usage_overage o where o.organization_id = organization and o.metric = wanted_metric and o.period_start = period), 0);
  beyond := case when below < wanted then private.go_over(organization, wanted_metric, period, wanted - below, false) else 0 end;
  if below + beyond = 0 then return 0; end if;
  update public.organization_usage u set used = u.used + below + beyond, updated_at = now()
  where u.organization_id = organization and u.metric = wanted_metric and u.period_start = period;
  insert into public.usage_leases (organization_id, id, metric, period_start, taken, beyond, beyond_cost)
  select organization, lease, wanted_metric, period, below + beyond, beyond,
    coalesce((select o.cost from public.usage_overage o where o.organization_id = organization and o.metric = wanted_metric and o.period_start = period), 0) - cost_before;
  return below + beyond;
end $$;
grant execute on function private.lease_usage(uuid, text, uuid, bigint) to frontdesk_member, frontdesk_worker;

-- Spends units of a block, in the transaction of what they are for. False when it does not hold as many, is given back, or its period is over.
create function private.spend_usage(organization uuid, lease uuid, amount bigint) returns boolean
language plpgsql security definer set search_path = '' as $$
declare period constant date := private.usage_period(organization);
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  if amount is null or amount <= 0 then raise exception 'amount must be positive, not %', amount using errcode = 'invalid_parameter_value'; end if;
  update public.usage_leases l set spent = l.spent + amount, touched_at = now()
  where l.organization_id = organization and l.id = lease and l.period_start = period and l.spent + amount <= l.taken;
  return found;
end $$;
grant execute on function private.spend_usage(uuid, uuid, bigint) to frontdesk_member, frontdesk_worker;

-- Gives back what is left of a block, and says how much that was; 0 for a block that is given back already. What was beyond the limit goes first.
create function private.return_usage(organization uuid, lease uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare one public.usage_leases; rest bigint; of_beyond bigint;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  select l.* into one from public.usage_leases l where l.organization_id = organization and l.id = lease;
  if not found then return 0; end if;
  perform from public.organization_usage u
  where u.organization_id = organization and u.metric = one.metric and u.period_start = one.period_start for no key update;
  delete from public.usage_leases l where l.organization_id = organization and l.id = lease returning l.* into one;
  if not found then return 0; end if;
  rest := one.taken - one.spent;
  of_beyond := least(rest, one.beyond);
  if of_beyond > 0 then
    update public.usage_overage o set units = o.units - of_beyond, cost = o.cost - of_beyond * (one.beyond_cost / one.beyond)
    where o.organization_id = organization and o.metric = one.metric and o.period_start = one.period_start and o.billed_at is null;
  end if;
  update public.organization_usage u set used = u.used - rest, updated_at = now()
  where rest > 0 and u.organization_id = organization and u.metric = one.metric and u.period_start = one.period_start;
  return rest;
end $$;
grant execute on function private.return_usage(uuid, uuid) to frontdesk_member, frontdesk_worker;

-- Gives back blocks that nobody spends any more: untouched for an hour, whoever held them was killed. Who comes back after all takes a new one.
create function private.return_stale_usage() returns bigint
language plpgsql security definer set search_path = '' as $$
declare stale record; returned bigint := 0;
begin
  for stale in select l.organization_id, l.id from public.usage_leases l where l.touched_at < now() - interval '1 hour' order by l.touched_at limit 1000 loop
    returned := returned + private.return_usage(stale.organization_id, stale.id);
  end loop;
  return returned;
end $$;
grant execute on function private.return_stale_usage() to frontdesk_app;

-- ---- API calls ----

-- Calls are counted in the row that says how many the minute has had, and taken from there every minute: no row is written for a call that is not
-- written anyway. A call that was refused is not counted.
alter table private.api_calls add column organization_id uuid, add column uncounted bigint not null default 0;

drop function private.count_api_call(bytea, integer);
-- Counts one call within the minute of whoever makes it, and says how it stands. of_organization: whose call it is, if it is anybody's.
create function private.count_api_call(of_subject bytea, most integer, of_organization uuid) returns table (used integer, seconds integer)
language plpgsql security definer set search_path = '' as $$
begin
  return query
  insert into private.api_calls as c (subject, calls, window_ends_at, organization_id, uncounted)
  values (of_subject, 1, now() + interval '1 minute', of_organization, (of_organization is not null)::integer)
  on conflict (subject) do update set
    calls = case when c.window_ends_at <= now() then 1 else least(c.calls, most) + 1 end,
    window_ends_at = case when c.window_ends_at <= now() then excluded.window_ends_at else c.window_ends_at end,
    uncounted = c.uncounted + (of_organization is not null and (c.window_ends_at <= now() or c.calls < most))::integer
  returning c.calls, greatest(ceil(extract(epoch from c.window_ends_at - now())), 1)::integer;
  -- one call in fifty sweeps up a hundred minutes that are over, so that the table stays as small as what goes on
  if random() < 0.02 then
    delete from private.api_calls where subject in (
      select o.subject from private.api_calls o where o.window_ends_at < now() and o.uncounted = 0 order by o.window_ends_at limit 100 for update skip locked);
  end if;
end $$;

-- Lets a call in, or not: whether its key opens anything, how many calls its minute has had (a key's own, else the address's failures), and
-- what is left of the minute. A transaction of its own: what fails later was a call all the same, and no call waits for another one's work.
-- A key is its organization and its id: who makes one says which id it gets, and may say a neighbour's.
create or replace function private.admit_api_call(hash_of_key bytea, from_address inet, address_subject bytea, most_calls integer, most_failures integer)
returns table (known boolean, used integer, seconds integer)
language plpgsql security definer set search_path = '' as $$
declare key public.api_keys;
begin
  select * into key from private.live_api_key(hash_of_key, from_address);
  if key.id is null then
    return query select false, c.used, c.seconds from private.count_api_call(address_subject, most_failures, null) as c;
    return;
  end if;
  if key.last_used_at is null or key.last_used_at < now() - interval '1 minute' then
    update public.api_keys k set last_used_at = now(), last_used_from = host(from_address)
    where k.organization_id = key.organization_id and k.id = key.id and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
  end if;
  return query select true, c.used, c.seconds
  from private.count_api_call(sha256(uuid_send(key.organization_id) || uuid_send(key.id)), most_calls, key.organization_id) as c;
end $$;

-- Takes over the calls that are not counted yet. Calls that are admitted at this moment are taken the next time.
create function private.count_api_calls() returns void
language sql security definer set search_path = '' as $$
  with taken as materialized (
    select c.subject, c.organization_id, c.uncounted from private.api_calls c where c.uncounted > 0 order by c.subject for update skip locked
  ), cleared as (
    update private.api_calls c set uncounted = 0 from taken t where c.subject = t.subject
  )
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select t.organization_id, 'api_requests', private.period_start(s.usage_anchor, (now() at time zone 'UTC')::date), sum(t.uncounted)
  from taken t join public.organizations o on o.id = t.organization_id left join public.subscriptions s on s.organization_id = t.organization_id
  group by t.organization_id, s.usage_anchor order by t.organization_id
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
$$;
grant execute on function private.count_api_calls() to frontdesk_app;

-- ---- figures by day ----

-- How much of a metric each day had, by channel and by who did it: for charts, made anew from the rows by a job. Days are those of UTC, on which
-- something was counted. The zero UUID stands where there is no channel or no user.
create table public.usage_days (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  day date not null,
  metric text not null check (metric ~ '^[a-z_]{1,40}$'),
  channel_id uuid not null,
  author text not null check (author in ('contact', 'member', 'bot', 'campaign', 'program', 'nobody')),
  user_id uuid not null,
  amount bigint not null,
  primary key (organization_id, day, metric, channel_id, author, user_id)
);
select private.protect('public.usage_days', reads => 'billing:read', writes => null, worker => 'reads');

-- The messages of an organization that were counted within a time. What the plan refused was not: it failed in the moment that it was stored.
-- Nor was sample data, whose rows say that they were stored in the very second they tell of. late: a message's id is of the time at which it was
-- written, which may be a week before it came.
create function private.counted_messages(organization uuid, since timestamptz, until timestamptz, late interval)
returns table (direction text, conversation_id uuid, author text, user_id uuid, api_key_id uuid, created_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select m.direction, m.conversation_id, m.author, m.user_id, m.api_key_id, m.created_at
  from public.messages m
  where m.organization_id = organization and m.id >= private.first_id_of(since - late) and m.id < private.first_id_of(until + interval '1 day')
    and m.created_at >= since and m.created_at < until and m.created_at <> m.occurred_at and m.failed_at is distinct from m.created_at
$$;

-- Makes the figures of these days anew; late: how long before it came a message may have been written. Two who do so at once take turns.
create function private.make_usage_days(organization uuid, first_day date, last_day date, late interval) returns void
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
  -- an entry of the ledger is of the hour before it
  select organization, ((l.created_at - interval '30 minutes') at time zone 'UTC')::date, l.metric, nobody, 'nobody', nobody, sum(l.amount)
  from public.usage_ledger l
  where l.organization_id = organization and l.metric not in ('messages_sent', 'messages_received')
    and l.created_at >= since + interval '30 minutes' and l.created_at < until + interval '30 minutes'
  group by 2, 3
  on conflict do nothing;
end $$;
grant execute on function private.make_usage_days(uuid, date, date, interval) to frontdesk_app;

-- ---- another anchor ----

-- Lets an organization's months begin with another day, as its subscription's do. What was counted since the period that this makes the present
-- one began belongs to that, and leaves the periods before. Returns when the present period began. Asked again, nothing happens.
create function private.anchor_usage(organization uuid, new_anchor date) returns date
language plpgsql security definer set search_path = '' as $$
declare
  today constant date := (now() at time zone 'UTC')::date;
  period constant date := private.period_start(new_anchor, today);
  since constant timestamptz := period::timestamp at time zone 'UTC';
  old_anchor date; one record; earlier record; missing bigint; moved bigint;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  select s.usage_anchor into old_anchor from public.subscriptions s where s.organization_id = organization for no key update;
  if not found or old_anchor is not distinct from new_anchor then return private.period_start(old_anchor, today); end if;
  update public.subscriptions s set usage_anchor = new_anchor where s.organization_id = organization;
  if period = private.period_start(old_anchor, today) then return period; end if;
  perform from public.organization_usage u where u.organization_id = organization order by u.metric, u.period_start for no key update;
  for one in select m.metric from public.usage_metrics m where m.kind = 'period' loop
    missing := case when one.metric in ('messages_sent', 'messages_received') then (
        select count(*) from private.counted_messages(organization, since, now() + interval '1 day', '8 days') m where (m.direction = 'in') = (one.metric = 'messages_received'))
      else coalesce((select sum(l.amount) from public.usage_ledger l where l.organization_id = organization and l.metric = one.metric and l.created_at >= since), 0)
        + coalesce((select sum(u.used - u.rolled_up) from public.organization_usage u where u.organization_id = organization and u.metric = one.metric), 0)
      end - coalesce((select u.used from public.organization_usage u where u.organization_id = organization and u.metric = one.metric and u.period_start = period), 0);
    for earlier in select u.period_start, u.used from public.organization_usage u
      where u.organization_id = organization and u.metric = one.metric and u.period_start <> period order by u.period_start desc loop
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
grant execute on function private.anchor_usage(uuid, date) to frontdesk_worker;

-- ---- recounting ----

-- Where a counter and the rows it counts differ, as the last recount found it.
create table private.usage_drifts (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null,
  period_start date not null,
  counted bigint not null,
  recounted bigint not null,
  found_at timestamptz not null default now(),
  primary key (organization_id, metric, period_start)
);

-- Counts an organization's messages of the present period again from their rows, and those of channels that are gone from the figures of their
-- days; notes where that differs from its counter, and where the ledger says more than was counted. One statement sees both as of one moment.
create function private.recount_usage(organization uuid) returns table (metric text, period_start date, counted bigint, recounted bigint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  period constant date := private.period_start((select s.usage_anchor from public.subscriptions s where s.organization_id = organization), (now() at time zone 'UTC')::date);
begin
  delete from private.usage_drifts d where d.organization_id = organization;
  return query
  insert into private.usage_drifts as d (organization_id, metric, period_start, counted, recounted)
  select organization, f.metric, f.period_start, f.counted, f.recounted from (
    select w.metric, period as period_start,
      coalesce((select u.used from public.organization_usage u where u.organization_id = organization and u.metric = w.metric and u.period_start = period), 0)
        - coalesce((select sum(l.taken - l.spent) from public.usage_leases l where l.organization_id = organization and l.metric = w.metric and l.period_start = period), 0) as counted,
      coalesce(sum(m.n), 0)::bigint + coalesce((
        select sum(g.amount) from public.usage_days g
        where g.organization_id = organization and g.metric = w.metric and g.day >= period
          and not exists (select from public.channels c where c.organization_id = organization and c.id = g.channel_id)), 0)::bigint as recounted
    from (values ('messages_sent', 'out'), ('messages_received', 'in')) as w (metric, direction)
    left join (
      select c.direction, count(*) as n from private.counted_messages(organization, period::timestamp at time zone 'UTC', now() + interval '1 day', '8 days') c group by 1
    ) as m on m.direction = w.direction
    group by w.metric
    union all
    select u.metric, u.period_start, u.rolled_up, coalesce(sum(l.amount), 0)::bigint
    from public.organization_usage u
    left join public.usage_ledger l on l.organization_id = organization and l.metric = u.metric and l.period_start = u.period_start
    where u.organization_id = organization and u.metric not in ('messages_sent', 'messages_received')
    group by u.metric, u.period_start, u.rolled_up
  ) as f
  where f.counted <> f.recounted
  returning d.metric, d.period_start, d.counted, d.recounted;
end $$;
grant execute on function private.recount_usage(uuid) to frontdesk_app;

-- What the last recounts have found, for whoever runs the installation.
create function private.list_usage_drifts() returns table (organization text, metric text, period_start date, counted bigint, recounted bigint, found_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select o.slug, d.metric, d.period_start, d.counted, d.recounted, d.found_at
  from private.usage_drifts d join public.organizations o on o.id = d.organization_id order by d.found_at desc, o.slug, d.metric
$$;
grant execute on function private.list_usage_drifts() to frontdesk_app;

-- The next organizations by their id: what the night's work walks along.
create function private.list_organizations_after(after uuid, how_many integer) returns table (organization_id uuid)
language sql stable security definer set search_path = '' as $$
  select o.id from public.organizations o where o.id > after order by o.id limit how_many
$$;
grant execute on function private.list_organizations_after(uuid, integer) to frontdesk_app;

-- ---- nearly full, and full ----

-- Who was told that a limit is near or reached: once each period.
create table private.usage_notices (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null,
  period_start date not null,
  threshold integer not null check (threshold in (80, 100)),
  created_at timestamptz not null default now(),
  primary key (organization_id, metric, period_start, threshold)
);

-- Notes which limits of an organization are near or reached and who has to be told so: its owners, once each period. Whoever is told that a limit
-- is reached is not told as well that it is near. Contacts are the level that grows by itself; other levels are full when somebody fills them.
create function private.note_full_usage(organization uuid)
returns table (metric text, threshold integer, used bigint, allowed bigint, organization_name text, email text, locale text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare period constant date := private.period_start((select s.usage_anchor from public.subscriptions s where s.organization_id = organization), (now() at time zone 'UTC')::date);
begin
  return query
  with standing as materialized (
    select v.metric, v.used, v.allowed, case when v.used >= v.allowed then 100 else 80 end as reached
    from private.usage_overview(organization) v
    where (v.kind = 'period' or v.metric = 'contacts') and v.allowed > 0 and v.used * 100 >= v.allowed * 80
  ), noted as (
    insert into private.usage_notices as n (organization_id, metric, period_start, threshold)
    select organization, s.metric, period, t.threshold from standing s cross join (values (80), (100)) as t (threshold) where t.threshold <= s.reached
    on conflict do nothing
    returning n.metric, n.threshold
  )
  select s.metric, s.reached, s.used, s.allowed, o.name, u.email::text, o.locale
  from standing s
  join noted n on n.metric = s.metric and n.threshold = s.reached
  join public.organizations o on o.id = organization
  join public.organization_members m on m.organization_id = organization and m.role = 'owner'
  join auth.users u on u.id = m.user_id and u.deleted_at is null and u.email_confirmed_at is not null;
end $$;
grant execute on function private.note_full_usage(uuid) to frontdesk_app;

-- ---- billing what went over ----

-- Takes what went beyond limits in periods that are over and nobody has billed, and gives it to whoever asks. Blocks of those periods are given
-- back first, and the ledger has everything: what is billed does not change any more. attempts: how often it was taken before.
create function private.claim_overage(organization uuid)
returns table (metric text, period_start date, period_end date, units bigint, cost bigint, currency text, attempts integer)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  anchor constant date := (select s.usage_anchor from public.subscriptions s where s.organization_id = organization);
  period constant date := private.usage_period(organization);
  lease uuid;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  for lease in select l.id from public.usage_leases l where l.organization_id = organization and l.period_start < period loop
    perform private.return_usage(organization, lease);
  end loop;
  perform private.close_usage(organization);
  return query
  update public.usage_overage o set claimed_at = now(), attempts = o.attempts + 1
  where o.organization_id = organization and o.period_start < period and o.billed_at is null and o.units > 0
  returning o.metric, o.period_start, least(private.period_end(anchor, o.period_start), period), o.units, o.cost, o.currency, o.attempts - 1;
end $$;
grant execute on function private.claim_overage(uuid) to frontdesk_worker;

-- Notes where an overage was billed. False when it was already.
create function private.settle_overage(organization uuid, of_metric text, of_period date, by_biller text, item text, invoice text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  update public.usage_overage o set billed_at = now(), biller = by_biller, provider_item_id = item, provider_invoice_id = invoice
  where o.organization_id = organization and o.metric = of_metric and o.period_start = of_period and o.billed_at is null;
  return found;
end $$;
grant execute on function private.settle_overage(uuid, text, date, text, text, text) to frontdesk_worker;

-- The organizations with something to bill of periods that are over.
create function private.list_overage_due(after uuid, how_many integer) returns table (organization_id uuid)
language sql stable security definer set search_path = '' as $$
  select distinct o.organization_id
  from public.usage_overage o left join public.subscriptions s on s.organization_id = o.organization_id
  where o.billed_at is null and o.units > 0 and o.organization_id > after
    and o.period_start < private.period_start(s.usage_anchor, (now() at time zone 'UTC')::date)
  order by 1 limit how_many
$$;
grant execute on function private.list_overage_due(uuid, integer) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
