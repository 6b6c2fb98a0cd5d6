-- What goes beyond limits is billed as the installation says: as items of invoices, by meters, or from credit that is bought ahead.

-- How the installation bills what goes beyond limits: as its settings said when it started. Without a row: as items of invoices.
create table private.overage_billing (
  only_one boolean primary key default true check (only_one),
  way text not null check (way in ('invoice_items', 'meters', 'prepaid'))
);

-- Keeps how the installation bills what goes beyond limits.
create function private.bill_overage_by(chosen text) returns void
language sql security definer set search_path = '' as $$
  insert into private.overage_billing as b (way) values (chosen) on conflict (only_one) do update set way = excluded.way where b.way <> excluded.way
$$;
grant execute on function private.bill_overage_by(text) to frontdesk_app;

-- How it does so.
create function private.overage_way() returns text
language sql stable security definer set search_path = '' as $$
  select coalesce((select b.way from private.overage_billing b), 'invoice_items')
$$;

-- What is left of the credit after everything that went beyond limits and is not taken from it yet, in thousandths of a minor unit: each charge as it
-- will be rounded at most, that of this metric and period as it is. Null where credit is not what pays.
create function private.credit_left(organization uuid, in_currency text, of_metric text, of_period date) returns bigint
language plpgsql stable security definer set search_path = '' as $$
begin
  if private.overage_way() <> 'prepaid' then return null; end if;
  return coalesce((select 1000 * sum(c.amount) from public.usage_credits c where c.organization_id = organization and c.currency = in_currency), 0)
    - coalesce((select sum(case when o.metric = of_metric and o.period_start = of_period then o.cost else (o.cost + 999) / 1000 * 1000 end)
        from public.usage_overage o where o.organization_id = organization and o.currency = in_currency and o.billed_at is null), 0);
end $$;

-- Adds what was bought to the credit, once for each source. False when it was before.
create function private.buy_credit(organization uuid, source text, bought bigint, in_currency text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  if bought is null or bought <= 0 then raise exception 'amount must be positive, not %', bought using errcode = 'invalid_parameter_value'; end if;
  insert into public.usage_credits (organization_id, source_id, amount, currency) values (organization, source, bought, in_currency) on conflict do nothing;
  return found;
end $$;
grant execute on function private.buy_credit(uuid, text, bigint, text) to frontdesk_worker;

-- As before, and no further than the credit reaches where credit is what pays.
create or replace function private.go_over(organization uuid, wanted_metric text, period date, wanted bigint, all_or_none boolean) returns bigint
language plpgsql security definer set search_path = '' as $$
declare chosen record; room bigint;
begin
  select c.cap, (p.overage ->> wanted_metric)::bigint as price, p.currency into chosen
  from public.usage_choices c
  join public.subscriptions s on s.organization_id = c.organization_id
  join public.subscription_plans p on p.id = s.plan_id
  where c.organization_id = organization and c.metric = wanted_metric and c.over_limit = 'overage';
  if not found or coalesce(chosen.price, 0) <= 0 or not private.may_go_over(organization) then return 0; end if;
  if private.overage_way() = 'prepaid' then  -- the credit is one for all metrics
    perform pg_advisory_xact_lock(hashtextextended('frontdesk credit of ' || organization, 0));
  end if;
  room := least(wanted, greatest(0, least(private.credit_left(organization, chosen.currency, wanted_metric, period), chosen.cap * 1000 - coalesce((
    select o.cost from public.usage_overage o where o.organization_id = organization and o.metric = wanted_metric and o.period_start = period), 0))) / chosen.price);
  if room <= 0 or (all_or_none and room < wanted) then return 0; end if;
  insert into public.usage_overage as o (organization_id, metric, period_start, units, cost, currency)
  values (organization, wanted_metric, period, room, room * chosen.price, chosen.currency)
  on conflict (organization_id, metric, period_start) do update set units = o.units + excluded.units, cost = o.cost + excluded.cost;
  return room;
end $$;

-- As before, with the credit.
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
      and coalesce(o.cost, 0) + least(check_usage_limit.amount, used_now + check_usage_limit.amount - allowed) * (p.overage ->> wanted_metric)::bigint <= c.cap * 1000
      and least(check_usage_limit.amount, used_now + check_usage_limit.amount - allowed) * (p.overage ->> wanted_metric)::bigint
        <= coalesce(private.credit_left(organization, p.currency, wanted_metric, period), c.cap * 1000));
end $$;

-- As before: the end of the credit is told as the end of the cap.
create or replace function private.note_full_usage(organization uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  period constant date := private.usage_period(organization);
  told bigint;
begin
  with standing as materialized (
    select v.metric, v.used, v.allowed, v.over_limit = 'overage' and v.price > 0 and v.may_go_over as beyond,
      least(private.credit_left(organization, v.currency, v.metric, period), v.cap * 1000 - v.cost) < v.price as spent
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

revoke execute on all functions in schema private from public, anon;
