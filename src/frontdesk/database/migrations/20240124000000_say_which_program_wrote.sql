-- A message that a program sent says by which key: the thread shows the key's name.

alter table public.messages add column api_key_id uuid;  -- the API key that wrote it
grant select (api_key_id) on public.messages to frontdesk_member;

-- What a program is called, for the members of its organization, also when its key is revoked.
create function private.program_name(organization uuid, key uuid) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return null; end if;
  return (select k.name from public.api_keys k where k.organization_id = organization and k.id = key);
end $$;
grant execute on function private.program_name(uuid, uuid) to frontdesk_member;

-- Nothing is executable unless a grant above says so.
revoke execute on all functions in schema private from public, anon;
