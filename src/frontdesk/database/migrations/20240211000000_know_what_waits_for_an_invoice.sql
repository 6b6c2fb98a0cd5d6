-- The page of billing says what the next invoice will be, with what went beyond the plan.

-- The invoice that takes a charge along which was billed before there was one: that of the renewal at the end of this period of the subscription's.
alter table public.usage_overage add column waits_for timestamptz;

-- Notes where an overage was billed, and, where there was no invoice for it yet, which one will take it along. False when it was already.
create or replace function private.settle_overage(organization uuid, of_metric text, of_period date, by_biller text, item text, invoice text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  update public.usage_overage o set billed_at = now(), biller = by_biller, provider_item_id = item, provider_invoice_id = invoice, waits_for = (
    select s.current_period_end from public.subscriptions s
    where s.organization_id = organization and s.billing_interval = 'month' and s.provider_subscription_id is not null and s.ended_at is null
      and invoice is null and by_biller <> 'prepaid')
  where o.organization_id = organization and o.metric = of_metric and o.period_start = of_period and o.billed_at is null;
  return found;
end $$;

revoke execute on all functions in schema private from public, anon;
