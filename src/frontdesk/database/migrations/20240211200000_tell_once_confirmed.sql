-- What an organization is told about its money waits until somebody can be told: until an address is known to be his who may change the plan.

-- When nobody could be told while it was still news.
alter table public.billing_notices add column dropped_at timestamptz;
alter table public.billing_notices add constraint billing_notices_told_or_dropped check (mailed_at is null or dropped_at is null);
drop index public.billing_notices_owed;
create index billing_notices_owed on public.billing_notices (organization_id, id) where mailed_at is null and dropped_at is null;

-- Whoever has confirmed an address is told what waited for that: his organizations are looked at.
create function private.wake_notices() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.subscriptions s set look_at = now()
  from public.organization_members m
  where m.user_id = new.id and s.organization_id = m.organization_id and exists (
    select from public.billing_notices n where n.organization_id = m.organization_id and n.mailed_at is null and n.dropped_at is null);
  return null;
end $$;
create trigger wake_notices after update of email_confirmed_at on auth.users
  for each row when (old.email_confirmed_at is null and new.email_confirmed_at is not null) execute function private.wake_notices();

revoke execute on all functions in schema private from public, anon;
