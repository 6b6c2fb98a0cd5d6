-- The team: who changes whose place in an organization, and what no change may leave behind.

insert into public.role_permissions (role, permission) values ('owner', 'ownership:write') on conflict do nothing;

-- Being seen is no change of a membership.
drop trigger organization_members_updated on public.organization_members;
create trigger organization_members_updated before update of role on public.organization_members
  for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- ==== An organization keeps an owner ====

-- Whose turn it is to change the members of an organization: whoever does writes this row first, so that one comes after the other, and looks
-- at what the one before has left. Under repeatable read the second fails instead of looking at what is no longer so.
create table private.member_turns (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  turns bigint not null default 1
) with (fillfactor = 50);

-- Waits until nobody else changes the members of this organization, until commit.
create function private.take_member_turn(organization uuid) returns void
language sql security definer set search_path = '' as $$
  insert into private.member_turns as t (organization_id) values (organization) on conflict (organization_id) do update set turns = t.turns + 1
$$;

-- Whatever takes the last owner away is undone: by a member, a client of Supabase, the service, or with the user himself.
create function private.keep_an_owner() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select from public.organizations o where o.id = old.organization_id) then return null; end if;  -- it goes, and its members with it
  perform private.take_member_turn(old.organization_id);
  if not exists (select from public.organization_members m where m.organization_id = old.organization_id and m.role = 'owner') then
    raise exception 'an organization keeps at least one owner' using errcode = 'check_violation', constraint = 'organization_members_keep_an_owner',
      hint = 'Make somebody else an owner before, or delete the organization.';
  end if;
  return null;
end $$;
create trigger organization_members_keep_an_owner after update on public.organization_members for each row
  when (old.role = 'owner' and (new.role <> 'owner' or new.organization_id <> old.organization_id)) execute function private.keep_an_owner();
create trigger organization_members_keep_an_owner_at_removal after delete on public.organization_members for each row
  when (old.role = 'owner') execute function private.keep_an_owner();

-- ==== A change holds at once ====

-- Tells every process, with the commit: open streams look whether they may go on, and open pages fetch what they show.
create function private.tell_member_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform pg_notify('frontdesk_changed', 'database ' || replace(old.organization_id::text, '-', '') || topic) from unnest(array[' sessions', ' changed']) as topic;
  return null;
end $$;
create trigger organization_members_told after update on public.organization_members for each row
  when (old.role is distinct from new.role) execute function private.tell_member_changed();
create trigger organization_members_removal_told after delete on public.organization_members for each row execute function private.tell_member_changed();

-- A member was seen when a session of his was, in the organization he works in: at most once a minute, on no page's own transaction.
create function private.note_member_seen() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and new.organization_id is null and old.organization_id is not null then return null; end if;  -- that organization went
  update public.organization_members m set last_seen_at = now()
  where m.user_id = new.user_id and (m.last_seen_at is null or m.last_seen_at < now() - interval '1 minute')
    and m.organization_id = case when exists (
      select from public.organization_members o where o.organization_id = new.organization_id and o.user_id = new.user_id)
      then new.organization_id else private.home_of(new.user_id) end;
  return null;
end $$;
create trigger sessions_note_members after insert or update of last_seen_at, organization_id on private.sessions
  for each row when (new.revoked_at is null) execute function private.note_member_seen();

-- ==== What members do with members ====

-- How much a role may, compared with another.
create function private.role_rank(role text) returns integer
language sql immutable set search_path = '' as $$ select array_position(array['viewer', 'member', 'admin', 'owner'], role) $$;

-- Members, the first who joined first, after a place in that order. words: all must be in the name or the email; only: just this one.
create function private.list_members(organization uuid, words text[], after_at timestamptz, after_user uuid, how_many integer, only_user uuid default null)
returns table (user_id uuid, name text, email text, role text, last_seen_at timestamptz, created_at timestamptz, conversations bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) or strpos(current_setting('frontdesk.permissions', true), ' members:read ') = 0 then return; end if;
  return query
  with found as (
    select m.user_id, private.user_name(u.raw_user_meta_data, u.email) as name, u.email::text as email, m.role, m.last_seen_at, m.created_at
    from public.organization_members m join auth.users u on u.id = m.user_id
    where m.organization_id = organization and (only_user is null or m.user_id = only_user) and (m.created_at, m.user_id) > (after_at, after_user)
      and not exists (select from unnest(words) as w (word)
        where strpos(lower(concat_ws(' ', private.user_name(u.raw_user_meta_data, u.email), u.email)), lower(w.word)) = 0)
    order by m.created_at, m.user_id limit how_many)
  select f.*, (select count(*) from (
    select from public.conversations c
    where c.organization_id = organization and c.assigned_to = f.user_id and c.closed_at is null limit 100) as assigned)
  from found f order by f.created_at, f.user_id;
