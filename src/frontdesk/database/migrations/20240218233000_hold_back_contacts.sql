-- Contacts beyond a smaller plan's limit can only be read: they are marked, nothing is deleted, and whoever writes is kept and answered as before.

-- The first contact, by age, that is over the plan's limit: it and all younger ones are. Null where none is.
alter table public.subscriptions add column contacts_from uuid;

-- The same, for who may not read how the organization stands with paying.
create function private.contacts_from(organization uuid) returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return null; end if;
  return (select s.contacts_from from public.subscriptions s where s.organization_id = organization);
end $$;
grant execute on function private.contacts_from(uuid) to frontdesk_member, frontdesk_worker;

-- Marks what is over the limits that hold now, and takes marks away where there is room again. The first stay: rules by their order, numbers and
-- members by their age, owners always; contacts by their age
-- as well, for which one mark says enough: the first that is over. Nothing is locked but what changes, in the order of its keys.
create or replace function private.mark_held_back(organization uuid) returns integer
language plpgsql security definer set search_path = '' as $$
declare
  has record;
  rules integer; numbers integer; people integer; first uuid; customers integer := 0;
begin
  select s.access, (s.limits ->> 'auto_replies')::bigint as rules, (s.limits ->> 'channels')::bigint as channels, (s.limits ->> 'members')::bigint as members,
    (s.limits ->> 'contacts')::bigint as contacts, s.contacts_from
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
  if has.contacts is not null then
    select k.id into first from public.contacts k where k.organization_id = organization order by k.id offset has.contacts limit 1;
  end if;
  if first is distinct from has.contacts_from then
    select count(*) into customers from public.contacts k
    where k.organization_id = organization and coalesce(k.id >= first, false) <> coalesce(k.id >= has.contacts_from, false);
    update public.subscriptions s set contacts_from = first where s.organization_id = organization;
  end if;
  return rules + numbers + people + customers;
end $$;

-- Owes an organization what it is told of its limits: that four fifths are used, that all is, or that all is which it allowed beyond one; each once
-- a period. Contacts are the level that grows by itself; other levels are full when somebody fills them. Returns how many notices are new.
create or replace function private.note_full_usage(organization uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  period constant date := private.usage_period(organization);
  told bigint;
begin
  with standing as materialized (
    select v.metric, v.used, v.allowed, v.over_limit = 'overage' and v.price > 0 and v.may_go_over as beyond,
      least(private.credit_left(organization, v.currency, v.metric, period), v.cap * 1000 - v.cost) < v.price as spent
    from private.usage_standing(organization) v
    where (v.kind = 'period' or v.metric = 'contacts') and v.allowed > 0 and v.used * 100 >= v.allowed * 80
  ), touched as (  -- whoever wrote beyond the limit is marked
    update public.subscriptions s set look_at = now() from standing v
    where s.organization_id = organization and s.contacts_from is null and v.metric = 'contacts' and v.used > v.allowed
  )
  insert into public.billing_notices (organization_id, id, kind, object, facts)
  select organization, private.uuid_v7(), k.kind, s.metric || ':' || period,
    jsonb_build_object('metric', s.metric, 'used', s.used, 'allowed', s.allowed, 'beyond', coalesce(s.beyond, false))
  from standing s
  cross join lateral (
    select case when s.used < s.allowed then 'usage_nearly_full' when s.beyond and s.spent then 'overage_cap_reached' else 'usage_full' end as kind) as k
  on conflict do nothing;
  get diagnostics told = row_count;
  return told;
end $$;

-- Where contacts go and others were over the limit, there may be room again: it is looked at.
create function private.make_room_for_contacts() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.subscriptions s set look_at = now()
  where s.contacts_from is not null and s.organization_id in (select g.organization_id from gone g);
  return null;
end $$;
create trigger contacts_make_room after delete on public.contacts referencing old table as gone for each statement execute function private.make_room_for_contacts();

-- Those who are over the limits already are marked at the next look.
update public.subscriptions s set look_at = now() where s.limits ->> 'contacts' is not null;

revoke execute on all functions in schema private from public, anon;
