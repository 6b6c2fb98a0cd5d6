-- That a limit is near or reached is told as everything about money is: by a notice, once.

drop function private.usage_standing(uuid);
-- The same with everything that a page says beside it. price: of a thousand beyond the limit, in minor units; null where none is sold.
-- cost: what went beyond it so far, in thousandths of a minor unit. may_go_over: whether it pays, so that what it chose holds.
create function private.usage_standing(organization uuid)
returns table (metric text, kind text, unit text, used bigint, allowed bigint, over_limit text, cap bigint, price bigint, currency text, over bigint, cost bigint, may_go_over boolean)
language plpgsql stable security definer set search_path = '' as $$
declare period constant date := private.usage_period(organization);
begin
  if not private.may_act_for(organization) then return; end if;
  return query
  select v.metric, v.kind, m.unit, v.used, v.allowed, coalesce(c.over_limit, 'stop'), c.cap, (p.overage ->> v.metric)::bigint, p.currency,
    coalesce(o.units, 0), coalesce(o.cost, 0), private.may_go_over(organization)
  from private.usage_overview(organization) v
  join public.usage_metrics m on m.metric = v.metric
  left join public.usage_choices c on c.organization_id = organization and c.metric = v.metric
  left join public.subscriptions s on s.organization_id = organization
  left join public.subscription_plans p on p.id = s.plan_id
  left join public.usage_overage o on o.organization_id = organization and o.metric = v.metric and o.period_start = period
  order by v.metric;
end $$;
grant execute on function private.usage_standing(uuid) to frontdesk_member;

drop function private.note_full_usage(uuid);
drop table private.usage_notices;
-- Owes an organization what it is told of its limits: that four fifths are used, that all is, or that all is which it allowed beyond one; each once
-- a period. Contacts are the level that grows by itself; other levels are full when somebody fills them. Returns how many notices are new.
create function private.note_full_usage(organization uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  period constant date := private.usage_period(organization);
  told bigint;
begin
  with standing as materialized (
    select v.metric, v.used, v.allowed, v.over_limit = 'overage' and v.price > 0 and v.may_go_over as beyond, v.cap * 1000 - v.cost < v.price as spent
    from private.usage_standing(organization) v
    where (v.kind = 'period' or v.metric = 'contacts') and v.allowed > 0 and v.used * 100 >= v.allowed * 80
  )
  insert into public.billing_notices (organization_id, id, kind, object, facts)
  select organization, private.uuid_v7(), k.kind, s.metric || ':' || period,
    jsonb_build_object('metric', s.metric, 'used', s.used, 'allowed', s.allowed, 'beyond', coalesce(s.beyond, false))
  from standing s
  cross join lateral (
    select case when s.used < s.allowed then 'usage_nearly_full' when s.beyond and s.spent then 'overage_cap_reached' else 'usage_full' end as kind) as k
  on conflict do nothing;
  get diagnostics told = row_count;
  return told;
end $$;
grant execute on function private.note_full_usage(uuid) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
