-- An organization has at most a hundred keys that open something.
drop function private.create_api_key(uuid, uuid, bytea, text, text, text[], cidr[], timestamptz);

-- Makes a key for the member of this transaction, with nothing that he may not do himself: made, taken (there was a key of this id), or full.
create function private.create_api_key(
  organization uuid, key uuid, hash_of_key bytea, key_name text, key_prefix text, wanted_scopes text[], allowed_networks cidr[], until timestamptz)
returns text language plpgsql security definer set search_path = '' as $$
declare held constant text := coalesce(current_setting('frontdesk.permissions', true), '');
begin
  if not private.may_act_for(organization) or current_setting('role') <> 'frontdesk_member' or strpos(held, ' api_keys:write ') = 0
     or exists (select from unnest(wanted_scopes) as wanted where strpos(held, ' ' || wanted || ' ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('api keys of ' || organization, 0));
  if exists (select from public.api_keys k where k.organization_id = organization and k.id = key) then return 'taken'; end if;
  if (select count(*) from public.api_keys k where k.organization_id = organization and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > now())) >= 100 then
    return 'full';
  end if;
  insert into public.api_keys (organization_id, id, name, prefix, scopes, networks, created_by, expires_at)
  values (organization, key, key_name, key_prefix, wanted_scopes, allowed_networks, nullif(current_setting('frontdesk.user_id', true), '')::uuid, until);
  insert into private.api_key_hashes (key_hash, organization_id, api_key_id) values (hash_of_key, organization, key);
  return 'made';
end $$;
grant execute on function private.create_api_key(uuid, uuid, bytea, text, text, text[], cidr[], timestamptz) to frontdesk_member;

revoke execute on all functions in schema private from public, anon;
