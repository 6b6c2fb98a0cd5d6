-- Tells an organization what its operator decided about it, and that he looked into it: a notice each, once, which the clock of its subscription mails.
create function private.tell_of_suspension() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.billing_notices (organization_id, id, kind, object, facts)
  values (new.id, private.uuid_v7(), case when new.suspended_at is null then 'organization_resumed' else 'organization_suspended' end,
    coalesce(new.suspended_at, clock_timestamp())::text, jsonb_build_object('reason', coalesce(new.suspended_reason, '')))
  on conflict do nothing;
  return null;
end $$;
create trigger organizations_suspended_told after update of suspended_at on public.organizations
  for each row when ((old.suspended_at is null) <> (new.suspended_at is null)) execute function private.tell_of_suspension();
create function private.tell_of_view() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.billing_notices (organization_id, id, kind, object, facts)
  values (new.organization_id, private.uuid_v7(), 'organization_viewed', new.id::text, jsonb_build_object('reason', new.reason, 'purpose', new.purpose))
  on conflict do nothing;
  return null;
end $$;
create trigger operator_views_told after insert on public.operator_views for each row execute function private.tell_of_view();

revoke execute on all functions in schema private from public, anon;
