-- Counting looks once for what it has to know: under many callers of one organization that is what the others wait for.

-- Checks and counts in one step: true and counted, or false and nothing changed. Never an overshoot, whoever calls at the same time: beyond the
-- limit only what the organization's cap still pays for, and nothing where its access to the metric is shut.
-- A level is not counted (its rows are the count): the organization's row is locked, so that the caller may add the row it asked for.
create or replace function private.consume_usage(organization uuid, wanted_metric text, amount bigint default 1) returns boolean
language plpgsql security definer set search_path = '' as $$
declare found_kind text; allowed bigint; stands text; anchor date; period date;
begin
  -- one look for everything, because callers stand in line for what follows
  select m.kind, (s.limits ->> wanted_metric)::bigint, s.access, s.usage_anchor into found_kind, allowed, stands, anchor
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
    else private.period_start(anchor, (now() at time zone 'UTC')::date) end;
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select organization, wanted_metric, period, amount where allowed is null or amount <= allowed
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
    where allowed is null or u.used + excluded.used <= allowed;
  return found or private.consume_over(organization, wanted_metric, period, amount, allowed, true) = amount;
end $$;

revoke execute on all functions in schema private from public, anon;
