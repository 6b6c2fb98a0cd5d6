-- Whether a message of this organization was written, whoever may see it; null about another's.
create or replace function private.is_message_written(organization uuid, message uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select case when private.may_act_for(organization)
    then exists (select from public.messages m where m.organization_id = organization and m.id = message) end
$$;

revoke execute on all functions in schema private from public, anon;
