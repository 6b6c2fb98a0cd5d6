-- Whoever runs the installation gets a console: a role of its own, which reads what is there to be seen without anybody's messages, and looks into an
-- organization with a reason, for half an hour, and under its eyes.

do $$ begin
  if to_regrole('frontdesk_operator') is null then create role frontdesk_operator nologin noinherit; end if;
end $$;
grant frontdesk_operator to frontdesk_app;

alter table public.organizations
  add column suspended_at timestamptz,
  add column suspended_reason text,
  add constraint organizations_suspended_with_reason check ((suspended_at is null) = (suspended_reason is null) and char_length(suspended_reason) <= 500);
alter table private.sessions
  add column second_factor_at timestamptz,
  add column viewing_organization uuid,
  add column view_id uuid;

-- Who runs the installation. Being one is not enough: what an operator reaches, a session reaches that a second factor has opened.
create table private.operators (
  user_id uuid primary key references auth.users (id) on delete cascade,
  granted_at timestamptz not null default now(),
  granted_by text not null check (char_length(granted_by) between 1 and 254),
  revoked_at timestamptz
);

-- What operators did: their own log, beside the log of each organization that it concerned. Nobody changes it.
create table private.operator_entries (
  id uuid primary key,
  at timestamptz not null default now(),
  operator_id uuid references auth.users (id) on delete set null,
  operator_name text not null,
  action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
  organization_id uuid,
  target_type text,
  target_id text,
  details jsonb not null default '{}',
  address text
);
create index operator_entries_operator on private.operator_entries (operator_id);
create index operator_entries_organization on private.operator_entries (organization_id, id);

-- An operator looks into an organization: why, and for how long. The organization reads it, and it stays when the operator goes.
create table public.operator_views (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  operator_id uuid references auth.users (id) on delete set null,
  operator_name text not null default '',
  purpose text not null check (purpose in ('view', 'export')),
  reason text not null check (char_length(reason) between 10 and 500),
  started_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '30 minutes',
  ended_at timestamptz,
  primary key (organization_id, id),
  check (expires_at <= started_at + interval '30 minutes')
);
create index operator_views_operator on public.operator_views (operator_id);
select private.protect('public.operator_views', reads => 'organization:read', writes => null, worker => 'nothing');

-- ---- who acts ----

