-- What goes beyond a limit is billed by one hand at a time, and may be paid from credit.

-- Takes what went beyond limits in periods that are over and nobody has billed, and gives it to whoever asks: to nobody else for ten minutes, in
-- which it is billed, or whoever has it is dead. Blocks of those periods are given back first, and the ledger has everything: what is billed does
-- not change any more. attempts: how often it was taken before.
create or replace function private.claim_overage(organization uuid)
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
    and (o.claimed_at is null or o.claimed_at < now() - interval '10 minutes')
  returning o.metric, o.period_start, least(private.period_end(anchor, o.period_start), period), o.units, o.cost, o.currency, o.attempts - 1;
end $$;

-- Lets go of a charge that could not be billed, so that it is taken again soon.
create function private.release_overage(organization uuid, of_metric text, of_period date) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  update public.usage_overage o set claimed_at = null
  where o.organization_id = organization and o.metric = of_metric and o.period_start = of_period and o.billed_at is null;
end $$;
grant execute on function private.release_overage(uuid, text, date) to frontdesk_worker;

-- What an organization has paid ahead and what was taken of it, in minor units: each source counts once, and nothing is changed.
create table public.usage_credits (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  source_id text not null check (char_length(source_id) between 1 and 200),
  amount bigint not null check (amount <> 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz not null default now(),
  primary key (organization_id, source_id)
);
select private.protect('public.usage_credits', reads => 'billing:read', writes => null, worker => 'reads');
create trigger usage_credits_append_only before update or delete on public.usage_credits for each row execute function private.refuse_rebooking();
create trigger usage_credits_not_emptied before truncate on public.usage_credits for each statement execute function private.refuse_rebooking();

-- Adds to the credit, or takes from it (an amount below zero), once for each source. False, and nothing is done, when there is not as much.
create function private.book_credit(organization uuid, source text, booked bigint, in_currency text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  perform from public.subscriptions s where s.organization_id = organization for no key update;
  if exists (select from public.usage_credits c where c.organization_id = organization and c.source_id = source) then return true; end if;
  if booked < 0 and coalesce((select sum(c.amount) from public.usage_credits c where c.organization_id = organization and c.currency = in_currency), 0) + booked < 0 then
    return false;
  end if;
  insert into public.usage_credits (organization_id, source_id, amount, currency) values (organization, source, booked, in_currency);
  return true;
end $$;
grant execute on function private.book_credit(uuid, text, bigint, text) to frontdesk_worker;

revoke execute on all functions in schema private from public, anon;
