-- Restrictions: what a role may do and one member of it may not. Each is a permission that is withheld, so that whatever asks for permissions
-- obeys: routes, policies, keys.

insert into public.role_permissions (role, permission)
  select role, permission from unnest(array['viewer', 'member', 'admin', 'owner']) as role, unnest(array['conversations:oversee', 'phone_numbers:read']) as permission
  union all values ('admin', 'contacts:export'), ('owner', 'contacts:export')
  on conflict do nothing;

alter table public.organization_members
  add column withheld text[] not null default '{}'
    constraint organization_members_withheld check (withheld <@ array['contacts:export', 'conversations:oversee', 'phone_numbers:read']),
  add constraint organization_members_owners_are_free check (role <> 'owner' or withheld = '{}');

drop trigger organization_members_updated on public.organization_members;
create trigger organization_members_updated before update of role, withheld on public.organization_members
  for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();
drop trigger organization_members_told on public.organization_members;
create trigger organization_members_told after update on public.organization_members for each row
  when (old.role is distinct from new.role or old.withheld is distinct from new.withheld) execute function private.tell_member_changed();

-- An owner has no restrictions; and nobody lets somebody in who may more than he himself does.
create function private.settle_restrictions() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.role = 'owner' then
    new.withheld := '{}';
  elsif tg_op = 'INSERT' and new.invited_by is not null then
    new.withheld := array(select unnest(new.withheld) union select unnest(m.withheld)
      from public.organization_members m where m.organization_id = new.organization_id and m.user_id = new.invited_by order by 1);
  end if;
  return new;
end $$;
create trigger organization_members_settled before insert or update of role on public.organization_members
  for each row execute function private.settle_restrictions();

-- ==== Who is asking ====

create or replace function private.organizations_allowing(wanted text) returns uuid[]
language plpgsql stable security definer set search_path = '' as $$
begin
  return (
    select coalesce(array_agg(m.organization_id), '{}')
    from public.organization_members m
    join public.role_permissions p on p.role = m.role and p.permission = wanted and p.permission <> all (m.withheld)
    join public.organizations o on o.id = m.organization_id
    where m.user_id = (select auth.uid()) and (o.second_factor_required_at is null or (select private.has_second_factor((select auth.uid()))))
      and (m.withheld = '{}' or wanted not in ('audit:read', 'contacts:read', 'messages:read')));  -- through the product only, which masks and leaves out
end $$;

