-- Whether the organization of this transaction is suspended: asked where a permission is missing, so that a program is told which of both it is.
create function private.acting_organization_is_suspended() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.organizations o
    where o.id = nullif(current_setting('frontdesk.organization_id', true), '')::uuid and o.suspended_at is not null)
$$;
grant execute on function private.acting_organization_is_suspended() to frontdesk_member;

revoke execute on all functions in schema private from public, anon;
