-- What is over a smaller limit becomes read-only, and nothing is deleted: rules stop answering, numbers stop sending, members look on. While a
-- plan is not paid, bots hand over in one line.

-- Why a rule does not answer as it says: it is over the limit; or nothing is paid, and it hands over.
alter table public.auto_replies add column held_back text check (held_back in ('over_limit', 'read_only'));
-- Since when a number is over the limit: what customers write to it is stored, and nothing is sent from it.
alter table public.channels add column held_back_at timestamptz;
-- Since when a member is over the limit: he may do what a viewer may.
alter table public.organization_members add column held_back_at timestamptz;

-- Marks what is over the limits that hold now, and takes marks away where there is room again. The first stay: rules by their order, numbers and
-- members by their age, owners always. Nothing is locked but what changes, in the order of its keys.
create function private.mark_held_back(organization uuid) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  has record;
  rules integer; numbers integer; people integer;
begin
  select s.access, (s.limits ->> 'auto_replies')::bigint as rules, (s.limits ->> 'channels')::bigint as channels, (s.limits ->> 'members')::bigint as members
  into has from public.subscriptions s where s.organization_id = organization;
  if not found then return 0; end if;
  with standing as materialized (
    select r.id, case when has.access = 'read_only' then 'read_only'
      when has.rules < row_number() over (order by r.enabled_at is null, r.trigger = 'fallback', r.position, r.id) then 'over_limit' end as should
    from public.auto_replies r where r.organization_id = organization
  ), held as materialized (
    select r.id, s.should from public.auto_replies r join standing s on s.id = r.id
    where r.organization_id = organization and r.held_back is distinct from s.should order by r.organization_id, r.id for no key update of r
  )
  update public.auto_replies r set held_back = h.should, updated_at = clock_timestamp() from held h where r.organization_id = organization and r.id = h.id;
  get diagnostics rules = row_count;
  with standing as materialized (
    select c.id, coalesce(has.channels < row_number() over (order by c.created_at, c.id), false) as over
    from public.channels c where c.organization_id = organization and c.kind <> 'simulator'
  ), held as materialized (
    select c.id, s.over from public.channels c join standing s on s.id = c.id
    where c.organization_id = organization and (c.held_back_at is not null) <> s.over order by c.organization_id, c.id for no key update of c
  )
  update public.channels c set held_back_at = case when h.over then now() end from held h where c.organization_id = organization and c.id = h.id;
  get diagnostics numbers = row_count;
  with standing as materialized (
    select m.user_id, m.role <> 'owner' and coalesce(has.members < row_number() over (order by m.role <> 'owner', m.created_at, m.user_id), false) as over
    from public.organization_members m where m.organization_id = organization
  ), held as materialized (
    select m.user_id, s.over from public.organization_members m join standing s on s.user_id = m.user_id
    where m.organization_id = organization and (m.held_back_at is not null) <> s.over order by m.organization_id, m.user_id for no key update of m
  )
  update public.organization_members m set held_back_at = case when h.over then now() end from held h where m.organization_id = organization and m.user_id = h.user_id;
  get diagnostics people = row_count;
  return rules + numbers + people;
end $$;

-- The same, for whoever may act for the organization. Returns how much changed.
create function private.hold_back(organization uuid) returns integer
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  return private.mark_held_back(organization);
end $$;
grant execute on function private.hold_back(uuid) to frontdesk_member, frontdesk_worker;

-- Where a number or a member goes and others were over the limit, there may be room again.
create function private.make_room() returns trigger
language plpgsql security definer set search_path = '' as $$
declare one uuid;
begin
  for one in select distinct g.organization_id from gone g loop
    if exists (select from public.channels c where c.organization_id = one and c.held_back_at is not null)
      or exists (select from public.organization_members m where m.organization_id = one and m.held_back_at is not null) then
      perform private.mark_held_back(one);
    end if;
  end loop;
  return null;
end $$;
create trigger channels_make_room after delete on public.channels referencing old table as gone for each statement execute function private.make_room();
create trigger organization_members_make_room after delete on public.organization_members referencing old table as gone
  for each statement execute function private.make_room();

-- Opens a member's transaction: checks the live membership and sets the organization and its permissions, or nothing at all,
-- so that every policy refuses. One row when the user is a member, none otherwise. In an organization that is suspended members read, pay, and take
-- along or give up what is theirs. Whoever is over the limit may do what a viewer may.
create or replace function private.enter(wanted_organization uuid, entering_user uuid) returns table (role text, permissions text[])
language plpgsql security definer set search_path = '' as $$
begin
  return query
  with found as (
    select m.role, array_agg(p.permission order by p.permission) as permissions
    from public.organization_members m
    join public.organizations o on o.id = m.organization_id
    join public.role_permissions p on p.role = m.role and p.permission <> all (m.withheld)
      and (m.held_back_at is null or exists (select from public.role_permissions v where v.role = 'viewer' and v.permission = p.permission)) and (o.suspended_at is null or p.permission like '%:read'
      or p.permission in ('billing:write', 'contacts:export', 'conversations:oversee', 'organization:export', 'ownership:write'))
    where m.organization_id = wanted_organization and m.user_id = entering_user
    group by m.role
  )
  select f.role, f.permissions
  from found f,
    lateral (select
      set_config('frontdesk.organization_id', wanted_organization::text, true),
      set_config('frontdesk.user_id', entering_user::text, true),
      set_config('frontdesk.permissions', ' ' || array_to_string(f.permissions, ' ') || ' ', true)) as settings;
end $$;

revoke execute on all functions in schema private from public, anon;