create or replace function private.enter(wanted_organization uuid, entering_user uuid) returns table (role text, permissions text[])
language plpgsql security definer set search_path = '' as $$
begin
  return query
  with found as (
    select m.role, array_agg(p.permission order by p.permission) as permissions
    from public.organization_members m
    join public.role_permissions p on p.role = m.role and p.permission <> all (m.withheld)
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

-- ==== Conversations: everybody's, or one's own and nobody's ====

-- A second condition beside that of private.protect(), asked in this order: who oversees all is asked once and nothing else; the rest looks at
-- the conversation itself, and for what belongs to one at that conversation, behind its own policy: by its key, row by row (`offset 0` keeps the
-- planner from reading all conversations into a hash instead).
create function private.confine(target regclass, only_if text, commands text[]) returns void
language plpgsql set search_path = '' as $$
declare
  condition constant text := $q$((select strpos((select current_setting('frontdesk.permissions', true)), ' conversations:oversee ') > 0) or $q$ || only_if || ')';
  policy record;
begin
  for policy in
    select p.polname, pg_get_expr(p.polqual, p.polrelid) as seen, pg_get_expr(p.polwithcheck, p.polrelid) as kept
    from pg_catalog.pg_policy p
    where p.polrelid = target and p.polroles = array['frontdesk_member'::regrole::oid] and p.polcmd::text = any (commands)
  loop
    execute format('alter policy %I on %s', policy.polname, target)
      || coalesce(' using ((' || policy.seen || ') and ' || condition || ')', '') || coalesce(' with check ((' || policy.kept || ') and ' || condition || ')', '');
  end loop;
end $$;

select private.confine('public.conversations',
  $q$assigned_to is null or assigned_to = (select nullif(current_setting('frontdesk.user_id', true), '')::uuid)$q$, array['r', 'a', 'w', 'd']);
-- Whether a restricted member sees this conversation, as its own policy says; else null. A function, because threads are short and read often:
-- for everybody else it is never called, and costs the plan nothing.
create function private.sees_conversation(organization uuid, conversation uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
  return (select true from public.conversations v where v.organization_id = organization and v.id = conversation);
end $$;
grant execute on function private.sees_conversation(uuid, uuid) to frontdesk_member;
select private.confine('public.messages', $q$private.sees_conversation(organization_id, conversation_id)$q$, array['r', 'a', 'w', 'd']);
select private.confine('public.contacts',
  $q$exists (select from public.conversations v where v.organization_id = contacts.organization_id and v.contact_id = contacts.id offset 0)$q$, array['r', 'w', 'd']);
select private.confine('public.contact_identities',
  $q$exists (select from public.contacts c where c.organization_id = contact_identities.organization_id and c.id = contact_identities.contact_id offset 0)$q$, array['w', 'd']);

-- ==== Phone numbers: as they are, or masked ====

-- The number of a contact is read through private.people only, the addresses that are numbers by their policy, and what else holds numbers (an
-- event as it came, the outbox) by the roads.
revoke select on public.contacts from frontdesk_member;
grant select (organization_id, id, name, given_name, username, search_text, language, tags, attributes, note, marketing_consent, marketing_consent_at,
  marketing_consent_source, blocked_at, blocked_by, last_seen_at, created_at, updated_at) on public.contacts to frontdesk_member;
revoke select on public.messages from frontdesk_member;
grant select (organization_id, id, conversation_id, direction, author, user_id, auto_reply_id, campaign_id, resend_of, type, text, emoji, reply_to,
  provider_message_id, status, error_code, error_text, position, occurred_at, sent_at, delivered_at, read_at, failed_at, created_at) on public.messages to frontdesk_member;
revoke select on public.outbox from frontdesk_member;
grant select (organization_id, id, channel_id, priority, window_ends_at, not_before, attempts, claimed_at, claimed_by, created_at) on public.outbox to frontdesk_member;

alter policy "frontdesk_member reads" on public.contact_identities using (
  organization_id = (select case when strpos((select current_setting('frontdesk.permissions', true)), ' contacts:read ') > 0
    then nullif((select current_setting('frontdesk.organization_id', true)), '')::uuid end)
  and (kind <> 'phone' or (select strpos((select current_setting('frontdesk.permissions', true)), ' phone_numbers:read ') > 0))
  and ((select strpos((select current_setting('frontdesk.permissions', true)), ' conversations:oversee ') > 0)
    or exists (select from public.contacts c where c.organization_id = contact_identities.organization_id and c.id = contact_identities.contact_id offset 0)));

-- The number of each contact that this member's transaction may know of: whole, or with its first two and last two digits.
create view private.people with (security_barrier) as
  select c.organization_id, c.id,
    case when (select strpos((select current_setting('frontdesk.permissions', true)), ' phone_numbers:read ') > 0) then c.phone
      when char_length(c.phone) < 8 then '•••' else left(c.phone, 2) || ' ••• ••' || right(c.phone, 2) end as phone
  from public.contacts c
  where c.organization_id = (select case when strpos((select current_setting('frontdesk.permissions', true)), ' contacts:read ') > 0
      then nullif((select current_setting('frontdesk.organization_id', true)), '')::uuid end)
    and ((select strpos((select current_setting('frontdesk.permissions', true)), ' conversations:oversee ') > 0)
      or exists (select from public.conversations v where v.organization_id = c.organization_id and v.contact_id = c.id
        and (v.assigned_to is null or v.assigned_to = (select nullif(current_setting('frontdesk.user_id', true), '')::uuid)) offset 0));
revoke all on private.people from public, anon, authenticated, service_role, frontdesk_app, frontdesk_worker;
grant select on private.people to frontdesk_member;

-- Names are searched as they stand there; numbers are not among them any more.
update public.contacts set search_text = btrim(replace(search_text, phone, '')) where strpos(search_text, phone) > 0;

-- Where a contact is written to in a conversation: the number, or the newest id of this portfolio. For a member who may write there, also
-- one who does not see it: it goes into the outbox and nowhere else.
create function private.address_of(organization uuid, conversation uuid) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) or strpos(current_setting('frontdesk.permissions', true), ' messages:write ') = 0 then return null; end if;
  return (
    select coalesce(c.phone, (
      select i.value from public.contact_identities i
      where i.organization_id = v.organization_id and i.contact_id = v.contact_id and i.kind = 'bsuid' and i.scope = n.scope
      order by i.created_at desc limit 1))
    from public.conversations v
    join public.contacts c on c.organization_id = v.organization_id and c.id = v.contact_id
    join public.channels n on n.organization_id = v.organization_id and n.id = v.channel_id
    where v.organization_id = organization and v.id = conversation
      and (strpos(current_setting('frontdesk.permissions', true), ' conversations:oversee ') > 0 or v.assigned_to is null
        or v.assigned_to = nullif(current_setting('frontdesk.user_id', true), '')::uuid));
end $$;
grant execute on function private.address_of(uuid, uuid) to frontdesk_member;

-- ==== Setting them ====

drop function private.list_members(uuid, text[], timestamptz, uuid, integer, uuid);
create function private.list_members(organization uuid, words text[], after_at timestamptz, after_user uuid, how_many integer, only_user uuid default null)
returns table (user_id uuid, name text, email text, role text, withheld text[], last_seen_at timestamptz, created_at timestamptz, conversations bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) or strpos(current_setting('frontdesk.permissions', true), ' members:read ') = 0 then return; end if;
  return query
  with found as (
    select m.user_id, private.user_name(u.raw_user_meta_data, u.email) as name, u.email::text as email, m.role, m.withheld, m.last_seen_at, m.created_at
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

-- Withholds these permissions from a member, and no others. outcome: changed, unchanged, missing, or why not: not_allowed, an_owner, himself,
-- not_his (what is withheld from whoever acts, he gives back to nobody).
create function private.restrict_member(organization uuid, member uuid, withholds text[]) returns table (outcome text, withheld_before text[])
language plpgsql security definer set search_path = '' as $$
declare
  acting constant text := private.acting_role(organization, 'members:write');
  me constant uuid := nullif(current_setting('frontdesk.user_id', true), '')::uuid;
  wanted constant text[] := array(select distinct unnest(withholds) order by 1);
  had record; mine text[];
begin
  select m.role, m.withheld into had from public.organization_members m where m.organization_id = organization and m.user_id = member;
  select m.withheld into mine from public.organization_members m where m.organization_id = organization and m.user_id = me;
  outcome := case
    when acting is null then 'not_allowed'
    when had.role is null then 'missing'
    when had.role = 'owner' then 'an_owner'
    when had.withheld = wanted then 'unchanged'
    when member = me then 'himself'
    when exists ((select unnest(had.withheld) except select unnest(wanted)) intersect select unnest(mine)) then 'not_his'
    else 'changed' end;
  if outcome = 'changed' then
    update public.organization_members m set withheld = wanted where m.organization_id = organization and m.user_id = member;
  end if;
  withheld_before := had.withheld;
  return next;
end $$;
grant execute on function private.restrict_member(uuid, uuid, text[]) to frontdesk_member;

revoke execute on all functions in schema private from public, anon;