-- As before, and an operator who has entered the console may act for every organization.
create or replace function private.may_act_for(organization uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(case current_setting('role')
    when 'frontdesk_member' then organization = nullif(current_setting('frontdesk.organization_id', true), '')::uuid
    when 'frontdesk_worker' then organization = any (nullif(current_setting('frontdesk.organization_ids', true), '')::uuid[])
    when 'authenticated' then organization = any (private.organizations_allowing('organization:read'))
    when 'frontdesk_operator' then private.is_operating()
    when 'anon' then false
    else session_user not in ('anon', 'authenticated')
  end, false);
end $$;

-- As before; what an operator's transaction does, an operator did.
create or replace function private.append_audit(
  organization uuid, what text, on_type text default null, on_id text default null, more jsonb default '{}',
  by_kind text default 'system', by_id uuid default null, by_name text default '', from_address text default null,
  from_agent text default null, request text default null) returns bigint
language plpgsql security definer set search_path = '' as $$
declare head private.audit_heads; entry public.audit_logs;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  if current_setting('role') = 'frontdesk_member' then
    by_kind := 'user'; by_id := nullif(current_setting('frontdesk.user_id', true), '')::uuid;
    if nullif(current_setting('frontdesk.api_key_id', true), '') is not null then
      by_kind := 'api_key'; by_id := current_setting('frontdesk.api_key_id')::uuid;
      by_name := (select k.name from public.api_keys k where k.organization_id = organization and k.id = by_id);
    elsif nullif(current_setting('frontdesk.view_id', true), '') is not null then
      by_kind := 'operator';
    end if;
  elsif current_setting('role') = 'frontdesk_operator' then
    by_kind := 'operator'; by_id := private.acting_operator();
    by_name := (select private.user_name(u.raw_user_meta_data, u.email) from auth.users u where u.id = by_id);
    from_address := nullif(current_setting('frontdesk.from_address', true), ''); from_agent := nullif(current_setting('frontdesk.from_agent', true), '');
    request := nullif(current_setting('frontdesk.request_id', true), '');
  end if;
  insert into private.audit_heads (organization_id) values (organization) on conflict do nothing;
  select * into head from private.audit_heads h where h.organization_id = organization for no key update;
  entry := (organization, head.seq + 1, clock_timestamp(), by_kind, by_id, coalesce(by_name, ''), what, on_type, on_id, coalesce(more, '{}'),
    from_address, left(from_agent, 400), request, 1, head.hash, ''::bytea);
  entry.hash := private.audit_hash(entry);
  insert into public.audit_logs values (entry.*);
  update private.audit_heads h set seq = entry.seq, hash = entry.hash where h.organization_id = organization;
  return entry.seq;
end $$;

-- As before; in an organization that is suspended members read, pay, and take along or give up what is theirs.
create or replace function private.enter(wanted_organization uuid, entering_user uuid) returns table (role text, permissions text[])
language plpgsql security definer set search_path = '' as $$
begin
  return query
  with found as (
    select m.role, array_agg(p.permission order by p.permission) as permissions
    from public.organization_members m
    join public.organizations o on o.id = m.organization_id
    join public.role_permissions p on p.role = m.role and p.permission <> all (m.withheld) and (o.suspended_at is null or p.permission like '%:read'
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

drop function private.find_session(bytea);

-- The operator behind a session, as long as both live. proved: the session was opened, or renewed, with a second factor that he still has.
create function private.operator_of(acting_session uuid) returns table (user_id uuid, name text, proved boolean)
language sql stable security definer set search_path = '' as $$
  select u.id, private.user_name(u.raw_user_meta_data, u.email), s.second_factor_at is not null and private.has_second_factor(u.id)
  from private.sessions s
  join private.operators p on p.user_id = s.user_id and p.revoked_at is null
  join auth.users u on u.id = s.user_id and u.deleted_at is null and (u.banned_until is null or u.banned_until < now())
  where s.id = acting_session and private.is_live(s)
$$;

-- Opens the transaction of an operator: no row for anybody else; a row that is not proved for one without a second factor, and then nothing is set.
create function private.enter_console(acting_session uuid, address text, agent text, request text) returns table (user_id uuid, name text, proved boolean)
language plpgsql security definer set search_path = '' as $$
declare who record;
begin
  select * into who from private.operator_of(acting_session);
  if who.user_id is null then return; end if;
  if who.proved then
    perform set_config('frontdesk.operator_session', acting_session::text, true), set_config('frontdesk.from_address', coalesce(address, ''), true),
      set_config('frontdesk.from_agent', coalesce(left(agent, 400), ''), true), set_config('frontdesk.request_id', coalesce(request, ''), true);
  end if;
  return query select who.user_id, who.name, who.proved;
end $$;
grant execute on function private.enter_console(uuid, text, text, text) to frontdesk_app;

-- The operator whose transaction this is: asked of the session again, whatever the settings say. Null when it is nobody's.
create function private.acting_operator() returns uuid
language sql stable security definer set search_path = '' as $$
  select o.user_id from private.operator_of(nullif(current_setting('frontdesk.operator_session', true), '')::uuid) as o
  where o.proved and current_setting('role') = 'frontdesk_operator'
$$;

create function private.is_operating() returns boolean
language sql stable security definer set search_path = '' as $$ select private.acting_operator() is not null $$;
grant execute on function private.is_operating() to frontdesk_operator;

-- Raises in every transaction but an operator's.
create function private.demand_operator() returns uuid
language plpgsql stable security definer set search_path = '' as $$
declare acting constant uuid := private.acting_operator();
begin
  if acting is null then raise exception 'for operators only' using errcode = 'insufficient_privilege'; end if;
  return acting;
end $$;

-- Lets operators read a table, or these columns of it: what is there to be seen without anybody's messages.
create function private.show_to_operators(target regclass, columns text[] default null) returns void
language plpgsql set search_path = '' as $$
begin
  execute format('create policy "frontdesk_operator reads" on %s for select to frontdesk_operator using ((select private.is_operating()))', target);
  execute format('grant select%s on %s to frontdesk_operator', ' (' || (select string_agg(quote_ident(c), ', ') from unnest(columns) as c) || ')', target);
end $$;
select private.show_to_operators('public.organizations');
select private.show_to_operators('public.organization_members', array['organization_id', 'user_id', 'role', 'last_seen_at', 'created_at']);
select private.show_to_operators('public.organization_deletions');
select private.show_to_operators('public.organization_usage');
select private.show_to_operators('public.usage_metrics');
select private.show_to_operators('public.subscriptions');
select private.show_to_operators('public.subscription_plans');
select private.show_to_operators('public.operator_views');
select private.show_to_operators('public.plan_prices');
select private.show_to_operators('public.entitlement_overrides');
select private.show_to_operators('public.billing_accounts', array['organization_id', 'currency', 'card_brand', 'card_last4', 'card_expires_on', 'synced_at']);
select private.show_to_operators('public.invoices');
select private.show_to_operators('public.billing_events', array['id', 'organization_id', 'provider_event_id', 'type', 'object_id', 'arrived_by', 'happened_at', 'received_at',
  'next_try_at', 'attempts', 'last_error', 'given_up_at', 'handled_at']);
select private.show_to_operators('public.channels');
select private.show_to_operators('public.lanes');
select private.show_to_operators('public.failed_deliveries', array['organization_id', 'channel_id', 'id', 'kind', 'received_at', 'failed_at', 'error', 'attempts']);
grant usage on schema private, public to frontdesk_operator;

-- What the console's lists go by: states and plans, newest organization first.
create index organizations_suspended on public.organizations (id) where suspended_at is not null;
create index subscriptions_by_status on public.subscriptions (status, organization_id);
create index subscriptions_by_plan on public.subscriptions (plan_id, organization_id);
drop index public.subscriptions_plan;
create index organizations_by_words on public.organizations using gin (to_tsvector('simple', name));
create index failed_deliveries_newest on public.failed_deliveries (kind, id);

-- Whether anybody may look in as an operator, and who: from the command line only.
create function private.grant_operator(of_email text, by_name text) returns text
language plpgsql security definer set search_path = '' as $$
declare wanted constant uuid := (select u.id from auth.users u where u.email = lower(of_email) and not u.is_sso_user and u.deleted_at is null);
begin
  if wanted is null then return 'nobody'; end if;
  insert into private.operators as p (user_id, granted_by) values (wanted, by_name)
  on conflict (user_id) do update set granted_at = now(), granted_by = excluded.granted_by, revoked_at = null where p.revoked_at is not null;
  if not found then return 'already'; end if;
  insert into private.operator_entries (id, operator_name, action, target_type, target_id, details)
  values (private.uuid_v7(), by_name, 'operator.granted', 'user', wanted::text, jsonb_build_object('name', lower(of_email)));
  return case when private.has_second_factor(wanted) then 'done' else 'without factor' end;
end $$;
grant execute on function private.grant_operator(text, text) to frontdesk_app;

create function private.revoke_operator(of_email text, by_name text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare wanted constant uuid := (select u.id from auth.users u where u.email = lower(of_email) and not u.is_sso_user);
begin
  update private.operators p set revoked_at = now() where p.user_id = wanted and p.revoked_at is null;
  if not found then return false; end if;
  insert into private.operator_entries (id, operator_name, action, target_type, target_id, details)
  values (private.uuid_v7(), by_name, 'operator.revoked', 'user', wanted::text, jsonb_build_object('name', lower(of_email)));
  return true;
end $$;
grant execute on function private.revoke_operator(text, text) to frontdesk_app;

create function private.list_operators() returns table (email text, name text, granted_at timestamptz, granted_by text, has_factor boolean, last_seen_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select u.email, private.user_name(u.raw_user_meta_data, u.email), p.granted_at, p.granted_by, private.has_second_factor(u.id),
    (select max(s.last_seen_at) from private.sessions s where s.user_id = u.id)
  from private.operators p join auth.users u on u.id = p.user_id where p.revoked_at is null order by u.email
$$;
grant execute on function private.list_operators() to frontdesk_app;

-- Says that this session has just been proved with a second factor.
create function private.note_second_factor(session uuid) returns void
language sql security definer set search_path = '' as $$
  update private.sessions s set second_factor_at = now() where s.id = session
$$;
grant execute on function private.note_second_factor(uuid) to frontdesk_app;

-- Writes down what the operator of this transaction did: in the operators' log, and in that of the organization it concerns. Call it last.
create function private.record_operation(what text, organization uuid default null, on_type text default null, on_id text default null, more jsonb default '{}')
returns void language plpgsql security definer set search_path = '' as $$
declare acting constant uuid := private.demand_operator();
begin
  insert into private.operator_entries (id, operator_id, operator_name, action, organization_id, target_type, target_id, details, address)
  select private.uuid_v7(), u.id, private.user_name(u.raw_user_meta_data, u.email), what, organization, on_type, on_id, coalesce(more, '{}'),
    nullif(current_setting('frontdesk.from_address', true), '')
  from auth.users u where u.id = acting;
  if organization is not null and exists (select from public.organizations o where o.id = organization) then
    perform private.append_audit(organization, what, on_type, on_id, more);
  end if;
end $$;
grant execute on function private.record_operation(text, uuid, text, text, jsonb) to frontdesk_operator;

-- The same about a user, in the log of each of his organizations.
create function private.record_operation_on_user(what text, of_user uuid, more jsonb default '{}') returns void
language plpgsql security definer set search_path = '' as $$
declare acting constant uuid := private.demand_operator();
begin
  insert into private.operator_entries (id, operator_id, operator_name, action, target_type, target_id, details, address)
  select private.uuid_v7(), u.id, private.user_name(u.raw_user_meta_data, u.email), what, 'user', of_user::text, coalesce(more, '{}'),
    nullif(current_setting('frontdesk.from_address', true), '')
  from auth.users u where u.id = acting;
  perform private.append_audit(o.id, what, 'user', of_user::text, more) from private.organizations_of(of_user) as o (id);
end $$;
grant execute on function private.record_operation_on_user(text, uuid, jsonb) to frontdesk_operator;

create function private.list_operator_entries(before uuid, how_many integer, of_organization uuid default null)
returns table (id uuid, at timestamptz, operator_name text, action text, organization_id uuid, organization text, target_type text, target_id text, details jsonb, address text)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  select e.id, e.at, e.operator_name, e.action, e.organization_id, o.name, e.target_type, e.target_id, e.details, e.address
  from private.operator_entries e left join public.organizations o on o.id = e.organization_id
  where (before is null or e.id < before) and (of_organization is null or e.organization_id = of_organization)
  order by e.id desc limit how_many;
end $$;
grant execute on function private.list_operator_entries(uuid, integer, uuid) to frontdesk_operator;

create function private.keep_operator_entries() returns trigger
language plpgsql set search_path = '' as $$
begin
  if tg_op = 'UPDATE' and old.operator_id is not null and new.operator_id is null and to_jsonb(new) - 'operator_id' = to_jsonb(old) - 'operator_id' then
    return new;  -- the operator's account went; what he did stays
  end if;
  raise exception 'what operators did cannot be changed or removed' using errcode = 'insufficient_privilege';
end $$;
create trigger operator_entries_append_only before update or delete on private.operator_entries for each row execute function private.keep_operator_entries();
create trigger operator_entries_not_emptied before truncate on private.operator_entries for each statement execute function private.keep_operator_entries();

-- ---- looking into an organization ----

-- Begins a look into an organization, or takes its archive along, for half an hour at the most; the session holds one at a time.
create function private.begin_view(organization uuid, view uuid, for_purpose text, why text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare acting constant uuid := private.demand_operator(); session constant uuid := current_setting('frontdesk.operator_session')::uuid;
begin
  if not exists (select from public.organizations o where o.id = organization) or private.is_going(organization) then return false; end if;
  perform private.close_view(session);
  insert into public.operator_views (organization_id, id, operator_id, operator_name, purpose, reason)
  select organization, view, u.id, private.user_name(u.raw_user_meta_data, u.email), for_purpose, why from auth.users u where u.id = acting;
  update private.sessions s set viewing_organization = organization, view_id = view where s.id = session;
  return true;
end $$;
grant execute on function private.begin_view(uuid, uuid, text, text) to frontdesk_operator;

-- Ends the look that a session holds; returns the organization, or null when there was none.
create function private.close_view(session uuid) returns uuid
language plpgsql security definer set search_path = '' as $$
declare looked_into uuid;
begin
  update public.operator_views v set ended_at = now() from private.sessions s
  where s.id = session and v.organization_id = s.viewing_organization and v.id = s.view_id and v.ended_at is null and v.expires_at > now()
  returning v.organization_id into looked_into;
  update private.sessions s set viewing_organization = null, view_id = null where s.id = session and s.view_id is not null;
  return looked_into;
end $$;

create function private.end_view() returns uuid
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return private.close_view(current_setting('frontdesk.operator_session')::uuid);
end $$;
grant execute on function private.end_view() to frontdesk_operator;

-- The look that a session holds, if it is open: its operator lives, has a second factor, and its time is not over.
create function private.open_view(acting_session uuid) returns setof public.operator_views
language sql stable security definer set search_path = '' as $$
  select v.* from private.sessions s
  join public.operator_views v on v.organization_id = s.viewing_organization and v.id = s.view_id and v.operator_id = s.user_id
  join private.operator_of(acting_session) o on o.proved
  where s.id = acting_session and v.ended_at is null and v.expires_at > now()
$$;

-- Opens the transaction of an operator who looks into an organization: he reads what its owner reads, and the transaction writes nothing, whoever
-- asks it to. For an archive it may write down how far that is, and is good for nothing else. No row when he does not look into this one.
create function private.enter_view(wanted_organization uuid, acting_session uuid) returns table (role text, permissions text[])
language plpgsql security definer set search_path = '' as $$
declare view public.operator_views; may text[];
begin
  select * into view from private.open_view(acting_session) as v where v.organization_id = wanted_organization;
  if view.id is null then return; end if;
  may := case view.purpose when 'export' then array['members:read', 'organization:export', 'organization:read'] else array(
    select p.permission from public.role_permissions p
    where p.role = 'owner' and (p.permission like '%:read' or p.permission = 'conversations:oversee') order by p.permission) end;
  perform set_config('frontdesk.organization_id', view.organization_id::text, true), set_config('frontdesk.user_id', view.operator_id::text, true),
    set_config('frontdesk.view_id', view.id::text, true), set_config('frontdesk.permissions', ' ' || array_to_string(may, ' ') || ' ', true);
  if view.purpose = 'view' then perform set_config('transaction_read_only', 'on', true); end if;
  return query select 'viewer'::text, may;
end $$;
grant execute on function private.enter_view(uuid, uuid) to frontdesk_app;

-- Everything a request must know about who asks, in one look: the user, the session, all organizations and the current one; whether he is an
-- operator, and the organization that he looks into.
create function private.find_session(hash_of_token bytea)
returns table (session_id uuid, user_id uuid, email text, email_verified boolean, name text, csrf_token text, organization_id uuid, organizations jsonb,
  is_stale boolean, is_fresh boolean, is_operator boolean, viewing jsonb)
language sql stable security definer set search_path = '' as $$
  select s.id, u.id, u.email, u.email_confirmed_at is not null, private.user_name(u.raw_user_meta_data, u.email), s.csrf_token,
    case when m.ids @> array[s.organization_id] then s.organization_id else private.home_of(u.id) end, m.memberships,
    s.last_seen_at < now() - interval '1 minute', s.reauthenticated_at > now() - interval '10 minutes',
    exists (select from private.operators p where p.user_id = u.id and p.revoked_at is null),
    case when s.view_id is not null then (
      select jsonb_build_object('organization_id', o.id, 'slug', o.slug, 'name', o.name, 'until', v.expires_at)
      from private.open_view(s.id) v join public.organizations o on o.id = v.organization_id where v.purpose = 'view') end
  from private.sessions s
  join auth.users u on u.id = s.user_id and u.deleted_at is null and (u.banned_until is null or u.banned_until < now())
  cross join lateral (
    select coalesce(array_agg(o.id), '{}') as ids, coalesce(jsonb_agg(
      jsonb_build_object('organization_id', o.id, 'slug', o.slug, 'name', o.name, 'role', om.role, 'suspended', o.suspended_reason) order by lower(o.name), o.id), '[]') as memberships
    from public.organization_members om join public.organizations o on o.id = om.organization_id where om.user_id = u.id) as m
  where s.token_hash = hash_of_token and private.is_live(s)
$$;
grant execute on function private.find_session(bytea) to frontdesk_app;

-- ---- organizations ----

-- The organizations that these words mean: their names' words by how they begin, the short name, a member's email, or a number of theirs. A few
-- hundred at the most, the newest.
create function private.find_organizations(words text) returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
declare
  wanted constant text := lower(trim(words)); digits constant text := regexp_replace(words, '[^0-9]', '', 'g');
  query constant text := (
    select string_agg(quote_literal(word) || ':*', ' & ') from unnest(regexp_split_to_array(regexp_replace(wanted, '[^[:alnum:]]+', ' ', 'g'), ' +')) as word where word <> '');
begin
  perform private.demand_operator();
  return query
  select found.id from (
    (select o.id from public.organizations o where query is not null and to_tsvector('simple', o.name) @@ to_tsquery('simple', query) order by o.id desc limit 300)
    union (select o.id from public.organizations o where o.slug = wanted)
    union (select m.organization_id from auth.users u join public.organization_members m on m.user_id = u.id where u.email = wanted limit 300)
    union (select r.organization_id from public.channels c join private.channel_routes r on r.organization_id = c.organization_id and r.channel_id = c.id
           where length(digits) > 5 and r.phone_number_id = digits limit 50)
  ) as found order by found.id desc limit 300;
end $$;
grant execute on function private.find_organizations(text) to frontdesk_operator;

-- Who owns these organizations: of each the first owner, with his email.
create function private.owners_of(organizations uuid[]) returns table (organization_id uuid, user_id uuid, name text, email text)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  select w.id, first.id, private.user_name(first.raw_user_meta_data, first.email), first.email::text
  from unnest(organizations) as w (id)
  cross join lateral (
    select u.* from public.organization_members m join auth.users u on u.id = m.user_id
    where m.organization_id = w.id and m.role = 'owner' order by m.created_at, m.user_id limit 1) as first;
end $$;
grant execute on function private.owners_of(uuid[]) to frontdesk_operator;

-- The members of an organization by name and role, without anything they wrote.
create function private.members_for_operators(organization uuid, how_many integer)
returns table (user_id uuid, name text, email text, role text, last_seen_at timestamptz, has_factor boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  select u.id, private.user_name(u.raw_user_meta_data, u.email), u.email::text, m.role, m.last_seen_at, private.has_second_factor(u.id)
  from public.organization_members m join auth.users u on u.id = m.user_id
  where m.organization_id = organization order by private.role_rank(m.role) desc, m.created_at, m.user_id limit how_many;
end $$;
grant execute on function private.members_for_operators(uuid, integer) to frontdesk_operator;

-- Suspends an organization: nothing leaves its numbers, its members read and take their data along, and its keys write nothing. What customers write
-- is kept as ever. False when it is suspended, or there is none.
create function private.suspend_organization(organization uuid, why text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  update public.organizations o set suspended_at = now(), suspended_reason = why where o.id = organization and o.suspended_at is null;
  if not found then return false; end if;
  update public.channels c set stopped_at = now(), stopped_reason = 'The organization is suspended.' where c.organization_id = organization and c.stopped_at is null;
  return true;
end $$;
grant execute on function private.suspend_organization(uuid, text) to frontdesk_operator;

-- Lets an organization go on. What the bot would have said meanwhile is not said now.
create function private.resume_organization(organization uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare since timestamptz;
begin
  perform private.demand_operator();
  select o.suspended_at into since from public.organizations o where o.id = organization and o.suspended_at is not null for no key update;
  if since is null then return false; end if;
  with unsaid as (
    delete from public.outbox o where o.organization_id = organization and o.priority = 0 and o.claimed_at is null and o.created_at >= since
    returning o.id
  )
  update public.messages m set status = 'failed', failed_at = now(), error_text = 'Not sent: the organization was suspended.'
  from unsaid u where m.organization_id = organization and m.id = u.id;
  update public.organizations o set suspended_at = null, suspended_reason = null where o.id = organization;
  update public.channels c set stopped_at = null, stopped_reason = null
  where c.organization_id = organization and c.stopped_reason = 'The organization is suspended.';
  return true;
end $$;
grant execute on function private.resume_organization(uuid) to frontdesk_operator;

-- Lets a trial end later. False when nothing is tried: it was bought, or never begun.
create function private.extend_trial(organization uuid, until timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  update public.subscriptions s set status = 'trialing', trial_ends_at = until, current_period_end = until
  where s.organization_id = organization and s.provider_subscription_id is null and s.trial_ends_at is not null and s.trial_ends_at < until;
  return found;
end $$;
grant execute on function private.extend_trial(uuid, timestamptz) to frontdesk_operator;

-- Has an organization deleted in seven days, as an owner could; and takes that back.
create function private.order_deletion(organization uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare acting constant uuid := private.demand_operator();
begin
  insert into public.organization_deletions (organization_id, requested_by)
  select o.id, acting from public.organizations o where o.id = organization on conflict (organization_id) do nothing;
  return found;
end $$;
create function private.revoke_deletion(organization uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  delete from public.organization_deletions d where d.organization_id = organization and d.begun_at is null;
  return found;
end $$;
grant execute on function private.order_deletion(uuid), private.revoke_deletion(uuid) to frontdesk_operator;

-- ---- users ----

-- Users by email or the beginning of a name, the newest first.
create function private.list_users(words text, before uuid, how_many integer, only_user uuid default null)
returns table (id uuid, name text, email text, created_at timestamptz, confirmed boolean, locked boolean, has_factor boolean, is_operator boolean,
  last_seen_at timestamptz, organizations jsonb)
language plpgsql stable security definer set search_path = '' as $$
declare wanted constant text := lower(trim(coalesce(words, '')));
begin
  perform private.demand_operator();
  return query
  with chosen as materialized (
    select c.id from (
      (select u.id from auth.users u where only_user is null and wanted = '' and (before is null or u.id < before) order by u.id desc limit how_many)
      union all
      (select u.id from auth.users u where only_user is null and wanted <> '' and u.email >= wanted and u.email < wanted || '~'
         and left(u.email, length(wanted)) = wanted and (before is null or u.id < before) order by u.id desc limit how_many)
      union all
      (select u.id from auth.users u where u.id = only_user)) as c
  )
  select u.id, private.user_name(u.raw_user_meta_data, u.email), u.email::text, u.created_at, u.email_confirmed_at is not null,
    coalesce(u.banned_until > now(), false), private.has_second_factor(u.id), exists (select from private.operators p where p.user_id = u.id and p.revoked_at is null),
    (select max(s.last_seen_at) from private.sessions s where s.user_id = u.id),
    (select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'name', o.name, 'role', m.role) order by lower(o.name), o.id), '[]')
     from public.organization_members m join public.organizations o on o.id = m.organization_id where m.user_id = u.id)
  from chosen c join auth.users u on u.id = c.id where u.deleted_at is null order by u.id desc;
end $$;
grant execute on function private.list_users(text, uuid, integer, uuid) to frontdesk_operator;

-- Shuts a user out: every session ends and no way of signing in lets him in. Returns the sessions that ended; null when he is shut out, or is the operator himself.
create function private.lock_user(of_user uuid) returns integer
language plpgsql security definer set search_path = '' as $$
declare acting constant uuid := private.demand_operator();
begin
  update auth.users u set banned_until = '9999-12-31 00:00:00+00', updated_at = now()
  where u.id = of_user and u.id <> acting and u.deleted_at is null and (u.banned_until is null or u.banned_until < now());
  if not found then return null; end if;
  return private.revoke_sessions(of_user);
end $$;
create function private.unlock_user(of_user uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  update auth.users u set banned_until = null, updated_at = now() where u.id = of_user and u.banned_until > now();
  return found;
end $$;
-- Takes every second factor of a user away and ends his sessions; what proved that it is he stands in the logs. Never the operator's own.
create function private.reset_second_factor(of_user uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if of_user = private.demand_operator() then return false; end if;
  return private.release_user(of_user);
end $$;
grant execute on function private.lock_user(uuid), private.unlock_user(uuid), private.reset_second_factor(uuid) to frontdesk_operator;

-- ---- the machine ----

-- Events that no lane could take, the newest first; never what they say.
create function private.list_unrouted(before uuid, how_many integer)
returns table (id uuid, kind text, source text, phone_number_id text, received_at timestamptz, reason text, size integer)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query select u.id, coalesce(u.kind, 'unreadable'), u.source, u.phone_number_id, u.received_at, u.reason, octet_length(u.body)
  from private.unrouted_deliveries u where before is null or u.id < before order by u.id desc limit how_many;
end $$;
grant execute on function private.list_unrouted(uuid, integer) to frontdesk_operator;

-- Puts kept deliveries back on the road: one, or all that may come through now. Returns how many.
create function private.replay_deliveries(wanted uuid default null) returns integer
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return private.replay_failed_deliveries(wanted) + private.replay_unrouted(wanted);
end $$;
grant execute on function private.replay_deliveries(uuid) to frontdesk_operator;

-- The lanes on which something waits: how much, up to a thousand, since when, and who drives it.
create function private.busy_lanes(how_many integer)
returns table (organization_id uuid, organization text, channel_id uuid, channel text, direction text, waiting bigint, since timestamptz, leased_until timestamptz,
  last_served_at timestamptz, stopped_at timestamptz, stopped_reason text)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  with waiting as (
    select w.organization_id, w.channel_id, 'in' as direction from private.waiting_inbound('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', how_many) as w
    union all
    select w.organization_id, w.channel_id, 'out' from private.waiting_outbound('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', how_many) as w
  )
  select w.organization_id, o.name, w.channel_id, c.name, w.direction, q.waiting, q.since, l.leased_until, l.last_served_at, c.stopped_at, c.stopped_reason
  from waiting w
  join public.organizations o on o.id = w.organization_id
  join public.channels c on c.organization_id = w.organization_id and c.id = w.channel_id
  left join public.lanes l on l.organization_id = w.organization_id and l.channel_id = w.channel_id and l.direction = w.direction
  cross join lateral (
    select count(*) as waiting, min(r.at) as since from (
      (select d.received_at as at from public.inbound_deliveries d where w.direction = 'in' and d.organization_id = w.organization_id and d.channel_id = w.channel_id limit 1000)
      union all
      (select b.created_at from public.outbox b where w.direction = 'out' and b.organization_id = w.organization_id and b.channel_id = w.channel_id
         and b.claimed_at is null limit 1000)) as r) as q
  order by q.since limit how_many;
end $$;
grant execute on function private.busy_lanes(integer) to frontdesk_operator;

-- What an organization may do is read-only while it is suspended, however it stands with paying. Runs after what settles a subscription.
create function private.hold_suspended() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from public.organizations o where o.id = new.organization_id and o.suspended_at is not null) then new.access := 'read_only'; end if;
  return new;
end $$;
create trigger subscriptions_suspended before insert or update on public.subscriptions for each row execute function private.hold_suspended();
create function private.touch_suspended() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.subscriptions s set look_at = now() where s.organization_id = new.id;
  return null;
end $$;
create trigger organizations_suspended_touch after update of suspended_at on public.organizations
  for each row when (old.suspended_at is distinct from new.suspended_at) execute function private.touch_suspended();

-- Gives an organization another plan that it has not bought here: it goes on trying that, or pays elsewhere. "bought": the provider has its
-- subscription, and only what is bought there changes it.
create function private.give_plan(organization uuid, plan text, paid_elsewhere boolean) returns text
language plpgsql security definer set search_path = '' as $$
declare subscription public.subscriptions;
begin
  perform private.demand_operator();
  select * into subscription from public.subscriptions s where s.organization_id = organization for no key update;
  if subscription.organization_id is null then return 'nothing'; end if;
  if subscription.provider_subscription_id is not null and subscription.status not in ('canceled', 'incomplete_expired') then return 'bought'; end if;
  if not exists (select from public.subscription_plans p where p.id = plan and p.retired_at is null) then return 'no plan'; end if;
  update public.subscriptions s set plan_id = plan, status = case when paid_elsewhere then 'active' else s.status end,
    provider_subscription_id = null, amount = null, currency = null, price_lookup_key = null, provider_price_id = null
  where s.organization_id = organization;
  return 'done';
end $$;
grant execute on function private.give_plan(uuid, text, boolean) to frontdesk_operator;

-- Grants an organization something beside its plan, or takes it; returns what was said before, null for nothing. And goes back to what the plan says.
create function private.override_entitlement(organization uuid, of_key text, new_value jsonb, why text, until timestamptz) returns jsonb
language plpgsql security definer set search_path = '' as $$
declare acting constant uuid := private.demand_operator(); before jsonb;
begin
  select e.value into before from public.entitlement_overrides e where e.organization_id = organization and e.key = of_key for no key update;
  insert into public.entitlement_overrides as e (organization_id, key, value, reason, expires_at, created_by)
  values (organization, of_key, new_value, why, until, acting)
  on conflict (organization_id, key) do update
    set value = excluded.value, reason = excluded.reason, expires_at = excluded.expires_at, created_by = excluded.created_by;
  return before;
end $$;
create function private.restore_entitlement(organization uuid, of_key text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  delete from public.entitlement_overrides e where e.organization_id = organization and e.key = of_key;
  return found;
end $$;
grant execute on function private.override_entitlement(uuid, text, jsonb, text, timestamptz), private.restore_entitlement(uuid, text) to frontdesk_operator;

-- ---- plans and prices ----

-- What a plan is: its words, its limits and features, and what a thousand more cost. Whoever has it feels that at once. False when there is no such plan.
create function private.change_plan(plan text, new_name text, new_description text, new_limits jsonb, new_features jsonb, new_overage jsonb) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  update public.subscription_plans p set name = new_name, description = new_description, limits = new_limits, features = new_features, overage = new_overage
  where p.id = plan;
  return found;
end $$;
-- A new plan, after all others; nobody can buy it before it has a price. False when there is one of this id.
create function private.make_plan(plan text, new_name text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  lock table public.subscription_plans in share row exclusive mode;
  insert into public.subscription_plans (id, name, position, monthly_price, yearly_price)
  select plan, new_name, coalesce(max(p.position), 0) + 1, 0, 0 from public.subscription_plans p on conflict (id) do nothing;
  return found;
end $$;
-- Takes a plan out of what is sold, or puts it back; who has it keeps it. The plan `free` is what is left without one, and stays.
create function private.retire_plan(plan text, retired boolean) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  update public.subscription_plans p set retired_at = case when retired then now() end
  where p.id = plan and p.id <> 'free' and (p.retired_at is null) = retired;
  return found;
end $$;
create function private.change_plan_price(plan text, interval_of text, in_currency text, new_amount bigint) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  perform private.set_plan_price(plan, interval_of, in_currency, new_amount);
end $$;
grant execute on function private.change_plan(text, text, text, jsonb, jsonb, jsonb), private.make_plan(text, text), private.retire_plan(text, boolean),
  private.change_plan_price(text, text, text, bigint) to frontdesk_operator;

-- Has an event of the provider handled again.
create function private.replay_event(event uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return private.replay_billing_event(event);
end $$;
grant execute on function private.replay_event(uuid) to frontdesk_operator;

-- ---- revenue ----

-- What a subscription brings in each month, in minor units: nothing while it is tried, or over.
create function private.monthly_revenue(subscription public.subscriptions) returns bigint
language sql stable set search_path = '' as $$
  select case when subscription.status in ('active', 'past_due') then
    coalesce(subscription.amount, case subscription.billing_interval when 'year' then p.yearly_price else p.monthly_price end)
      / case subscription.billing_interval when 'year' then 12 else 1 end else 0 end
  from public.subscription_plans p where p.id = subscription.plan_id
$$;
grant execute on function private.monthly_revenue(public.subscriptions) to frontdesk_operator;

-- Every step of every subscription that money can feel: what revenue was at any time follows from it. It outlives organizations, and names only their ids.
create table private.revenue_moves (
  id bigint generated always as identity primary key,
  organization_id uuid not null,
  at timestamptz not null default now(),
  plan_id text not null,
  status_before text,
  status_after text,
  before bigint not null,
  after bigint not null
);
create index revenue_moves_by_time on private.revenue_moves (at);

create function private.note_revenue() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.revenue_moves (organization_id, plan_id, status_before, status_after, before, after)
  values (case tg_op when 'DELETE' then old.organization_id else new.organization_id end, case tg_op when 'DELETE' then old.plan_id else new.plan_id end,
    case when tg_op <> 'INSERT' then old.status end, case when tg_op <> 'DELETE' then new.status end,
    case when tg_op <> 'INSERT' then private.monthly_revenue(old) else 0 end, case when tg_op <> 'DELETE' then private.monthly_revenue(new) else 0 end);
  return null;
end $$;
create trigger subscriptions_revenue after insert or delete on public.subscriptions for each row execute function private.note_revenue();
create trigger subscriptions_revenue_changed after update on public.subscriptions for each row
  when ((old.plan_id, old.status, old.billing_interval, old.amount) is distinct from (new.plan_id, new.status, new.billing_interval, new.amount))
  execute function private.note_revenue();
insert into private.revenue_moves (organization_id, at, plan_id, status_after, before, after)
  select s.organization_id, s.created_at, s.plan_id, s.status, 0, private.monthly_revenue(s) from public.subscriptions s;

-- Revenue by the month, the oldest first: how it stood at the end, what made it more and less, who came and left, whose trial became a customer,
-- and whose payments failed.
create function private.revenue_by_month(months integer)
returns table (month date, mrr bigint, fresh bigint, expansion bigint, contraction bigint, churn bigint, paying bigint, came bigint, left_us bigint, trials bigint, converted bigint,
  lapsed bigint, failed bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  with moves as (
    select date_trunc('month', m.at at time zone 'UTC')::date as month, m.* from private.revenue_moves m
  ), summed as (
    select m.month, sum(m.after - m.before)::bigint as net,
      coalesce(sum(m.after) filter (where m.before = 0), 0)::bigint as fresh,
      coalesce(sum(m.after - m.before) filter (where m.before > 0 and m.after > m.before), 0)::bigint as expansion,
      coalesce(sum(m.before - m.after) filter (where m.after > 0 and m.after < m.before), 0)::bigint as contraction,
      coalesce(sum(m.before) filter (where m.after = 0), 0)::bigint as churn,
      count(*) filter (where m.before = 0 and m.after > 0) as came, count(*) filter (where m.before > 0 and m.after = 0) as left_us,
      count(*) filter (where m.status_after = 'trialing' and m.status_before is null) as trials,
      count(*) filter (where m.status_before = 'trialing' and m.after > 0) as converted,
      count(*) filter (where m.status_before = 'trialing' and m.status_after is distinct from 'trialing' and m.after = 0) as lapsed,
      count(*) filter (where m.status_after = 'past_due' and m.status_before is distinct from 'past_due') as failed
    from moves m group by m.month
  ), running as (
    select s.*, sum(s.net) over w as mrr, sum(s.came - s.left_us) over w as paying from summed s window w as (order by s.month)
  ), calendar as (
    select (date_trunc('month', now() at time zone 'UTC') - make_interval(months => n))::date as month from generate_series(0, months - 1) as n
  )
  select c.month, coalesce(r.mrr, 0)::bigint, coalesce(e.fresh, 0), coalesce(e.expansion, 0), coalesce(e.contraction, 0), coalesce(e.churn, 0),
    coalesce(r.paying, 0)::bigint, coalesce(e.came, 0), coalesce(e.left_us, 0), coalesce(e.trials, 0), coalesce(e.converted, 0), coalesce(e.lapsed, 0), coalesce(e.failed, 0)
  from calendar c
  left join lateral (select u.mrr, u.paying from running u where u.month <= c.month order by u.month desc limit 1) as r on true
  left join running e on e.month = c.month
  order by c.month;
end $$;
grant execute on function private.revenue_by_month(integer) to frontdesk_operator;

-- ---- incidents ----

-- What is wrong in the database, each as a number and since when: 0 is well.
create function private.incidents() returns table (what text, how_many bigint, since timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  select 'deliveries', count(*), min(f.failed_at) from (select d.failed_at from public.failed_deliveries d where d.kind in ('message', 'status') limit 1000) as f
  union all select 'unrouted', count(*), min(u.received_at) from (select d.received_at from private.unrouted_deliveries d where d.kind is distinct from 'other' limit 1000) as u
  union all select 'lanes', count(*), min(l.at) from (
    select (select min(d.received_at) from public.inbound_deliveries d where d.organization_id = w.organization_id and d.channel_id = w.channel_id) as at
    from private.waiting_inbound('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', 200) as w) as l
    where l.at < now() - interval '2 minutes'
  union all select 'stopped', count(*), min(c.stopped_at) from (
    select n.stopped_at from public.channels n join public.organizations o on o.id = n.organization_id and o.suspended_at is null
    where n.stopped_at is not null limit 1000) as c
  union all select 'mail', m.failed + m.uncertain, null from private.mail_state() as m
  union all select 'mail_waiting', case when m.oldest < now() - interval '15 minutes' then m.waiting else 0 end, m.oldest from private.mail_state() as m
  union all select 'billing_given_up', b.given_up, null from private.billing_inbox_state() as b
  union all select 'billing_waiting', case when b.oldest < now() - interval '15 minutes' then b.waiting else 0 end, b.oldest from private.billing_inbox_state() as b
  union all select 'billing_refused', b.refused, null from private.billing_inbox_state() as b
  union all select 'past_due', count(*), min(s.past_due_since) from public.subscriptions s where s.status = 'past_due'
  union all select 'no_subscription', count(*), null from (
    select from public.organizations o where not exists (select from public.subscriptions s where s.organization_id = o.id) limit 1000) as o
  union all select 'deletions', count(*), min(d.begun_at) from public.organization_deletions d where d.begun_at < now() - interval '1 day';
end $$;
grant execute on function private.incidents() to frontdesk_operator;

-- What the worker does beside the lanes: how much of it waits (counted up to a thousand), since when, and what failed.
create function private.jobs_state() returns table (job text, waiting bigint, since timestamptz, failed bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  select 'deliveries', r.deliveries, null::timestamptz, r.failed + r.unrouted from private.road_state() as r
  union all select 'outbox', r.outbox, null, 0 from private.road_state() as r
  union all select 'mail', m.waiting, m.oldest, m.failed + m.uncertain from private.mail_state() as m
  union all select 'billing', b.waiting, b.oldest, b.given_up from private.billing_inbox_state() as b
  union all select 'subscriptions', count(*), min(s.look_at), 0 from (select n.look_at from public.subscriptions n where n.look_at <= now() order by n.look_at limit 1000) as s
  union all select 'deletions', count(*), min(d.due_at), 0 from public.organization_deletions d where d.due_at <= now();
end $$;
grant execute on function private.jobs_state() to frontdesk_operator;

-- Makes an organization for a customer, whose owner is the user of this email: the one there is, or a new one without a password, who sets it by a
-- link that is mailed to him. "owner": whether he is new.
create function private.make_organization(organization uuid, new_user uuid, owner_email text, owner_name text, called text, plan text, trial_days integer)
returns table (owner uuid, is_new boolean) language plpgsql security definer set search_path = '' as $$
declare found_user uuid;
begin
  perform private.demand_operator();
  select u.id into found_user from auth.users u where u.email = lower(owner_email) and not u.is_sso_user and u.deleted_at is null;
  if found_user is null then
    if not private.is_email_free(owner_email) then return; end if;
    insert into auth.users (instance_id, id, aud, role, email, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
    values ('00000000-0000-0000-0000-000000000000', new_user, 'authenticated', 'authenticated', lower(owner_email), '{"provider": "email", "providers": ["email"]}',
      jsonb_build_object('name', owner_name, 'joins_by_invitation', 'true'), now(), now());
  end if;
  insert into public.organizations (id, slug, name, created_by) values (organization, private.free_slug(called), called, coalesce(found_user, new_user));
  insert into public.organization_members (organization_id, user_id, role) values (organization, coalesce(found_user, new_user), 'owner');
  insert into public.subscriptions (organization_id, plan_id, status, trial_ends_at, current_period_end)
  values (organization, plan, 'trialing', now() + make_interval(days => trial_days), now() + make_interval(days => trial_days));
  insert into public.organization_usage (organization_id, metric, period_start) select organization, metric, private.usage_period() from public.usage_metrics where kind = 'period';
  perform private.welcome(organization, called);
  return query select coalesce(found_user, new_user), found_user is null;
end $$;
grant execute on function private.make_organization(uuid, uuid, text, text, text, text, integer) to frontdesk_operator;

revoke execute on all functions in schema private from public, anon;
