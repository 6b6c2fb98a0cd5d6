-- Credit whose payment was paid back is taken back.

-- A refund of what is spent already takes nothing: it stands there all the same, so that it never takes what is bought later.
alter table public.usage_credits
  drop constraint usage_credits_amount_check,
  add constraint usage_credits_amount_check check (amount <> 0 or source_id like 'refund:%');

-- Takes back from the credit what was paid back to whoever bought it, once for each source, and no more than is neither spent nor owed: what was used stays
-- used. Returns how much was taken, and null where that was done before.
create function private.take_credit_back(organization uuid, source text, wanted bigint, in_currency text) returns bigint
language plpgsql security definer set search_path = '' as $$
declare taken bigint;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  if wanted is null or wanted <= 0 then raise exception 'amount must be positive, not %', wanted using errcode = 'invalid_parameter_value'; end if;
  perform from public.subscriptions s where s.organization_id = organization for no key update;  -- who bills from the credit at this moment is waited for
  perform pg_advisory_xact_lock(hashtextextended('frontdesk credit of ' || organization, 0));  -- and who goes beyond a limit
  if exists (select from public.usage_credits c where c.organization_id = organization and c.source_id = source) then return null; end if;
  taken := least(wanted, greatest(0, coalesce(private.credit_left(organization, in_currency, null, null) / 1000,
    (select sum(c.amount) from public.usage_credits c where c.organization_id = organization and c.currency = in_currency), 0)));
  insert into public.usage_credits (organization_id, source_id, amount, currency) values (organization, source, -taken, in_currency);
  return taken;
end $$;
grant execute on function private.take_credit_back(uuid, text, bigint, text) to frontdesk_worker;

revoke execute on all functions in schema private from public, anon;