end $$;
grant execute on function private.list_members(uuid, text[], timestamptz, uuid, integer, uuid) to frontdesk_member;

-- The role that whoever runs this member's transaction has at this moment, when it is his turn; null when it does not hold the permission.
create function private.acting_role(organization uuid, needed text) returns text
language plpgsql security definer set search_path = '' as $$
begin
  if current_setting('role') <> 'frontdesk_member' or not private.may_act_for(organization) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  perform private.take_member_turn(organization);
  return (
    select m.role from public.organization_members m join public.role_permissions p on p.role = m.role and p.permission = needed
    where m.organization_id = organization and m.user_id = nullif(current_setting('frontdesk.user_id', true), '')::uuid
      and strpos(current_setting('frontdesk.permissions', true), ' ' || needed || ' ') > 0);
end $$;

-- Whether there is an owner beside this one.
create function private.has_other_owner(organization uuid, beside uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.organization_members m where m.organization_id = organization and m.role = 'owner' and m.user_id <> beside)
$$;

-- Gives a member another role. outcome: changed, unchanged, missing, or why not: not_allowed, owners_only, raises_himself, last_owner.
create function private.change_member_role(organization uuid, member uuid, new_role text) returns table (outcome text, role_before text)
language plpgsql security definer set search_path = '' as $$
declare
  acting constant text := private.acting_role(organization, 'members:write');
  had constant text := (select m.role from public.organization_members m where m.organization_id = organization and m.user_id = member);
begin
  outcome := case
    when acting is null then 'not_allowed'
    when had is null then 'missing'
    when had = new_role then 'unchanged'
    when member = nullif(current_setting('frontdesk.user_id', true), '')::uuid and private.role_rank(new_role) > private.role_rank(had) then 'raises_himself'
    when acting <> 'owner' and 'owner' in (had, new_role) then 'owners_only'
    when had = 'owner' and not private.has_other_owner(organization, member) then 'last_owner'
    else 'changed' end;
  if outcome = 'changed' then
    update public.organization_members m set role = new_role where m.organization_id = organization and m.user_id = member;
  end if;
  role_before := had;
  return next;
end $$;
grant execute on function private.change_member_role(uuid, uuid, text) to frontdesk_member;

-- Takes a member out; whoever acts may take himself out. His conversations go to the heir, or to nobody.
-- outcome: removed, missing, or why not: not_allowed, owners_only, last_owner, no_heir.
create function private.remove_member(organization uuid, member uuid, heir uuid default null) returns table (outcome text, role_before text, moved bigint)
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
grant execute on function private.remove_member(uuid, uuid, uuid) to frontdesk_member;

-- Makes another member an owner, and the owner who does it an admin. outcome: handed_over, missing, or why not: not_allowed, to_himself.
create function private.hand_over_organization(organization uuid, heir uuid) returns table (outcome text, role_before text)
language plpgsql security definer set search_path = '' as $$
declare
  acting constant text := private.acting_role(organization, 'ownership:write');
  me constant uuid := nullif(current_setting('frontdesk.user_id', true), '')::uuid;
  had constant text := (select m.role from public.organization_members m where m.organization_id = organization and m.user_id = heir);
begin
  outcome := case when acting is null then 'not_allowed' when had is null then 'missing' when heir = me then 'to_himself' else 'handed_over' end;
  role_before := had;
  if outcome = 'handed_over' then
    update public.organization_members m set role = 'owner' where m.organization_id = organization and m.user_id = heir;
    update public.organization_members m set role = 'admin' where m.organization_id = organization and m.user_id = me;
  end if;
  return next;
end $$;
grant execute on function private.hand_over_organization(uuid, uuid) to frontdesk_member;

revoke execute on all functions in schema private from public, anon;
