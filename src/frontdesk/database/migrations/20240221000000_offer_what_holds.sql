-- A mail about a limit offers to go beyond it only where that holds: what is bought, and sold beyond the plan.

-- Owes an organization what it is told of its limits: that four fifths are used, that all is, or that all is which it allowed beyond one; each once
-- a period. Contacts are the level that grows by itself; other levels are full when somebody fills them. Returns how many notices are new.
create or replace function private.note_full_usage(organization uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  period constant date := private.usage_period(organization);
  told bigint;
begin
  with standing as materialized (
    select v.metric, v.used, v.allowed, v.price > 0 and v.may_go_over as offered, v.over_limit = 'overage' and v.price > 0 and v.may_go_over as beyond,
      least(private.credit_left(organization, v.currency, v.metric, period), v.cap * 1000 - v.cost) < v.price as spent
    from private.usage_standing(organization) v
    where (v.kind = 'period' or v.metric = 'contacts') and v.allowed > 0 and v.used * 100 >= v.allowed * 80
  ), touched as (  -- whoever wrote beyond the limit is marked
    update public.subscriptions s set look_at = now() from standing v
    where s.organization_id = organization and s.contacts_from is null and v.metric = 'contacts' and v.used > v.allowed
  )
  insert into public.billing_notices (organization_id, id, kind, object, facts)
  select organization, private.uuid_v7(), k.kind, s.metric || ':' || period,
    jsonb_build_object('metric', s.metric, 'used', s.used, 'allowed', s.allowed, 'beyond', coalesce(s.beyond, false), 'offered', coalesce(s.offered, false))
  from standing s
  cross join lateral (
    select case when s.used < s.allowed then 'usage_nearly_full' when s.beyond and s.spent then 'overage_cap_reached' else 'usage_full' end as kind) as k
  on conflict do nothing;
  get diagnostics told = row_count;
  return told;
end $$;

revoke execute on all functions in schema private from public, anon;
