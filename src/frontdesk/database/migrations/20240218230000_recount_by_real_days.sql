-- Where the simulated Stripe's clock was turned, messages are not counted again by their days.

-- Where an organization's counters differ from what they count: its messages of the present period counted again from their rows, and those of channels
-- that are gone from the figures of their days; and where the ledger says more or less than was counted. One statement sees all as of one moment.
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

revoke execute on all functions in schema private from public, anon;
