-- What is withheld from a member is not his by way of the team, of a message's id or of a program.

-- Takes a member out; whoever acts may take himself out. His conversations go to the heir, or to nobody.
-- Who sees his own conversations only gives nobody's away: not to himself, not to everybody.
-- outcome: removed, missing, or why not: not_allowed, owners_only, last_owner, no_heir, not_seen.
create or replace function private.remove_member(organization uuid, member uuid, heir uuid default null) returns table (outcome text, role_before text, moved bigint)
language plpgsql security definer set search_path = '' as $$
declare
  leaves constant boolean := member = nullif(current_setting('frontdesk.user_id', true), '')::uuid;
  acting constant text := private.acting_role(organization, case when leaves then 'organization:read' else 'members:write' end);
  had constant text := (select m.role from public.organization_members m where m.organization_id = organization and m.user_id = member);
begin
  outcome := case
    when acting is null then 'not_allowed'
    when had is null then 'missing'
    when had = 'owner' and acting <> 'owner' then 'owners_only'
    when had = 'owner' and not private.has_other_owner(organization, member) then 'last_owner'
    when heir is not null and (heir = member or not exists (
      select from public.organization_members m join public.role_permissions p on p.role = m.role and p.permission = 'messages:write'
      where m.organization_id = organization and m.user_id = heir)) then 'no_heir'
    when not leaves and strpos(current_setting('frontdesk.permissions', true), ' conversations:oversee ') = 0
      and exists (select from public.conversations c where c.organization_id = organization and c.assigned_to = member) then 'not_seen'
    else 'removed' end;
  role_before := had;
  if outcome = 'removed' then
    update public.conversations c set assigned_to = heir, assigned_at = case when heir is not null then now() end, updated_at = now()
      where c.organization_id = organization and c.assigned_to = member;
    get diagnostics moved = row_count;
    delete from public.organization_members m where m.organization_id = organization and m.user_id = member;
  end if;
  return next;
end $$;

-- Opens the transaction of a key as private.enter does that of its maker, with everything that binds him, and lets it do what both may. What
-- is returned are the key's own permissions, which its doors ask for; the policies let it see as well what those cannot do without: whoever
-- changes a thing sees it, and a conversation has a contact, a number and the rules that answered in it. What its maker sees of all this
-- (every conversation or his own, whole numbers or masked ones) it sees, too: that is no scope.
create or replace function private.enter_with_key(hash_of_key bytea, from_address inet)
returns table (organization_id uuid, key_id uuid, key_name text, role text, permissions text[])
language plpgsql security definer set search_path = '' as $$
declare key public.api_keys; maker record; both_may text[]; seen text[];
begin
  select * into key from private.live_api_key(hash_of_key, from_address);
  if key.id is null then return; end if;
  select e.role, e.permissions into maker from private.enter(key.organization_id, key.created_by) as e;
  if maker.role is null then return; end if;
  both_may := array(select unnest(maker.permissions) intersect select unnest(key.scopes) order by 1);
  seen := array(select unnest(maker.permissions) intersect (
    select unnest(both_may) union select regexp_replace(may, ':write$', ':read') from unnest(both_may) as may
    union select unnest(array['contacts:read', 'channels:read', 'auto_replies:read']) where both_may && array['messages:read', 'messages:write']
    union select 'organization:read' where 'members:write' = any (both_may)  -- an invitation says whose it is
    union select unnest(array['conversations:oversee', 'phone_numbers:read'])));
  perform set_config('frontdesk.permissions', ' ' || array_to_string(seen, ' ') || ' ', true), set_config('frontdesk.api_key_id', key.id::text, true);
  return query select key.organization_id, key.id, key.name, maker.role, both_may;
end $$;

-- Whether there is a message of this id, also where the member of this transaction does not see it: then nothing is written under it again.
create function private.is_message_written(organization uuid, message uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select private.may_act_for(organization) and exists (select from public.messages m where m.organization_id = organization and m.id = message)
$$;
grant execute on function private.is_message_written(uuid, uuid) to frontdesk_member;

revoke execute on all functions in schema private from public, anon;
