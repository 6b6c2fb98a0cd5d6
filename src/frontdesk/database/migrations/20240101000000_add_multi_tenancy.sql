-- Organizations, who is in them, what they may use and what was done: the walls everything else stands behind.

-- Roles. frontdesk_app is the login of the application; it owns nothing and inherits nothing. Inside a transaction it becomes
-- frontdesk_member (one user in one organization) or frontdesk_worker (background work over named organizations).
do $$ begin
  if to_regrole('frontdesk_member') is null then create role frontdesk_member nologin noinherit; end if;
  if to_regrole('frontdesk_worker') is null then create role frontdesk_worker nologin noinherit; end if;
  if to_regrole('frontdesk_app') is null then create role frontdesk_app nologin noinherit; end if;
end $$;
grant frontdesk_member, frontdesk_worker to frontdesk_app;
-- Every query of the application has an index. A plan made while a table was small (foreign key checks keep theirs for as long as the
-- connection lives) must not read all of it once it is large.
alter role frontdesk_app set enable_seqscan = off;
alter role frontdesk_app set jit = off;  -- compiling a query takes longer than any of ours

create schema private;
revoke all on schema private from public;
grant usage on schema private to frontdesk_app, frontdesk_member, frontdesk_worker, authenticated, service_role;
grant usage on schema public to frontdesk_app, frontdesk_member, frontdesk_worker;

create function public.update_updated_at_column() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.updated_at := pg_catalog.clock_timestamp();
  return new;
end $$;

-- ---- who is asking ----

-- The organizations that background work named for this transaction.
create function private.current_organization_ids() returns uuid[]
language sql stable set search_path = '' as $$
  select nullif(current_setting('frontdesk.organization_ids', true), '')::uuid[]
$$;
grant execute on function private.current_organization_ids() to frontdesk_worker;

