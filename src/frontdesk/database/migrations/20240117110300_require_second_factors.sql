-- An organization may ask its members for a second factor: whoever has none gets no further than to his own account.

alter table public.organizations
  add column second_factor_required_at timestamptz,
  add column second_factor_required_by uuid references auth.users (id) on delete set null;
create index organizations_second_factor_required_by on public.organizations (second_factor_required_by);

-- Opens the transaction of a member who is there in person, as private.enter() does. One row without a role when he lacks the second factor that
-- the organization asks for: then nothing is set and every policy refuses. API keys, which prove themselves otherwise, do not come this way.
create function private.enter_in_person(wanted_organization uuid, entering_user uuid) returns table (role text, permissions text[])
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.organizations o where o.id = wanted_organization and o.second_factor_required_at is not null)
    and not private.has_second_factor(entering_user) then
    return query select null::text, null::text[]
      from public.organization_members m where m.organization_id = wanted_organization and m.user_id = entering_user;
  else
    return query select e.role, e.permissions from private.enter(wanted_organization, entering_user) as e;
  end if;
end $$;
grant execute on function private.enter_in_person(uuid, uuid) to frontdesk_app;
revoke execute on function private.enter(uuid, uuid) from frontdesk_app;

-- The organizations in which the user of this request may do the wanted thing; for clients that name no organization.
create or replace function private.organizations_allowing(wanted text) returns uuid[]
language plpgsql stable security definer set search_path = '' as $$
begin
  return (
    select coalesce(array_agg(m.organization_id), '{}')
    from public.organization_members m
    join public.role_permissions p on p.role = m.role and p.permission = wanted
    join public.organizations o on o.id = m.organization_id
    where m.user_id = (select auth.uid()) and (o.second_factor_required_at is null or (select private.has_second_factor((select auth.uid())))));
end $$;

-- Asks the members of this organization for a second factor from now on. "done"; "asked already"; or "has none" when the one who asks has none himself.
create function private.require_second_factor(organization uuid) returns text
language plpgsql security definer set search_path = '' as $$
declare asking constant uuid := nullif(current_setting('frontdesk.user_id', true), '')::uuid;
begin
  if not private.may_act_for(organization) or current_setting('role') <> 'frontdesk_member'
    or strpos(coalesce(current_setting('frontdesk.permissions', true), ''), ' organization:write ') = 0 then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  perform from auth.users u where u.id = asking for no key update;  -- who removes his last factor at this moment waits, and finds that it is needed
  if not private.has_second_factor(asking) then return 'has none'; end if;
  update public.organizations o set second_factor_required_at = now(), second_factor_required_by = asking
  where o.id = organization and o.second_factor_required_at is null;
  return case when found then 'done' else 'asked already' end;
end $$;
grant execute on function private.require_second_factor(uuid) to frontdesk_member;

-- Asks nobody of this organization for a second factor any more. False when nobody was asked.
create function private.leave_second_factor_open(organization uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) or current_setting('role') <> 'frontdesk_member'
    or strpos(coalesce(current_setting('frontdesk.permissions', true), ''), ' organization:write ') = 0 then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  update public.organizations o set second_factor_required_at = null, second_factor_required_by = null
  where o.id = organization and o.second_factor_required_at is not null;
  return found;
end $$;
grant execute on function private.leave_second_factor_open(uuid) to frontdesk_member;

-- How many members of this organization have no second factor.
create function private.members_without_second_factor(organization uuid) returns integer
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return null; end if;
  return (
    select count(*)::integer from public.organization_members m where m.organization_id = members_without_second_factor.organization and not private.has_second_factor(m.user_id));
end $$;
grant execute on function private.members_without_second_factor(uuid) to frontdesk_member;

-- What the organizations of this user are called that ask him for a second factor.
create function private.asking_for_second_factor(of_user uuid) returns setof text
language sql stable security definer set search_path = '' as $$
  select o.name from public.organization_members m join public.organizations o on o.id = m.organization_id
  where m.user_id = of_user and o.second_factor_required_at is not null order by o.name, o.id
$$;
grant execute on function private.asking_for_second_factor(uuid) to frontdesk_app;

-- Takes the authenticator away, and the recovery codes when there is no factor left that they could stand in for.
create or replace function private.remove_authenticator(of_user uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare removed boolean;
begin
  perform from auth.users u where u.id = of_user for no key update;
  delete from private.authenticators a where a.user_id = of_user;
  removed := found;
  delete from private.recovery_codes c where c.user_id = of_user and not private.has_second_factor(of_user);
  return removed;
end $$;

revoke execute on all functions in schema private from public, anon;
