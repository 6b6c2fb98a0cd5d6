-- A counter that differs from what it counts is shown to operators, who can mend it.

-- Where an organization's counters differ from what they count: its messages of the present period counted again from their rows, and those of channels
-- that are gone from the figures of their days; and where the ledger says more or less than was counted. One statement sees all as of one moment.
create function private.usage_differences(organization uuid) returns table (metric text, period_start date, counted bigint, recounted bigint)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
  period constant date := private.period_start((select s.usage_anchor from public.subscriptions s where s.organization_id = organization), (now() at time zone 'UTC')::date);
begin
  return query
  select f.metric, f.period_start, f.counted::bigint, f.recounted::bigint from (
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
  where f.counted <> f.recounted;
end $$;

-- Counts an organization again, and notes where its counters differ.
create or replace function private.recount_usage(organization uuid) returns table (metric text, period_start date, counted bigint, recounted bigint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
  delete from private.usage_drifts d where d.organization_id = organization;
  return query
  insert into private.usage_drifts as d (organization_id, metric, period_start, counted, recounted)
  select organization, f.metric, f.period_start, f.counted, f.recounted from private.usage_differences(organization) f
  returning d.metric, d.period_start, d.counted, d.recounted;
end $$;

-- What the last recounts have found, for the console: whose, of what, and how much, the newest first.
create function private.drifts_for_operators(how_many integer)
returns table (organization_id uuid, organization text, metric text, description text, period_start date, counted bigint, recounted bigint, found_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  select d.organization_id, o.name, d.metric, m.description, d.period_start, d.counted, d.recounted, d.found_at
  from private.usage_drifts d join public.organizations o on o.id = d.organization_id join public.usage_metrics m on m.metric = d.metric
  order by d.found_at desc, d.organization_id, d.metric, d.period_start limit how_many;
end $$;
grant execute on function private.drifts_for_operators(integer) to frontdesk_operator;

-- Sets a counter to what is counted again now, while nobody else counts: a message counter to its messages, and what stands in the ledger to what is
-- written there, so that the next hour writes the rest. By how much is computed under the counter's lock: sent twice it changes nothing more. What
-- was billed stays. Returns what became of it (mended, agrees: by now it does anyway, nothing: no difference is noted) with both numbers.
create function private.mend_usage(organization uuid, of_metric text, of_period date) returns table (outcome text, counted bigint, recounted bigint)
language plpgsql security definer set search_path = '' as $$
declare differs record;
begin
  perform private.demand_operator();
  perform from private.usage_drifts d where d.organization_id = organization and d.metric = of_metric and d.period_start = of_period for update;
  if not found then return query select 'nothing', 0::bigint, 0::bigint; return; end if;
  insert into public.organization_usage (organization_id, metric, period_start) values (organization, of_metric, of_period) on conflict do nothing;
  perform from public.organization_usage u where u.organization_id = organization and u.metric = of_metric and u.period_start = of_period for no key update;
  select d.counted, d.recounted into differs from private.usage_differences(organization) d where d.metric = of_metric and d.period_start = of_period;
  delete from private.usage_drifts d where d.organization_id = organization and d.metric = of_metric and d.period_start = of_period;
  if differs.counted is null then return query select 'agrees', 0::bigint, 0::bigint; return; end if;
  update public.organization_usage u set
    used = case when of_metric in ('messages_sent', 'messages_received') then greatest(u.used + differs.recounted - differs.counted, 0) else u.used end,
    rolled_up = case when of_metric in ('messages_sent', 'messages_received') then u.rolled_up else differs.recounted end
  where u.organization_id = organization and u.metric = of_metric and u.period_start = of_period;
  return query select 'mended', differs.counted, differs.recounted;
end $$;
grant execute on function private.mend_usage(uuid, text, date) to frontdesk_operator;

-- What is wrong in the database, each as a number and since when: 0 is well.
create or replace function private.incidents() returns table (what text, how_many bigint, since timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  select 'deliveries', count(*), min(f.failed_at) from (select d.failed_at from public.failed_deliveries d where d.kind in ('message', 'status') limit 1000) as f
  union all select 'unrouted', count(*), min(u.received_at) from (select d.received_at from private.unrouted_deliveries d where d.kind is distinct from 'other' limit 1000) as u
  union all select 'lanes', count(*), min(l.at) from (
    select (select min(d.received_at) from public.inbound_deliveries d where d.organization_id = w.organization_id and d.channel_id = w.channel_id) as at
    from private.waiting_inbound('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', 200) as w) as l
    where l.at < now() - interval '2 minutes'
  union all select 'stopped', count(*), min(c.stopped_at) from (
    select n.stopped_at from public.channels n join public.organizations o on o.id = n.organization_id and o.suspended_at is null
    where n.stopped_at is not null limit 1000) as c
  union all select 'mail', m.failed + m.uncertain, null from private.mail_state() as m
  union all select 'mail_waiting', case when m.oldest < now() - interval '15 minutes' then m.waiting else 0 end, m.oldest from private.mail_state() as m
  union all select 'billing_given_up', b.given_up, null from private.billing_inbox_state() as b
  union all select 'billing_waiting', case when b.oldest < now() - interval '15 minutes' then b.waiting else 0 end, b.oldest from private.billing_inbox_state() as b
  union all select 'billing_refused', b.refused, null from private.billing_inbox_state() as b
  union all select 'usage_drift', count(*), min(d.found_at) from (select n.found_at from private.usage_drifts n limit 1000) as d
  union all select 'past_due', count(*), min(s.past_due_since) from public.subscriptions s where s.status = 'past_due'
  union all select 'no_subscription', count(*), null from (
    select from public.organizations o where not exists (select from public.subscriptions s where s.organization_id = o.id) limit 1000) as o
  union all select 'deletions', count(*), min(d.begun_at) from public.organization_deletions d where d.begun_at < now() - interval '1 day';
end $$;

revoke execute on all functions in schema private from public, anon;