create table public.organizations (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  name text not null check (char_length(name) between 1 and 200),
  timezone text not null default 'UTC' check (char_length(timezone) between 1 and 64),
  locale text not null default 'en' check (locale ~ '^[a-z]{2,3}([-_][A-Za-z]{2,4})?$'),
  sample_data_loaded_at timestamptz,
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index organizations_created_by on public.organizations (created_by);

create table public.organization_members (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  invited_by uuid references auth.users (id) on delete set null,
  last_seen_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
create index organization_members_by_user on public.organization_members (user_id) include (organization_id, role);
create index organization_members_invited_by on public.organization_members (invited_by);

-- Which role may do what. Data, so that the team page can show it and a test can compare it.
create table public.role_permissions (
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  permission text not null check (permission ~ '^[a-z_]+:[a-z_]+$'),
  primary key (role, permission)
);

-- The organizations in which the user of this request may do the wanted thing; for clients that name no organization.
create function private.organizations_allowing(wanted text) returns uuid[]
language sql stable security definer set search_path = '' as $$
  select coalesce(array_agg(m.organization_id), '{}')
  from public.organization_members m
  join public.role_permissions p on p.role = m.role and p.permission = wanted
  where m.user_id = (select auth.uid())
$$;
grant execute on function private.organizations_allowing(text) to authenticated;

-- Opens a member's transaction: checks the live membership and sets the organization and its permissions, or nothing at all,
-- so that every policy refuses. One row when the user is a member, none otherwise.
create function private.enter(wanted_organization uuid, entering_user uuid) returns table (role text, permissions text[])
language plpgsql security definer set search_path = '' as $$
begin
  return query
  with found as (
    select m.role, array_agg(p.permission order by p.permission) as permissions
    from public.organization_members m
    join public.role_permissions p on p.role = m.role
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
grant execute on function private.enter(uuid, uuid) to frontdesk_app;

-- Whether whoever runs this transaction may act for the organization: the member in the one entered, background work in those
-- it named, a client in those it belongs to, and the platform itself (no role taken) everywhere.
create function private.may_act_for(organization uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(case current_setting('role')
    when 'frontdesk_member' then organization = nullif(current_setting('frontdesk.organization_id', true), '')::uuid
    when 'frontdesk_worker' then organization = any (nullif(current_setting('frontdesk.organization_ids', true), '')::uuid[])
    when 'authenticated' then organization = any (private.organizations_allowing('organization:read'))
    when 'anon' then false
    else session_user not in ('anon', 'authenticated')
  end, false);
end $$;

-- ---- the wall ----

-- Protects a tenant table: enabled and forced policies, one per role and command, and exactly the grants they need.
-- reads, writes: the permission a member needs; null means that members cannot. Clients of Supabase read what a member may read and write
-- nothing: limits, the audit log and the outbox's rules stand in the product's verbs, and whoever wrote rows of his own would pass them by.
-- worker: 'all', 'reads' or 'nothing' for background work. key: the column that names the organization.
create function private.protect(target regclass, reads text, writes text, worker text default 'all', key text default 'organization_id')
returns void language plpgsql set search_path = '' as $$
declare
  -- one named organization, permissions set by private.enter(); the nested selects are evaluated once per statement
  member_form constant text := $q$%1$I = (select case when strpos((select current_setting('frontdesk.permissions', true)), ' %2$s ') > 0
    then nullif((select current_setting('frontdesk.organization_id', true)), '')::uuid end)$q$;
  -- PostgREST and Supabase clients: every organization in which the user may
  client_form constant text := $q$%1$I = any ((select private.organizations_allowing('%2$s'))::uuid[])$q$;
  -- background work: must not become an index condition, and the planner must not expect it to filter, so that batches join by primary key
  worker_form constant text := $q$array_position((select private.current_organization_ids())::uuid[], %1$I) is not null$q$;
  owner constant text := (select relowner::regrole::text from pg_catalog.pg_class where oid = target);
  who text; may_read text; may_write text;
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('revoke all on %s from public, anon, authenticated, service_role, frontdesk_member, frontdesk_worker, frontdesk_app', target);
  foreach who in array array['frontdesk_member', 'authenticated', 'frontdesk_worker'] loop
    may_read := case who when 'frontdesk_member' then format(member_form, key, reads) when 'authenticated' then format(client_form, key, reads)
      else case when worker <> 'nothing' then format(worker_form, key) end end;
    may_write := case who when 'frontdesk_member' then format(member_form, key, writes)
      when 'frontdesk_worker' then case when worker = 'all' then format(worker_form, key) end end;
    if may_read is not null and (who = 'frontdesk_worker' or reads is not null) then
      execute format('create policy %I on %s for select to %I using (%s)', who || ' reads', target, who, may_read);
      execute format('grant select on %s to %I', target, who);
    end if;
    if may_write is not null and (who = 'frontdesk_worker' or writes is not null) then
      execute format('create policy %I on %s for insert to %I with check (%s)', who || ' adds', target, who, may_write);
      execute format('create policy %I on %s for update to %I using (%s) with check (%s)', who || ' changes', target, who, may_write, may_write);
      execute format('create policy %I on %s for delete to %I using (%s)', who || ' removes', target, who, may_write);
      execute format('grant insert, update, delete on %s to %I', target, who);
    end if;
  end loop;
  execute format('create policy "service does all" on %s to service_role using (true) with check (true)', target);
  execute format('grant select, insert, update, delete on %s to service_role', target);
  execute format('create policy "owner does all" on %s to %I using (true) with check (true)', target, owner);  -- FORCE binds the owner too
end $$;

-- A table that every organization may read and nobody but the owner of the schema may change.
create function private.publish(target regclass) returns void language plpgsql set search_path = '' as $$
declare
  owner constant text := (select relowner::regrole::text from pg_catalog.pg_class where oid = target);
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('revoke all on %s from public, anon, authenticated, service_role, frontdesk_member, frontdesk_worker, frontdesk_app', target);
  execute format('create policy "everybody reads" on %s for select to frontdesk_member, frontdesk_worker, frontdesk_app, authenticated, service_role using (true)', target);
  execute format('grant select on %s to frontdesk_member, frontdesk_worker, frontdesk_app, authenticated, service_role', target);
  execute format('create policy "owner does all" on %s to %I using (true) with check (true)', target, owner);
end $$;

select private.protect('public.organizations', reads => 'organization:read', writes => null, worker => 'reads', key => 'id');
-- Members may rename their organization and set its clock; the slug and the row itself belong to the platform.
create policy "frontdesk_member changes" on public.organizations for update to frontdesk_member
  using (id = (select case when strpos((select current_setting('frontdesk.permissions', true)), ' organization:write ') > 0
    then nullif((select current_setting('frontdesk.organization_id', true)), '')::uuid end))
  with check (id = (select case when strpos((select current_setting('frontdesk.permissions', true)), ' organization:write ') > 0
    then nullif((select current_setting('frontdesk.organization_id', true)), '')::uuid end));
grant update (name, timezone, locale, sample_data_loaded_at) on public.organizations to frontdesk_member;
select private.protect('public.organization_members', reads => 'members:read', writes => null, worker => 'reads');
select private.publish('public.role_permissions');

insert into public.role_permissions (role, permission) values
  ('viewer', 'organization:read'), ('viewer', 'members:read'), ('viewer', 'messages:read'), ('viewer', 'contacts:read'),
  ('viewer', 'auto_replies:read'), ('viewer', 'campaigns:read'), ('viewer', 'channels:read');
insert into public.role_permissions (role, permission)
  select 'member', permission from public.role_permissions where role = 'viewer'
  union all values ('member', 'messages:write'), ('member', 'contacts:write');
insert into public.role_permissions (role, permission)
  select 'admin', permission from public.role_permissions where role = 'member'
  union all values ('admin', 'auto_replies:write'), ('admin', 'campaigns:write'), ('admin', 'channels:write'), ('admin', 'members:write'),
    ('admin', 'organization:write'), ('admin', 'audit:read'), ('admin', 'billing:read');
insert into public.role_permissions (role, permission)
  select 'owner', permission from public.role_permissions where role = 'admin'
  union all values ('owner', 'billing:write');

-- ---- plans, subscriptions, usage ----

-- What can be bought. Prices in minor units (cents); a limit that is null or absent is no limit.
create table public.subscription_plans (
  id text primary key check (id ~ '^[a-z][a-z0-9_-]{0,39}$'),
  name text not null check (char_length(name) between 1 and 80),
  description text not null default '',
  position integer not null unique,
  currency text not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
  monthly_price bigint not null check (monthly_price >= 0),
  yearly_price bigint not null check (yearly_price >= 0),
  limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
  retired_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
select private.publish('public.subscription_plans');
insert into public.subscription_plans (id, name, description, position, monthly_price, yearly_price, limits) values
  ('starter', 'Starter', 'For one number and a small team.', 1, 2900, 29000,
    '{"channels": 1, "members": 3, "contacts": 2000, "messages_sent": 5000, "auto_replies": 10, "campaigns": 5}'),
  ('professional', 'Professional', 'For a shop with branches and campaigns.', 2, 9900, 99000,
    '{"channels": 3, "members": 10, "contacts": 20000, "messages_sent": 50000, "auto_replies": 100, "campaigns": 50}'),
  ('business', 'Business', 'For chains that send every day.', 3, 29900, 299000,
    '{"channels": 10, "members": 50, "contacts": 200000, "messages_sent": 500000, "auto_replies": null, "campaigns": 500}'),
  ('enterprise', 'Enterprise', 'For groups with their own rules.', 4, 99900, 999000,
    '{"channels": null, "members": null, "contacts": null, "messages_sent": null, "auto_replies": null, "campaigns": null}');

-- What is counted: per period (a month), or as a level (how many there are now).
create table public.usage_metrics (
  metric text primary key check (metric ~ '^[a-z_]{1,40}$'),
  kind text not null check (kind in ('period', 'level')),
  description text not null
);
select private.publish('public.usage_metrics');
insert into public.usage_metrics (metric, kind, description) values
  ('messages_sent', 'period', 'Messages sent'), ('messages_received', 'period', 'Messages received'), ('campaigns', 'period', 'Campaigns'),
  ('channels', 'level', 'Channels'), ('members', 'level', 'Members'), ('contacts', 'level', 'Contacts'), ('auto_replies', 'level', 'Auto replies');

-- What an organization has bought, or tries.
create table public.subscriptions (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  plan_id text not null references public.subscription_plans (id),
  status text not null check (status in ('trialing', 'active', 'past_due', 'unpaid', 'paused', 'incomplete', 'incomplete_expired', 'canceled')),
  billing_interval text not null default 'month' check (billing_interval in ('month', 'year')),
  trial_ends_at timestamptz,
  current_period_start timestamptz not null default now(),
  current_period_end timestamptz,
  cancel_at timestamptz,
  past_due_since timestamptz,
  provider_customer_id text,
  provider_subscription_id text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index subscriptions_plan on public.subscriptions (plan_id);
select private.protect('public.subscriptions', reads => 'organization:read', writes => null, worker => 'reads');

create table public.organization_usage (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null references public.usage_metrics (metric),
  period_start date not null,
  used bigint not null default 0 check (used >= 0),
  updated_at timestamptz not null default now(),
  primary key (organization_id, metric, period_start)
) with (fillfactor = 50);  -- room for in-page updates of a row that changes with every message
create index organization_usage_metric on public.organization_usage (metric);
select private.protect('public.organization_usage', reads => 'organization:read', writes => null, worker => 'reads');

-- Everything that touched an organization's money, by the payment provider's own event.
create table public.billing_events (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  provider text not null default 'stripe',
  provider_event_id text not null,
  type text not null,
  payload jsonb not null default '{}',
  received_at timestamptz not null default now(),
  handled_at timestamptz,
  attempts integer not null default 0,
  last_error text,
  primary key (organization_id, id),
  unique (organization_id, provider, provider_event_id)
);
select private.protect('public.billing_events', reads => 'billing:read', writes => null);

create table public.organization_invitations (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  email text not null check (char_length(email) between 3 and 254),
  role text not null check (role in ('admin', 'member', 'viewer')),
  token_hash bytea not null,
  invited_by uuid references auth.users (id) on delete set null,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  accepted_by uuid references auth.users (id) on delete set null,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);
create unique index organization_invitations_open on public.organization_invitations (organization_id, lower(email))
  where accepted_at is null and revoked_at is null;  -- one open invitation per address
create index organization_invitations_invited_by on public.organization_invitations (invited_by);
create index organization_invitations_accepted_by on public.organization_invitations (accepted_by);
select private.protect('public.organization_invitations', reads => 'members:write', writes => null);

-- ---- usage ----

-- Quotas are counted by calendar month in UTC.
create function private.usage_period() returns date
language sql stable set search_path = '' as $$ select date_trunc('month', now() at time zone 'UTC')::date $$;
grant execute on function private.usage_period() to frontdesk_app, frontdesk_member, frontdesk_worker;

-- How much of a metric the organization's plan allows; null is no limit.
create function private.usage_limit(organization uuid, wanted_metric text) returns bigint
language sql stable security definer set search_path = '' as $$
  select (p.limits ->> wanted_metric)::bigint
  from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
  where s.organization_id = organization
$$;

-- Raises for a metric that does not exist, an amount that is not positive, or somebody else's organization.
create function private.check_usage_call(organization uuid, wanted_metric text, amount bigint) returns text
language plpgsql stable security definer set search_path = '' as $$
declare found_kind text := (select kind from public.usage_metrics where metric = wanted_metric);
begin
  if found_kind is null then raise exception 'there is no metric %', quote_literal(wanted_metric) using errcode = 'invalid_parameter_value'; end if;
  if amount is null or amount <= 0 then raise exception 'amount must be positive, not %', amount using errcode = 'invalid_parameter_value'; end if;
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  return found_kind;
end $$;

-- The same for a batch, in which every organization stands once: two requests of one would each see the room of both.
create function private.check_usage_batch(wanted_metric text, requests jsonb) returns void
language plpgsql stable security definer set search_path = '' as $$
declare named constant uuid[] := case current_setting('role') when 'frontdesk_worker' then coalesce(private.current_organization_ids(), '{}') end;
begin
  if not exists (select from public.usage_metrics where metric = wanted_metric and kind = 'period') then
    raise exception 'there is no metric % that is counted', quote_literal(wanted_metric) using errcode = 'invalid_parameter_value';
  end if;
  if exists (select from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint)
             group by r.organization_id having count(*) > 1 or min(r.amount) is null or min(r.amount) <= 0) then
    raise exception 'each organization must ask once, for a positive amount' using errcode = 'invalid_parameter_value';
  end if;
  -- asked once for the batch: a worker names hundreds of organizations, and reading their list for each of them takes milliseconds
  if exists (select r.organization_id from jsonb_to_recordset(requests) as r (organization_id uuid)
             where named is not null or not private.may_act_for(r.organization_id)
             except select unnest(named)) then
    raise exception 'not allowed for one of these organizations' using errcode = 'insufficient_privilege';
  end if;
end $$;

-- Counts, whatever the limit: for what is never refused, such as inbound messages.
create function private.track_usage(organization uuid, wanted_metric text, amount bigint default 1) returns bigint
language plpgsql security definer set search_path = '' as $$
declare total bigint;
begin
  perform private.check_usage_call(organization, wanted_metric, amount);
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  values (organization, wanted_metric, private.usage_period(), amount)
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
  returning u.used into total;
  return total;
end $$;
grant execute on function private.track_usage(uuid, text, bigint) to frontdesk_member, frontdesk_worker, service_role;

-- The same for many organizations at once: [{"organization_id", "amount"}, …]. Rows are locked in one order, so that two batches never wait for each other in a ring.
create function private.track_usage_of_many(wanted_metric text, requests jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare this_period constant date := private.usage_period();
begin
  perform private.check_usage_batch(wanted_metric, requests);
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select r.organization_id, wanted_metric, this_period, r.amount
  from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint) order by r.organization_id
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now();
end $$;
grant execute on function private.track_usage_of_many(text, jsonb) to frontdesk_worker;

-- How many of a level metric there are now.
create function private.usage_level(organization uuid, wanted_metric text) returns bigint
language plpgsql stable security definer set search_path = '' as $$
begin
  return case wanted_metric
    when 'channels' then (select count(*) from public.channels where organization_id = organization and kind <> 'simulator')
    when 'members' then (select count(*) from public.organization_members where organization_id = organization)
    when 'contacts' then (select count(*) from public.contacts where organization_id = organization)
    when 'auto_replies' then (select count(*) from public.auto_replies where organization_id = organization)
  end;
end $$;

-- What is used and allowed now, for every metric; advice for the screen, never enforcement.
create function private.usage_overview(organization uuid) returns table (metric text, kind text, used bigint, allowed bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return; end if;
  return query
  select m.metric, m.kind,
    case m.kind when 'level' then private.usage_level(organization, m.metric) else coalesce(u.used, 0) end,
    private.usage_limit(organization, m.metric)
  from public.usage_metrics m
  left join public.organization_usage u on u.organization_id = organization and u.metric = m.metric and u.period_start = private.usage_period();
end $$;
grant execute on function private.usage_overview(uuid) to frontdesk_member, frontdesk_worker;

-- Whether the amount would still fit; advice for the screen (it races), never enforcement.
create function private.check_usage_limit(organization uuid, wanted_metric text, amount bigint default 1) returns boolean
language plpgsql stable security definer set search_path = '' as $$
declare
  found_kind constant text := private.check_usage_call(organization, wanted_metric, amount);
  allowed constant bigint := private.usage_limit(organization, wanted_metric);
  used_now constant bigint := case found_kind when 'level' then private.usage_level(organization, wanted_metric)
    else coalesce((select used from public.organization_usage where organization_id = organization and metric = wanted_metric and period_start = private.usage_period()), 0) end;
begin
  return allowed is null or used_now + amount <= allowed;
end $$;
grant execute on function private.check_usage_limit(uuid, text, bigint) to frontdesk_member, frontdesk_worker, service_role;

-- Checks and counts in one step: true and counted, or false and nothing changed. Never an overshoot, whoever calls at the same time.
-- A level is not counted (its rows are the count): the organization's row is locked, so that the caller may add the row it asked for.
create function private.consume_usage(organization uuid, wanted_metric text, amount bigint default 1) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  found_kind constant text := private.check_usage_call(organization, wanted_metric, amount);
  allowed constant bigint := private.usage_limit(organization, wanted_metric);
begin
  if found_kind = 'level' then
    perform from public.subscriptions where organization_id = organization for no key update;
    return allowed is null or private.usage_level(organization, wanted_metric) + amount <= allowed;
  end if;
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select organization, wanted_metric, private.usage_period(), amount where allowed is null or amount <= allowed
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
    where allowed is null or u.used + excluded.used <= allowed;
  return found;
end $$;
grant execute on function private.consume_usage(uuid, text, bigint) to frontdesk_member, frontdesk_worker, service_role;

-- The same for many organizations at once, granting each what still fits: [{"organization_id", "amount"}, …] -> granted of each.
create function private.consume_usage_of_many(wanted_metric text, requests jsonb) returns table (organization_id uuid, granted bigint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare this_period constant date := private.usage_period();
begin
  perform private.check_usage_batch(wanted_metric, requests);
  if jsonb_array_length(requests) > (
    select count(*) from jsonb_to_recordset(requests) as r (organization_id uuid) cross join lateral (
      select from public.organization_usage u
      where u.organization_id = r.organization_id and u.metric = wanted_metric and u.period_start = this_period offset 0) as there) then
    insert into public.organization_usage (organization_id, metric, period_start, used)
    select r.organization_id, wanted_metric, this_period, 0
    from jsonb_to_recordset(requests) as r (organization_id uuid) order by r.organization_id
    on conflict do nothing;
  end if;
  perform from public.organization_usage u
  where u.metric = wanted_metric and u.period_start = this_period
    and u.organization_id in (select r.organization_id from jsonb_to_recordset(requests) as r (organization_id uuid))
  order by u.organization_id for no key update;
  -- the rows are ours now; a new statement sees their newest values
  return query
  with fitting as materialized (
    select u.organization_id, least(r.amount, case when l.allowed is null then r.amount else greatest(l.allowed - u.used, 0) end) as granted
    from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint)
    join public.organization_usage u on u.organization_id = r.organization_id and u.metric = wanted_metric and u.period_start = this_period
    cross join lateral (select (p.limits ->> wanted_metric)::bigint as allowed
      from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id where s.organization_id = r.organization_id offset 0) as l
  ), counted as (
    update public.organization_usage u set used = u.used + f.granted, updated_at = now()
    from fitting f
    where f.granted > 0 and u.organization_id = f.organization_id and u.metric = wanted_metric and u.period_start = this_period
  )
  select f.organization_id, f.granted from fitting f;
end $$;
grant execute on function private.consume_usage_of_many(text, jsonb) to frontdesk_worker;

-- ---- audit ----

-- Who did what to what, when, from where. Append-only; each entry's hash covers the one before it, per organization.
create table public.audit_logs (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  seq bigint not null check (seq > 0),
  created_at timestamptz not null,
  actor_kind text not null check (actor_kind in ('user', 'api_key', 'system', 'operator')),
  actor_id uuid,
  actor_name text not null default '',
  action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
  target_type text,
  target_id text,
  details jsonb not null default '{}',
  address text,
  user_agent text,
  request_id text,
  format smallint not null default 1,
  prev_hash bytea not null,
  hash bytea not null,
  primary key (organization_id, seq)
);
select private.protect('public.audit_logs', reads => 'audit:read', writes => null, worker => 'reads');
drop policy "owner does all" on public.audit_logs;
do $$ begin
  execute format('create policy "owner reads" on public.audit_logs for select to %I using (true)', current_user);
  execute format('create policy "owner appends" on public.audit_logs for insert to %I with check (true)', current_user);
  execute format('create policy "owner cascades" on public.audit_logs for delete to %I using (true)', current_user);
end $$;
drop policy "service does all" on public.audit_logs;
create policy "service reads" on public.audit_logs for select to service_role using (true);
revoke insert, update, delete on public.audit_logs from service_role;

-- The last entry of each chain; its row lock puts the writers of one organization in line.
create table private.audit_heads (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  seq bigint not null default 0,
  hash bytea not null default '\x'
) with (fillfactor = 50);

-- One field framed for hashing: a zero byte for null, else a one byte, the length and the text; no two rows frame alike.
create function private.audit_frame(field text) returns bytea
language sql immutable set search_path = '' as $$
  select case when field is null then '\x00'::bytea else '\x01'::bytea || int4send(octet_length(convert_to(field, 'UTF8'))) || convert_to(field, 'UTF8') end
$$;

create function private.audit_hash(entry public.audit_logs) returns bytea
language sql stable set search_path = '' as $$
  select sha256(entry.prev_hash || private.audit_frame(entry.organization_id::text) || private.audit_frame(entry.seq::text)
    || private.audit_frame((extract(epoch from entry.created_at) * 1000000)::bigint::text) || private.audit_frame(entry.actor_kind)
    || private.audit_frame(entry.actor_id::text) || private.audit_frame(entry.actor_name) || private.audit_frame(entry.action)
    || private.audit_frame(entry.target_type) || private.audit_frame(entry.target_id) || private.audit_frame(entry.details::text)
    || private.audit_frame(entry.address) || private.audit_frame(entry.user_agent) || private.audit_frame(entry.request_id)
    || private.audit_frame(entry.format::text))
$$;

-- Appends one entry in the transaction of what it tells; call it last, since the chain's head stays locked until commit.
-- A member is always the actor of what a member's transaction does.
create function private.append_audit(
  organization uuid, what text, on_type text default null, on_id text default null, more jsonb default '{}',
  by_kind text default 'system', by_id uuid default null, by_name text default '', from_address text default null,
  from_agent text default null, request text default null) returns bigint
language plpgsql security definer set search_path = '' as $$
declare head private.audit_heads; entry public.audit_logs;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  if current_setting('role') = 'frontdesk_member' then
    by_kind := 'user'; by_id := nullif(current_setting('frontdesk.user_id', true), '')::uuid;
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
grant execute on function private.append_audit(uuid, text, text, text, jsonb, text, uuid, text, text, text, text)
  to frontdesk_app, frontdesk_member, frontdesk_worker, service_role;

-- Where a chain breaks: one row per fault, none when it is clean.
create function private.verify_audit(organization uuid default null) returns table (organization_id uuid, seq bigint, fault text)
language sql stable security definer set search_path = '' as $$
  with chain as (
    select a.organization_id, a.seq, a.hash, a.prev_hash, private.audit_hash(a) as computed,
      lag(a.seq, 1, 0::bigint) over w as seq_before, lag(a.hash, 1, '\x'::bytea) over w as hash_before
    from public.audit_logs a where verify_audit.organization is null or a.organization_id = verify_audit.organization
    window w as (partition by a.organization_id order by a.seq)
  ), ends as (
    select h.organization_id, h.seq, h.hash, l.seq as last_seq, l.hash as last_hash
    from private.audit_heads h
    left join lateral (select a.seq, a.hash from public.audit_logs a where a.organization_id = h.organization_id order by a.seq desc limit 1) l on true
    where verify_audit.organization is null or h.organization_id = verify_audit.organization
  )
  select c.organization_id, c.seq, 'changed: its content does not match its hash' from chain c where c.hash <> c.computed
  union all
  select c.organization_id, c.seq_before + 1, 'missing: ' || (c.seq - c.seq_before - 1) || ' before entry ' || c.seq from chain c where c.seq <> c.seq_before + 1
  union all
  select c.organization_id, c.seq, 'inserted or replaced: it does not follow the entry before it'
  from chain c where c.seq = c.seq_before + 1 and c.prev_hash <> c.hash_before
  union all
  select e.organization_id, coalesce(e.last_seq, 0) + 1, 'missing: the end of the log, up to entry ' || e.seq from ends e where coalesce(e.last_seq, 0) < e.seq
  union all
  select e.organization_id, e.last_seq, 'inserted: it is not what the log ended with' from ends e
  where e.last_seq > e.seq or (e.last_seq = e.seq and e.last_hash <> e.hash)
  union all
  select c.organization_id, max(c.seq), 'missing: the record of where the log ends'
  from chain c where not exists (select from private.audit_heads h where h.organization_id = c.organization_id) group by c.organization_id
  union all
  -- the first entry of every log tells how its organization was made
  select o.id, 1, 'missing: the whole log, and the record of where it ends'
  from public.organizations o
  where (verify_audit.organization is null or o.id = verify_audit.organization)
    and not exists (select from private.audit_heads h where h.organization_id = o.id)
    and not exists (select from public.audit_logs a where a.organization_id = o.id)
$$;
grant execute on function private.verify_audit(uuid) to frontdesk_app;

-- Nobody rewrites history; rows go only with their organization.
create function private.refuse_rewriting() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' and not exists (select from public.organizations o where o.id = old.organization_id) then return old; end if;
  raise exception 'audit entries cannot be changed or removed' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_logs_append_only before update or delete on public.audit_logs for each row execute function private.refuse_rewriting();
create trigger audit_logs_not_emptied before truncate on public.audit_logs for each statement execute function private.refuse_rewriting();

create trigger organizations_updated before update on public.organizations for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();
create trigger organization_members_updated before update on public.organization_members for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();
create trigger organization_invitations_updated before update on public.organization_invitations for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();
create trigger subscription_plans_updated before update on public.subscription_plans for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();
create trigger subscriptions_updated before update on public.subscriptions for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- ---- sign-up ----

-- "Meine Firma GmbH" -> meine-firma-gmbh: umlauts and accents written out, the rest as dashes, at most 50 characters.
create function private.slug(name text) returns text
language sql immutable set search_path = '' as $$
  select coalesce(nullif(trim(both '-' from left(trim(both '-' from regexp_replace(
    regexp_replace(
      normalize(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(lower(coalesce(name, '')),
        'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'ø', 'oe'), 'å', 'aa'), 'ł', 'l'), 'đ', 'd'), nfkd),
      '[\u0300-\u036f]', '', 'g'),
    '[^a-z0-9]+', '-', 'g')), 50)), ''), 'organization')
$$;

-- The first free slug of a name: itself, then -2, -3, …
create function private.free_slug(name text) returns text
language plpgsql security definer set search_path = '' as $$
declare base constant text := private.slug(name); candidate text := base; n integer := 1;
begin
  -- Sign-ups wait for each other: the number that one name gets may be another name ("Salon" twice, and "Salon 2").
  perform pg_advisory_xact_lock(hashtextextended('frontdesk slugs', 0));
  while exists (select from public.organizations o where o.slug = candidate) loop
    n := n + 1;
    candidate := base || '-' || n;
  end loop;
  return candidate;
end $$;

-- A UUIDv7 made by the database, for rows that no program makes.
create function private.uuid_v7() returns uuid
language sql volatile parallel safe set search_path = '' as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Makes the organization of somebody who signs up: unique slug, owner, 14 days' trial of the smallest plan, usage rows, greeting, audit entry.
-- Idempotent: a user who is a member somewhere already gets nothing.
create function private.equip_user(new_user uuid, email text, user_meta jsonb) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
  organization constant uuid := private.uuid_v7();
  -- control characters never belong in a name; 200 characters are kept
  given constant text := trim(regexp_replace(coalesce(user_meta ->> 'organization_name', ''), '[[:cntrl:]]+', ' ', 'g'));
  wanted constant text := left(coalesce(nullif(given, ''), nullif(split_part(coalesce(email, ''), '@', 1), ''), 'My organization'), 200);
begin
  if user_meta ->> 'joins_by_invitation' = 'true' or exists (select from public.organization_members m where m.user_id = new_user) then return null; end if;
  insert into public.organizations (id, slug, name, created_by) values (organization, private.free_slug(wanted), wanted, new_user);
  insert into public.organization_members (organization_id, user_id, role) values (organization, new_user, 'owner');
  insert into public.subscriptions (organization_id, plan_id, status, trial_ends_at, current_period_end)
    values (organization, 'starter', 'trialing', now() + interval '14 days', now() + interval '14 days');
  insert into public.organization_usage (organization_id, metric, period_start)
    select organization, metric, private.usage_period() from public.usage_metrics where kind = 'period';
  perform private.welcome(organization, wanted);
  perform private.append_audit(organization, 'organization.created', 'organization', organization::text, jsonb_build_object('name', wanted),
    by_kind => 'user', by_id => new_user, by_name => coalesce(nullif(user_meta ->> 'name', ''), email, ''));
  return organization;
end $$;

-- What a new organization finds; later migrations replace it as there is more to find.
create function private.welcome(organization uuid, name text) returns void
language plpgsql security definer set search_path = '' as $$ begin end $$;

-- Runs with every new user, ours or Supabase's. Whatever goes wrong here, the sign-up itself goes through: the first visit repairs it.
create function public.create_organization_for_user() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  begin
    perform private.equip_user(new.id, new.email, coalesce(new.raw_user_meta_data, '{}'));
  exception when others then
    raise warning 'no organization was made for user %: %', new.id, sqlerrm;
  end;
  return new;
end $$;
do $$ begin
  if not exists (select from pg_catalog.pg_trigger where tgname = 'frontdesk_create_organization' and tgrelid = 'auth.users'::regclass) then
    create trigger frontdesk_create_organization after insert on auth.users for each row execute function public.create_organization_for_user();
  end if;
end $$;

-- Nothing is executable unless a grant above says so.
revoke execute on all functions in schema private from public, anon;
revoke execute on function public.update_updated_at_column(), public.create_organization_for_user() from public, anon, authenticated;
