-- The whole schema of Frontdesk, readable from top to bottom. What is applied are the migrations; a test builds one database from
-- them and one from this file, on the same bootstrap, and holds that they are the same to the last grant.
--
-- Every tenant table names its organization first: in its key, in every foreign key, in every unique constraint. All of it goes
-- with the organization. Ids are UUIDv7, so newest-first is `order by id desc`. What stands behind the wall is reached as
-- frontdesk_member, frontdesk_worker or authenticated; what spans organizations is a narrow function in schema private.

-- ==== Roles ====

-- Roles. frontdesk_app is the login of the application; it owns nothing and inherits nothing. Inside a transaction it becomes
-- frontdesk_member (one user in one organization), frontdesk_worker (background work over named organizations) or frontdesk_operator (whoever runs
-- the installation, at the console).
do $$ begin
  if to_regrole('frontdesk_member') is null then create role frontdesk_member nologin noinherit; end if;
  if to_regrole('frontdesk_worker') is null then create role frontdesk_worker nologin noinherit; end if;
  if to_regrole('frontdesk_operator') is null then create role frontdesk_operator nologin noinherit; end if;
  if to_regrole('frontdesk_app') is null then create role frontdesk_app nologin noinherit; end if;
end $$;
grant frontdesk_member, frontdesk_worker, frontdesk_operator to frontdesk_app;
-- Every query of the application has an index. A plan made while a table was small (foreign key checks keep theirs for as long as the
-- connection lives) must not read all of it once it is large.
alter role frontdesk_app set enable_seqscan = off;
alter role frontdesk_app set jit = off;  -- compiling a query takes longer than any of ours

-- Whatever spans organizations or must not be seen lives here; nothing in it can be called unless a grant says so.
create schema private;
revoke all on schema private from public;
grant usage on schema private to frontdesk_app, frontdesk_member, frontdesk_worker, authenticated, service_role;
grant usage on schema public to frontdesk_app, frontdesk_member, frontdesk_worker;

-- ==== Organizations and who is asking ====

-- Rows say when they last changed.
create function public.update_updated_at_column() returns trigger
language plpgsql set search_path = '' as $$
begin
  new.updated_at := pg_catalog.clock_timestamp();
  return new;
end $$;

-- A tenant. Everything else belongs to one and goes with it.
create table public.organizations (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  name text not null check (char_length(name) between 1 and 200),
  timezone text not null default 'UTC' check (char_length(timezone) between 1 and 64),
  locale text not null default 'en' check (locale ~ '^[a-z]{2,3}([-_][A-Za-z]{2,4})?$'),
  sample_data_loaded_at timestamptz,
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  second_factor_required_at timestamptz,  -- since then members without one get no further than to their own account
  second_factor_required_by uuid references auth.users (id) on delete set null,
  suspended_at timestamptz,  -- by an operator: since then nothing leaves, and members only read
  suspended_reason text constraint organizations_suspended_with_reason check ((suspended_at is null) = (suspended_reason is null) and char_length(suspended_reason) <= 500)
);
create index organizations_created_by on public.organizations (created_by);
create index organizations_second_factor_required_by on public.organizations (second_factor_required_by);
create trigger organizations_updated before update on public.organizations for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- Who is in which organization, and as what.
create table public.organization_members (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  user_id uuid not null references auth.users (id) on delete cascade,
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  invited_by uuid references auth.users (id) on delete set null,
  last_seen_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- restrictions: permissions of the role that this member does not have; an owner has them all
  withheld text[] not null default '{}' constraint organization_members_withheld check (withheld <@ array['contacts:export', 'conversations:oversee', 'phone_numbers:read']),
  held_back_at timestamptz,  -- since when he is over the plan's limit: he may do what a viewer may
  primary key (organization_id, user_id),
  constraint organization_members_owners_are_free check (role <> 'owner' or withheld = '{}')
);
create index organization_members_by_user on public.organization_members (user_id) include (organization_id, role);
create index organization_members_invited_by on public.organization_members (invited_by);
-- Being seen is no change of a membership.
create trigger organization_members_updated before update of role, withheld on public.organization_members
  for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- Which role may do what. Data, so that the team page can show it and a test can compare it.
create table public.role_permissions (
  role text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  permission text not null check (permission ~ '^[a-z_]+:[a-z_]+$'),
  primary key (role, permission)
);

-- A role may do what the smaller ones may, and more.
insert into public.role_permissions (role, permission) values
  ('viewer', 'organization:read'), ('viewer', 'members:read'), ('viewer', 'messages:read'), ('viewer', 'contacts:read'),
  ('viewer', 'auto_replies:read'), ('viewer', 'campaigns:read'), ('viewer', 'channels:read'), ('viewer', 'conversations:oversee'),
  ('viewer', 'phone_numbers:read');
insert into public.role_permissions (role, permission)
  select 'member', permission from public.role_permissions where role = 'viewer'
  union all values ('member', 'messages:write'), ('member', 'contacts:write');
insert into public.role_permissions (role, permission)
  select 'admin', permission from public.role_permissions where role = 'member'
  union all values ('admin', 'auto_replies:write'), ('admin', 'campaigns:write'), ('admin', 'channels:write'), ('admin', 'members:write'),
    ('admin', 'organization:write'), ('admin', 'audit:read'), ('admin', 'billing:read'), ('admin', 'api_keys:read'), ('admin', 'api_keys:write'),
    ('admin', 'contacts:export');
insert into public.role_permissions (role, permission)
  select 'owner', permission from public.role_permissions where role = 'admin'
  union all values ('owner', 'billing:write'), ('owner', 'ownership:write'), ('owner', 'organization:export');

-- The organizations in which the user of this request may do the wanted thing; for clients that name no organization.
create function private.organizations_allowing(wanted text) returns uuid[]
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
grant execute on function private.organizations_allowing(text) to authenticated;

-- Opens a member's transaction: checks the live membership and sets the organization and its permissions, or nothing at all,
-- so that every policy refuses. One row when the user is a member, none otherwise. In an organization that is suspended members read, pay, and take
-- along or give up what is theirs.
create function private.enter(wanted_organization uuid, entering_user uuid) returns table (role text, permissions text[])
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

-- The organizations that background work named for this transaction, as the keys of an object: read in half the time of an array, and one is
-- found in it by halving, while an array is gone through for every row.
create function private.named_organizations() returns jsonb
language sql stable set search_path = '' as $$
  select nullif(current_setting('frontdesk.organizations', true), '')::jsonb
$$;
grant execute on function private.named_organizations() to frontdesk_worker;

-- Whether whoever runs this transaction may act for the organization: the member in the one entered, background work in those
-- it named, a client in those it belongs to, an operator who has entered the console and the platform itself (no role taken) everywhere.
create function private.may_act_for(organization uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(case current_setting('role')
    when 'frontdesk_member' then organization = nullif(current_setting('frontdesk.organization_id', true), '')::uuid
    when 'frontdesk_worker' then private.named_organizations() ? organization::text
    when 'authenticated' then organization = any (private.organizations_allowing('organization:read'))
    when 'frontdesk_operator' then private.is_operating()
    when 'anon' then false
    else session_user not in ('anon', 'authenticated')
  end, false);
end $$;

-- ==== The wall ====

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
  worker_form constant text := $q$nullif(jsonb_exists((select private.named_organizations()), %1$I::text), false) is not null$q$;
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

-- The walls of the tables above.
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

-- ==== Plans, subscriptions, usage ====

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
  updated_at timestamptz not null default now(),
  features jsonb not null default '{}' check (jsonb_typeof(features) = 'object'),  -- what it lets an organization do beside its limits
  overage jsonb not null default '{}' check (jsonb_typeof(overage) = 'object')  -- what a thousand more of a metric cost, in minor units
);
select private.publish('public.subscription_plans');
insert into public.subscription_plans (id, name, description, position, monthly_price, yearly_price, limits, features, overage) values
  ('starter', 'Starter', 'For one number and a small team.', 1, 2900, 29000,
    '{"channels": 1, "members": 3, "contacts": 2000, "messages_sent": 5000, "auto_replies": 10, "campaigns": 5}',
    '{"campaigns": true, "api": true}', '{"messages_sent": 900}'),
  ('professional', 'Professional', 'For a shop with branches and campaigns.', 2, 9900, 99000,
    '{"channels": 3, "members": 10, "contacts": 20000, "messages_sent": 50000, "auto_replies": 100, "campaigns": 50}',
    '{"campaigns": true, "api": true}', '{"messages_sent": 400}'),
  ('business', 'Business', 'For chains that send every day.', 3, 29900, 299000,
    '{"channels": 10, "members": 50, "contacts": 200000, "messages_sent": 500000, "auto_replies": null, "campaigns": 500}',
    '{"campaigns": true, "api": true}', '{"messages_sent": 150}'),
  ('enterprise', 'Enterprise', 'For groups with their own rules.', 4, 99900, 999000,
    '{"channels": null, "members": null, "contacts": null, "messages_sent": null, "auto_replies": null, "campaigns": null}',
    '{"campaigns": true, "api": true}', '{}'),
  -- Without a price it is not for sale: what is left of a subscription that ended.
  ('free', 'Free', 'For whoever has bought nothing yet.', 0, 0, 0,
    '{"channels": 1, "members": 2, "contacts": 200, "messages_sent": 100, "auto_replies": 3, "campaigns": 0}', '{}', '{}');
create trigger subscription_plans_updated before update on public.subscription_plans for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- What a plan costs each month or year in one currency. A price never changes: another amount is its next version, and who bought the one before
-- keeps it. The lookup key names the price that is sold now, here and at the provider.
create table public.plan_prices (
  lookup_key text not null,
  version integer not null check (version > 0),
  plan_id text not null references public.subscription_plans (id),
  billing_interval text not null check (billing_interval in ('month', 'year')),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  amount bigint not null check (amount > 0),
  provider_price_id text unique check (char_length(provider_price_id) between 1 and 255),
  created_at timestamptz not null default now(),
  retired_at timestamptz,
  primary key (lookup_key, version),
  check (lookup_key = plan_id || '_' || billing_interval || '_' || lower(currency))
);
create unique index plan_prices_sold on public.plan_prices (plan_id, billing_interval, currency) where retired_at is null;
create index plan_prices_plan on public.plan_prices (plan_id);
select private.publish('public.plan_prices');
insert into public.plan_prices (lookup_key, version, plan_id, billing_interval, currency, amount)
  select p.id || '_month_' || lower(p.currency), 1, p.id, 'month', p.currency, p.monthly_price from public.subscription_plans p where p.monthly_price > 0
  union all
  select p.id || '_year_' || lower(p.currency), 1, p.id, 'year', p.currency, p.yearly_price from public.subscription_plans p where p.yearly_price > 0;

-- What was agreed stays as it was agreed.
create function private.keep_price() returns trigger
language plpgsql set search_path = '' as $$
begin
  if (new.lookup_key, new.version, new.plan_id, new.billing_interval, new.currency, new.amount)
     is distinct from (old.lookup_key, old.version, old.plan_id, old.billing_interval, old.currency, old.amount) then
    raise exception 'a price never changes: make its next version' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger plan_prices_stay before update on public.plan_prices for each row execute function private.keep_price();

-- Another amount for a plan: the price that was sold is retired, and the next version sold from now on. Without an amount none is sold any more.
-- Nothing happens when that is the amount already. The operator's verbs call it, after they have looked who asks.
create function private.set_plan_price(plan text, interval_of text, in_currency text, new_amount bigint) returns void
language plpgsql security definer set search_path = '' as $$
declare key constant text := plan || '_' || interval_of || '_' || lower(in_currency);
begin
  perform from public.subscription_plans p where p.id = plan for no key update;
  if exists (select from public.plan_prices c where c.lookup_key = key and c.retired_at is null and c.amount = new_amount) then return; end if;
  update public.plan_prices c set retired_at = now() where c.lookup_key = key and c.retired_at is null;
  if new_amount is null then return; end if;
  insert into public.plan_prices (lookup_key, version, plan_id, billing_interval, currency, amount)
  values (key, 1 + coalesce((select max(c.version) from public.plan_prices c where c.lookup_key = key), 0), plan, interval_of, in_currency, new_amount);
  update public.subscription_plans p set
    monthly_price = case interval_of when 'month' then new_amount else p.monthly_price end,
    yearly_price = case interval_of when 'year' then new_amount else p.yearly_price end
  where p.id = plan and p.currency = in_currency;
end $$;
grant execute on function private.set_plan_price(text, text, text, bigint) to frontdesk_app;

-- Notes how the provider calls a price.
create function private.note_provider_price(key text, of_version integer, provider_price text) returns void
language sql security definer set search_path = '' as $$
  update public.plan_prices c set provider_price_id = null
  where c.provider_price_id = provider_price and (c.lookup_key, c.version) is distinct from (key, of_version);
  update public.plan_prices c set provider_price_id = provider_price where c.lookup_key = key and c.version = of_version;
$$;
grant execute on function private.note_provider_price(text, integer, text) to frontdesk_app;

-- What an organization has bought, as the payment provider tells it, or tries.
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
  provider_subscription_id text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  price_lookup_key text,
  provider_price_id text,
  amount bigint check (amount >= 0),  -- of each interval, in minor units
  currency text check (currency ~ '^[A-Z]{3}$'),
  cancel_at_period_end boolean not null default false,
  canceled_at timestamptz,
  ended_at timestamptz,
  scheduled_plan_id text references public.subscription_plans (id),  -- what follows at the period's end
  scheduled_interval text check (scheduled_interval in ('month', 'year')),
  scheduled_at timestamptz,
  provider_schedule_id text,
  latest_invoice_id text,
  synced_at timestamptz,
  usage_anchor date,  -- the day whose number each of the organization's months begins with; null is the calendar's first
  -- kept by the trigger below, so that whoever counts reads one row: limits and features as they hold now, of the plan or of the plan `free`, with exceptions
  access text not null default 'full' check (access in ('full', 'grace_full', 'grace_limited', 'read_only', 'free')),
  limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
  features jsonb not null default '{}' check (jsonb_typeof(features) = 'object'),
  look_at timestamptz not null default now(),  -- when the clock changes something next, or somebody has
  scheduled_amount bigint check (scheduled_amount >= 0),  -- what was agreed for then, whatever is sold since
  -- by how many days the provider's clock is ahead of ours; 0 but for a simulated Stripe whose clock was turned. Usage months go by it
  days_ahead integer not null default 0,
  contacts_from uuid,  -- the first contact, by age, that is over the plan's limit: it and all younger ones are; null where none is
  constraint subscriptions_ahead_with_a_month check (days_ahead = 0 or (days_ahead > 0 and usage_anchor is not null))
);
create index subscriptions_look_at on public.subscriptions (look_at);
create index subscriptions_scheduled_plan on public.subscriptions (scheduled_plan_id) where scheduled_plan_id is not null;
create unique index subscriptions_provider on public.subscriptions (provider_subscription_id);
select private.protect('public.subscriptions', reads => 'organization:read', writes => null);
create trigger subscriptions_updated before update on public.subscriptions for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- Which access a subscription gives at a moment. The same table stands in entitlements/records.py, and a test compares them: days count from when a
-- payment was first overdue, by our own clock; a trial that nobody bought ends by it too. A status that is not known is overdue since this moment.
create function private.access_of(status text, past_due_since timestamptz, trial_ends_at timestamptz, bought boolean, at timestamptz) returns text
language sql immutable set search_path = '' as $$
  select case
    when status = 'trialing' and not bought and trial_ends_at <= at then 'free'
    when status in ('trialing', 'active') then 'full'
    when status in ('canceled', 'incomplete', 'incomplete_expired') then 'free'
    when status in ('unpaid', 'paused') then 'read_only'
    when status = 'past_due' and at >= past_due_since + interval '528 hours' then 'read_only'  -- from day 22 on
    when status = 'past_due' and at >= past_due_since + interval '192 hours' then 'grace_limited'  -- from day 8 on
    else 'grace_full' end
$$;

-- Whether an access lets more of a metric be used. What customers write is always stored.
create function private.access_allows(access text, wanted_metric text) returns boolean
language sql immutable set search_path = '' as $$
  select case access
    when 'grace_limited' then wanted_metric not in ('campaigns', 'channels', 'members')
    when 'read_only' then wanted_metric in ('api_requests', 'media_bytes', 'messages_received')
    else true end
$$;

-- What the operator granted or took beside the plan: a feature (true or false), or the limit of a metric (a number; null is none).
create table public.entitlement_overrides (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  key text not null check (key ~ '^[a-z_]{1,40}$'),
  value jsonb not null check (jsonb_typeof(value) in ('boolean', 'number', 'null')),
  reason text not null check (char_length(reason) between 1 and 500),
  expires_at timestamptz,
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, key)
);
create index entitlement_overrides_created_by on public.entitlement_overrides (created_by);
select private.protect('public.entitlement_overrides', reads => 'billing:read', writes => null);
create trigger entitlement_overrides_updated before update on public.entitlement_overrides
  for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- Computes what is kept beside a subscription, whoever writes it. Until there is a card, a trial sends no campaigns: it costs nothing to start many.
create function private.settle_subscription() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  plan public.subscription_plans;
  granted jsonb := '{}';
  counted jsonb := '{}';
begin
  new.access := private.access_of(new.status, new.past_due_since, new.trial_ends_at, new.provider_subscription_id is not null, now());
  select p.* into plan from public.subscription_plans p where p.id = case new.access when 'free' then 'free' else new.plan_id end;
  select coalesce(jsonb_object_agg(e.key, e.value) filter (where jsonb_typeof(e.value) = 'boolean'), '{}'),
    coalesce(jsonb_object_agg(e.key, e.value) filter (where jsonb_typeof(e.value) <> 'boolean'), '{}')
  into granted, counted
  from public.entitlement_overrides e
  where e.organization_id = new.organization_id and (e.expires_at is null or e.expires_at > now());
  new.limits := coalesce(plan.limits, '{}') || counted;
  new.features := coalesce(plan.features, '{}')
    || case when new.status = 'trialing' and new.provider_subscription_id is null then '{"campaigns": false}' else '{}' end::jsonb || granted;
  if tg_op = 'UPDATE' and new.look_at is not distinct from old.look_at and new.* is distinct from old.* then
    new.look_at := now();
  end if;
  return new;
end $$;
create trigger subscriptions_settled before insert or update on public.subscriptions for each row execute function private.settle_subscription();

-- Whatever an organization's entitlements hang on has changed: they are computed again, and the clock looks at once.
create function private.touch_subscription() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.subscriptions s set look_at = now() where s.organization_id = case tg_op when 'DELETE' then old.organization_id else new.organization_id end;
  return null;
end $$;
create trigger entitlement_overrides_touch after insert or update or delete on public.entitlement_overrides
  for each row execute function private.touch_subscription();

-- The same for everybody who has a plan that was changed.
create function private.touch_subscribers() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.subscriptions s set look_at = now() where s.plan_id = new.id or (new.id = 'free' and s.access = 'free');
  return null;
end $$;
create trigger subscription_plans_touch after update of limits, features on public.subscription_plans
  for each row when (old.limits is distinct from new.limits or old.features is distinct from new.features) execute function private.touch_subscribers();

-- What is counted: per period (a month), or as a level (how many there are now).
-- unit: one of it. anchor: whether its period is the organization's own month; a level has none.
create table public.usage_metrics (
  metric text primary key check (metric ~ '^[a-z_]{1,40}$'),
  kind text not null check (kind in ('period', 'level')),
  description text not null,
  unit text not null,
  anchor text not null check (anchor in ('organization', 'none')),
  constraint usage_metrics_levels_have_no_period check ((kind = 'period') = (anchor = 'organization'))
);
select private.publish('public.usage_metrics');
insert into public.usage_metrics (metric, kind, description, unit, anchor) values
  ('messages_sent', 'period', 'Messages sent', 'message', 'organization'), ('messages_received', 'period', 'Messages received', 'message', 'organization'),
  ('campaigns', 'period', 'Campaigns', 'campaign', 'organization'), ('media_bytes', 'period', 'Media', 'byte', 'organization'),
  ('ai_replies', 'period', 'AI replies', 'reply', 'organization'), ('api_requests', 'period', 'API calls', 'call', 'organization'),
  ('channels', 'level', 'Channels', 'channel', 'none'), ('members', 'level', 'Members', 'member', 'none'),
  ('contacts', 'level', 'Contacts', 'contact', 'none'), ('auto_replies', 'level', 'Auto replies', 'rule', 'none');

-- How much of a metric was used in a period: one row that changes with every message, counted by functions only.
create table public.organization_usage (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null references public.usage_metrics (metric),
  period_start date not null,
  used bigint not null default 0 check (used >= 0),
  updated_at timestamptz not null default now(),
  rolled_up bigint not null default 0,  -- how much of it stands in the ledger
  primary key (organization_id, metric, period_start)
) with (fillfactor = 50);  -- room for in-page updates of a row that changes with every message
create index organization_usage_metric on public.organization_usage (metric);
select private.protect('public.organization_usage', reads => 'organization:read', writes => null, worker => 'reads');

-- What batches of arriving messages have counted and is not folded into the counters yet: how many of each organization, in one row a batch. It is
-- written with the messages; a fold takes the rows and adds to the counters in one transaction, so that a counter and what is here are always exact
-- together. Not compressed: for a few seconds, that costs more than it saves.
create table private.received_counts (
  id bigint generated always as identity primary key,
  counted_at timestamptz not null default now(),  -- which is what the messages say of when they were stored
  counts jsonb not null check (jsonb_typeof(counts) = 'object')
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500, toast_tuple_target = 8160,
  toast.autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_vacuum_threshold = 2000);
alter table private.received_counts alter column counts set storage external;

-- The month of whoever has no day of his own for it to begin with, in UTC.
create function private.usage_period() returns date
language sql stable set search_path = '' as $$ select date_trunc('month', now() at time zone 'UTC')::date $$;
grant execute on function private.usage_period() to frontdesk_app, frontdesk_member, frontdesk_worker;

-- How much of a metric the organization may use; null is no limit.
create function private.usage_limit(organization uuid, wanted_metric text) returns bigint
language sql stable security definer set search_path = '' as $$
  select (s.limits ->> wanted_metric)::bigint from public.subscriptions s where s.organization_id = organization
$$;

-- What an organization has, for the words of a refusal. allowed: of this metric, null is no limit; features: as they hold now.
create function private.entitlements_of(organization uuid, wanted_metric text default null)
returns table (plan_id text, plan text, status text, access text, bought boolean, allowed bigint, features jsonb)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return; end if;
  return query
  select p.id, p.name, s.status, s.access, s.provider_subscription_id is not null, (s.limits ->> wanted_metric)::bigint, s.features
  from public.subscriptions s join public.subscription_plans p on p.id = case s.access when 'free' then 'free' else s.plan_id end
  where s.organization_id = organization;
end $$;
grant execute on function private.entitlements_of(uuid, text) to frontdesk_app, frontdesk_member, frontdesk_worker;

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
declare named constant jsonb := case current_setting('role') when 'frontdesk_worker' then coalesce(private.named_organizations(), '{}') end;
begin
  if not exists (select from public.usage_metrics where metric = wanted_metric and kind = 'period') then
    raise exception 'there is no metric % that is counted', quote_literal(wanted_metric) using errcode = 'invalid_parameter_value';
  end if;
  if exists (select from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint)
             group by r.organization_id having count(*) > 1 or min(r.amount) is null or min(r.amount) <= 0) then
    raise exception 'each organization must ask once, for a positive amount' using errcode = 'invalid_parameter_value';
  end if;
  -- asked once for the batch: a worker names hundreds of organizations, and reading their list for each of them takes milliseconds
  if exists (select from jsonb_to_recordset(requests) as r (organization_id uuid)
             where not coalesce(case when named is null then private.may_act_for(r.organization_id) else named ? r.organization_id::text end, false)) then
    raise exception 'not allowed for one of these organizations' using errcode = 'insufficient_privilege';
  end if;
end $$;

-- Counts, whatever the limit: for what is never refused, such as inbound messages.
create function private.track_usage(organization uuid, wanted_metric text, amount bigint default 1) returns bigint
language plpgsql security definer set search_path = '' as $$
declare total bigint;
begin
  if private.check_usage_call(organization, wanted_metric, amount) = 'level' then
    raise exception 'there is no metric % that is counted', quote_literal(wanted_metric) using errcode = 'invalid_parameter_value';
  end if;
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  values (organization, wanted_metric, private.usage_period(organization), amount)
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
  returning u.used into total;
  return total;
end $$;
grant execute on function private.track_usage(uuid, text, bigint) to frontdesk_member, frontdesk_worker, service_role;

-- The same for many organizations at once: [{"organization_id", "amount"}, …]. Rows are locked in one order, so that two batches never wait for each other in a ring.
create function private.track_usage_of_many(wanted_metric text, requests jsonb) returns void
language plpgsql security definer set search_path = '' as $$
declare
  today constant date := (now() at time zone 'UTC')::date;
  this_month constant date := date_trunc('month', today::timestamp)::date;
begin
  perform private.check_usage_batch(wanted_metric, requests);
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select r.organization_id, wanted_metric,
    case when s.usage_anchor is null then this_month else private.period_start(s.usage_anchor, today + s.days_ahead) end, r.amount
  from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint)
  left join lateral (select n.usage_anchor, n.days_ahead from public.subscriptions n where n.organization_id = r.organization_id offset 0) as s on true
  order by r.organization_id
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now();
end $$;
grant execute on function private.track_usage_of_many(text, jsonb) to frontdesk_worker;

-- Counts what has arrived, whatever the limit: {organization: how many messages, …}. No counter is touched: one row, however many organizations.
create function private.count_received(counts jsonb) returns void
language plpgsql security definer set search_path = '' as $$
begin
  -- one is looked for first, because most are
  if counts is null or jsonb_typeof(counts) <> 'object'
      or counts @? 'strict $.* ? (!exists(@ ? (@ == 1 || @ >= 1 && @ <= 1000000000 && @.floor() == @)))' then
    raise exception 'each organization must have a positive number of messages' using errcode = 'invalid_parameter_value';
  end if;
  if not (case current_setting('role') when 'frontdesk_worker' then coalesce(private.named_organizations(), '{}') ?& array(select jsonb_object_keys(counts))
      else not exists (select from jsonb_object_keys(counts) as k (key) where not private.may_act_for(k.key::uuid)) end) then
    raise exception 'not allowed for one of these organizations' using errcode = 'insufficient_privilege';
  end if;
  insert into private.received_counts (counts) values (count_received.counts);
end $$;
grant execute on function private.count_received(jsonb) to frontdesk_worker;

-- Adds to the counters what was counted as received since, the oldest first, and returns how many rows that were. Each goes into the period of the
-- day on which it was counted, as the organization's months are now. Rows are locked in the one order. Nobody folds at the same time, nor while months
-- are moved (`anchor_usage`): whoever comes second leaves it to the next fold.
create function private.fold_received() returns bigint
language plpgsql security definer set search_path = '' as $$
declare folded bigint;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('frontdesk received counts', 0)) then return 0; end if;
  with taken as materialized (
    delete from private.received_counts r where r.ctid = any (array(select o.ctid from private.received_counts o order by o.id limit 2000))
    returning r.counted_at, r.counts
  ), summed as materialized (
    select c.key as organization, (t.counted_at at time zone 'UTC')::date as day, sum(c.value::integer) as amount, max(t.counted_at) as last_at
    from taken t cross join lateral jsonb_each(t.counts) as c group by 1, 2
  ), dated as materialized (  -- of organizations that are there: one that went took its messages along
    select o.id, private.period_start(n.usage_anchor, s.day + coalesce(n.days_ahead, 0)) as period_start, sum(s.amount) as amount, max(s.last_at) as last_at
    from summed s
    cross join lateral (select g.id from public.organizations g where g.id = s.organization::uuid offset 0) as o
    left join lateral (select b.usage_anchor, b.days_ahead from public.subscriptions b where b.organization_id = o.id offset 0) as n on true
    group by 1, 2
  ), counted as (
    insert into public.organization_usage as u (organization_id, metric, period_start, used, updated_at)
    select d.id, 'messages_received', d.period_start, d.amount, d.last_at from dated d order by d.id, d.period_start
    on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = greatest(u.updated_at, excluded.updated_at)
  )
  select count(*) into folded from taken;
  return folded;
exception when foreign_key_violation then
  return 0;  -- an organization went in this very moment: all is as it was, and the next time it is not there
end $$;
grant execute on function private.fold_received() to frontdesk_app;

-- What an organization has received in a period and is not folded yet. Asked in the statement that reads the counter: one of them has each message.
create function private.unfolded_received(organization uuid, period date) returns bigint
language plpgsql stable security definer set search_path = '' as $$
begin
  return (
    select coalesce(sum((r.counts -> organization::text)::bigint), 0) from private.received_counts r
    left join public.subscriptions s on s.organization_id = organization
    where private.period_start(s.usage_anchor, (r.counted_at at time zone 'UTC')::date + coalesce(s.days_ahead, 0)) = period);
end $$;

-- How many of a level metric there are now. Whoever is invited has a seat from then on, and the same one as a member.
create function private.usage_level(organization uuid, wanted_metric text) returns bigint
language plpgsql stable security definer set search_path = '' as $$
begin
  return case wanted_metric
    when 'channels' then (select count(*) from public.channels where organization_id = organization and kind <> 'simulator')
    when 'members' then (select count(*) from public.organization_members where organization_id = organization)
      + (select count(*) from public.organization_invitations i where i.organization_id = organization
         and i.accepted_at is null and i.revoked_at is null and i.expires_at > now())
    when 'contacts' then (select count(*) from public.contacts where organization_id = organization)
    when 'auto_replies' then (select count(*) from public.auto_replies where organization_id = organization)
  end;
end $$;

-- What is used and allowed now, for every metric; advice for the screen, never enforcement.
create function private.usage_overview(organization uuid) returns table (metric text, kind text, used bigint, allowed bigint)
language plpgsql stable security definer set search_path = '' as $$
declare period constant date := private.usage_period(organization);
begin
  if not private.may_act_for(organization) then return; end if;
  return query
  select m.metric, m.kind,
    case m.kind when 'level' then private.usage_level(organization, m.metric) else coalesce(u.used, 0) end
      + case m.metric when 'messages_received' then private.unfolded_received(organization, period) else 0 end,
    private.usage_limit(organization, m.metric)
  from public.usage_metrics m
  left join public.organization_usage u on u.organization_id = organization and u.metric = m.metric and u.period_start = period;
end $$;
grant execute on function private.usage_overview(uuid) to frontdesk_member, frontdesk_worker;

-- Whether the amount would still fit; advice for the screen (it races), never enforcement.
create function private.check_usage_limit(organization uuid, wanted_metric text, amount bigint default 1) returns boolean
language plpgsql stable security definer set search_path = '' as $$
declare
  found_kind constant text := private.check_usage_call(organization, wanted_metric, amount);
  allowed constant bigint := private.usage_limit(organization, wanted_metric);
  period constant date := private.usage_period(organization);
  stands constant text := (select s.access from public.subscriptions s where s.organization_id = organization);
  used_now constant bigint := case found_kind when 'level' then private.usage_level(organization, wanted_metric)
    else coalesce((select used from public.organization_usage where organization_id = organization and metric = wanted_metric and period_start = period), 0) end;
begin
  if not private.access_allows(stands, wanted_metric) then return false; end if;
  if allowed is null or used_now + amount <= allowed then return true; end if;
  return exists (
    select from public.usage_choices c
    join public.subscriptions s on s.organization_id = c.organization_id join public.subscription_plans p on p.id = s.plan_id
    left join public.usage_overage o on o.organization_id = organization and o.metric = wanted_metric and o.period_start = period
    where c.organization_id = organization and c.metric = wanted_metric and c.over_limit = 'overage' and (p.overage ->> wanted_metric)::bigint > 0
      and private.may_go_over(organization) and found_kind = 'period'
      and coalesce(o.cost, 0) + least(check_usage_limit.amount, used_now + check_usage_limit.amount - allowed) * (p.overage ->> wanted_metric)::bigint <= c.cap * 1000
      and least(check_usage_limit.amount, used_now + check_usage_limit.amount - allowed) * (p.overage ->> wanted_metric)::bigint
        <= coalesce(private.credit_left(organization, p.currency, wanted_metric, period), c.cap * 1000));
end $$;
grant execute on function private.check_usage_limit(uuid, text, bigint) to frontdesk_member, frontdesk_worker, service_role;

-- Checks and counts in one step: true and counted, or false and nothing changed. Never an overshoot, whoever calls at the same time: beyond the
-- limit only what the organization's cap still pays for, and nothing where its access to the metric is shut.
-- A level is not counted (its rows are the count): the organization's row is locked, so that the caller may add the row it asked for.
create function private.consume_usage(organization uuid, wanted_metric text, amount bigint default 1) returns boolean
language plpgsql security definer set search_path = '' as $$
declare found_kind text; allowed bigint; stands text; anchor date; ahead integer; period date;
begin
  -- one look for everything, because callers stand in line for what follows
  select m.kind, (s.limits ->> wanted_metric)::bigint, s.access, s.usage_anchor, s.days_ahead into found_kind, allowed, stands, anchor, ahead
  from public.usage_metrics m left join public.subscriptions s on s.organization_id = organization where m.metric = wanted_metric;
  if found_kind is null or amount is null or amount <= 0 or not private.may_act_for(organization) then
    perform private.check_usage_call(organization, wanted_metric, amount);  -- which says what is wrong
  end if;
  if stands <> 'full' and not private.access_allows(stands, wanted_metric) then return false; end if;
  if found_kind = 'level' then
    perform from public.subscriptions where organization_id = organization for no key update;
    return allowed is null or private.usage_level(organization, wanted_metric) + amount <= allowed;
  end if;
  period := case when anchor is null then date_trunc('month', now() at time zone 'UTC')::date
    else private.period_start(anchor, (now() at time zone 'UTC')::date + ahead) end;
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select organization, wanted_metric, period, amount where allowed is null or amount <= allowed
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
    where allowed is null or u.used + excluded.used <= allowed;
  return found or private.consume_over(organization, wanted_metric, period, amount, allowed, true) = amount;
end $$;
-- The operator's own connecting of a number counts against the plan as well.
grant execute on function private.consume_usage(uuid, text, bigint) to frontdesk_app, frontdesk_member, frontdesk_worker, service_role;

-- The same for many organizations at once, granting each what still fits: [{"organization_id", "amount"}, …] -> granted of each.
create function private.consume_usage_of_many(wanted_metric text, requests jsonb) returns table (organization_id uuid, granted bigint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  today constant date := (now() at time zone 'UTC')::date;
  this_month constant date := date_trunc('month', today::timestamp)::date;
  organizations uuid[]; amounts bigint[]; periods date[]; limits bigint[];
begin
  perform private.check_usage_batch(wanted_metric, requests);
  -- each organization's limit and month are looked up once
  select array_agg(r.organization_id), array_agg(r.amount), array_agg(case when l.usage_anchor is null then this_month else private.period_start(l.usage_anchor, today + l.days_ahead) end), array_agg(l.allowed)
  into organizations, amounts, periods, limits
  from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint)
  cross join lateral (
    select s.usage_anchor, s.days_ahead, case when s.access = 'full' or private.access_allows(s.access, wanted_metric) then (s.limits ->> wanted_metric)::bigint else 0 end as allowed
    from public.subscriptions s where s.organization_id = r.organization_id offset 0) as l;
  if cardinality(organizations) > (
    select count(*) from unnest(organizations, periods) as r (organization_id, period_start) cross join lateral (
      select from public.organization_usage u
      where u.organization_id = r.organization_id and u.metric = wanted_metric and u.period_start = r.period_start offset 0) as there) then
    insert into public.organization_usage (organization_id, metric, period_start, used)
    select r.organization_id, wanted_metric, r.period_start, 0
    from unnest(organizations, periods) as r (organization_id, period_start) order by r.organization_id
    on conflict do nothing;
  end if;
  perform from public.organization_usage u
  where u.metric = wanted_metric and (u.organization_id, u.period_start) in (select * from unnest(organizations, periods))
  order by u.organization_id for no key update;
  -- the rows are ours now; a new statement sees their newest values
  return query
  with fitting as materialized (
    select u.organization_id, u.period_start, r.amount, r.allowed,
      least(r.amount, case when r.allowed is null then r.amount else greatest(r.allowed - u.used, 0) end) as below
    from unnest(organizations, amounts, periods, limits) as r (organization_id, amount, period_start, allowed)
    join public.organization_usage u on u.organization_id = r.organization_id and u.metric = wanted_metric and u.period_start = r.period_start
  ), granting as materialized (
    select f.organization_id, f.period_start, f.below
      + case when f.below < f.amount then private.go_over(f.organization_id, wanted_metric, f.period_start, f.amount - f.below, false) else 0 end as granted
    from fitting f
  ), counted as (
    update public.organization_usage u set used = u.used + g.granted, updated_at = now()
    from granting g
    where g.granted > 0 and u.organization_id = g.organization_id and u.metric = wanted_metric and u.period_start = g.period_start
  )
  select g.organization_id, g.granted from granting g;
end $$;
grant execute on function private.consume_usage_of_many(text, jsonb) to frontdesk_worker;

-- ==== Paying ====

-- The customer that an organization is at the payment provider: one, made before its first checkout. It pays in one currency for good.
create table public.billing_accounts (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  provider_customer_id text unique check (char_length(provider_customer_id) between 1 and 255),
  currency text check (currency ~ '^[A-Z]{3}$'),
  email text,
  vat_id text,
  card_brand text,
  card_last4 text,
  card_expires_on date,
  -- counts what was stored: who fetched before the last time stores nothing, so that what is older never replaces what is newer
  sync_version bigint not null default 0,
  synced_at timestamptz,
  -- the checkout that is open, if one is: its id, never its address; and who began the last one
  checkout_id text,
  checkout_lookup_key text,
  checkout_begun uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- who changes the plan at this moment, and until when nobody else does, should it be silent from now on
  change_begun uuid,
  change_until timestamptz,
  check ((change_begun is null) = (change_until is null))
);
select private.protect('public.billing_accounts', reads => 'billing:read', writes => null);
create trigger billing_accounts_updated before update on public.billing_accounts for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- Customers of organizations that are no more: still to be deleted at the payment provider, which ends their subscriptions at once.
create table private.customers_to_close (
  provider_customer_id text primary key,
  organization_id uuid not null,  -- it is gone
  since timestamptz not null default now(),
  next_try_at timestamptz not null default now(),
  attempts integer not null default 0,
  last_error text check (char_length(last_error) <= 1000)
);
create index customers_to_close_due on private.customers_to_close (next_try_at);

-- An account goes with its organization, by whatever way: its customer stays to be closed.
create function private.close_customer() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if old.provider_customer_id is not null then
    insert into private.customers_to_close (provider_customer_id, organization_id) values (old.provider_customer_id, old.organization_id) on conflict do nothing;
    perform pg_notify('frontdesk_wake', 'database billing');
  end if;
  return old;
end $$;
create trigger billing_accounts_close after delete on public.billing_accounts for each row execute function private.close_customer();

-- Takes a customer to be closed, for some seconds.
create function private.take_customer_to_close(seconds integer) returns table (provider_customer_id text, attempts integer)
language sql security definer set search_path = '' as $$
  update private.customers_to_close c set next_try_at = now() + make_interval(secs => seconds), attempts = c.attempts + 1
  where c.provider_customer_id = (
    select w.provider_customer_id from private.customers_to_close w where w.next_try_at <= now() order by w.next_try_at limit 1 for update skip locked)
  returning c.provider_customer_id, c.attempts
$$;
grant execute on function private.take_customer_to_close(integer) to frontdesk_app;

-- Notes that a customer is closed; or, with a reason, that it has to be tried again after some seconds.
create function private.settle_customer_to_close(customer text, why text default null, seconds double precision default null) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if why is null then
    delete from private.customers_to_close c where c.provider_customer_id = customer;
  else
    update private.customers_to_close c set last_error = left(why, 1000), next_try_at = now() + make_interval(secs => seconds)
    where c.provider_customer_id = customer;
  end if;
end $$;
grant execute on function private.settle_customer_to_close(text, text, double precision) to frontdesk_app;

-- The invoices of an organization, as the provider has them. Amounts in minor units; the provider's pages show and take the payment.
create table public.invoices (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id text not null check (char_length(id) between 1 and 255),  -- the provider's
  number text,
  status text not null check (status in ('draft', 'open', 'paid', 'uncollectible', 'void')),
  billing_reason text,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  subtotal bigint not null,
  total bigint not null,
  amount_due bigint not null,
  amount_paid bigint not null,
  amount_remaining bigint not null,
  hosted_invoice_url text,
  invoice_pdf text,
  period_start timestamptz,
  period_end timestamptz,
  issued_at timestamptz not null,
  due_at timestamptz,
  paid_at timestamptz,
  attempt_count integer not null default 0,
  next_attempt_at timestamptz,
  provider_subscription_id text,
  synced_at timestamptz not null default now(),
  primary key (organization_id, id)
);
create index invoices_newest on public.invoices (organization_id, issued_at desc, id desc);
select private.protect('public.invoices', reads => 'billing:read', writes => null);

-- The inbox: each event once, whoever it is about; what came of it. It says only that something happened: how things stand is always asked.
create table public.billing_events (
  id uuid primary key,
  organization_id uuid references public.organizations (id) on delete cascade,  -- null: of a customer that is nobody's here
  provider_event_id text not null unique check (char_length(provider_event_id) between 1 and 255),
  type text not null check (char_length(type) between 1 and 255),
  provider_customer_id text,
  object_id text,
  payload jsonb not null default '{}',
  arrived_by text not null default 'webhook' check (arrived_by in ('webhook', 'reconciler')),
  happened_at timestamptz not null,
  received_at timestamptz not null default now(),
  next_try_at timestamptz default now(),  -- null: it is handled, or wants a look
  attempts integer not null default 0 check (attempts >= 0),
  last_error text check (char_length(last_error) <= 1000),
  given_up_at timestamptz,
  handled_at timestamptz,
  check ((next_try_at is null) = (handled_at is not null or given_up_at is not null))
);
create index billing_events_due on public.billing_events (next_try_at, id) where next_try_at is not null;
create index billing_events_customer on public.billing_events (provider_customer_id) where next_try_at is not null;
create index billing_events_organization on public.billing_events (organization_id, id);
create index billing_events_given_up on public.billing_events (id) where given_up_at is not null;
select private.protect('public.billing_events', reads => 'billing:read', writes => null, worker => 'reads');

-- Keeps an event, once. False when it is here already.
create function private.keep_billing_event(event uuid, provider_event text, what text, customer text, object text, happened timestamptz, body jsonb, by_way text)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  insert into public.billing_events (id, organization_id, provider_event_id, type, provider_customer_id, object_id, payload, arrived_by, happened_at)
  values (event, (select a.organization_id from public.billing_accounts a where a.provider_customer_id = customer), provider_event, what, customer, object,
    coalesce(body, '{}'), by_way, happened)
  on conflict (provider_event_id) do nothing;
  if not found then return false; end if;
  perform pg_notify('frontdesk_wake', 'database billing');
  return true;
end $$;
grant execute on function private.keep_billing_event(uuid, text, text, text, text, timestamptz, jsonb, text) to frontdesk_app;

-- Takes the event that waits longest, and with it whatever else waits of the same customer, for some seconds: whoever is killed meanwhile
-- leaves them to be taken again.
create function private.take_billing_events(seconds integer)
returns table (id uuid, organization_id uuid, provider_event_id text, type text, provider_customer_id text, object_id text, payload jsonb, attempts integer)
language plpgsql security definer set search_path = '' as $$
declare first public.billing_events;
begin
  select e.* into first from public.billing_events e where e.next_try_at <= now() order by e.next_try_at, e.id limit 1 for update skip locked;
  if first is null then return; end if;
  return query
  with taken as (
    select e.id from public.billing_events e
    where e.id = first.id or (e.provider_customer_id = first.provider_customer_id and e.next_try_at <= now())
    order by e.id limit 200 for update skip locked
  )
  update public.billing_events e set
    next_try_at = now() + make_interval(secs => seconds), attempts = e.attempts + 1,
    organization_id = coalesce(e.organization_id, (select a.organization_id from public.billing_accounts a where a.provider_customer_id = e.provider_customer_id))
  from taken t where e.id = t.id
  returning e.id, e.organization_id, e.provider_event_id, e.type, e.provider_customer_id, e.object_id, e.payload, e.attempts;
end $$;
grant execute on function private.take_billing_events(integer) to frontdesk_app;

-- Notes that events of an organization, or of nobody here, are handled: in the transaction of what came of them.
create function private.settle_billing_events(organization uuid, events uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  update public.billing_events e set organization_id = organization, handled_at = now(), next_try_at = null, given_up_at = null, last_error = null
  where e.id = any (events) and e.handled_at is null and (e.organization_id is null or e.organization_id = organization);
end $$;
grant execute on function private.settle_billing_events(uuid, uuid[]) to frontdesk_app, frontdesk_worker;

-- Notes why events could not be handled, and when they will be tried again; without a time they wait for a look.
create function private.postpone_billing_events(events uuid[], why text, seconds double precision) returns void
language sql security definer set search_path = '' as $$
  update public.billing_events e set
    last_error = left(why, 1000), next_try_at = now() + make_interval(secs => seconds), given_up_at = case when seconds is null then now() end
  where e.id = any (events) and e.handled_at is null
$$;
grant execute on function private.postpone_billing_events(uuid[], text, double precision) to frontdesk_app;

-- Tries an event again, whatever became of it. False when there is no such event.
create function private.replay_billing_event(event uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update public.billing_events e set next_try_at = now(), handled_at = null, given_up_at = null, attempts = 0 where e.id = event;
  if found then perform pg_notify('frontdesk_wake', 'database billing'); return true; end if;
  return false;
end $$;
grant execute on function private.replay_billing_event(uuid) to frontdesk_app;

-- The newest events before the one named: all of them, or those that wait, or those that want a look.
create function private.list_billing_events(which text, before uuid, how_many integer)
returns table (id uuid, organization_id uuid, organization text, provider_event_id text, type text, provider_customer_id text, object_id text, arrived_by text,
  happened_at timestamptz, received_at timestamptz, next_try_at timestamptz, attempts integer, last_error text, given_up_at timestamptz, handled_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select e.id, e.organization_id, o.slug, e.provider_event_id, e.type, e.provider_customer_id, e.object_id, e.arrived_by, e.happened_at, e.received_at,
    e.next_try_at, e.attempts, e.last_error, e.given_up_at, e.handled_at
  from public.billing_events e left join public.organizations o on o.id = e.organization_id
  where (before is null or e.id < before)
    and case which when 'waiting' then e.next_try_at is not null when 'given_up' then e.given_up_at is not null else true end
  order by e.id desc limit how_many
$$;
grant execute on function private.list_billing_events(text, uuid, integer) to frontdesk_app;

-- Calls that were not the provider's, by the hour: a wrong secret, or somebody who tries.
create table private.billing_refusals (
  hour timestamptz primary key,
  refused bigint not null check (refused > 0)
);

-- Counts such calls.
create function private.count_billing_refusals(how_many bigint) returns void
language sql security definer set search_path = '' as $$
  insert into private.billing_refusals as r (hour, refused) values (date_trunc('hour', now()), how_many)
  on conflict (hour) do update set refused = r.refused + excluded.refused
$$;
grant execute on function private.count_billing_refusals(bigint) to frontdesk_app;

-- How the inbox stands: what waits and since when, what wants a look, and which calls of the last day were refused.
create function private.billing_inbox_state() returns table (waiting bigint, oldest timestamptz, given_up bigint, refused bigint)
language sql stable security definer set search_path = '' as $$
  select (select count(*) from public.billing_events where next_try_at is not null), (select min(received_at) from public.billing_events where next_try_at is not null),
    (select count(*) from public.billing_events where given_up_at is not null),
    (select coalesce(sum(r.refused), 0)::bigint from private.billing_refusals r where r.hour > now() - interval '1 day')
$$;
grant execute on function private.billing_inbox_state() to frontdesk_app;

-- Forgets what events said after ninety days, and what was refused after as many; that they happened stays.
create function private.forget_billing_events() returns void
language sql security definer set search_path = '' as $$
  update public.billing_events set payload = '{}' where handled_at < now() - interval '90 days' and payload <> '{}';
  delete from private.billing_refusals where hour < now() - interval '90 days'
$$;
grant execute on function private.forget_billing_events() to frontdesk_app;

-- The organization that a customer is, and how often it was stored; no row for a customer that is nobody's here.
create function private.find_billing_account(customer text) returns table (organization_id uuid, sync_version bigint)
language sql stable security definer set search_path = '' as $$
  select a.organization_id, a.sync_version from public.billing_accounts a where a.provider_customer_id = customer
$$;
grant execute on function private.find_billing_account(text) to frontdesk_app;

-- The next customers, by their organization, that have something running at the provider: what is looked at every night.
create function private.list_live_customers(after uuid, how_many integer) returns table (organization_id uuid, provider_customer_id text)
language sql stable security definer set search_path = '' as $$
  select a.organization_id, a.provider_customer_id
  from public.billing_accounts a join public.subscriptions s on s.organization_id = a.organization_id
  where a.provider_customer_id is not null and a.organization_id > after
    and (s.provider_subscription_id is not null and s.status not in ('canceled', 'incomplete_expired') or a.checkout_id is not null)
  order by a.organization_id limit how_many
$$;
grant execute on function private.list_live_customers(uuid, integer) to frontdesk_app;

-- What an organization is told about its money: each at most once, by what it is about and which try that is; mailed_at: when its mails were owed;
-- dropped_at: when nobody could be told while it was still news.
create table public.billing_notices (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  object text not null check (char_length(object) between 1 and 300),
  attempt integer not null default 1,
  facts jsonb not null default '{}' check (jsonb_typeof(facts) = 'object'),
  created_at timestamptz not null default now(),
  mailed_at timestamptz,
  dropped_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, kind, object, attempt),
  constraint billing_notices_told_or_dropped check (mailed_at is null or dropped_at is null)
);
create index billing_notices_owed on public.billing_notices (organization_id, id) where mailed_at is null and dropped_at is null;
select private.protect('public.billing_notices', reads => 'billing:read', writes => null);
create trigger billing_notices_touch after insert on public.billing_notices for each row execute function private.touch_subscription();

-- Whoever has confirmed an address is told what waited for that: his organizations are looked at.
create function private.wake_notices() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.subscriptions s set look_at = now()
  from public.organization_members m
  where m.user_id = new.id and s.organization_id = m.organization_id and exists (
    select from public.billing_notices n where n.organization_id = m.organization_id and n.mailed_at is null and n.dropped_at is null);
  return null;
end $$;
create trigger wake_notices after update of email_confirmed_at on auth.users
  for each row when (old.email_confirmed_at is null and new.email_confirmed_at is not null) execute function private.wake_notices();

-- Takes the organizations that the clock, or a change, wants looked at, for ten minutes: whoever is killed meanwhile leaves them to be taken again.
create function private.take_due_subscriptions(most integer) returns table (organization_id uuid, taken_until timestamptz)
language sql security definer set search_path = '' as $$
  update public.subscriptions s set look_at = now() + interval '10 minutes'
  from (select d.organization_id from public.subscriptions d where d.look_at <= now() order by d.look_at, d.organization_id limit most for no key update skip locked) as due
  where s.organization_id = due.organization_id
  returning s.organization_id, s.look_at
$$;
grant execute on function private.take_due_subscriptions(integer) to frontdesk_app;

-- That the clock of the provider may be turned here, and how far it is. Without a row it cannot be: so it is in production.
create table private.turned_clock (
  only_one boolean primary key default true check (only_one),
  days_ahead integer not null default 0 check (days_ahead >= 0)
);

-- Says at the start of a process whether the provider's clock can be turned. Where it cannot, every month goes by the real one again.
create function private.allow_turning(allowed boolean) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if allowed then
    insert into private.turned_clock default values on conflict do nothing;
  else
    delete from private.turned_clock;
    if found then update public.subscriptions s set days_ahead = 0 where s.days_ahead <> 0; end if;
  end if;
end $$;
grant execute on function private.allow_turning(boolean) to frontdesk_app;

-- The ends of the trials that nobody bought and that still run.
create function private.running_trials() returns setof timestamptz
language sql stable security definer set search_path = '' as $$
  select distinct s.trial_ends_at from public.subscriptions s where s.status = 'trialing' and s.provider_subscription_id is null and s.trial_ends_at > now()
$$;
grant execute on function private.running_trials() to frontdesk_app;

-- A time as notices are known by, which Python writes.
create function private.iso_time(at timestamptz) returns text
language sql immutable set search_path = '' as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || case when at = date_trunc('second', at) then '' else to_char(at at time zone 'UTC', '.US') end || '+00:00'
$$;

-- Lets time pass for everybody: what our own clock decides was so many seconds earlier (since when payments are overdue, when trials end that nobody
-- bought), and usage months go by what the provider's clock shows. What was told stays told.
create function private.let_time_pass(seconds bigint, shows timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
declare
  passed constant interval := make_interval(secs => seconds);
  ahead constant integer := greatest(0, (shows at time zone 'UTC')::date - (now() at time zone 'UTC')::date);
begin
  update private.turned_clock t set days_ahead = ahead;
  if not found then raise exception 'the clock cannot be turned here' using errcode = 'insufficient_privilege'; end if;
  update public.billing_notices n set object = private.iso_time(m.moment - passed)
  from public.subscriptions s
  cross join lateral (values (s.past_due_since, 'payment_failed'), (s.past_due_since, 'access_reduced'),
    (case when s.provider_subscription_id is null then s.trial_ends_at end, 'trial_ending'),
    (case when s.provider_subscription_id is null then s.trial_ends_at end, 'trial_ended')) as m (moment, kind)
  where s.organization_id = n.organization_id and n.kind = m.kind and n.object = private.iso_time(m.moment);
  update public.subscriptions s set past_due_since = s.past_due_since - passed, look_at = now() where s.past_due_since is not null;
  update public.subscriptions s set trial_ends_at = s.trial_ends_at - passed, look_at = now()
  where s.status = 'trialing' and s.provider_subscription_id is null and s.trial_ends_at is not null;
  update public.subscriptions s set days_ahead = ahead, look_at = now() where s.usage_anchor is not null and s.days_ahead <> ahead;
end $$;
grant execute on function private.let_time_pass(bigint, timestamptz) to frontdesk_app;

-- Who is told about an organization's money: whoever may change its plan, at an address that is known to be his.
create function private.billing_recipients(organization uuid) returns table (email text, name text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return; end if;
  return query
  select u.email::text, private.user_name(u.raw_user_meta_data, u.email)
  from public.organization_members m
  join auth.users u on u.id = m.user_id and u.deleted_at is null and u.email_confirmed_at is not null
  join public.role_permissions p on p.role = m.role and p.permission = 'billing:write'
  where m.organization_id = organization
  order by m.created_at, u.id;
end $$;
grant execute on function private.billing_recipients(uuid) to frontdesk_worker;

-- What was done last, of what has to be done from time to time.
create table private.chores (
  chore text primary key check (chore ~ '^[a-z_]+$'),
  begun_at timestamptz not null
);

-- Whether it is time for a chore, and this is who does it.
create function private.claim_chore(what text, seconds double precision) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.chores as c (chore, begun_at) values (what, now())
  on conflict (chore) do update set begun_at = excluded.begun_at where c.begun_at <= now() - make_interval(secs => seconds);
  return found;
end $$;
grant execute on function private.claim_chore(text, double precision) to frontdesk_app;

-- A chore that failed is due again after so many seconds, instead of after its whole time.
create function private.repeat_chore(what text, whole double precision, seconds double precision) returns void
language sql security definer set search_path = '' as $$
  update private.chores c set begun_at = now() - make_interval(secs => whole) + make_interval(secs => seconds) where c.chore = what
$$;
grant execute on function private.repeat_chore(text, double precision, double precision) to frontdesk_app;

-- ==== Invitations ====

-- Who was invited. The link's token is kept as a hash: a copy of this table lets nobody in.
create table public.organization_invitations (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  email text not null check (char_length(email) between 3 and 254),
  role text not null check (role in ('admin', 'member', 'viewer')),
  token_hash bytea not null check (octet_length(token_hash) = 32),  -- SHA-256
  invited_by uuid references auth.users (id) on delete set null,
  expires_at timestamptz not null,
  accepted_at timestamptz,
  accepted_by uuid references auth.users (id) on delete set null,
  revoked_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  locale text not null default 'en' check (locale ~ '^[a-z]{2,3}$'),  -- of its mail
  mail_id uuid,  -- its latest mail, whose row goes before this one
  sent_at timestamptz not null default now(),
  withheld text[] not null default '{}'
    constraint organization_invitations_withheld check (withheld <@ array['contacts:export', 'conversations:oversee', 'phone_numbers:read']),  -- from whom it lets in
  primary key (organization_id, id)
);
create unique index organization_invitations_open on public.organization_invitations (organization_id, lower(email))
  where accepted_at is null and revoked_at is null;  -- one open invitation per address
create unique index organization_invitations_token on public.organization_invitations (token_hash);
create index organization_invitations_invited_by on public.organization_invitations (invited_by);
create index organization_invitations_accepted_by on public.organization_invitations (accepted_by);
select private.protect('public.organization_invitations', reads => 'members:write', writes => null);
-- What opens an invitation is a hash already; no client and no page has to see even that.
revoke select on public.organization_invitations from authenticated, frontdesk_member;
do $$ begin
  execute (
    select format('grant select (%s) on public.organization_invitations to authenticated, frontdesk_member', string_agg(quote_ident(a.attname), ', ' order by a.attnum))
    from pg_catalog.pg_attribute a
    where a.attrelid = 'public.organization_invitations'::regclass and a.attnum > 0 and not a.attisdropped and a.attname <> 'token_hash');
end $$;
create trigger organization_invitations_updated before update on public.organization_invitations for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- ==== Audit ====

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
-- Newest first by who did it, by what was done, by the thing it was done to; and where in the log a time is.
create index audit_logs_by_actor on public.audit_logs (organization_id, actor_kind, actor_id, seq);
create index audit_logs_by_action on public.audit_logs (organization_id, action, seq);
create index audit_logs_by_target on public.audit_logs (organization_id, target_type, target_id, seq);
create index audit_logs_by_time on public.audit_logs (organization_id, created_at, seq);
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

-- What an entry's hash covers: the hash before it, and every field.
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
-- A member is always the actor of what a member's transaction does, a key of what a key's does, and an operator of what an operator's does.
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

-- Where audit chains break, by the organization's slug; none when they are whole.
create function private.audit_faults(organization uuid default null) returns table (slug text, seq bigint, fault text)
language sql stable security definer set search_path = '' as $$
  select o.slug, f.seq, f.fault
  from private.verify_audit(organization) f join public.organizations o on o.id = f.organization_id order by o.slug, f.seq, f.fault
$$;
grant execute on function private.audit_faults(uuid) to frontdesk_app;

-- How many entries there are, in one organization or in all.
create function private.audit_size(organization uuid default null) returns bigint
language sql stable security definer set search_path = '' as $$
  select count(*) from public.audit_logs a where audit_size.organization is null or a.organization_id = audit_size.organization
$$;
grant execute on function private.audit_size(uuid) to frontdesk_app;

-- Walks a piece of one organization's chain: at most so many entries after the one named. `last` is the last entry walked, `ends_at` the
-- one with which the log must end; `faults` tells at most twenty, each with the kind of fault and the entry at which it shows. A log of any
-- length is proven in pieces, none of which holds anything up; the last piece, shorter than asked for, is compared with the chain's end.
create function private.walk_audit(organization uuid, after bigint, how_many integer)
returns table (last bigint, entries bigint, ends_at bigint, faults jsonb)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' audit:read ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  return query
  with piece as materialized (
    select a.seq, a.hash, a.prev_hash, private.audit_hash(a) as computed
    from public.audit_logs a where a.organization_id = organization and a.seq > after order by a.seq limit how_many
  ), start as (
    select after as seq, case when after = 0 then '\x'::bytea
      else (select a.hash from public.audit_logs a where a.organization_id = organization and a.seq = after) end as hash
  ), chain as (
    select p.*, coalesce(lag(p.seq) over w, s.seq) as seq_before, coalesce(lag(p.hash) over w, s.hash) as hash_before
    from piece p cross join start s window w as (order by p.seq)
  ), walked as (
    select coalesce(max(p.seq), after) as seq, count(*) as entries from piece p
  ), ending as (
    select w.seq, w.entries < how_many as reached, h.organization_id is not null as known, h.seq as head_seq, h.hash as head_hash,
      coalesce((select p.hash from piece p where p.seq = w.seq), (select s.hash from start s)) as hash
    from walked w left join private.audit_heads h on h.organization_id = organization
  ), found as (
    select c.seq, 'changed' as kind from chain c where c.hash <> c.computed
    union all select c.seq_before + 1, 'missing' from chain c where c.seq <> c.seq_before + 1
    union all select c.seq, 'replaced' from chain c where c.seq = c.seq_before + 1 and c.prev_hash <> c.hash_before
    union all select e.seq + 1, 'missing_end' from ending e where e.reached and e.known and e.seq < e.head_seq
    union all select e.seq, 'added' from ending e where e.reached and e.known and (e.seq > e.head_seq or (e.seq = e.head_seq and e.hash <> e.head_hash))
    union all select e.seq, 'unknown_end' from ending e where e.reached and not e.known
  )
  select e.seq, w.entries, coalesce(e.head_seq, 0::bigint), coalesce(
    (select jsonb_agg(jsonb_build_object('seq', t.seq, 'kind', t.kind) order by t.seq, t.kind) from (select * from found f order by f.seq, f.kind limit 20) t), '[]')
  from ending e cross join walked w;
end $$;
grant execute on function private.walk_audit(uuid, bigint, integer) to frontdesk_app, frontdesk_member;

-- Where each organization's log ends now.
create function private.audit_ends() returns table (organization_id uuid, slug text, seq bigint, hash bytea)
language sql stable security definer set search_path = '' as $$
  select h.organization_id, o.slug, h.seq, h.hash from private.audit_heads h join public.organizations o on o.id = h.organization_id
  where h.seq > 0 order by o.slug
$$;
grant execute on function private.audit_ends() to frontdesk_app;

-- The hashes of the wanted entries ({organization_id, seq}), in the order in which they are asked for; null for one that is not there.
create function private.audit_hashes(wanted jsonb) returns table (n bigint, slug text, hash bytea)
language sql stable security definer set search_path = '' as $$
  select w.n, o.slug, a.hash
  from rows from (jsonb_to_recordset(wanted) as (organization_id uuid, seq bigint)) with ordinality as w (organization_id, seq, n)
  left join public.organizations o on o.id = w.organization_id
  left join public.audit_logs a on a.organization_id = w.organization_id and a.seq = w.seq
  order by w.n
$$;
grant execute on function private.audit_hashes(jsonb) to frontdesk_app;

-- Nobody rewrites history; rows go only with their organization.
create function private.refuse_rewriting() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' and (not exists (select from public.organizations o where o.id = old.organization_id) or private.is_going(old.organization_id)) then
    return old;
  end if;
  raise exception 'audit entries cannot be changed or removed' using errcode = 'insufficient_privilege';
end $$;
create trigger audit_logs_append_only before update or delete on public.audit_logs for each row execute function private.refuse_rewriting();
create trigger audit_logs_not_emptied before truncate on public.audit_logs for each statement execute function private.refuse_rewriting();

-- ==== API keys ====

-- How programs come in, and what keeps them to what was meant.

-- A program's way into one organization, in the name of the member who made it. It never does more than that member may at the time of the
-- call: it shrinks with his role, and stops when he is removed or shut out. No key makes or revokes keys: that takes a human who has just signed in.
create table public.api_keys (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  name text not null check (char_length(name) between 1 and 100),
  prefix text not null check (prefix ~ '^fd_live_[0-9A-Za-z]{6}$'),  -- what is shown of it; the rest nobody can look up
  scopes text[] not null check (cardinality(scopes) between 1 and 100 and not scopes && array['api_keys:read', 'api_keys:write']),
  networks cidr[] not null default '{}' check (cardinality(networks) <= 50),  -- where it may be used; none is everywhere
  created_by uuid references auth.users (id) on delete set null,
  expires_at timestamptz,
  last_used_at timestamptz,
  last_used_from text,
  revoked_at timestamptz,
  revoked_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);
create index api_keys_created_by on public.api_keys (created_by);
create index api_keys_revoked_by on public.api_keys (revoked_by);
select private.protect('public.api_keys', reads => 'api_keys:read', writes => null, worker => 'reads');
create trigger api_keys_updated before update of name, scopes, networks, expires_at, revoked_at on public.api_keys
  for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- Which key a program holds: SHA-256 of its text, which has more chance in it than anybody can try. Out of reach of every query of a member.
create table private.api_key_hashes (
  key_hash bytea primary key check (octet_length(key_hash) = 32),
  organization_id uuid not null,
  api_key_id uuid not null,
  foreign key (organization_id, api_key_id) references public.api_keys (organization_id, id) on delete cascade
);
create index api_key_hashes_key on private.api_key_hashes (organization_id, api_key_id);

-- How many calls a key has made in its minute, and how often an address came with a key that is none. Lost in a crash of
-- PostgreSQL, with what the last minute's calls were.
create unlogged table private.api_calls (
  subject bytea primary key check (octet_length(subject) = 32),
  calls integer not null,
  window_ends_at timestamptz not null,
  organization_id uuid,  -- whose key it is
  uncounted bigint not null default 0  -- calls that its usage does not have yet
) with (fillfactor = 50);
create index api_calls_by_end on private.api_calls (window_ends_at);

-- What was answered to a request that carried an Idempotency-Key, in the transaction of what it did; the same again gets the same answer.
create table public.api_answers (
  organization_id uuid not null,
  api_key_id uuid not null,
  idempotency_key text not null check (char_length(idempotency_key) between 1 and 255),
  request_hash bytea not null check (octet_length(request_hash) = 32),
  status smallint check (status between 200 and 299),  -- null is never committed: the transaction that begins an answer gives it
  body text,
  created_at timestamptz not null default now(),
  primary key (organization_id, api_key_id, idempotency_key),
  foreign key (organization_id, api_key_id) references public.api_keys (organization_id, id) on delete cascade
);
create index api_answers_by_age on public.api_answers (created_at);
select private.protect('public.api_answers', reads => null, writes => null, worker => 'nothing');

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

-- Revokes a key at once. False when there is no such key, or it is revoked already.
create function private.revoke_api_key(organization uuid, key uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) or current_setting('role') <> 'frontdesk_member'
     or strpos(coalesce(current_setting('frontdesk.permissions', true), ''), ' api_keys:write ') = 0 then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  update public.api_keys k set revoked_at = now(), revoked_by = nullif(current_setting('frontdesk.user_id', true), '')::uuid
  where k.organization_id = organization and k.id = key and k.revoked_at is null;
  return found;
end $$;
grant execute on function private.revoke_api_key(uuid, uuid) to frontdesk_member;

-- The key behind a hash, if it opens anything from this address: not revoked, not expired, and its maker still a member who may sign in.
create function private.live_api_key(hash_of_key bytea, from_address inet) returns setof public.api_keys
language sql stable security definer set search_path = '' as $$
  select k.*
  from private.api_key_hashes h
  join public.api_keys k on k.organization_id = h.organization_id and k.id = h.api_key_id
  join public.organization_members m on m.organization_id = k.organization_id and m.user_id = k.created_by
  join auth.users u on u.id = k.created_by and u.deleted_at is null and (u.banned_until is null or u.banned_until < now())
  where h.key_hash = hash_of_key and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    and (cardinality(k.networks) = 0 or exists (select from unnest(k.networks) as allowed where from_address <<= allowed))
$$;

-- Counts one call within the minute of whoever makes it, and says how it stands. of_organization: whose call it is, if it is anybody's.
create function private.count_api_call(of_subject bytea, most integer, of_organization uuid) returns table (used integer, seconds integer)
language plpgsql security definer set search_path = '' as $$
begin
  return query
  insert into private.api_calls as c (subject, calls, window_ends_at, organization_id, uncounted)
  values (of_subject, 1, now() + interval '1 minute', of_organization, (of_organization is not null)::integer)
  on conflict (subject) do update set
    calls = case when c.window_ends_at <= now() then 1 else least(c.calls, most) + 1 end,
    window_ends_at = case when c.window_ends_at <= now() then excluded.window_ends_at else c.window_ends_at end,
    uncounted = c.uncounted + (of_organization is not null and (c.window_ends_at <= now() or c.calls < most))::integer
  returning c.calls, greatest(ceil(extract(epoch from c.window_ends_at - now())), 1)::integer;
  -- one call in fifty sweeps up a hundred minutes that are over, so that the table stays as small as what goes on
  if random() < 0.02 then
    delete from private.api_calls where subject in (
      select o.subject from private.api_calls o where o.window_ends_at < now() and o.uncounted = 0 order by o.window_ends_at limit 100 for update skip locked);
  end if;
end $$;

-- Lets a call in, or not: whether its key opens anything, how many calls its minute has had (a key's own, else the address's failures), and
-- what is left of the minute. A transaction of its own: what fails later was a call all the same, and no call waits for another one's work.
-- A key is its organization and its id: who makes one says which id it gets, and may say a neighbour's.
create function private.admit_api_call(hash_of_key bytea, from_address inet, address_subject bytea, most_calls integer, most_failures integer)
returns table (known boolean, used integer, seconds integer)
language plpgsql security definer set search_path = '' as $$
declare key public.api_keys;
begin
  select * into key from private.live_api_key(hash_of_key, from_address);
  if key.id is null then
    return query select false, c.used, c.seconds from private.count_api_call(address_subject, most_failures, null) as c;
    return;
  end if;
  if key.last_used_at is null or key.last_used_at < now() - interval '1 minute' then
    update public.api_keys k set last_used_at = now(), last_used_from = host(from_address)
    where k.organization_id = key.organization_id and k.id = key.id and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
  end if;
  return query select true, c.used, c.seconds
  from private.count_api_call(sha256(uuid_send(key.organization_id) || uuid_send(key.id)), most_calls, key.organization_id) as c;
end $$;
grant execute on function private.admit_api_call(bytea, inet, bytea, integer, integer) to frontdesk_app;

-- Opens the transaction of a key as private.enter does that of its maker, with everything that binds him, and lets it do what both may. What
-- is returned are the key's own permissions, which its doors ask for; the policies let it see as well what those cannot do without: whoever
-- changes a thing sees it, and a conversation has a contact, a number and the rules that answered in it. What its maker sees of all this
-- (every conversation or his own, whole numbers or masked ones) it sees, too: that is no scope.
create function private.enter_with_key(hash_of_key bytea, from_address inet)
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
grant execute on function private.enter_with_key(bytea, inet) to frontdesk_app;

-- What a program is called, for the members of its organization, also when its key is revoked.
create function private.program_name(organization uuid, key uuid) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return null; end if;
  return (select k.name from public.api_keys k where k.organization_id = organization and k.id = key);
end $$;
grant execute on function private.program_name(uuid, uuid) to frontdesk_member;

-- Whether the email of this transaction's member, or of the maker of its key, is known to be his.
create function private.acting_user_is_verified() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from auth.users u where u.id = nullif(current_setting('frontdesk.user_id', true), '')::uuid and u.email_confirmed_at is not null)
$$;
grant execute on function private.acting_user_is_verified() to frontdesk_member;

-- Begins the answer to a request of this transaction's key, or finds the one that was given within a day. "new": answer it; "same": status and
-- body are the answer; "other": the key was used for another request. Whoever is answering the same one is waited for, ten seconds at most.
create function private.begin_api_answer(wanted text, hash_of_request bytea) returns table (outcome text, answered smallint, said text)
language plpgsql security definer set search_path = '' as $$
declare
  organization constant uuid := nullif(current_setting('frontdesk.organization_id', true), '')::uuid;
  acting constant uuid := nullif(current_setting('frontdesk.api_key_id', true), '')::uuid;
  before constant text := current_setting('lock_timeout');
begin
  if acting is null or current_setting('role') <> 'frontdesk_member' then raise exception 'only for API keys' using errcode = 'insufficient_privilege'; end if;
  perform set_config('lock_timeout', '10s', true);
  delete from public.api_answers a
  where a.organization_id = organization and a.api_key_id = acting and a.idempotency_key = wanted and a.created_at < now() - interval '24 hours';
  insert into public.api_answers (organization_id, api_key_id, idempotency_key, request_hash) values (organization, acting, wanted, hash_of_request)
  on conflict do nothing;
  if found then
    perform set_config('lock_timeout', before, true);
    return query select 'new', null::smallint, null::text;
    return;
  end if;
  perform set_config('lock_timeout', before, true);
  return query
  select case when a.request_hash = hash_of_request then 'same' else 'other' end,
    case when a.request_hash = hash_of_request then a.status end, case when a.request_hash = hash_of_request then a.body end
  from public.api_answers a where a.organization_id = organization and a.api_key_id = acting and a.idempotency_key = wanted;
end $$;
grant execute on function private.begin_api_answer(text, bytea) to frontdesk_member;

-- Keeps the answer that was begun in this transaction.
create function private.keep_api_answer(wanted text, answered integer, said text) returns void
language sql security definer set search_path = '' as $$
  update public.api_answers a set status = answered, body = said
  where a.organization_id = nullif(current_setting('frontdesk.organization_id', true), '')::uuid
    and a.api_key_id = nullif(current_setting('frontdesk.api_key_id', true), '')::uuid and a.idempotency_key = wanted and a.status is null
$$;
grant execute on function private.keep_api_answer(text, integer, text) to frontdesk_member;

-- Forgets answers that were given more than a day ago.
create function private.forget_api_answers() returns void
language sql security definer set search_path = '' as $$
  delete from public.api_answers where created_at < now() - interval '24 hours'
$$;
grant execute on function private.forget_api_answers() to frontdesk_app;

-- ==== Channels ====

-- One connected WhatsApp number of an organization.
create table public.channels (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  kind text not null check (kind in ('cloud_api', 'waha', 'simulator')),
  name text not null check (char_length(name) between 1 and 200),
  phone_number_id text not null check (phone_number_id ~ '^[0-9]{1,40}$'),
  display_number text not null check (char_length(display_number) between 1 and 40),
  waba_id text not null default '' check (waba_id ~ '^[0-9]{0,40}$'),
  scope text not null default '',  -- the portfolio within which a user's BSUID is the same
  rate_per_second integer not null default 80 check (rate_per_second between 1 and 100000),
  stopped_at timestamptz,
  stopped_reason text,
  last_error text,
  last_error_at timestamptz,
  last_inbound_at timestamptz,
  connected_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  held_back_at timestamptz,  -- since when it is over the plan's limit: what customers write is stored, and nothing is sent from it
  primary key (organization_id, id),
  unique (organization_id, kind, phone_number_id)
);
create index channels_connected_by on public.channels (connected_by);
create index channels_stopped on public.channels (stopped_at) where stopped_at is not null;
select private.protect('public.channels', reads => 'channels:read', writes => null);
grant update (name, rate_per_second, stopped_at, stopped_reason, last_error, last_error_at) on public.channels to frontdesk_member;
create policy "frontdesk_member changes" on public.channels for update to frontdesk_member
  using (organization_id = (select case when strpos((select current_setting('frontdesk.permissions', true)), ' channels:write ') > 0
    then nullif((select current_setting('frontdesk.organization_id', true)), '')::uuid end))
  with check (organization_id = (select case when strpos((select current_setting('frontdesk.permissions', true)), ' channels:write ') > 0
    then nullif((select current_setting('frontdesk.organization_id', true)), '')::uuid end));
create trigger channels_updated before update of name, rate_per_second, stopped_at on public.channels
  for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- Which channel a webhook's number means. Unique over the installation, so it is no tenant table: only definer functions see it.
create table private.channel_routes (
  kind text not null,
  phone_number_id text not null,
  organization_id uuid not null,
  channel_id uuid not null,
  own_app boolean not null default false,  -- then nothing that comes for all reaches it: only its own address does
  primary key (kind, phone_number_id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
);
create index channel_routes_channel on private.channel_routes (organization_id, channel_id);

-- Wrapped by a key of FRONTDESK_SECRET_KEYS. It goes with its organization, and with it whatever it sealed, wherever that was copied to.
create table private.data_keys (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  wrapped text not null check (wrapped like 'v1.%'),
  created_at timestamptz not null default now()
);

-- The wrapped data key of an organization; the offered one if it has none yet. Two who offer at once get the same.
create function private.data_key(organization uuid, offered text default null) returns text
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  if offered is not null then
    insert into private.data_keys (organization_id, wrapped) values (organization, offered) on conflict do nothing;
  end if;
  return (select k.wrapped from private.data_keys k where k.organization_id = organization);
end $$;
grant execute on function private.data_key(uuid, text) to frontdesk_app, frontdesk_member, frontdesk_worker;

-- The sealed access token of a channel, out of reach of every query of a member.
create table private.channel_credentials (
  organization_id uuid not null,
  channel_id uuid not null,
  access_token text not null,
  updated_at timestamptz not null default now(),
  primary key (organization_id, channel_id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
);

-- An organization's own Meta app behind one channel: that app's webhooks come to an address of their own. Everything is sealed for its row; the
-- address is found by the hash of its token, so a copy of this table opens nothing and forges nothing.
create table private.channel_apps (
  organization_id uuid not null,
  channel_id uuid not null,
  token_hash bytea not null unique check (octet_length(token_hash) = 32),  -- SHA-256 of the token in the address
  webhook_token text not null,
  verify_token text not null,
  app_secret text not null,
  updated_at timestamptz not null default now(),
  primary key (organization_id, channel_id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
);

-- Connects a number: the channel, its route and its sealed token. Returns false when the number is taken, by whomever.
create function private.connect_channel(
  organization uuid, channel uuid, channel_kind text, channel_name text, number_id text, number_shown text, account_id text, identity_scope text, sealed_token text, by_user uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  if exists (select from private.channel_routes r where r.kind = channel_kind and r.phone_number_id = number_id) then return false; end if;
  insert into public.channels (organization_id, id, kind, name, phone_number_id, display_number, waba_id, scope, connected_by)
    values (organization, channel, channel_kind, channel_name, number_id, number_shown, account_id, identity_scope, by_user);
  insert into private.channel_routes (kind, phone_number_id, organization_id, channel_id) values (channel_kind, number_id, organization, channel);
  insert into private.channel_credentials (organization_id, channel_id, access_token) values (organization, channel, sealed_token);
  return true;
exception when unique_violation then return false;  -- somebody was quicker by a moment
end $$;
grant execute on function private.connect_channel(uuid, uuid, text, text, text, text, text, text, text, uuid) to frontdesk_app, frontdesk_member;

-- Gives a channel up; its conversations go with it.
create function private.disconnect_channel(organization uuid, channel uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  delete from public.channels c where c.organization_id = organization and c.id = channel;
  return found;
end $$;
grant execute on function private.disconnect_channel(uuid, uuid) to frontdesk_member;

-- Puts a new sealed token in place and starts the channel again.
create function private.renew_channel_token(organization uuid, channel uuid, sealed_token text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  update private.channel_credentials set access_token = sealed_token, updated_at = now() where organization_id = organization and channel_id = channel;
  if not found then return false; end if;
  update public.channels set stopped_at = null, stopped_reason = null, updated_at = now() where organization_id = organization and id = channel;
  return true;
end $$;
grant execute on function private.renew_channel_token(uuid, uuid, text) to frontdesk_app, frontdesk_member;

-- Gives a channel an app of its own, in the transaction that connects it: from then on only that app speaks for its number.
create function private.give_channel_app(organization uuid, channel uuid, hash_of_token bytea, sealed_webhook_token text, sealed_verify_token text, sealed_secret text)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  update private.channel_routes set own_app = true where organization_id = organization and channel_id = channel;
  if not found then return false; end if;
  insert into private.channel_apps (organization_id, channel_id, token_hash, webhook_token, verify_token, app_secret)
    values (organization, channel, hash_of_token, sealed_webhook_token, sealed_verify_token, sealed_secret);
  return true;
end $$;
grant execute on function private.give_channel_app(uuid, uuid, bytea, text, text, text) to frontdesk_app, frontdesk_member;

-- Puts a new sealed app secret in place of the old one; the address stays.
create function private.renew_channel_app_secret(organization uuid, channel uuid, sealed_secret text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  update private.channel_apps set app_secret = sealed_secret, updated_at = now() where organization_id = organization and channel_id = channel;
  return found;
end $$;
grant execute on function private.renew_channel_app_secret(uuid, uuid, text) to frontdesk_member;

-- What an organization's own apps have to be told, still sealed; nothing to a member who may not change channels. The app secrets stay here.
create function private.channel_apps_of(organization uuid) returns table (channel_id uuid, webhook_token text, verify_token text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    return;
  end if;
  return query select a.channel_id, a.webhook_token, a.verify_token from private.channel_apps a where a.organization_id = organization;
end $$;
grant execute on function private.channel_apps_of(uuid) to frontdesk_app, frontdesk_member;

-- The channel behind the address of an own app, with what proves who calls; no row for an address that nobody has.
create function private.find_channel_app(hash_of_token bytea)
returns table (organization_id uuid, channel_id uuid, phone_number_id text, verify_token text, app_secret text, data_key text)
language sql stable security definer set search_path = '' as $$
  select a.organization_id, a.channel_id, c.phone_number_id, a.verify_token, a.app_secret, d.wrapped
  from private.channel_apps a
  join public.channels c on c.organization_id = a.organization_id and c.id = a.channel_id
  left join private.data_keys d on d.organization_id = a.organization_id
  where a.token_hash = hash_of_token
$$;
grant execute on function private.find_channel_app(bytea) to frontdesk_app;

-- The channels behind the numbers of a webhook that comes for all.
create function private.route_channels(channel_kind text, number_ids text[]) returns table (phone_number_id text, organization_id uuid, channel_id uuid)
language sql stable security definer set search_path = '' as $$
  select r.phone_number_id, r.organization_id, r.channel_id from private.channel_routes r
  where r.kind = channel_kind and r.phone_number_id = any (number_ids) and not r.own_app
$$;
grant execute on function private.route_channels(text, text[]) to frontdesk_app;

-- The connected numbers of the installation, or of one organization.
create function private.channels_of(organization uuid default null)
returns table (organization text, id uuid, kind text, name text, phone_number_id text, display_number text, waba_id text,
  stopped_at timestamptz, stopped_reason text, last_error text, last_error_at timestamptz, last_inbound_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select o.slug, c.id, c.kind, c.name, c.phone_number_id, c.display_number, c.waba_id,
    c.stopped_at, c.stopped_reason, c.last_error, c.last_error_at, c.last_inbound_at
  from public.channels c join public.organizations o on o.id = c.organization_id
  where channels_of.organization is null or c.organization_id = channels_of.organization
  order by o.slug, c.kind, c.id
$$;
grant execute on function private.channels_of(uuid) to frontdesk_app;

-- The sandbox numbers that a user may write to: those of his organizations; or the one of an id.
create function private.sandbox_numbers(of_user uuid default null, number_id text default null)
returns table (phone_number_id text, display_number text, organization_name text)
language sql stable security definer set search_path = '' as $$
  select c.phone_number_id, c.display_number, o.name
  from private.channel_routes r
  join public.channels c on c.organization_id = r.organization_id and c.id = r.channel_id
  join public.organizations o on o.id = r.organization_id
  where r.kind = 'simulator' and r.phone_number_id = number_id
  union all
  select c.phone_number_id, c.display_number, o.name
  from public.organization_members m
  join public.channels c on c.organization_id = m.organization_id and c.kind = 'simulator'
  join public.organizations o on o.id = m.organization_id
  where m.user_id = of_user
  order by 3, 1
$$;
grant execute on function private.sandbox_numbers(uuid, text) to frontdesk_app;

-- ==== Contacts ====

-- A person who writes to an organization.
create table public.contacts (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  name text not null default '' check (char_length(name) <= 400),
  given_name text check (char_length(given_name) between 1 and 400),  -- what the team calls them; wins over the name from WhatsApp
  username text check (char_length(username) <= 200),
  phone text check (phone ~ '^[0-9]{1,20}$'),  -- digits only; the identity to match by is in contact_identities
  search_text text not null default '',  -- name, username and phone, lower case, without accents
  language text check (char_length(language) <= 20),
  tags text[] not null default '{}',
  attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
  note text not null default '' check (char_length(note) <= 10000),
  marketing_consent text not null default 'unknown' check (marketing_consent in ('unknown', 'granted', 'withdrawn')),
  marketing_consent_at timestamptz,
  marketing_consent_source text,
  blocked_at timestamptz,
  blocked_by uuid references auth.users (id) on delete set null,
  last_seen_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);
create index contacts_by_last_seen on public.contacts (organization_id, last_seen_at desc nulls last, id desc);
create index contacts_blocked on public.contacts (organization_id, last_seen_at desc nulls last, id desc) where blocked_at is not null;
create index contacts_blocked_by on public.contacts (blocked_by) where blocked_by is not null;
select private.protect('public.contacts', reads => 'contacts:read', writes => 'contacts:write');
create trigger contacts_updated before update on public.contacts for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- The addresses of a contact. The same person may be known by phone, by BSUID (within a portfolio) and by LID.
create table public.contact_identities (
  organization_id uuid not null,
  kind text not null check (kind in ('phone', 'bsuid', 'lid')),
  scope text not null default '',
  value text not null check (char_length(value) between 1 and 200),
  contact_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, kind, scope, value),
  foreign key (organization_id, contact_id) references public.contacts (organization_id, id) on delete cascade
);
create index contact_identities_of on public.contact_identities (organization_id, contact_id);
select private.protect('public.contact_identities', reads => 'contacts:read', writes => 'contacts:write');

-- ==== Conversations and messages ====

-- The thread between one contact and one channel.
create table public.conversations (
  organization_id uuid not null,
  id uuid not null,
  channel_id uuid not null,
  contact_id uuid not null,
  last_position bigint not null default 0,  -- the arrival sequence of its newest message
  last_message_at timestamptz not null,
  last_text text not null default '',
  last_author text not null default 'contact' check (last_author in ('contact', 'member', 'bot', 'campaign')),
  last_inbound_at timestamptz,              -- opens the 24 hours of free answers
  unread_count integer not null default 0 check (unread_count >= 0),
  closed_at timestamptz,
  closed_by uuid references auth.users (id) on delete set null,
  snoozed_until timestamptz,
  assigned_to uuid,
  assigned_at timestamptz,
  bot_off_at timestamptz,
  bot_off_by uuid references auth.users (id) on delete set null,
  answers_minute timestamptz,               -- the minute in which automatic answers are counted,
  answers_count integer not null default 0, -- and how many there were: two bots shall not talk for ever
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- the ten minutes of its newest message: lists are ordered by it first, and most messages leave it as it is and so touch no index
  last_message_slot timestamptz generated always as (date_bin('10 minutes', last_message_at, '2000-01-01 00:00+00')) stored,
  primary key (organization_id, id),
  unique (organization_id, contact_id, channel_id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade,
  foreign key (organization_id, contact_id) references public.contacts (organization_id, id) on delete cascade,
  foreign key (organization_id, assigned_to) references public.organization_members (organization_id, user_id) on delete set null (assigned_to)
-- every message writes its row anew: half a page left free takes the new versions of all rows of the page, and no index is touched
) with (fillfactor = 50);
-- A team that closes everything finds its few open ones. A message that moves its conversation into another slot touches each of these
-- indexes: so there are no more of them than the inbox needs, and contacts and channels are found by the unique key and by the organization.
create index conversations_open on public.conversations (organization_id, last_message_slot desc) where closed_at is null;
create index conversations_closed on public.conversations (organization_id, last_message_slot desc) where closed_at is not null;
create index conversations_assigned on public.conversations (organization_id, assigned_to) where assigned_to is not null;
create index conversations_closed_by on public.conversations (closed_by) where closed_by is not null;
create index conversations_bot_off_by on public.conversations (bot_off_by) where bot_off_by is not null;
select private.protect('public.conversations', reads => 'messages:read', writes => 'messages:write');

-- What was said, in both directions. Partitioned by month on the id: a UUIDv7 carries its time. The id of an inbound message is
-- derived from WhatsApp's timestamp, the channel and WhatsApp's id, so the same message arriving twice is the same primary key.
create table public.messages (
  organization_id uuid not null,
  id uuid not null,
  conversation_id uuid not null,
  direction text not null check (direction in ('in', 'out')),
  author text not null check (author in ('contact', 'member', 'bot', 'campaign')),
  user_id uuid,          -- the member who wrote it
  auto_reply_id uuid,    -- the rule that answered
  campaign_id uuid,
  resend_of uuid,        -- the message of unknown fate that this one repeats
  type text not null default 'text' check (char_length(type) between 1 and 60),
  text text not null default '' check (char_length(text) <= 65536),
  payload jsonb,         -- the event as it came, for types whose text says less than they hold
  emoji text check (char_length(emoji) <= 64),  -- of a reaction; empty: the reaction was taken back
  reply_to text,         -- WhatsApp's id of the message quoted or reacted to
  provider_message_id text check (char_length(provider_message_id) <= 512),
  status text not null check (status in ('received', 'queued', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'read', 'played', 'failed')),
  error_code integer,
  error_text text,
  position bigint not null,               -- order of arrival within the conversation
  occurred_at timestamptz not null,       -- whole seconds, as WhatsApp tells time
  sent_at timestamptz,
  delivered_at timestamptz,
  read_at timestamptz,
  failed_at timestamptz,
  created_at timestamptz not null default now(),
  api_key_id uuid,       -- the API key that wrote it
  primary key (organization_id, id),
  foreign key (organization_id, conversation_id) references public.conversations (organization_id, id) on delete cascade,
  check ((direction = 'in') = (author = 'contact')),
  check ((direction = 'in') = (status = 'received'))
) partition by range (id);
create index messages_in_order on public.messages (organization_id, conversation_id, occurred_at desc, position desc);
create index messages_reactions on public.messages (organization_id, conversation_id) where type = 'reaction';
select private.protect('public.messages', reads => 'messages:read', writes => 'messages:write');

-- How far a message has come: a status never lowers it. A failure is final unless the phone confirms delivery after all.
create function private.status_rank(status text) returns integer
language sql immutable parallel safe set search_path = '' as $$
  select case status when 'queued' then 0 when 'sending' then 1 when 'unknown' then 2 when 'accepted' then 3 when 'sent' then 4 when 'failed' then 5
    when 'delivered' then 6 when 'read' then 7 when 'played' then 8 when 'received' then 9 end
$$;
grant execute on function private.status_rank(text) to frontdesk_member, frontdesk_worker;

-- The smallest UUIDv7 of an instant: the border between two partitions.
create function private.first_id_of(instant timestamptz) returns uuid
language sql immutable parallel safe set search_path = '' as $$
  select (lpad(to_hex((extract(epoch from instant) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

-- Makes the partition of one month, walled like its parent and granted to nobody: rows are reached through the parent only.
create function private.make_message_partition(month date) returns void
language plpgsql security definer set search_path = '' as $$
declare
  starts constant timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC';
  ends constant timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
  name constant text := 'messages_' || to_char(month, 'YYYY_MM');
begin
  if to_regclass('public.' || name) is not null then return; end if;
  execute format('create table public.%I partition of public.messages for values from (%L) to (%L)
    with (fillfactor = 85, autovacuum_vacuum_insert_scale_factor = 0.05)', name, private.first_id_of(starts), private.first_id_of(ends));
  perform private.wall_off_partition(('public.' || quote_ident(name))::regclass);
end $$;

-- The wall of a partition: nobody but the owner reaches its rows past the parent.
create function private.wall_off_partition(target regclass) returns void
language plpgsql set search_path = '' as $$
declare owner constant text := (select relowner::regrole::text from pg_catalog.pg_class where oid = target);
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('revoke all on %s from public, anon, authenticated, service_role, frontdesk_member, frontdesk_worker, frontdesk_app', target);
  execute format('create policy "owner does all" on %s to %I using (true) with check (true)', target, owner);
end $$;

-- Keeps partitions from one month back to three months ahead. Run at every start and daily.
create function private.make_message_partitions() returns void
language plpgsql security definer set search_path = '' as $$
declare month date;
begin
  perform pg_advisory_xact_lock(hashtextextended('frontdesk message partitions', 0));
  for month in select generate_series(date_trunc('month', now() at time zone 'UTC') - interval '1 month', now() at time zone 'UTC' + interval '3 months', interval '1 month')::date loop
    perform private.make_message_partition(month);
  end loop;
end $$;
grant execute on function private.make_message_partitions() to frontdesk_app;

-- For ids of any other time; stays all but empty.
create table public.messages_elsewhen partition of public.messages default;
select private.wall_off_partition('public.messages_elsewhen');
select private.make_message_partitions();

-- ==== What a member sees of them ====

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

-- The number of a contact is read through private.people only, the addresses that are numbers by their policy, and what else holds numbers (an
-- event as it came, the outbox) by the roads.
revoke select on public.contacts from frontdesk_member;
grant select (organization_id, id, name, given_name, username, search_text, language, tags, attributes, note, marketing_consent, marketing_consent_at,
  marketing_consent_source, blocked_at, blocked_by, last_seen_at, created_at, updated_at) on public.contacts to frontdesk_member;
revoke select on public.messages from frontdesk_member;
grant select (organization_id, id, conversation_id, direction, author, user_id, auto_reply_id, campaign_id, resend_of, type, text, emoji, reply_to,
  provider_message_id, status, error_code, error_text, position, occurred_at, sent_at, delivered_at, read_at, failed_at, created_at, api_key_id) on public.messages to frontdesk_member;

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

-- Who of the sample data wrote to a sandbox number last, and when: the simulated WhatsApp never saw it, and must know that it may be answered.
create function private.sample_customer(number_id text, bsuid text) returns table (name text, phone text, username text, wrote_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select coalesce(k.given_name, nullif(k.name, '')), k.phone, k.username, max(m.occurred_at)
  from private.channel_routes r
  join public.contact_identities i on i.organization_id = r.organization_id and i.kind = 'bsuid' and i.scope = 'simulator' and i.value = sample_customer.bsuid
  join public.contacts k on k.organization_id = r.organization_id and k.id = i.contact_id
  join public.conversations v on v.organization_id = r.organization_id and v.contact_id = k.id and v.channel_id = r.channel_id
  join public.messages m on m.organization_id = r.organization_id and m.conversation_id = v.id
    and m.direction = 'in' and m.provider_message_id like 'wamid.sample.%'
  where r.kind = 'simulator' and r.phone_number_id = number_id
  group by k.given_name, k.name, k.phone, k.username
$$;
grant execute on function private.sample_customer(text, text) to frontdesk_app;

-- Whether there is a message of this id, also where the member of this transaction does not see it: then nothing is written under it again.
create function private.is_message_written(organization uuid, message uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select case when private.may_act_for(organization)
    then exists (select from public.messages m where m.organization_id = organization and m.id = message) end
$$;
grant execute on function private.is_message_written(uuid, uuid) to frontdesk_member;

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

-- ==== Auto replies ====

-- A rule that answers by itself. Asked in the order of position; the first that fits answers.
create table public.auto_replies (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  name text not null check (char_length(name) between 1 and 200),
  position integer not null check (position >= 0),
  trigger text not null check (trigger in ('keyword', 'first_contact', 'fallback')),
  match text check (match in ('exact', 'contains', 'starts_with')),
  keywords text[] not null default '{}',
  reply text not null check (char_length(reply) between 1 and 4096),
  cooldown_seconds integer not null default 0 check (cooldown_seconds between 0 and 31536000),
  enabled_at timestamptz,
  answered_count bigint not null default 0,
  last_answered_at timestamptz,
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  held_back text check (held_back in ('over_limit', 'read_only')),  -- it does not answer as it says: over the plan's limit; or unpaid, and it hands over
  primary key (organization_id, id),
  check ((trigger = 'keyword') = (match is not null)),
  check ((trigger = 'keyword') = (cardinality(keywords) > 0)),
  check (cardinality(keywords) <= 50)
) with (fillfactor = 80);  -- counts change with every answered batch
create index auto_replies_in_order on public.auto_replies (organization_id, position, id);
create index auto_replies_created_by on public.auto_replies (created_by);
select private.protect('public.auto_replies', reads => 'auto_replies:read', writes => 'auto_replies:write');
-- Counting an answer is no change of the rule.
create trigger auto_replies_updated before update of name, position, trigger, match, keywords, reply, cooldown_seconds, enabled_at on public.auto_replies
  for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- When a rule last answered a contact; kept only for rules that must not repeat themselves.
create table public.auto_reply_cooldowns (
  organization_id uuid not null,
  auto_reply_id uuid not null,
  contact_id uuid not null,
  answered_at timestamptz not null,
  primary key (organization_id, auto_reply_id, contact_id),
  foreign key (organization_id, auto_reply_id) references public.auto_replies (organization_id, id) on delete cascade,
  foreign key (organization_id, contact_id) references public.contacts (organization_id, id) on delete cascade
);
create index auto_reply_cooldowns_contact on public.auto_reply_cooldowns (organization_id, contact_id);
select private.protect('public.auto_reply_cooldowns', reads => 'auto_replies:read', writes => null);

-- The transaction that last changed an organization as its rules see it: its rules, its name or its language. Whoever keeps rules in memory asks what
-- has changed since the oldest transaction that still ran when he asked before: that misses nothing, and hears of some changes twice.
create table private.house_changes (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  changed xid8 not null
);
create index house_changes_changed on private.house_changes (changed);

create function private.note_house_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
declare house uuid;
begin
  if tg_table_name = 'organizations' then house := new.id;
  elsif tg_op = 'DELETE' then house := old.organization_id;
  else house := new.organization_id; end if;
  insert into private.house_changes as h (organization_id, changed)
  select o.id, pg_current_xact_id() from public.organizations o where o.id = house  -- one that is deleted takes its rules along, and is not noted
  on conflict (organization_id) do update set changed = excluded.changed where h.changed <> excluded.changed;
  return null;
end $$;
create trigger organizations_house after insert or update of name, locale on public.organizations for each row execute function private.note_house_changed();
-- Counting an answer is no change here either.
create trigger auto_replies_house
  after insert or delete or update of name, position, trigger, match, keywords, reply, cooldown_seconds, enabled_at, held_back on public.auto_replies
  for each row execute function private.note_house_changed();

-- Which organizations have changed since a transaction, up to so many, and how far this looked: all transactions before `seen` have ended. One row
-- without an organization if none has. Numbers of transactions are comparable within one run of one database only: after a crash they are used again,
-- and one that was restored brings some along that are still to come.
create function private.houses_changed(since xid8, how_many integer) returns table (run text, seen xid8, organization_id uuid, changed xid8)
language plpgsql stable security definer set search_path = '' as $$
declare
  now_visible constant pg_snapshot := pg_current_snapshot();
  newest constant xid8 := greatest(pg_snapshot_xmax(now_visible), pg_current_xact_id_if_assigned());
begin
  return query
  select concat_ws(' ', pg_relation_filepath('private.house_changes'), extract(epoch from pg_postmaster_start_time()),
    extract(epoch from pg_stat_get_bgwriter_stat_reset_time())), pg_snapshot_xmin(now_visible), c.organization_id, c.changed
  from (values (true)) as always
  left join (select h.organization_id, h.changed from private.house_changes h where h.changed >= since and h.changed <= newest limit how_many) as c on true;
end $$;
grant execute on function private.houses_changed(xid8, integer) to frontdesk_worker;

-- ==== Campaigns ====

-- One message to many contacts.
create table public.campaigns (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  name text not null check (char_length(name) between 1 and 200),
  status text not null default 'draft' check (status in ('draft', 'scheduled', 'running', 'paused', 'completed', 'canceled', 'failed')),
  channel_id uuid,
  content jsonb not null default '{}' check (jsonb_typeof(content) = 'object'),
  audience jsonb not null default '{}' check (jsonb_typeof(audience) = 'object'),
  scheduled_at timestamptz,
  started_at timestamptz,
  paused_at timestamptz,
  paused_reason text,
  completed_at timestamptz,
  recipients_count bigint not null default 0,
  sent_count bigint not null default 0,
  delivered_count bigint not null default 0,
  read_count bigint not null default 0,
  replied_count bigint not null default 0,
  failed_count bigint not null default 0,
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
);
create index campaigns_created_by on public.campaigns (created_by);
create index campaigns_channel on public.campaigns (organization_id, channel_id) where channel_id is not null;
select private.protect('public.campaigns', reads => 'campaigns:read', writes => 'campaigns:write');
create trigger campaigns_updated before update on public.campaigns for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- ==== The road: what arrived, what must be sent, who drives which lane ====

-- Raw events as they arrived, kept before WhatsApp is answered, deleted when their story is told. What arrived together for one part of a lane is
-- one row, a pack: each line of its payload is one event; the id of the first is the row's, and each further one has the next higher. No foreign key:
-- checking one would lock the row of a busy channel with every message. What keeps a pack asks for its channel instead, and a channel takes its packs along.
create table public.inbound_deliveries (
  organization_id uuid not null,
  channel_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('message', 'status', 'other')),
  payload text not null,
  received_at timestamptz not null default now(),
  part smallint not null default 0 check (part between 0 and 9),  -- parted by contact: the parts of a lane are told side by side
  events smallint not null default 1 check (events > 0),
  primary key (organization_id, channel_id, id)  -- a queue by channel: one lane's rows lie together, in order of arrival
-- a pack stays in one piece, beside its row, up to nearly a page: compressed and cut up for a few hundred milliseconds it costs more than all else
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000, toast_tuple_target = 8160);
-- While one batch takes all that waits, no lane is asked for. Every row is in it; the condition, which only that statement repeats, keeps it out of
-- all other plans: made while nothing waits, they would go through all of it for each lane as soon as thousands do.
create index inbound_deliveries_by_arrival on public.inbound_deliveries (part, id) where events > 0;
select private.protect('public.inbound_deliveries', reads => null, writes => null);

-- A channel that is given up takes what waits on its lanes along.
create function private.forget_lanes() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.inbound_deliveries d where d.organization_id = old.organization_id and d.channel_id = old.id;
  delete from public.outbox o where o.organization_id = old.organization_id and o.channel_id = old.id;
  return old;
end $$;
create trigger channels_take_their_lanes after delete on public.channels for each row execute function private.forget_lanes();

-- A delivery whose story could not be told, with the reason; `frontdesk deliveries replay` puts it back. Of kind "other": what is neither a
-- message nor a status (an account update, a group's message), which is no failure and only there to be looked at, as long as it is new.
create table public.failed_deliveries (
  organization_id uuid not null,
  channel_id uuid not null,
  id uuid not null,
  kind text not null check (kind in ('message', 'status', 'other')),
  payload text not null,
  received_at timestamptz not null,
  failed_at timestamptz not null default now(),
  error text not null,
  attempts integer not null default 1,
  primary key (organization_id, channel_id, id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
);
create index failed_deliveries_by_kind on public.failed_deliveries (kind, organization_id, channel_id, id);
select private.protect('public.failed_deliveries', reads => null, writes => null);

-- What was signed but could not be understood (then the body as it came, and no kind), or is for a number nobody here has connected.
create table private.unrouted_deliveries (
  id uuid primary key,
  source text not null,
  kind text check (kind in ('message', 'status', 'other')),
  phone_number_id text not null default '',
  body bytea not null,
  reason text not null,
  received_at timestamptz not null default now()
);

-- Keeps packs; returns the channels that are gone, for which nothing is kept. Payloads come beside the rest, in the same order, parted by U+001E:
-- they are lines of JSON, which has none, and are not to be taken apart and put together again on their way.
create function private.keep_packs(packs jsonb, payloads text) returns setof uuid
language sql security definer set search_path = '' as $$
  with given as materialized (
    select * from rows from (
      jsonb_to_recordset(packs) as (organization_id uuid, channel_id uuid, id uuid, part smallint, kind text, events smallint),
      string_to_table(payloads, E'\x1E')
    ) as p (organization_id, channel_id, id, part, kind, events, payload)
    where p.id = any (array[p.id])
  ), kept as (
    insert into public.inbound_deliveries (organization_id, channel_id, id, part, kind, events, payload)
    select g.organization_id, g.channel_id, g.id, g.part, g.kind, g.events, g.payload from given g
    where exists (select from public.channels c where c.organization_id = g.organization_id and c.id = g.channel_id)
    returning id
  )
  select distinct g.channel_id from given g
  where (select count(*) from kept) < (select count(*) from given) and not exists (select from kept k where k.id = g.id)
$$;
grant execute on function private.keep_packs(jsonb, text) to frontdesk_app;

-- Keeps aside what no lane can take.
create function private.keep_unrouted(delivery uuid, from_source text, event_kind text, number_id text, raw bytea, why text) returns void
language sql security definer set search_path = '' as $$
  insert into private.unrouted_deliveries (id, source, kind, phone_number_id, body, reason)
  values (delivery, from_source, event_kind, left(number_id, 100), raw, why) on conflict do nothing
$$;
grant execute on function private.keep_unrouted(uuid, text, text, text, bytea, text) to frontdesk_app;

-- What the operator looks at: failures first, then what is only there to be seen; the newest first.
create function private.list_failed_deliveries(how_many integer)
returns table (organization text, id uuid, kind text, received_at timestamptz, error text, attempts integer, size integer)
language sql stable security definer set search_path = '' as $$
  select * from (
    select o.slug, f.id, f.kind, f.received_at, f.error, f.attempts, octet_length(f.payload)
    from public.failed_deliveries f join public.organizations o on o.id = f.organization_id
    union all
    select null, u.id, coalesce(u.kind, 'unreadable'), u.received_at, u.reason, 0, octet_length(u.body) from private.unrouted_deliveries u) as kept
  order by kept.kind = 'other', 2 desc limit how_many
$$;
grant execute on function private.list_failed_deliveries(integer) to frontdesk_app;

-- Puts failures back on their lanes: one by id, or all but those of kind "other", which would only come back. Returns how many.
create function private.replay_failed_deliveries(wanted uuid default null) returns integer
language plpgsql security definer set search_path = '' as $$
declare replayed integer;
begin
  with taken as (
    delete from public.failed_deliveries f where case when wanted is null then f.kind <> 'other' else f.id = wanted end
    returning f.organization_id, f.channel_id, f.id, f.kind, f.payload, f.received_at)
  insert into public.inbound_deliveries (organization_id, channel_id, id, kind, payload, received_at) select * from taken on conflict do nothing;
  get diagnostics replayed = row_count;
  return replayed;
end $$;
grant execute on function private.replay_failed_deliveries(uuid) to frontdesk_app;

-- Puts events on their lanes whose number is connected by now, and not with an app of its own: they came for all. Returns how many.
create function private.replay_unrouted(wanted uuid default null) returns integer
language plpgsql security definer set search_path = '' as $$
declare replayed integer;
begin
  with taken as (
    delete from private.unrouted_deliveries u using private.channel_routes r
    where (wanted is null or u.id = wanted) and u.kind is not null and r.kind = u.source and r.phone_number_id = u.phone_number_id and not r.own_app
    returning r.organization_id, r.channel_id, u.id, u.kind, convert_from(u.body, 'UTF8'), u.received_at)
  insert into public.inbound_deliveries (organization_id, channel_id, id, kind, payload, received_at) select * from taken on conflict do nothing;
  get diagnostics replayed = row_count;
  return replayed;
end $$;
grant execute on function private.replay_unrouted(uuid) to frontdesk_app;

-- Forgets what is neither message nor status: after thirty days, and of what belongs to no number all but the newest ten thousand.
create function private.forget_others() returns void
language sql security definer set search_path = '' as $$
  delete from public.failed_deliveries f where f.kind = 'other' and f.received_at < now() - interval '30 days';
  delete from private.unrouted_deliveries u where u.kind = 'other' and (u.received_at < now() - interval '30 days'
    or u.id <= (select o.id from private.unrouted_deliveries o where o.kind = 'other' order by o.id desc offset 10000 limit 1));
$$;
grant execute on function private.forget_others() to frontdesk_app;

-- Messages that wait to be sent; one row each, deleted when the outcome is recorded. Every place is written together with its message, and goes
-- with it. A foreign key would say so, too, but its check costs every answer more than all else here, and an index by conversation beside the
-- primary key is one that a plan can take by mistake: for a table that is empty or full, no statistics tell them apart.
create table public.outbox (
  organization_id uuid not null,
  id uuid not null,                 -- the message's id
  channel_id uuid not null,
  priority smallint not null default 1 check (priority between 0 and 9),  -- 0 automatic answers, 1 single messages, 5 campaigns
  recipient text not null,          -- phone digits, or a BSUID
  content jsonb not null,           -- what to say, in no channel's own form
  window_ends_at timestamptz,       -- free text may be sent until then; null: whenever
  not_before timestamptz not null default now(),
  attempts smallint not null default 0,
  claimed_at timestamptz,
  claimed_by uuid,
  created_at timestamptz not null default now(),
  primary key (organization_id, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
create index outbox_waiting on public.outbox (organization_id, channel_id, priority, id) where claimed_at is null;
create index outbox_claimed on public.outbox (claimed_at) where claimed_at is not null;
select private.protect('public.outbox', reads => 'messages:read', writes => 'messages:write');
-- whom a message goes to, and what it says, is for the road
revoke select on public.outbox from frontdesk_member;
grant select (organization_id, id, channel_id, priority, window_ends_at, not_before, attempts, claimed_at, claimed_by, created_at) on public.outbox to frontdesk_member;

-- A message that is deleted is not sent any more.
create function private.forget_outbox() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from public.outbox o where o.organization_id = old.organization_id and o.id = old.id;
  return null;
end $$;
create trigger messages_take_their_places after delete on public.messages for each row when (old.direction = 'out') execute function private.forget_outbox();

-- Who drives which lane, and until when. A lane is due when its queue holds rows; its holder keeps it while there is work.
create table public.lanes (
  organization_id uuid not null,
  channel_id uuid not null,
  direction text not null check (direction in ('in', 'out')),
  leased_by uuid,
  leased_until timestamptz not null default '-infinity',
  last_served_at timestamptz,
  primary key (organization_id, channel_id, direction),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
) with (fillfactor = 50);
select private.protect('public.lanes', reads => null, writes => null, worker => 'reads');

-- Lanes with deliveries waiting: one index probe per lane that has any, after the given one, so that callers go round and round.
-- Nothing else: with statistics of a moment in which the table had pages and no rows, a plan would gather and sort all that waits for each lane.
create function private.waiting_inbound(after_organization uuid, after_channel uuid, how_many integer) returns table (organization_id uuid, channel_id uuid)
language sql stable security definer set search_path = '' set enable_seqscan = off set enable_sort = off as $$
  with recursive lane as (
    (select d.organization_id, d.channel_id from public.inbound_deliveries d
     where (d.organization_id, d.channel_id) > (after_organization, after_channel) order by d.organization_id, d.channel_id limit 1)
    union all
    select n.organization_id, n.channel_id from lane,
      lateral (select d.organization_id, d.channel_id from public.inbound_deliveries d
        where (d.organization_id, d.channel_id) > (lane.organization_id, lane.channel_id) order by d.organization_id, d.channel_id limit 1) as n
  )
  select lane.organization_id, lane.channel_id from lane limit how_many
$$;
grant execute on function private.waiting_inbound(uuid, uuid, integer) to frontdesk_app;

-- The same for the outbox; a channel that is stopped does not wait.
create function private.waiting_outbound(after_organization uuid, after_channel uuid, how_many integer) returns table (organization_id uuid, channel_id uuid)
language sql stable security definer set search_path = '' set enable_seqscan = off set enable_sort = off as $$
  with recursive lane as (
    (select o.organization_id, o.channel_id from public.outbox o
     where o.claimed_at is null and (o.organization_id, o.channel_id) > (after_organization, after_channel) order by o.organization_id, o.channel_id limit 1)
    union all
    select n.organization_id, n.channel_id from lane,
      lateral (select o.organization_id, o.channel_id from public.outbox o
        where o.claimed_at is null and (o.organization_id, o.channel_id) > (lane.organization_id, lane.channel_id) order by o.organization_id, o.channel_id limit 1) as n
  )
  select lane.organization_id, lane.channel_id from lane
  where exists (select from public.channels c where c.organization_id = lane.organization_id and c.id = lane.channel_id and c.stopped_at is null)
    and exists (select from public.outbox o where o.organization_id = lane.organization_id and o.channel_id = lane.channel_id
      and o.claimed_at is null and o.not_before <= now())
  limit how_many
$$;
grant execute on function private.waiting_outbound(uuid, uuid, integer) to frontdesk_app;

-- Leases lanes for some seconds: those that are free, expired or already this worker's. [{"organization_id", "channel_id"}, …]
-- Returns what the holder needs to know of each channel; the sealed token, and the data key it was sealed with, for sending only.
-- stopped_at: since when nothing is sent from it (lanes out), or since when it is over the plan's limit and bots keep silent (lanes in).
create function private.lease_lanes(worker uuid, lane_direction text, wanted jsonb, seconds integer)
returns table (organization_id uuid, id uuid, kind text, name text, phone_number_id text, display_number text, waba_id text, scope text,
  rate_per_second integer, stopped_at timestamptz, access_token text, data_key text)
language sql security definer set search_path = '' as $$
  with asked as materialized (
    select w.organization_id, w.channel_id from jsonb_to_recordset(wanted) as w (organization_id uuid, channel_id uuid)
    order by w.organization_id, w.channel_id
  ), leased as (
    insert into public.lanes as l (organization_id, channel_id, direction, leased_by, leased_until, last_served_at)
    select c.organization_id, c.id, lane_direction, worker, now() + make_interval(secs => seconds), now()
    from asked a join public.channels c on c.organization_id = a.organization_id and c.id = a.channel_id
    on conflict (organization_id, channel_id, direction) do update
      set leased_by = excluded.leased_by, leased_until = excluded.leased_until, last_served_at = excluded.last_served_at
      where l.leased_until < now() or l.leased_by = excluded.leased_by
    returning l.organization_id, l.channel_id
  )
  select c.organization_id, c.id, c.kind, c.name, c.phone_number_id, c.display_number, c.waba_id, c.scope, c.rate_per_second,
    case lane_direction when 'in' then c.held_back_at else c.stopped_at end, k.access_token, d.wrapped
  from leased l
  join public.channels c on c.organization_id = l.organization_id and c.id = l.channel_id
  left join private.channel_credentials k on lane_direction = 'out' and k.organization_id = c.organization_id and k.channel_id = c.id
  left join private.data_keys d on lane_direction = 'out' and d.organization_id = c.organization_id
$$;
grant execute on function private.lease_lanes(uuid, text, jsonb, integer) to frontdesk_app;

-- Gives every lane of a worker back, at its end.
create function private.release_lanes(worker uuid) returns void
language sql security definer set search_path = '' as $$
  update public.lanes set leased_until = '-infinity', leased_by = null where leased_by = worker
$$;
grant execute on function private.release_lanes(uuid) to frontdesk_app;

-- Messages claimed longer ago than that, with no outcome: whether they were sent is unknown, so they are never sent again by
-- themselves. Returns the organizations concerned.
create function private.expire_claims(older_than interval) returns setof uuid
language sql security definer set search_path = '' as $$
  with expired as (
    delete from public.outbox o where o.claimed_at < now() - older_than returning o.organization_id, o.id
  ), settled as (
    update public.messages m set status = 'unknown',
      error_text = 'It is not known whether this message was sent: the connection broke while it was being handed over. Look at the phone before you send it again.'
    from expired e where m.organization_id = e.organization_id and m.id = e.id and private.status_rank(m.status) < private.status_rank('unknown')
    returning m.organization_id
  )
  select distinct e.organization_id from expired e
$$;
grant execute on function private.expire_claims(interval) to frontdesk_app;

-- Renews the statistics of tables that have grown fast since they were last looked at. Plans are kept for as long as a connection lives, also
-- those of foreign key checks; new statistics, from a small sample, make PostgreSQL think again. Returns the tables it looked at.
create function private.notice_growth() returns setof text
language plpgsql security definer set search_path = '' set default_statistics_target = 5 as $$
declare grown text;
begin
  for grown in
    select c.oid::regclass::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind = 'r' and pg_catalog.pg_relation_size(c.oid) / 8192 > 4 * greatest(c.relpages, 4)
  loop
    execute 'analyze ' || grown;
    return next grown;
  end loop;
end $$;
grant execute on function private.notice_growth() to frontdesk_app;

-- How much waits, counted up to a thousand: for health checks, which come often.
create function private.road_state() returns table (deliveries bigint, failed bigint, unrouted bigint, outbox bigint, claimed bigint)
language sql stable security definer set search_path = '' as $$
  select (select least(1000, coalesce(sum(d.events), 0)) from (select p.events from public.inbound_deliveries p limit 1000) as d),
    (select count(*) from (select from public.failed_deliveries where kind in ('message', 'status') limit 1000) as f),
    (select count(*) from (select from private.unrouted_deliveries limit 1000) as u), (select count(*) from (select from public.outbox where claimed_at is null limit 1000) as o),
    (select count(*) from (select from public.outbox where claimed_at is not null limit 1000) as c)
$$;
grant execute on function private.road_state() to frontdesk_app;

-- ==== Mail ====

-- Mail that the product owes somebody: a row in the transaction of what it tells, a message only afterwards.

-- One mail to one address. Nothing in it can be read without the installation's keys: links that let somebody in stand in mails.
-- queued: waits for its turn. claimed: somebody speaks with the mail server, which has not been given it yet. given: it is being handed over;
-- if nothing more is heard, nobody knows whether it arrived, and it becomes uncertain: never sent again by itself, never forgotten.
-- shown: there is no mail server, and it lies in the mailbox of the simulator.
create table private.mail_outbox (
  id uuid primary key,
  organization_id uuid references public.organizations (id) on delete cascade,  -- whose business it is, if it is one's
  recipient text not null check (char_length(recipient) between 3 and 320),
  template text not null check (template ~ '^[a-z_]+/[a-z_]+$'),
  locale text not null check (locale ~ '^[a-z]{2,3}$'),
  sealed text,  -- subject and both parts; emptied once it is sent
  state text not null default 'queued' check (state in ('queued', 'claimed', 'given', 'sent', 'shown', 'failed', 'uncertain')),
  attempts integer not null default 0 check (attempts >= 0),
  not_before timestamptz not null default now(),
  expires_at timestamptz not null,
  claimed_at timestamptz,
  finished_at timestamptz,
  last_error text check (char_length(last_error) <= 1000),
  created_at timestamptz not null default now(),
  check (state not in ('claimed', 'given') or claimed_at is not null),
  check ((finished_at is null) = (state in ('queued', 'claimed', 'given'))),
  check (sealed is not null or state in ('sent', 'failed', 'uncertain')),
  check (sealed is null or state <> 'sent')
);
create index mail_outbox_organization on private.mail_outbox (organization_id);
create index mail_outbox_owed on private.mail_outbox (state, not_before, id) where finished_at is null;
create index mail_outbox_finished on private.mail_outbox (finished_at) where finished_at is not null;

-- Owes somebody a mail, in the transaction of what it tells; the senders are woken when that commits.
create function private.queue_mail(mail uuid, of_organization uuid, to_address text, from_template text, in_locale text, sealed_parts text, until timestamptz)
returns void language plpgsql security definer set search_path = '' as $$
begin
  if of_organization is not null and not private.may_act_for(of_organization) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  insert into private.mail_outbox (id, organization_id, recipient, template, locale, sealed, expires_at)
  values (mail, of_organization, to_address, from_template, in_locale, sealed_parts, until);
  perform pg_notify('frontdesk_wake', 'database mail');
end $$;
grant execute on function private.queue_mail(uuid, uuid, text, text, text, text, timestamptz) to frontdesk_app, frontdesk_member, frontdesk_worker;

-- Claims the mail that waits longest, before anything is said to a mail server. Claims that are two minutes old are of somebody who is gone.
create function private.claim_mail() returns table (id uuid, recipient text, sealed text, attempt integer, created_at timestamptz)
language plpgsql security definer set search_path = '' as $$
begin
  update private.mail_outbox m set
    state = case m.state when 'claimed' then 'queued' else 'uncertain' end,
    finished_at = case m.state when 'given' then now() end,
    last_error = case m.state when 'given' then 'It was being handed to the mail server when Frontdesk stopped. Nobody knows whether it arrived.' else m.last_error end
  where m.state in ('claimed', 'given') and m.finished_at is null and m.claimed_at < now() - interval '2 minutes';
  update private.mail_outbox m set state = 'failed', finished_at = now(), last_error = coalesce(m.last_error, 'No mail server took it in time.')
  where m.state = 'queued' and m.finished_at is null and m.expires_at < now();
  return query
  update private.mail_outbox m set state = 'claimed', claimed_at = now(), attempts = m.attempts + 1
  where m.id = (
    select o.id from private.mail_outbox o
    where o.state = 'queued' and o.finished_at is null and o.not_before <= now()
    order by o.not_before, o.id limit 1 for update skip locked)
  returning m.id, m.recipient, m.sealed, m.attempts, m.created_at;
end $$;
grant execute on function private.claim_mail() to frontdesk_app;

-- Says that the claimed mail will be handed over now. False when the claim is lost: somebody else has it, so it must not be spoken.
create function private.give_mail(mail uuid, of_attempt integer) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.mail_outbox m set state = 'given', claimed_at = now() where m.id = mail and m.attempts = of_attempt and m.state = 'claimed';
  return found;
end $$;
grant execute on function private.give_mail(uuid, integer) to frontdesk_app;

-- Records what became of an attempt: sent, failed, uncertain, or queued for another try after some seconds. What is learned late settles
-- a mail that was uncertain.
create function private.settle_mail(mail uuid, of_attempt integer, outcome text, why text, wait_seconds double precision) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.mail_outbox m set
    state = outcome,
    sealed = case when outcome = 'sent' then null else m.sealed end,
    not_before = now() + make_interval(secs => wait_seconds),
    finished_at = case when outcome <> 'queued' then now() end,
    last_error = left(why, 1000)
  where m.id = mail and m.attempts = of_attempt and m.state in ('claimed', 'given', 'uncertain');
  return found;
end $$;
grant execute on function private.settle_mail(uuid, integer, text, text, double precision) to frontdesk_app;

-- Without a mail server, in development: what waits is shown in the simulator's mailbox, and will not be sent when there is one later.
create function private.show_mails() returns void
language sql security definer set search_path = '' as $$
  update private.mail_outbox set state = 'shown', finished_at = now() where finished_at is null and state in ('queued', 'claimed', 'given')
$$;
grant execute on function private.show_mails() to frontdesk_app;

-- Forgets: what was sent after thirty days, what failed after ninety, its text after seven; of what was only shown all but the newest 500.
create function private.forget_mails() returns void
language sql security definer set search_path = '' as $$
  delete from private.mail_outbox
  where finished_at < now() - case when state in ('sent', 'shown') then interval '30 days' else interval '90 days' end;
  update private.mail_outbox set sealed = null
  where sealed is not null and state in ('failed', 'uncertain') and finished_at < now() - interval '7 days';
  delete from private.mail_outbox where id in (select id from private.mail_outbox where state = 'shown' order by id desc offset 500)
$$;
grant execute on function private.forget_mails() to frontdesk_app;

-- The newest mails, those to look at first: what is uncertain, what failed, what waits; the sent ones last.
create function private.list_mails(most integer)
returns table (id uuid, organization text, recipient text, template text, state text, attempts integer, created_at timestamptz, not_before timestamptz,
  last_error text, has_text boolean)
language sql stable security definer set search_path = '' as $$
  select m.id, o.slug, m.recipient, m.template, m.state, m.attempts, m.created_at, m.not_before, m.last_error, m.sealed is not null
  from private.mail_outbox m left join public.organizations o on o.id = m.organization_id
  order by array_position(array['uncertain', 'failed', 'given', 'claimed', 'queued', 'shown', 'sent'], m.state), m.id desc
  limit most
$$;
grant execute on function private.list_mails(integer) to frontdesk_app;

-- How many wait, since when, and how many want a look.
create function private.mail_state() returns table (waiting bigint, oldest timestamptz, uncertain bigint, failed bigint)
language sql stable security definer set search_path = '' as $$
  select (select count(*) from private.mail_outbox where finished_at is null), (select min(created_at) from private.mail_outbox where finished_at is null),
    count(*) filter (where state = 'uncertain'), count(*) filter (where state = 'failed')
  from private.mail_outbox where finished_at > now() - interval '7 days'
$$;
grant execute on function private.mail_state() to frontdesk_app;

-- Sends again what is uncertain or failed: the operator has looked. False when there is no such mail, or its text is gone.
create function private.resend_mail(mail uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.mail_outbox m set state = 'queued', not_before = now(), finished_at = null, expires_at = now() + interval '2 days'
  where m.id = mail and m.state in ('uncertain', 'failed') and m.sealed is not null;
  if found then perform pg_notify('frontdesk_wake', 'database mail'); return true; end if;
  return false;
end $$;
grant execute on function private.resend_mail(uuid) to frontdesk_app;

-- What lies in the simulator's mailbox, the newest first; or one of it.
create function private.mailbox(most integer, one uuid default null)
returns table (id uuid, recipient text, template text, locale text, sealed text, created_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select m.id, m.recipient, m.template, m.locale, m.sealed, m.created_at
  from private.mail_outbox m
  where m.sealed is not null and (mailbox.one is null or m.id = mailbox.one)
  order by m.id desc limit most
$$;
grant execute on function private.mailbox(integer, uuid) to frontdesk_app;

-- ==== Where sealed values stand, and sealing them anew ====

-- A column that holds sealed values. `context` names the place of a value, with the columns of `row_key` in their order for each %s.
create table private.sealed_columns (
  place text primary key check (place ~ '^[a-z_]+\.[a-z_]+$'),  -- table.column, in this schema
  row_key text[] not null check (cardinality(row_key) > 0),
  context text not null,
  with_data_key boolean not null,  -- sealed with the organization's data key, else with the installation's keys
  check (not with_data_key or row_key[1] = 'organization_id')
);
insert into private.sealed_columns (place, row_key, context, with_data_key) values
  ('data_keys.wrapped', '{organization_id}', '%1$s|data_keys|%1$s|wrapped', false),
  ('mail_outbox.sealed', '{id}', 'mail|%1$s', false),
  ('authenticators.secret', '{user_id}', '%1$s|authenticators|secret', false),
  ('authenticator_offers.secret', '{user_id}', '%1$s|authenticator_offers|secret', false),
  ('channel_credentials.access_token', '{organization_id,channel_id}', '%1$s|channels|%2$s|access_token', true),
  ('channel_apps.webhook_token', '{organization_id,channel_id}', '%1$s|channel_apps|%2$s|webhook_token', true),
  ('channel_apps.verify_token', '{organization_id,channel_id}', '%1$s|channel_apps|%2$s|verify_token', true),
  ('channel_apps.app_secret', '{organization_id,channel_id}', '%1$s|channel_apps|%2$s|app_secret', true);

-- The values of one column, or of all: the row's identity as text, the organization with whose data key it is to be sealed, the place it was
-- sealed for, and by which key: '' stands for a data key, null for what is not sealed. Only for the functions below.
create function private.sealed_values(wanted_place text default null)
returns table (place text, row_id text, organization uuid, context text, sealed text, sealed_by text)
language plpgsql stable security definer set search_path = '' as $$
declare one private.sealed_columns; keys text;
begin
  for one in select * from private.sealed_columns c where wanted_place is null or c.place = wanted_place order by c.with_data_key, c.place loop
    keys := (select string_agg(format('t.%I::text', k.name), ', ' order by k.number) from unnest(one.row_key) with ordinality as k (name, number));
    return query execute format(
      $q$select %1$L, concat_ws('|', %2$s), %3$s, format(%4$L, %2$s), t.%5$I,
          case when t.%5$I like 'v1.%%' then split_part(t.%5$I, '.', 2) when %6$L and t.%5$I like 'v2.%%' then '' end
        from private.%7$I t where t.%5$I is not null$q$,
      one.place, keys, case when one.with_data_key then 't.organization_id' else 'null::uuid' end, one.context, split_part(one.place, '.', 2),
      one.with_data_key, split_part(one.place, '.', 1));
  end loop;
end $$;

-- How many values each key has sealed, and up to three of them as samples.
create function private.sealed_by() returns table (place text, with_data_key boolean, sealed_by text, amount bigint, samples jsonb)
language sql stable security definer set search_path = '' as $$
  select n.place, n.with_data_key, n.sealed_by, n.amount, jsonb_agg(jsonb_build_object('context', n.context, 'sealed', n.sealed))
  from (
    select v.place, v.organization is not null as with_data_key, v.sealed_by, v.context, v.sealed, count(*) over (partition by v.place, v.sealed_by) as amount,
      row_number() over (partition by v.place, v.sealed_by order by v.row_id desc) as number
    from private.sealed_values() v
  ) as n where n.number <= 3
  group by n.place, n.with_data_key, n.sealed_by, n.amount order by n.place, n.sealed_by
$$;
grant execute on function private.sealed_by() to frontdesk_app;

-- The next values of a column that are not sealed as they would be now: with the newest key, or with the data key that stands beside them.
create function private.stale_values(wanted_place text, newest_key text, after text, at_most integer)
returns table (row_id text, organization uuid, context text, sealed text, data_key text)
language sql stable security definer set search_path = '' as $$
  select v.row_id, v.organization, v.context, v.sealed, k.wrapped
  from private.sealed_values(wanted_place) v left join private.data_keys k on k.organization_id = v.organization
  where v.sealed_by <> '' and (v.organization is not null or v.sealed_by <> newest_key) and v.row_id > after
  order by v.row_id limit at_most
$$;
grant execute on function private.stale_values(text, text, text, integer) to frontdesk_app;

-- Puts values in place that were sealed anew, [{"row_id", "old", "new"}, …], where the old one still stands; returns how many. A row that somebody
-- is just changing is left to the next round, so that nobody waits for this and this waits for nobody.
create function private.replace_sealed(wanted_place text, changes jsonb) returns integer
language plpgsql security definer set search_path = '' as $$
declare one private.sealed_columns; keys text; replaced integer;
begin
  select * into strict one from private.sealed_columns c where c.place = wanted_place;
  keys := (select string_agg(format('t.%I::text', k.name), ', ' order by k.number) from unnest(one.row_key) with ordinality as k (name, number));
  execute format(
    $q$with given as materialized (select * from jsonb_to_recordset($1) as g (row_id text, old text, new text)),
      free as materialized (
        select t.ctid as place, g.old, g.new from private.%1$I t join given g on g.row_id = concat_ws('|', %2$s) and g.old = t.%3$I for update of t skip locked)
      update private.%1$I t set %3$I = f.new from free f where t.ctid = f.place and t.%3$I = f.old$q$,
    split_part(one.place, '.', 1), keys, split_part(one.place, '.', 2)) using changes;
  get diagnostics replaced = row_count;
  return replaced;
end $$;
grant execute on function private.replace_sealed(text, jsonb) to frontdesk_app;

-- Gives up what a key has sealed that is lost for good: what is left in its place opens for nobody, and says so. Returns how many values that were.
create function private.abandon_sealed(lost_key text) returns bigint
language plpgsql security definer set search_path = '' as $$
declare one private.sealed_columns; amount bigint; total bigint := 0;
begin
  for one in select * from private.sealed_columns c order by c.place loop
    execute format(
      case one.place when 'data_keys.wrapped' then $q$delete from private.%1$I where split_part(%2$I, '.', 2) = $1$q$
        else $q$update private.%1$I set %2$I = 'given up: the key that sealed this is lost' where %2$I like 'v1.%%' and split_part(%2$I, '.', 2) = $1$q$ end,
      split_part(one.place, '.', 1), split_part(one.place, '.', 2)) using lost_key;
    get diagnostics amount = row_count;
    total := total + amount;
  end loop;
  return total;
end $$;
grant execute on function private.abandon_sealed(text) to frontdesk_app;

-- ==== Users and their sessions ====

-- One browser in which a user is signed in. Ends 14 days after the sign-in, 12 hours after the last request, or when it is revoked.
create table private.sessions (
  id uuid primary key,
  token_hash bytea not null unique check (octet_length(token_hash) = 32),  -- SHA-256 of the cookie: a copy of this table opens nothing
  user_id uuid not null references auth.users (id) on delete cascade,
  organization_id uuid references public.organizations (id) on delete set null,  -- the one chosen in this browser
  csrf_token text not null check (char_length(csrf_token) between 32 and 128),
  address text check (char_length(address) <= 64),
  user_agent text check (char_length(user_agent) <= 400),
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '14 days',
  revoked_at timestamptz,
  reauthenticated_at timestamptz not null default now(),  -- when the user last proved that it is he
  second_factor_at timestamptz,  -- when he last did so with a second factor
  -- what the operator whose session it is looks into
  viewing_organization uuid,
  view_id uuid
);
create index sessions_user on private.sessions (user_id, last_seen_at);
create index sessions_organization on private.sessions (organization_id);

-- The authenticator app of a user. secret: sealed by the vault. last_step: the time step of the last code that was used; none works twice.
create table private.authenticators (
  user_id uuid primary key references auth.users (id) on delete cascade,
  secret text not null check (char_length(secret) between 32 and 1000),
  last_step bigint not null,
  created_at timestamptz not null default now()
);

-- A secret that was shown to its user and is no factor until he has typed a code made from it.
create table private.authenticator_offers (
  user_id uuid primary key references auth.users (id) on delete cascade,
  secret text not null check (char_length(secret) between 32 and 1000),
  expires_at timestamptz not null default now() + interval '15 minutes'
);

-- Codes for the day on which every factor is out of reach. Kept as slow hashes, all codes of one set with the same salt.
create table private.recovery_codes (
  user_id uuid not null references auth.users (id) on delete cascade,
  code_hash bytea not null check (octet_length(code_hash) = 32),
  salt bytea not null check (octet_length(salt) = 16),
  created_at timestamptz not null default now(),
  used_at timestamptz,
  primary key (user_id, code_hash)
);

-- Somebody proved the first factor and still owes the second: no session, and good for nothing else.
create table private.pending_sign_ins (
  token_hash bytea primary key check (octet_length(token_hash) = 32),
  user_id uuid not null references auth.users (id) on delete cascade,
  proved_by text not null check (char_length(proved_by) between 1 and 40),
  expires_at timestamptz not null default now() + interval '10 minutes'
);
create index pending_sign_ins_user on private.pending_sign_ins (user_id);
create index pending_sign_ins_expiry on private.pending_sign_ins (expires_at);

-- A device that proves its user: a second factor, and a way to sign in without a password.
create table private.passkeys (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  credential_id bytea not null unique check (octet_length(credential_id) between 1 and 1023),
  public_key bytea not null check (octet_length(public_key) between 1 and 4096),
  sign_count bigint not null check (sign_count >= 0),
  transports text[] not null default '{}',
  backup_eligible boolean not null,  -- whether it may be copied to the user's other devices
  backed_up boolean not null,
  name text not null check (char_length(name) between 1 and 200),
  created_at timestamptz not null default now(),
  last_used_at timestamptz
);
create index passkeys_user on private.passkeys (user_id);

-- A random text that a device has to sign, once and for one purpose. user_id: for whom; null while nobody knows who signs in.
create table private.passkey_challenges (
  challenge_hash bytea primary key check (octet_length(challenge_hash) = 32),
  purpose text not null check (purpose in ('registration', 'sign_in', 'second_factor', 'reauthentication')),
  user_id uuid references auth.users (id) on delete cascade,
  expires_at timestamptz not null default now() + interval '5 minutes'
);
create index passkey_challenges_user on private.passkey_challenges (user_id);
create index passkey_challenges_expiry on private.passkey_challenges (expires_at);

-- How often somebody tried within a window that opened with the first try. The subject is a hash of what is limited
-- (an account from an address, an address, …), so that the table holds nobody's email.
create table private.attempts (
  subject bytea primary key check (octet_length(subject) = 32),
  tries integer not null check (tries >= 0),
  window_ends_at timestamptz not null
);
create index attempts_window on private.attempts (window_ends_at);

-- A link that was sent to an address; whoever has it reads the mail of that address. It works once.
create table private.email_proofs (
  id uuid primary key,
  token_hash bytea not null unique check (octet_length(token_hash) = 32),  -- SHA-256 of what the link carries: a copy of this table opens nothing
  -- verification: the email is his. reset: another password. change: this shall be his email. undo: this was his email, and shall be again
  purpose text not null check (purpose in ('verification', 'reset', 'change', 'undo')),
  user_id uuid not null references auth.users (id) on delete cascade,
  email text not null check (char_length(email) between 3 and 254),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index email_proofs_user on private.email_proofs (user_id, purpose);
create index email_proofs_expiry on private.email_proofs (expires_at);
create index email_proofs_email on private.email_proofs (email);

-- What a user is called: the given name, or what stands before the @.
create function private.user_name(user_meta jsonb, email text) returns text
language sql immutable set search_path = '' as $$
  select coalesce(nullif(user_meta ->> 'name', ''), nullif(user_meta ->> 'full_name', ''), split_part(coalesce(email, ''), '@', 1))
$$;

-- The organization a user lands in: the one of his last session, else the first he joined; null when he is in none.
create function private.home_of(of_user uuid) returns uuid
language sql stable security definer set search_path = '' as $$
  select m.organization_id
  from public.organization_members m
  left join lateral (select max(s.last_seen_at) as at from private.sessions s where s.user_id = of_user and s.organization_id = m.organization_id) as seen on true
  where m.user_id = of_user
  order by seen.at desc nulls last, m.created_at, m.organization_id limit 1
$$;

-- Counts one try and returns 0, or the seconds to wait when `allowed` tries of this window are used up.
create function private.take_attempt(of_subject bytea, allowed integer, seconds integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare wait integer;
begin
  insert into private.attempts as a (subject, tries, window_ends_at)
  values (of_subject, 1, now() + make_interval(secs => seconds))
  on conflict (subject) do update set
    tries = case when a.window_ends_at <= now() then 1 else least(a.tries, allowed) + 1 end,
    window_ends_at = case when a.window_ends_at <= now() then excluded.window_ends_at else a.window_ends_at end
  returning case when a.tries <= allowed then 0 else greatest(ceil(extract(epoch from a.window_ends_at - now())), 1) end into wait;
  -- every try sweeps up a few windows that are over, so that the table stays as small as what goes on
  delete from private.attempts where subject in (
    select o.subject from private.attempts o where o.window_ends_at < now() order by o.window_ends_at limit 10 for update skip locked);
  return wait;
end $$;
grant execute on function private.take_attempt(bytea, integer, integer) to frontdesk_app;

-- Takes one try back: it was a success, and only failures count.
create function private.give_back_attempt(of_subject bytea) returns void
language sql security definer set search_path = '' as $$
  update private.attempts set tries = tries - 1 where subject = of_subject and tries > 0
$$;
grant execute on function private.give_back_attempt(bytea) to frontdesk_app;

-- Takes all tries back: whoever tried has proved who he is.
create function private.forget_attempts(of_subject bytea) returns void
language sql security definer set search_path = '' as $$
  delete from private.attempts where subject = of_subject
$$;
grant execute on function private.forget_attempts(bytea) to frontdesk_app;

-- Whether nobody has this email, but perhaps the user himself, and nobody may still ask for it back.
create function private.is_email_free(wanted_email text, of_user uuid default null) returns boolean
language sql stable security definer set search_path = '' as $$
  select not exists (select from auth.users u where u.email = lower(wanted_email) and not u.is_sso_user and u.id is distinct from of_user)
    and not exists (
      select from private.email_proofs p
      where p.email = lower(wanted_email) and p.purpose = 'undo' and p.expires_at > now() and p.user_id is distinct from of_user)
$$;
grant execute on function private.is_email_free(text, uuid) to frontdesk_app;

-- Makes a user; the trigger on auth.users makes the organization. Null when the email is taken.
create function private.register_user(new_user uuid, new_email text, password_hash text, given_name text, organization_name text) returns uuid
language sql security definer set search_path = '' as $$
  insert into auth.users (instance_id, id, aud, role, email, encrypted_password, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
  select '00000000-0000-0000-0000-000000000000', new_user, 'authenticated', 'authenticated', lower(new_email), password_hash,
    '{"provider": "email", "providers": ["email"]}', jsonb_build_object('name', given_name, 'organization_name', organization_name), now(), now()
  where private.is_email_free(new_email)
  on conflict do nothing
  returning id
$$;
grant execute on function private.register_user(uuid, text, text, text, text) to frontdesk_app;

-- Says that a user's email is his, on the operator's word. False when it was known already.
create function private.confirm_email(of_user uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update auth.users u set email_confirmed_at = now(), updated_at = now() where u.id = of_user and u.email_confirmed_at is null;
  return found;
end $$;
grant execute on function private.confirm_email(uuid) to frontdesk_app;

-- Makes the organization that the trigger could not make, and returns the user's organization. Never raises; null when there is
-- none: it failed again, the user waits for an invitation, or has left the organization that was made for him.
create function private.repair_user(broken_user uuid) returns uuid
language plpgsql security definer set search_path = '' as $$
begin
  perform from auth.users u where u.id = broken_user for no key update;  -- two first visits at once make one organization
  if not exists (select from public.organization_members m where m.user_id = broken_user)
    and not exists (select from public.organizations o where o.created_by = broken_user) then
    begin
      perform private.equip_user(u.id, u.email, coalesce(u.raw_user_meta_data, '{}')) from auth.users u where u.id = broken_user;
    exception when others then
      raise warning 'no organization could be made for user %: %', broken_user, sqlerrm;
    end;
  end if;
  return private.home_of(broken_user);
end $$;
grant execute on function private.repair_user(uuid) to frontdesk_app;

-- The user behind an email who may sign in, whatever the case of its letters.
create function private.find_account(wanted_email text)
returns table (user_id uuid, email text, name text, password_hash text, organization_id uuid)
language sql stable security definer set search_path = '' as $$
  select u.id, u.email, private.user_name(u.raw_user_meta_data, u.email), u.encrypted_password, private.home_of(u.id)
  from auth.users u
  where u.email = lower(wanted_email) and not u.is_sso_user and u.deleted_at is null and (u.banned_until is null or u.banned_until < now())
$$;
grant execute on function private.find_account(text) to frontdesk_app;

-- The user with this id who may sign in, as private.find_account() finds him by his email.
create function private.find_user(of_user uuid)
returns table (user_id uuid, email text, name text, password_hash text, organization_id uuid)
language sql stable security definer set search_path = '' as $$
  select u.id, u.email, private.user_name(u.raw_user_meta_data, u.email), nullif(u.encrypted_password, ''), private.home_of(u.id)
  from auth.users u
  where u.id = of_user and u.deleted_at is null and (u.banned_until is null or u.banned_until < now())
$$;
grant execute on function private.find_user(uuid) to frontdesk_app;

-- The organizations of a user, always in the same order: whoever writes into the log of each locks their chains in it.
create function private.organizations_of(of_user uuid) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select m.organization_id from public.organization_members m where m.user_id = of_user order by m.organization_id
$$;
grant execute on function private.organizations_of(uuid) to frontdesk_app;

-- Keeps a stronger hash of the same password, unless the password was changed meanwhile.
create function private.strengthen_password(of_user uuid, old_hash text, new_hash text) returns void
language sql security definer set search_path = '' as $$
  update auth.users set encrypted_password = new_hash, updated_at = now() where id = of_user and encrypted_password = old_hash
$$;
grant execute on function private.strengthen_password(uuid, text, text) to frontdesk_app;

-- Gives a user another password, unless it was changed meanwhile. old_hash: null for a user who had none.
create function private.change_password(of_user uuid, old_hash text, new_hash text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update auth.users u set encrypted_password = new_hash, updated_at = now()
  where u.id = of_user and nullif(u.encrypted_password, '') is not distinct from old_hash;
  return found;
end $$;
grant execute on function private.change_password(uuid, text, text) to frontdesk_app;

-- Gives a user another name.
create function private.rename_user(of_user uuid, new_name text) returns void
language sql security definer set search_path = '' as $$
  update auth.users set raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || jsonb_build_object('name', new_name), updated_at = now() where id = of_user
$$;
grant execute on function private.rename_user(uuid, text) to frontdesk_app;

-- What a member is called, for the other members; null for who has left.
create function private.colleague_name(organization uuid, colleague uuid) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return null; end if;
  return (
    select private.user_name(u.raw_user_meta_data, u.email)
    from public.organization_members m join auth.users u on u.id = m.user_id
    where m.organization_id = organization and m.user_id = colleague);
end $$;
grant execute on function private.colleague_name(uuid, uuid) to frontdesk_member;

-- Whether a session still opens anything.
create function private.is_live(session private.sessions) returns boolean
language sql stable set search_path = '' as $$
  select session.revoked_at is null and session.expires_at > now() and session.last_seen_at > now() - interval '12 hours'
$$;

-- Opens a session in the user's home organization and returns that. Sessions that ended a month ago are forgotten.
create function private.open_session(session uuid, hash_of_token bytea, form_token text, of_user uuid, from_address text, from_agent text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare home constant uuid := private.home_of(of_user);
begin
  delete from private.sessions s where s.user_id = of_user and s.expires_at < now() - interval '30 days';
  insert into private.sessions (id, token_hash, user_id, organization_id, csrf_token, address, user_agent)
  values (session, hash_of_token, of_user, home, form_token, left(from_address, 64), left(from_agent, 400));
  update auth.users set last_sign_in_at = now() where id = of_user;
  return home;
end $$;
grant execute on function private.open_session(uuid, bytea, text, uuid, text, text) to frontdesk_app;

-- Says that a session is in use; written at most once a minute.
create function private.touch_session(session uuid) returns void
language sql security definer set search_path = '' as $$
  update private.sessions s set last_seen_at = now() where s.id = session and private.is_live(s) and s.last_seen_at < now() - interval '1 minute'
$$;
grant execute on function private.touch_session(uuid) to frontdesk_app;

-- The live sessions of a user, the one last used first.
create function private.list_sessions(of_user uuid) returns table (id uuid, address text, user_agent text, created_at timestamptz, last_seen_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select s.id, s.address, s.user_agent, s.created_at, s.last_seen_at
  from private.sessions s where s.user_id = of_user and private.is_live(s) order by s.last_seen_at desc, s.id desc limit 100
$$;
grant execute on function private.list_sessions(uuid) to frontdesk_app;

-- Ends one session of this user. False when there is no such live session of his.
create function private.revoke_session(of_user uuid, session uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.sessions s set revoked_at = now() where s.id = session and s.user_id = of_user and private.is_live(s);
  return found;
end $$;
grant execute on function private.revoke_session(uuid, uuid) to frontdesk_app;

-- Ends all sessions of this user but one and the sign-ins that are under way, and returns how many sessions there were.
create function private.revoke_other_sessions(of_user uuid, kept uuid) returns integer
language sql security definer set search_path = '' as $$
  delete from private.pending_sign_ins p where p.user_id = of_user;
  with ended as (
    update private.sessions s set revoked_at = now() where s.user_id = of_user and s.id is distinct from kept and private.is_live(s) returning 1)
  select count(*)::integer from ended
$$;
grant execute on function private.revoke_other_sessions(uuid, uuid) to frontdesk_app;

-- Ends all sessions of this user and the sign-ins that are under way, and returns how many sessions there were.
create function private.revoke_sessions(of_user uuid) returns integer
language sql security definer set search_path = '' as $$
  select private.revoke_other_sessions(of_user, null)
$$;
grant execute on function private.revoke_sessions(uuid) to frontdesk_app;

-- Gives a live session of this user another token, because he has just proved himself; the one before opens nothing any more.
create function private.renew_session(of_user uuid, session uuid, hash_of_token bytea) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.sessions s set token_hash = hash_of_token, reauthenticated_at = now()
  where s.id = session and s.user_id = of_user and private.is_live(s);
  return found;
end $$;
grant execute on function private.renew_session(uuid, uuid, bytea) to frontdesk_app;

-- Chooses another organization of the session's user. False when he is not in it.
create function private.switch_organization(session uuid, wanted uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.sessions s set organization_id = wanted
  where s.id = session and private.is_live(s)
    and exists (select from public.organization_members m where m.organization_id = wanted and m.user_id = s.user_id);
  return found;
end $$;
grant execute on function private.switch_organization(uuid, uuid) to frontdesk_app;

create function private.has_second_factor(of_user uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from private.authenticators a where a.user_id = of_user) or exists (select from private.passkeys p where p.user_id = of_user)
$$;
grant execute on function private.has_second_factor(uuid) to frontdesk_app;

-- Whether a user who has proved one factor owes a second. Holds him until the end of the transaction: whoever adds a factor meanwhile waits, and
-- then ends the session that this transaction opens.
create function private.owes_second_factor(of_user uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform from auth.users u where u.id = of_user for no key update;
  return private.has_second_factor(of_user);
end $$;
grant execute on function private.owes_second_factor(uuid) to frontdesk_app;

-- What a user has beside his password, for his own eyes.
create function private.second_factors_of(of_user uuid) returns table (authenticator_since timestamptz, passkeys integer, recovery_codes_left integer)
language sql stable security definer set search_path = '' as $$
  select (select a.created_at from private.authenticators a where a.user_id = of_user),
    (select count(*)::integer from private.passkeys p where p.user_id = of_user),
    (select count(*)::integer from private.recovery_codes c where c.user_id = of_user and c.used_at is null)
$$;
grant execute on function private.second_factors_of(uuid) to frontdesk_app;

-- Offers a secret, and returns the one that counts: an offer that is still open stays, so that a second look shows the same.
create function private.offer_authenticator(of_user uuid, sealed_secret text) returns text
language plpgsql security definer set search_path = '' as $$
declare offered text;
begin
  insert into private.authenticator_offers as o (user_id, secret) values (of_user, sealed_secret)
  on conflict (user_id) do update set secret = excluded.secret, expires_at = excluded.expires_at where o.expires_at < now();
  select o.secret into offered from private.authenticator_offers o where o.user_id = of_user;
  return offered;
end $$;
grant execute on function private.offer_authenticator(uuid, text) to frontdesk_app;

create function private.find_authenticator_offer(of_user uuid) returns text
language sql stable security definer set search_path = '' as $$
  select o.secret from private.authenticator_offers o where o.user_id = of_user and o.expires_at > now()
$$;
grant execute on function private.find_authenticator_offer(uuid) to frontdesk_app;

-- Makes the offered secret the user's factor, in place of the one before. False when the offer is gone or was replaced.
create function private.confirm_authenticator(of_user uuid, offered_secret text, sealed_secret text, step bigint) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform from auth.users u where u.id = of_user for no key update;
  delete from private.authenticator_offers o where o.user_id = of_user and o.secret = offered_secret and o.expires_at > now();
  if not found then return false; end if;
  insert into private.authenticators (user_id, secret, last_step) values (of_user, sealed_secret, step)
  on conflict (user_id) do update set secret = excluded.secret, last_step = excluded.last_step, created_at = now();
  return true;
end $$;
grant execute on function private.confirm_authenticator(uuid, text, text, bigint) to frontdesk_app;

create function private.find_authenticator(of_user uuid) returns table (secret text, last_step bigint)
language sql stable security definer set search_path = '' as $$
  select a.secret, a.last_step from private.authenticators a where a.user_id = of_user
$$;
grant execute on function private.find_authenticator(uuid) to frontdesk_app;

-- Uses up a time step and all before it. False when that has happened already: a code works once.
create function private.use_authenticator_step(of_user uuid, step bigint) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.authenticators a set last_step = step where a.user_id = of_user and a.last_step < step;
  return found;
end $$;
grant execute on function private.use_authenticator_step(uuid, bigint) to frontdesk_app;

-- Takes the authenticator away, and the recovery codes when there is no factor left that they could stand in for.
create function private.remove_authenticator(of_user uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare removed boolean;
begin
  perform from auth.users u where u.id = of_user for no key update;
  delete from private.authenticators a where a.user_id = of_user;
  removed := found;
  delete from private.recovery_codes c where c.user_id = of_user and not private.has_second_factor(of_user);
  return removed;
end $$;
grant execute on function private.remove_authenticator(uuid) to frontdesk_app;

create function private.replace_recovery_codes(of_user uuid, with_salt bytea, hashes bytea[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform from auth.users u where u.id = of_user for no key update;  -- two renewals at once leave the codes of one
  delete from private.recovery_codes c where c.user_id = of_user;
  insert into private.recovery_codes (user_id, code_hash, salt) select of_user, h, with_salt from unnest(hashes) as h;
end $$;
grant execute on function private.replace_recovery_codes(uuid, bytea, bytea[]) to frontdesk_app;

create function private.recovery_salt(of_user uuid) returns bytea
language sql stable security definer set search_path = '' as $$
  select c.salt from private.recovery_codes c where c.user_id = of_user and c.used_at is null limit 1
$$;
grant execute on function private.recovery_salt(uuid) to frontdesk_app;

-- Uses up a code and returns how many are left; null when it is none, or was used before.
create function private.use_recovery_code(of_user uuid, hash_of_code bytea) returns integer
language plpgsql security definer set search_path = '' as $$
begin
  update private.recovery_codes c set used_at = now() where c.user_id = of_user and c.code_hash = hash_of_code and c.used_at is null;
  if not found then return null; end if;
  return (select count(*) from private.recovery_codes c where c.user_id = of_user and c.used_at is null);
end $$;
grant execute on function private.use_recovery_code(uuid, bytea) to frontdesk_app;

-- Whether the user's password is still the one that was checked. Holds it until the end of the transaction: whoever changes it meanwhile waits,
-- and then ends the session that this transaction opens.
create function private.hold_password(of_user uuid, checked_hash text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform from auth.users u where u.id = of_user and u.encrypted_password = checked_hash for no key update;
  return found;
end $$;
grant execute on function private.hold_password(uuid, text) to frontdesk_app;

-- Every new one sweeps up a few that are over.
create function private.open_pending_sign_in(of_user uuid, hash_of_token bytea, by_what text) returns void
language sql security definer set search_path = '' as $$
  delete from private.pending_sign_ins where token_hash in (
    select p.token_hash from private.pending_sign_ins p where p.expires_at < now() order by p.expires_at limit 10 for update skip locked);
  insert into private.pending_sign_ins (token_hash, user_id, proved_by) values (hash_of_token, of_user, by_what);
$$;
grant execute on function private.open_pending_sign_in(uuid, bytea, text) to frontdesk_app;

create function private.find_pending_sign_in(hash_of_token bytea) returns table (user_id uuid, email text, name text, proved_by text)
language sql stable security definer set search_path = '' as $$
  select u.user_id, u.email, u.name, p.proved_by
  from private.pending_sign_ins p cross join lateral private.find_user(p.user_id) as u
  where p.token_hash = hash_of_token and p.expires_at > now()
$$;
grant execute on function private.find_pending_sign_in(bytea) to frontdesk_app;

-- Ends the wait. False when it is over already: it opens one session.
create function private.close_pending_sign_in(hash_of_token bytea) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  delete from private.pending_sign_ins p where p.token_hash = hash_of_token and p.expires_at > now();
  return found;
end $$;
grant execute on function private.close_pending_sign_in(bytea) to frontdesk_app;

-- Every new one sweeps up a few that are over.
create function private.open_passkey_challenge(hash_of_challenge bytea, for_purpose text, of_user uuid) returns void
language sql security definer set search_path = '' as $$
  delete from private.passkey_challenges where challenge_hash in (
    select c.challenge_hash from private.passkey_challenges c where c.expires_at < now() order by c.expires_at limit 10 for update skip locked);
  insert into private.passkey_challenges (challenge_hash, purpose, user_id) values (hash_of_challenge, for_purpose, of_user);
$$;
grant execute on function private.open_passkey_challenge(bytea, text, uuid) to frontdesk_app;

-- Uses a challenge up. False when it was used before, is over, or was made for something or somebody else.
create function private.close_passkey_challenge(hash_of_challenge bytea, for_purpose text, of_user uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  delete from private.passkey_challenges c
  where c.challenge_hash = hash_of_challenge and c.purpose = for_purpose and c.user_id is not distinct from of_user and c.expires_at > now();
  return found;
end $$;
grant execute on function private.close_passkey_challenge(bytea, text, uuid) to frontdesk_app;

-- Adds a passkey. False when it is known already, or its user has twenty.
create function private.add_passkey(passkey uuid, of_user uuid, new_credential bytea, new_key bytea, count_so_far bigint, ways text[], eligible boolean, copied boolean,
  called text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  perform from auth.users u where u.id = of_user for no key update;
  if (select count(*) from private.passkeys p where p.user_id = of_user) >= 20 then return false; end if;
  insert into private.passkeys (id, user_id, credential_id, public_key, sign_count, transports, backup_eligible, backed_up, name)
  values (passkey, of_user, new_credential, new_key, count_so_far, ways, eligible, copied, called)
  on conflict (credential_id) do nothing;
  return found;
end $$;
grant execute on function private.add_passkey(uuid, uuid, bytea, bytea, bigint, text[], boolean, boolean, text) to frontdesk_app;

create function private.passkeys_of(of_user uuid)
returns table (id uuid, credential_id bytea, transports text[], backup_eligible boolean, backed_up boolean, name text, created_at timestamptz, last_used_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select p.id, p.credential_id, p.transports, p.backup_eligible, p.backed_up, p.name, p.created_at, p.last_used_at
  from private.passkeys p where p.user_id = of_user order by p.created_at, p.id
$$;
grant execute on function private.passkeys_of(uuid) to frontdesk_app;

-- The passkey of a credential, with its user as long as he may sign in.
create function private.find_passkey(credential bytea)
returns table (id uuid, user_id uuid, user_name text, public_key bytea, sign_count bigint)
language sql stable security definer set search_path = '' as $$
  select p.id, p.user_id, u.name, p.public_key, p.sign_count
  from private.passkeys p cross join lateral private.find_user(p.user_id) as u where p.credential_id = credential
$$;
grant execute on function private.find_passkey(bytea) to frontdesk_app;

-- Writes down that a passkey was used. False when somebody used it since it was looked at: of two devices with one key, one is a copy.
create function private.use_passkey(passkey uuid, old_count bigint, new_count bigint, copied boolean) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.passkeys p set sign_count = new_count, backed_up = copied, last_used_at = now() where p.id = passkey and p.sign_count = old_count;
  return found;
end $$;
grant execute on function private.use_passkey(uuid, bigint, bigint, boolean) to frontdesk_app;

create function private.rename_passkey(of_user uuid, passkey uuid, new_name text) returns text
language sql security definer set search_path = '' as $$
  update private.passkeys p set name = new_name from private.passkeys old where p.id = passkey and p.user_id = of_user and old.id = p.id returning old.name
$$;
grant execute on function private.rename_passkey(uuid, uuid, text) to frontdesk_app;

-- Takes a passkey away and returns what it was called; and the recovery codes when there is no factor left that they could stand in for.
create function private.remove_passkey(of_user uuid, passkey uuid) returns text
language plpgsql security definer set search_path = '' as $$
declare called text;
begin
  perform from auth.users u where u.id = of_user for no key update;
  delete from private.passkeys p where p.id = passkey and p.user_id = of_user returning p.name into called;
  delete from private.recovery_codes c where c.user_id = of_user and not private.has_second_factor(of_user);
  return called;
end $$;
grant execute on function private.remove_passkey(uuid, uuid) to frontdesk_app;

-- Takes all second factors and recovery codes of a user away and ends his sessions. False when he has none.
create function private.release_user(of_user uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare had constant boolean := private.owes_second_factor(of_user);
begin
  delete from private.authenticators a where a.user_id = of_user;
  delete from private.authenticator_offers o where o.user_id = of_user;
  delete from private.passkeys p where p.user_id = of_user;
  delete from private.recovery_codes c where c.user_id = of_user;
  if had then perform private.revoke_sessions(of_user); end if;
  return had;
end $$;
grant execute on function private.release_user(uuid) to frontdesk_app;

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

-- The organization behind a slug, and its first owner, in whose name the operator prepares things for it.
create function private.organization_by_slug(wanted text) returns table (id uuid, name text, owner_id uuid)
language sql stable security definer set search_path = '' as $$
  select o.id, o.name, (
    select m.user_id from public.organization_members m
    where m.organization_id = o.id and m.role = 'owner' order by m.created_at, m.user_id limit 1)
  from public.organizations o where o.slug = wanted
$$;
grant execute on function private.organization_by_slug(text) to frontdesk_app;

-- Who has not confirmed his email writes to nobody: not by an invitation either, whatever asks for it.
create function private.demand_confirmed_inviter() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from auth.users u where u.id = new.invited_by and u.email_confirmed_at is null) then
    raise exception 'whoever invites must have confirmed his email' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger organization_invitations_confirmed before insert or update of token_hash, invited_by on public.organization_invitations
  for each row execute function private.demand_confirmed_inviter();

-- ==== Emails and who they belong to ====

-- Keeps what stands behind a link; sweeps up a few that are over. Of a change of email only the last one asked for is open.
create function private.keep_email_proof(proof uuid, hash_of_token bytea, for_purpose text, of_user uuid, to_email text, seconds integer) returns void
language plpgsql security definer set search_path = '' as $$
begin
  delete from private.email_proofs where id in (
    select p.id from private.email_proofs p where p.expires_at < now() order by p.expires_at limit 10 for update skip locked);
  if for_purpose = 'change' then delete from private.email_proofs p where p.user_id = of_user and p.purpose = 'change'; end if;
  insert into private.email_proofs (id, token_hash, purpose, user_id, email, expires_at)
  values (proof, hash_of_token, for_purpose, of_user, lower(to_email), now() + make_interval(secs => seconds));
end $$;
grant execute on function private.keep_email_proof(uuid, bytea, text, uuid, text, integer) to frontdesk_app;

-- What an open link is about. Looking uses nothing up: programs that scan mail follow links.
create function private.find_email_proof(hash_of_token bytea, for_purpose text)
returns table (user_id uuid, name text, email text, current_email text)
language sql stable security definer set search_path = '' as $$
  select u.id, private.user_name(u.raw_user_meta_data, u.email), p.email, u.email
  from private.email_proofs p
  join auth.users u on u.id = p.user_id and u.deleted_at is null and (u.banned_until is null or u.banned_until < now())
  where p.token_hash = hash_of_token and p.purpose = for_purpose and p.expires_at > now()
    and (p.purpose in ('change', 'undo') or p.email = u.email)
$$;
grant execute on function private.find_email_proof(bytea, text) to frontdesk_app;

-- The address that a user has asked for and not yet confirmed.
create function private.email_in_change(of_user uuid) returns text
language sql stable security definer set search_path = '' as $$
  select p.email from private.email_proofs p where p.user_id = of_user and p.purpose = 'change' and p.expires_at > now()
$$;
grant execute on function private.email_in_change(uuid) to frontdesk_app;

create function private.forget_email_change(of_user uuid) returns void
language sql security definer set search_path = '' as $$
  delete from private.email_proofs p where p.user_id = of_user and p.purpose = 'change'
$$;
grant execute on function private.forget_email_change(uuid) to frontdesk_app;

-- Takes a link: for whoever comes first, once. The lock on the user puts what happens to one user into an order.
create function private.take_email_proof(hash_of_token bytea, for_purpose text) returns private.email_proofs
language plpgsql security definer set search_path = '' as $$
declare taken private.email_proofs;
begin
  perform from auth.users u
  where u.id = (select f.user_id from private.find_email_proof(hash_of_token, for_purpose) f) for no key update;
  delete from private.email_proofs p
  where p.token_hash = hash_of_token and exists (select from private.find_email_proof(hash_of_token, for_purpose)) returning p.* into taken;
  return taken;
end $$;

-- Confirms an email by the link that was sent to it. Null when the link is none, any more.
create function private.verify_email(hash_of_token bytea) returns uuid
language plpgsql security definer set search_path = '' as $$
declare taken constant private.email_proofs := private.take_email_proof(hash_of_token, 'verification');
begin
  update auth.users u set email_confirmed_at = coalesce(u.email_confirmed_at, now()), updated_at = now() where u.id = taken.user_id;
  delete from private.email_proofs p where p.user_id = taken.user_id and p.purpose = 'verification';
  return taken.user_id;
end $$;
grant execute on function private.verify_email(bytea) to frontdesk_app;

-- Sets another password by a link, ends every session and closes every other link of the user. Whoever reads the mail of an address that
-- was never confirmed may find an account that somebody else has made for it: what that one could sign in with goes. Null when the link is none, any more.
create function private.reset_password(hash_of_token bytea, new_hash text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare taken constant private.email_proofs := private.take_email_proof(hash_of_token, 'reset');
begin
  if taken.user_id is null then return null; end if;
  if exists (select from auth.users u where u.id = taken.user_id and u.email_confirmed_at is null) then
    delete from private.user_identities i where i.user_id = taken.user_id;
    delete from private.passkeys k where k.user_id = taken.user_id;
  end if;
  update auth.users u set encrypted_password = new_hash, email_confirmed_at = coalesce(u.email_confirmed_at, now()), updated_at = now()
  where u.id = taken.user_id;
  delete from private.email_proofs p where p.user_id = taken.user_id and p.purpose <> 'undo';
  perform private.revoke_sessions(taken.user_id);
  return taken.user_id;
end $$;
grant execute on function private.reset_password(bytea, text) to frontdesk_app;

-- Gives a user the email whose link he has. Says `changed`, `taken` when somebody else has it by now, or `gone` when the link is none, any
-- more. Links that went to the address before are closed.
create function private.change_email(hash_of_token bytea) returns table (outcome text, user_id uuid, old_email text, new_email text, was_verified boolean)
language plpgsql security definer set search_path = '' as $$
declare
  taken constant private.email_proofs := private.take_email_proof(hash_of_token, 'change');
  before auth.users;
begin
  if taken.user_id is null then return query select 'gone', null::uuid, null::text, null::text, null::boolean; return; end if;
  select u.* into before from auth.users u where u.id = taken.user_id;
  begin
    if not private.is_email_free(taken.email, taken.user_id) then raise unique_violation; end if;
    update auth.users u set email = taken.email, email_confirmed_at = now(), updated_at = now() where u.id = taken.user_id;
  exception when unique_violation then
    return query select 'taken', taken.user_id, before.email::text, taken.email, null::boolean; return;
  end;
  delete from private.email_proofs p where p.user_id = taken.user_id and p.purpose in ('verification', 'reset');
  return query select 'changed', taken.user_id, before.email::text, taken.email, before.email_confirmed_at is not null;
end $$;
grant execute on function private.change_email(bytea) to frontdesk_app;

-- Gives a user the email back that he had, by the link that went there; ends every session and closes every other link. The password goes, and
-- what was linked since: whoever took the email away knows them. Says as private.change_email(); `taken` does not happen to an address that
-- may be asked back for, but to one that Supabase gave away.
create function private.undo_email_change(hash_of_token bytea) returns table (outcome text, user_id uuid, old_email text, new_email text)
language plpgsql security definer set search_path = '' as $$
declare
  taken constant private.email_proofs := private.take_email_proof(hash_of_token, 'undo');
  before text;
begin
  if taken.user_id is null then return query select 'gone', null::uuid, null::text, null::text; return; end if;
  select u.email into before from auth.users u where u.id = taken.user_id;
  begin
    update auth.users u set email = taken.email, encrypted_password = null, email_confirmed_at = now(), updated_at = now() where u.id = taken.user_id;
  exception when unique_violation then
    return query select 'taken', taken.user_id, before, taken.email; return;
  end;
  delete from private.user_identities i where i.user_id = taken.user_id and i.linked_at > taken.created_at;
  delete from private.passkeys k where k.user_id = taken.user_id and k.created_at > taken.created_at;
  delete from private.email_proofs p where p.user_id = taken.user_id;
  perform private.revoke_sessions(taken.user_id);
  return query select 'changed', taken.user_id, before, taken.email;
end $$;
grant execute on function private.undo_email_change(bytea) to frontdesk_app;

-- ==== Signing in through a provider ====

-- A user's identity at a provider. Who somebody is, the pair of issuer and subject says; an email is never asked, since another
-- provider may claim any. The email is kept to show which account at the provider it is.
create table private.user_identities (
  id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  issuer text not null check (char_length(issuer) between 1 and 500),
  subject text not null check (char_length(subject) between 1 and 255),  -- OpenID Connect Core 1.0, section 2: at most 255 characters
  email text check (char_length(email) <= 320),
  linked_at timestamptz not null default now(),
  used_at timestamptz,
  constraint user_identities_known_once unique (issuer, subject),
  constraint user_identities_one_of_each unique (user_id, issuer)
);

-- Somebody who was sent to the provider and has to come back with the same browser, once, within ten minutes. Both values travel
-- in the clear, so only their hashes are kept; what proves the visit to the provider is derived from them and kept nowhere.
create table private.provider_visits (
  state_hash bytea primary key check (octet_length(state_hash) = 32),
  browser_hash bytea not null check (octet_length(browser_hash) = 32),
  session_id uuid,  -- whose session asked to link an identity; null for a sign-in
  expires_at timestamptz not null default now() + interval '10 minutes'
);
create index provider_visits_expiry on private.provider_visits (expires_at);

-- Somebody whom the provider vouches for and nobody knows here: he is asked for the name of his organization, within half an hour.
create table private.provider_newcomers (
  browser_hash bytea primary key check (octet_length(browser_hash) = 32),
  issuer text not null check (char_length(issuer) between 1 and 500),
  subject text not null check (char_length(subject) between 1 and 255),
  email text not null check (char_length(email) <= 254),
  email_verified boolean not null,
  name text not null check (char_length(name) <= 200),
  expires_at timestamptz not null default now() + interval '30 minutes'
);
create index provider_newcomers_expiry on private.provider_newcomers (expires_at);

-- ---- on the way ----

-- Remembers that a browser was sent to the provider; sweeps up a few who never came back.
create function private.begin_provider_visit(hash_of_state bytea, hash_of_browser bytea, for_session uuid) returns void
language sql security definer set search_path = '' as $$
  delete from private.provider_visits where state_hash in (
    select v.state_hash from private.provider_visits v where v.expires_at < now() order by v.expires_at limit 10 for update skip locked);
  insert into private.provider_visits (state_hash, browser_hash, session_id) values (hash_of_state, hash_of_browser, for_session)
$$;
grant execute on function private.begin_provider_visit(bytea, bytea, uuid) to frontdesk_app;

-- Takes a visit that comes back in the browser it began in; the second time it is gone. Nothing for another browser, which spoils nothing.
create function private.end_provider_visit(hash_of_state bytea, hash_of_browser bytea) returns table (session_id uuid)
language sql security definer set search_path = '' as $$
  delete from private.provider_visits v where v.state_hash = hash_of_state and v.browser_hash = hash_of_browser and v.expires_at > now()
  returning v.session_id
$$;
grant execute on function private.end_provider_visit(bytea, bytea) to frontdesk_app;

-- Keeps a newcomer until he has said what his organization is called; sweeps up a few who never did.
create function private.keep_newcomer(hash_of_browser bytea, from_issuer text, with_subject text, with_email text, verified boolean, called text) returns void
language sql security definer set search_path = '' as $$
  delete from private.provider_newcomers where browser_hash in (
    select n.browser_hash from private.provider_newcomers n where n.expires_at < now() order by n.expires_at limit 10 for update skip locked);
  insert into private.provider_newcomers (browser_hash, issuer, subject, email, email_verified, name)
  values (hash_of_browser, from_issuer, with_subject, lower(with_email), verified, called)
$$;
grant execute on function private.keep_newcomer(bytea, text, text, text, boolean, text) to frontdesk_app;

create function private.find_newcomer(hash_of_browser bytea) returns table (issuer text, email text, email_verified boolean, name text)
language sql stable security definer set search_path = '' as $$
  select n.issuer, n.email, n.email_verified, n.name from private.provider_newcomers n where n.browser_hash = hash_of_browser and n.expires_at > now()
$$;
grant execute on function private.find_newcomer(bytea) to frontdesk_app;

-- Makes a user of a newcomer, with his identity; the trigger on auth.users makes the organization, unless he joins one by an invitation
-- (organization_name is null). His email counts as confirmed only if the provider says so. Says `gone` when nobody waits in this browser,
-- `known` when the identity has a user by now, `taken` when the email has: accounts are never joined by their email.
create function private.register_newcomer(hash_of_browser bytea, new_user uuid, new_identity uuid, given_name text, organization_name text) returns text
language plpgsql security definer set search_path = '' as $$
declare
  newcomer private.provider_newcomers;
  said constant jsonb := jsonb_build_object('name', given_name) || case when organization_name is null
    then '{"joins_by_invitation": true}' else jsonb_build_object('organization_name', organization_name) end;
begin
  delete from private.provider_newcomers n where n.browser_hash = hash_of_browser and n.expires_at > now() returning n.* into newcomer;
  if newcomer.browser_hash is null then return 'gone'; end if;
  perform pg_advisory_xact_lock(hashtextextended(newcomer.issuer || ' ' || newcomer.subject, 0));  -- two windows with the same newcomer
  if exists (select from private.user_identities i where i.issuer = newcomer.issuer and i.subject = newcomer.subject) then return 'known'; end if;
  if not private.is_email_free(newcomer.email) then return 'taken'; end if;
  insert into auth.users (instance_id, id, aud, role, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
  values ('00000000-0000-0000-0000-000000000000', new_user, 'authenticated', 'authenticated', newcomer.email, case when newcomer.email_verified then now() end,
    '{"provider": "oidc", "providers": ["oidc"]}', said, now(), now())
  on conflict do nothing;
  if not found then return 'taken'; end if;
  insert into private.user_identities (id, user_id, issuer, subject, email, used_at)
  values (new_identity, new_user, newcomer.issuer, newcomer.subject, newcomer.email, now());
  return 'registered';
end $$;
grant execute on function private.register_newcomer(bytea, uuid, uuid, text, text) to frontdesk_app;

-- ---- identities ----

-- The user whom a provider means by a subject. `may_sign_in`: not deleted, not banned.
create function private.find_identity(from_issuer text, with_subject text)
returns table (user_id uuid, name text, organization_id uuid, may_sign_in boolean)
language sql stable security definer set search_path = '' as $$
  select u.id, private.user_name(u.raw_user_meta_data, u.email), private.home_of(u.id),
    u.deleted_at is null and (u.banned_until is null or u.banned_until < now())
  from private.user_identities i join auth.users u on u.id = i.user_id
  where i.issuer = from_issuer and i.subject = with_subject
$$;
grant execute on function private.find_identity(text, text) to frontdesk_app;

create function private.note_identity(from_issuer text, with_subject text, with_email text) returns void
language sql security definer set search_path = '' as $$
  update private.user_identities set used_at = now(), email = coalesce(with_email, email) where issuer = from_issuer and subject = with_subject
$$;
grant execute on function private.note_identity(text, text, text) to frontdesk_app;

-- Whether an email belongs to somebody here already.
create function private.is_email_taken(wanted_email text) returns boolean
language sql stable security definer set search_path = '' as $$
  select not private.is_email_free(wanted_email)
$$;
grant execute on function private.is_email_taken(text) to frontdesk_app;

create function private.list_identities(of_user uuid) returns table (id uuid, issuer text, email text, linked_at timestamptz, used_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select i.id, i.issuer, i.email, i.linked_at, i.used_at from private.user_identities i where i.user_id = of_user order by i.linked_at, i.id
$$;
grant execute on function private.list_identities(uuid) to frontdesk_app;

-- Gives a user one more way to sign in. False when the identity is somebody's already, or he has one at this provider.
create function private.link_identity(new_identity uuid, of_user uuid, from_issuer text, with_subject text, with_email text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.user_identities (id, user_id, issuer, subject, email) values (new_identity, of_user, from_issuer, with_subject, with_email)
  on conflict do nothing;
  return found;
end $$;
grant execute on function private.link_identity(uuid, uuid, text, text, text) to frontdesk_app;

-- Takes a way to sign in away. Says `last` when no other would be left: no password, no other identity. The lock on the user keeps two
-- windows from taking one of two each.
create function private.unlink_identity(of_user uuid, identity uuid) returns text
language plpgsql security definer set search_path = '' as $$
declare password text;
begin
  select u.encrypted_password into password from auth.users u where u.id = of_user for no key update;
  if coalesce(password, '') = '' and not exists (select from private.user_identities i where i.user_id = of_user and i.id <> identity)
  then return 'last'; end if;
  delete from private.user_identities i where i.user_id = of_user and i.id = identity;
  return case when found then 'unlinked' else 'missing' end;
end $$;
grant execute on function private.unlink_identity(uuid, uuid) to frontdesk_app;

-- ==== The team ====

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
  if private.is_going(old.organization_id) then return null; end if;
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

-- Tells every process, with the commit: open streams look whether they may go on, and open pages fetch what they show.
create function private.tell_member_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform pg_notify('frontdesk_changed', 'database ' || replace(old.organization_id::text, '-', '') || topic) from unnest(array[' sessions', ' changed']) as topic;
  return null;
end $$;
create trigger organization_members_told after update on public.organization_members for each row
  when (old.role is distinct from new.role or old.withheld is distinct from new.withheld) execute function private.tell_member_changed();
create trigger organization_members_removal_told after delete on public.organization_members for each row execute function private.tell_member_changed();

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

-- How much a role may, compared with another.
create function private.role_rank(role text) returns integer
language sql immutable set search_path = '' as $$ select array_position(array['viewer', 'member', 'admin', 'owner'], role) $$;

-- Members, the first who joined first, after a place in that order. words: all must be in the name or the email; only: just this one.
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
-- Who sees his own conversations only gives nobody's away: not to himself, not to everybody.
-- outcome: removed, missing, or why not: not_allowed, owners_only, last_owner, no_heir, not_seen.
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
grant execute on function private.remove_member(uuid, uuid, uuid) to frontdesk_member;

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

-- ==== Inviting, and coming in ====

-- Whether an invitation is still to be answered.
create function private.is_open(invitation public.organization_invitations) returns boolean
language sql stable set search_path = '' as $$
  select invitation.accepted_at is null and invitation.revoked_at is null and invitation.expires_at > now()
$$;

-- Takes the mail of an invitation out of the outbox, where it still waits, when its link is replaced or the invitation taken back.
create function private.withdraw_invitation_mail() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from private.mail_outbox m where m.id = old.mail_id and m.state = 'queued';
  return null;
end $$;
create trigger organization_invitations_withdrawn after update on public.organization_invitations for each row
  when (new.token_hash <> old.token_hash or (new.revoked_at is not null and old.revoked_at is null)) execute function private.withdraw_invitation_mail();

-- The role that whoever runs this member's transaction has at this moment, held until commit; null when it does not let him invite (any more).
create function private.inviting_role(organization uuid) returns text
language plpgsql security definer set search_path = '' as $$
declare
  me constant uuid := nullif(current_setting('frontdesk.user_id', true), '')::uuid;
  found_role text;
begin
  if current_setting('role') <> 'frontdesk_member' or not private.may_act_for(organization) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  if strpos(coalesce(current_setting('frontdesk.permissions', true), ''), ' members:write ') = 0 then return null; end if;
  -- first the turn of the seats, then the member: everybody in this order
  perform from public.subscriptions s where s.organization_id = organization for no key update;
  select m.role into found_role from public.organization_members m where m.organization_id = organization and m.user_id = me for share;
  return (select p.role from public.role_permissions p where p.role = found_role and p.permission = 'members:write');
end $$;

-- Counts one invitation by mail, of an organization and to an address of whichever: 0, or the seconds to wait. So that nobody has us write to
-- strangers by the thousand, or to one again and again.
create function private.take_invitation_turn(organization uuid, to_email text) returns integer
language sql security definer set search_path = '' as $$
  select greatest(
    private.take_attempt(sha256(convert_to('invitations of|' || organization, 'UTF8')), 60, 3600),
    private.take_attempt(sha256(convert_to('invitations to|' || lower(to_email), 'UTF8')), 6, 86400))
$$;

-- Whether this transaction may give somebody this role: a key only one that may do no more than the key itself, apart from what no key has for
-- itself. A person's own role is looked at elsewhere.
create function private.may_give(as_role text) returns boolean
language sql stable security definer set search_path = '' as $$
  select nullif(current_setting('frontdesk.api_key_id', true), '') is null or not exists (
    select from public.role_permissions p where p.role = as_role
      and p.permission <> all (array['campaigns:read', 'channels:read', 'contacts:write', 'conversations:oversee', 'phone_numbers:read'])
      and strpos(current_setting('frontdesk.permissions', true), ' ' || p.permission || ' ') = 0)
$$;

-- Invites somebody. outcome: invited, or why not: not_allowed, more_than_key, too_many (for `wait` seconds), full, member, pending.
create function private.invite_member(
  organization uuid, invitation uuid, to_email text, as_role text, hash_of_token bytea, in_locale text, until timestamptz,
  withholds text[] default '{}')
returns table (outcome text, wait integer)
language plpgsql security definer set search_path = '' as $$
begin
  outcome := case when private.inviting_role(organization) is null then 'not_allowed' else 'invited' end;
  if outcome = 'invited' and not private.may_give(as_role) then outcome := 'more_than_key'; end if;
  if outcome = 'invited' and not private.consume_usage(organization, 'members') then outcome := 'full'; end if;
  -- from here on nobody else invites for this organization, or comes in
  if outcome not in ('invited', 'full') then
    return next; return;
  elsif exists (select from public.organization_members m join auth.users u on u.id = m.user_id
                where m.organization_id = organization and lower(u.email) = lower(to_email)) then
    outcome := 'member';
  elsif exists (select from public.organization_invitations i
                where i.organization_id = organization and lower(i.email) = lower(to_email) and private.is_open(i)) then
    outcome := 'pending';
  end if;
  if outcome = 'invited' then
    wait := private.take_invitation_turn(organization, to_email);
    if wait > 0 then outcome := 'too_many'; end if;
  end if;
  if outcome = 'invited' then
    update public.organization_invitations i set revoked_at = now()  -- an expired one makes room
    where i.organization_id = organization and lower(i.email) = lower(to_email) and i.accepted_at is null and i.revoked_at is null;
    insert into public.organization_invitations (organization_id, id, email, role, token_hash, invited_by, expires_at, locale, withheld)
    values (organization, invitation, to_email, as_role, hash_of_token, nullif(current_setting('frontdesk.user_id', true), '')::uuid, until, in_locale,
      array(select distinct unnest(withholds) order by 1))
    on conflict do nothing;
    if not found then outcome := 'pending'; end if;
  end if;
  return next;
end $$;
grant execute on function private.invite_member(uuid, uuid, text, text, bytea, text, timestamptz, text[]) to frontdesk_member;

-- Gives an invitation a new token and new days; the old token opens nothing any more. It is whoever does this who invites from then on.
-- outcome: resent, or why not: not_allowed, missing, more_than_key, too_many (for `wait` seconds), full: it had expired, and its seat is taken.
create function private.resend_invitation(organization uuid, invitation uuid, hash_of_token bytea, until timestamptz)
returns table (outcome text, wait integer, email text, role text, locale text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  acting constant text := private.inviting_role(organization);
  found_one public.organization_invitations;
begin
  select i.* into found_one from public.organization_invitations i
  where i.organization_id = organization and i.id = invitation and i.accepted_at is null and i.revoked_at is null for no key update;
  outcome := case
    when acting is null then 'not_allowed'
    when found_one.id is null then 'missing'
    when not private.may_give(found_one.role) then 'more_than_key'
    when not private.is_open(found_one) and not private.consume_usage(organization, 'members') then 'full'
    else 'resent' end;
  if outcome = 'resent' then
    wait := private.take_invitation_turn(organization, found_one.email);
    if wait > 0 then outcome := 'too_many'; end if;
  end if;
  if outcome = 'resent' then
    update public.organization_invitations i set
      token_hash = hash_of_token, expires_at = until, sent_at = now(), invited_by = nullif(current_setting('frontdesk.user_id', true), '')::uuid
    where i.organization_id = organization and i.id = invitation;
  end if;
  email := found_one.email; role := found_one.role; locale := found_one.locale;
  return next;
end $$;
grant execute on function private.resend_invitation(uuid, uuid, bytea, timestamptz) to frontdesk_member;

-- Takes an invitation back; its link opens nothing any more. outcome: revoked, or why not: not_allowed, missing.
create function private.revoke_invitation(organization uuid, invitation uuid) returns table (outcome text, email text, role text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
  if private.inviting_role(organization) is null then
    outcome := 'not_allowed';
  else
    update public.organization_invitations i set revoked_at = now()
    where i.organization_id = organization and i.id = invitation and i.accepted_at is null and i.revoked_at is null
    returning i.email, i.role into email, role;
    outcome := case when found then 'revoked' else 'missing' end;
  end if;
  return next;
end $$;
grant execute on function private.revoke_invitation(uuid, uuid) to frontdesk_member;

-- Says which mail tells of an invitation.
create function private.note_invitation_mail(organization uuid, invitation uuid, mail uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if private.inviting_role(organization) is null then return null; end if;
  update public.organization_invitations i set mail_id = mail where i.organization_id = organization and i.id = invitation;
  return found or null;
end $$;
grant execute on function private.note_invitation_mail(uuid, uuid, uuid) to frontdesk_member;

-- Counts one invitation by mail, of an organization, of it to one address, and of all to that address: 0, or the seconds to wait. So that nobody
-- has us write to strangers by the thousand, or to one again and again, and none of them uses up the tries of the others.
create or replace function private.take_invitation_turn(organization uuid, to_email text) returns integer
language sql security definer set search_path = '' as $$
  select greatest(
    private.take_attempt(sha256(convert_to('invitations of|' || organization, 'UTF8')), 60, 3600),
    private.take_attempt(sha256(convert_to('invitations of|' || organization || '|to|' || lower(to_email), 'UTF8')), 6, 86400),
    private.take_attempt(sha256(convert_to('invitations to|' || lower(to_email), 'UTF8')), 40, 86400))
$$;

-- Whether whoever invited may still do so: whoever was removed, or has a smaller role, lets nobody in any more; nor does an organization that goes.
create function private.may_still_invite(invitation public.organization_invitations) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return not private.is_going(invitation.organization_id) and exists (
    select from public.organization_members m join public.role_permissions p on p.role = m.role and p.permission = 'members:write'
    where m.organization_id = invitation.organization_id and m.user_id = invitation.invited_by);
end $$;

-- The invitations that nobody has answered or taken back, the newest first, with what became of their mail.
create function private.list_invitations(organization uuid, how_many integer)
returns table (id uuid, email text, role text, invited_by text, sent_at timestamptz, expires_at timestamptz, state text, mail_state text,
  withheld text[])
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) or strpos(coalesce(current_setting('frontdesk.permissions', true), ''), ' members:write ') = 0 then return; end if;
  return query
  select i.id, i.email, i.role, private.user_name(u.raw_user_meta_data, u.email), i.sent_at, i.expires_at,
    case when i.expires_at <= now() then 'expired' when not private.may_still_invite(i) then 'orphaned' else 'open' end, m.state, i.withheld
  from public.organization_invitations i
  left join auth.users u on u.id = i.invited_by
  left join private.mail_outbox m on m.id = i.mail_id
  where i.organization_id = organization and i.accepted_at is null and i.revoked_at is null
  order by i.id desc limit how_many;
end $$;
grant execute on function private.list_invitations(uuid, integer) to frontdesk_member;

-- The invitation behind a token, for whoever holds its link; no row for a token that never was one, or that a newer one replaced.
-- state: open, or accepted, revoked, expired, orphaned. has_account: whether its address is a user's.
create function private.find_invitation(hash_of_token bytea)
returns table (organization_id uuid, id uuid, organization_name text, email text, role text, invited_by text, expires_at timestamptz, state text,
  has_account boolean, accepted_by uuid)
language sql stable security definer set search_path = '' as $$
  select i.organization_id, i.id, o.name, i.email, i.role, private.user_name(u.raw_user_meta_data, u.email), i.expires_at,
    case when i.accepted_at is not null then 'accepted' when i.revoked_at is not null then 'revoked' when i.expires_at <= now() then 'expired'
      when not private.may_still_invite(i) then 'orphaned' else 'open' end,
    exists (select from auth.users a where a.email = lower(i.email) and not a.is_sso_user), i.accepted_by
  from public.organization_invitations i
  join public.organizations o on o.id = i.organization_id
  left join auth.users u on u.id = i.invited_by
  where i.token_hash = hash_of_token
$$;
grant execute on function private.find_invitation(bytea) to frontdesk_app;

-- Makes the user whom a link invited, and no organization of his own. He has his mail, since he has the link. Null when the email is taken.
create function private.register_invited_user(new_user uuid, hash_of_token bytea, password_hash text, given_name text) returns uuid
language sql security definer set search_path = '' as $$
  insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
  select '00000000-0000-0000-0000-000000000000', new_user, 'authenticated', 'authenticated', lower(i.email), password_hash, now(),
    '{"provider": "email", "providers": ["email"]}', jsonb_build_object('name', given_name, 'joins_by_invitation', true), now(), now()
  from public.organization_invitations i
  where i.token_hash = hash_of_token and private.is_open(i)
  on conflict do nothing
  returning id
$$;
grant execute on function private.register_invited_user(uuid, bytea, text, text) to frontdesk_app;

-- Lets a user in by a link, once, if his email is the invited one and there is (still) a seat: plans shrink, and whoever comes first sits.
-- outcome: joined, or why not: missing, accepted, revoked, expired, orphaned, other_user, member, full.
create function private.accept_invitation(hash_of_token bytea, by_user uuid)
returns table (outcome text, organization_id uuid, invitation_id uuid, role text, invited_by uuid)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  of_organization constant uuid := (select i.organization_id from public.organization_invitations i where i.token_hash = hash_of_token);
  allowed bigint;
  found_one public.organization_invitations;
begin
  perform from public.subscriptions s where s.organization_id = of_organization for no key update;
  select i.* into found_one from public.organization_invitations i where i.token_hash = hash_of_token for no key update;
  -- who has invited must not lose the right to in this very moment
  perform from public.organization_members m where m.organization_id = of_organization and m.user_id = found_one.invited_by for share;
  allowed := private.usage_limit(of_organization, 'members');
  outcome := case
    when found_one.id is null then 'missing'
    when found_one.accepted_at is not null then 'accepted'
    when found_one.revoked_at is not null then 'revoked'
    when found_one.expires_at <= now() then 'expired'
    when not exists (select from auth.users u where u.id = by_user and lower(u.email) = lower(found_one.email) and u.deleted_at is null) then 'other_user'
    when exists (select from public.organization_members m where m.organization_id = of_organization and m.user_id = by_user) then 'member'
    when not private.may_still_invite(found_one) then 'orphaned'
    when allowed is not null and (select count(*) from public.organization_members m where m.organization_id = of_organization) >= allowed then 'full'
    else 'joined' end;
  if outcome = 'joined' then
    insert into public.organization_members (organization_id, user_id, role, invited_by, withheld)
    values (of_organization, by_user, found_one.role, found_one.invited_by, found_one.withheld);
    update auth.users u set email_confirmed_at = now() where u.id = by_user and u.email_confirmed_at is null;
  end if;
  if outcome in ('joined', 'member') then
    update public.organization_invitations i set accepted_at = now(), accepted_by = by_user
    where i.organization_id = of_organization and i.id = found_one.id;
  end if;
  organization_id := of_organization; invitation_id := found_one.id; role := found_one.role; invited_by := found_one.invited_by;
  return next;
end $$;
grant execute on function private.accept_invitation(bytea, uuid) to frontdesk_app;

-- ==== Sign-up ====

-- A UUIDv7 made by the database, for rows that no program makes.
create function private.uuid_v7() returns uuid
language sql volatile parallel safe set search_path = '' as $$
  select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
$$;

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

-- A new organization greets by itself, so that the first "hi" is answered.
create function private.welcome(organization uuid, name text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.auto_replies (organization_id, id, name, position, trigger, reply, enabled_at)
  values (organization, private.uuid_v7(), 'First greeting', 1, 'first_contact',
    'Thanks for writing to {{organization.name}}. We will answer as soon as we can.', now());
end $$;

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

-- ==== Taking everything along ====

-- An archive that an owner takes along, as far as it is written: for whoever waits for it.
create table public.archives (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  asked_by uuid references auth.users (id) on delete set null,
  tables integer not null check (tables >= 0),
  tables_done integer not null default 0 check (tables_done between 0 and tables),
  rows_done bigint not null default 0 check (rows_done >= 0),
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);
create index archives_asked_by on public.archives (asked_by);
select private.protect('public.archives', reads => 'organization:export', writes => 'organization:export', worker => 'nothing');
create trigger archives_updated before update on public.archives for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- Whether whoever runs this transaction may take everything along.
create function private.may_export(organization uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select current_setting('role') = 'frontdesk_member' and private.may_act_for(organization)
    and strpos(current_setting('frontdesk.permissions', true), ' organization:export ') > 0
$$;

-- The tables of an archive: whatever of an organization a member can read, also those that later versions add.
create function private.export_tables(organization uuid) returns setof text
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_export(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  return query
  select c.relname::text from pg_catalog.pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and (c.relname = 'organizations' or exists (
      select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id' and not a.attisdropped))
    and has_any_column_privilege('frontdesk_member', c.oid, 'select') and c.relname <> 'archives'
  order by c.relname;
end $$;
grant execute on function private.export_tables(uuid) to frontdesk_member;

-- The next rows of one of these tables, in the order of its key, each as a line of JSON; `place` is where the piece after it begins.
-- An archive holds what is the organization's, also where members see it masked or not at all; only what opens something is left out.
create function private.export_rows(organization uuid, of_table text, after jsonb, how_many integer) returns table (line text, place jsonb)
language plpgsql stable security definer set search_path = '' as $$
declare
  target constant regclass := (select format('public.%I', t)::regclass from private.export_tables(organization) t where t = of_table);
  columns constant text := (
    select string_agg(format('t.%I', a.attname), ', ' order by a.attnum) from pg_catalog.pg_attribute a
    where a.attrelid = target and a.attnum > 0 and not a.attisdropped and a.attname <> 'token_hash');
  keys text; places text; named text;
begin
  if target is null then raise exception 'no such table' using errcode = 'undefined_table'; end if;
  select string_agg(format('t.%I', a.attname), ', ' order by k.n), string_agg(format('($2 ->> %L)::%s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by k.n),
    string_agg(format('%L, r.%I', a.attname, a.attname), ', ' order by k.n)
  into keys, places, named
  from pg_catalog.pg_index i cross join unnest(i.indkey::smallint[]) with ordinality as k (attnum, n)
  join pg_catalog.pg_attribute a on a.attrelid = target and a.attnum = k.attnum where i.indrelid = target and i.indisprimary;
  return query execute format(
    'select to_jsonb(r)::text, jsonb_build_object(%s) from (select %s from %s t where t.%I = $1%s order by %s limit $3) as r',
    named, columns, target, case of_table when 'organizations' then 'id' else 'organization_id' end,
    case when after is not null then format(' and (%s) > (%s)', keys, places) end, keys)
  using organization, after, how_many;
end $$;
grant execute on function private.export_rows(uuid, text, jsonb, integer) to frontdesk_member;

-- ==== Deletion ====

-- An owner wants the organization deleted. Until the deletion begins, an owner can undo that.
create table public.organization_deletions (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  requested_by uuid references auth.users (id) on delete set null,
  requested_at timestamptz not null default now(),
  due_at timestamptz not null default now() + interval '7 days',
  begun_at timestamptz,
  check (due_at >= requested_at + interval '6 days 22 hours')  -- seven days, whatever the clocks do meanwhile
);
create index organization_deletions_requested_by on public.organization_deletions (requested_by);
create index organization_deletions_due on public.organization_deletions (due_at);
select private.protect('public.organization_deletions', reads => 'organization:read', writes => 'ownership:write', worker => 'nothing');

-- What is left of deleted organizations: that they were there, and were deleted because an owner wanted it.
create table private.deleted_organizations (
  id uuid primary key,
  slug text not null,
  requested_at timestamptz not null,
  begun_at timestamptz not null,
  entries bigint not null,  -- of its audit log
  deleted_at timestamptz not null default now()
);

-- Whether the deletion of an organization has begun.
create function private.is_going(organization uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.organization_deletions d where d.organization_id = organization and d.begun_at is not null)
$$;

-- Begins the deletions that are due: from here on nobody gets in, nothing is heard and nothing is undone. The data key goes at once, so that no
-- secret of theirs opens any more, however long the rest takes. Returns the organizations.
create function private.begin_deletions() returns table (id uuid, slug text)
language plpgsql security definer set search_path = '' as $$
declare going uuid[];
begin
  with due as (
    select d.organization_id from public.organization_deletions d where d.due_at <= now() and d.begun_at is null for update skip locked
  ), begun as (
    update public.organization_deletions d set begun_at = now() from due where d.organization_id = due.organization_id returning d.organization_id
  )
  select array_agg(b.organization_id) into going from begun b;
  delete from private.channel_routes r where r.organization_id = any (going);
  delete from private.data_keys k where k.organization_id = any (going);
  delete from public.organization_members m where m.organization_id = any (going);
  return query select o.id, o.slug from public.organizations o where o.id = any (going);
end $$;
grant execute on function private.begin_deletions() to frontdesk_app;

-- Deletions whose last piece failed: until when the others go first. Nothing else is kept of it: why, stands in the log of the worker.
create table private.deletions_put_off (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  failures integer not null default 1 check (failures > 0),
  until timestamptz not null
);

-- The organization of which a piece is deleted next: of those that may go, the one that began first. Null when there is none.
create function private.next_deletion() returns uuid
language sql security definer set search_path = '' as $$
  select d.organization_id from public.organization_deletions d
  where d.begun_at is not null
    and not exists (select from private.deletions_put_off p where p.organization_id = d.organization_id and p.until > clock_timestamp())
  order by d.begun_at limit 1 for update of d skip locked
$$;

-- Lets the others go first for a while, after a piece of this one failed: a minute, and twice as long each time, up to an hour.
create function private.put_deletion_off(organization uuid) returns void
language sql security definer set search_path = '' as $$
  insert into private.deletions_put_off as p (organization_id, until)
  select d.organization_id, now() + interval '1 minute' from public.organization_deletions d where d.organization_id = organization and d.begun_at is not null
  on conflict (organization_id) do update
    set failures = p.failures + 1, until = now() + least(interval '1 hour', interval '1 minute' * power(2, least(p.failures, 10)))
$$;
grant execute on function private.next_deletion(), private.put_deletion_off(uuid) to frontdesk_app;

-- Deletes at most so many rows of one organization whose deletion has begun: what waits to be sent first, then whatever grows, and once that is
-- gone the organization itself with the little that is left. Stopped at any moment, it goes on where it was. No row when there is nothing to do, or another worker is at it.
create function private.delete_a_piece(how_many integer, organization uuid) returns table (id uuid, slug text, of_table text, gone bigint)
language plpgsql security definer set search_path = '' as $$
declare going public.organizations; asked public.organization_deletions;
begin
  select d.* into asked from public.organization_deletions d where d.organization_id = organization and d.begun_at is not null for update skip locked;
  if asked is null then return; end if;
  select o.* into going from public.organizations o where o.id = asked.organization_id;
  id := going.id; slug := going.slug;
  delete from private.deletions_put_off p where p.organization_id = going.id;
  insert into private.deleted_organizations (id, slug, requested_at, begun_at, entries)
    values (going.id, going.slug, asked.requested_at, asked.begun_at,
      coalesce((select h.seq from private.audit_heads h where h.organization_id = going.id), 0)) on conflict do nothing;
  foreach of_table in array array['public.outbox', 'public.inbound_deliveries', 'public.failed_deliveries', 'public.messages', 'public.auto_reply_cooldowns',
    'public.conversations', 'public.contact_identities', 'public.contacts', 'public.api_answers', 'private.mail_outbox', 'public.audit_logs'] loop
    if of_table = 'public.messages' then  -- of several partitions, so that a place within one names nothing
      delete from public.messages m where m.organization_id = going.id
        and m.id = any (array(select w.id from public.messages w where w.organization_id = going.id limit how_many));
    else
      execute format('delete from %1$s where ctid = any (array(select t.ctid from %1$s t where t.organization_id = $1 limit $2))', of_table)
        using going.id, how_many;
    end if;
    get diagnostics gone = row_count;
    if gone > 0 then return next; return; end if;
  end loop;
  delete from public.organizations o where o.id = going.id;
  update private.deleted_organizations d set deleted_at = now() where d.id = going.id;
  of_table := 'public.organizations'; gone := 1;
  return next;
end $$;
grant execute on function private.delete_a_piece(integer, uuid) to frontdesk_app;

-- The organizations that were deleted.
create function private.list_deleted_organizations() returns table (id uuid, slug text, requested_at timestamptz, deleted_at timestamptz, entries bigint)
language sql stable security definer set search_path = '' as $$
  select d.id, d.slug, d.requested_at, d.deleted_at, d.entries from private.deleted_organizations d order by d.deleted_at, d.id
$$;
grant execute on function private.list_deleted_organizations() to frontdesk_app;

-- Conversations of erased contacts that are not empty yet, with the place before which messages still say something.
create table private.conversation_erasures (
  organization_id uuid not null,
  conversation_id uuid not null,
  occurred_at timestamptz not null,
  position bigint not null,
  erased_at timestamptz not null default now(),
  primary key (organization_id, conversation_id),
  foreign key (organization_id, conversation_id) references public.conversations (organization_id, id) on delete cascade
);
create index conversation_erasures_by_age on private.conversation_erasures (erased_at);

-- Empties at most so many messages of a conversation, the newest before a place first; where that ended, and whether there may be more.
create function private.empty_messages(organization uuid, conversation uuid, before_at timestamptz, before_position bigint, how_many integer)
returns table (emptied bigint, occurred_at timestamptz, "position" bigint)
language sql security definer set search_path = '' as $$
  with piece as materialized (
    select m.id, m.occurred_at, m.position from public.messages m
    where m.organization_id = organization and m.conversation_id = conversation and (m.occurred_at, m.position) < (before_at, before_position)
    order by m.occurred_at desc, m.position desc limit how_many
  ), emptied as (
    update public.messages m
    set text = '', payload = null, emoji = case when m.emoji is not null then '' end, reply_to = null, provider_message_id = null
    from piece p where m.organization_id = organization and m.id = p.id
  )
  select (select count(*) from piece), p.occurred_at, p.position from (select 1) one left join lateral (
    select p.occurred_at, p.position from piece p order by p.occurred_at, p.position limit 1) p on true
$$;

-- Takes away what a contact said and who that was, for good; that something was said, when, by which side and how it fared stays, so that
-- counts do. What waits to be sent to the contact is not sent. Whoever writes again is somebody new. Returns how many messages there were, or
-- null when there is no such contact. Of a conversation longer than how_many the newest messages are emptied at once, and the others piece by
-- piece (private.erase_a_piece). All of the contact, also what a restricted member would not see: so nobody restricted may.
create function private.erase_contact(organization uuid, contact uuid, how_many integer default 5000) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  threads constant uuid[] := array(select v.id from public.conversations v where v.organization_id = organization and v.contact_id = contact);
  unsent uuid[];
begin
  if current_setting('role') <> 'frontdesk_member' or not private.may_act_for(organization)
     or strpos(current_setting('frontdesk.permissions', true), ' organization:write ') = 0
     or strpos(current_setting('frontdesk.permissions', true), ' conversations:oversee ') = 0 then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  perform from public.contacts k where k.organization_id = organization and k.id = contact for update;
  if not found then return null; end if;
  with waiting as (  -- what is being spoken at this moment settles by itself
    delete from public.outbox o where o.organization_id = organization and o.claimed_at is null and o.id = any (array(
      select m.id from public.messages m where m.organization_id = organization and m.conversation_id = any (threads) and m.status = 'queued'))
    returning o.id
  ) select coalesce(array_agg(w.id), '{}') into unsent from waiting w;
  update public.messages m set status = 'failed', failed_at = now(), error_text = 'Not sent: the contact was erased.'
  where m.organization_id = organization and m.id = any (unsent);
  insert into private.conversation_erasures (organization_id, conversation_id, occurred_at, position)
    select organization, t.id, e.occurred_at, e.position
    from unnest(threads) as t (id) cross join lateral private.empty_messages(organization, t.id, 'infinity', 0, how_many) e
    where e.emptied = how_many
    on conflict (organization_id, conversation_id) do update set occurred_at = excluded.occurred_at, position = excluded.position;
  delete from public.failed_deliveries f where f.organization_id = organization and exists (
    select from public.contact_identities i
    where i.organization_id = organization and i.contact_id = contact and strpos(f.payload, to_json(i.value)::text) > 0);
  delete from public.api_answers a where a.organization_id = organization  -- they repeat what programs wrote
    and exists (select from unnest(contact || threads) as named (id) where strpos(a.body, named.id::text) > 0);
  update public.conversations v set last_text = '' where v.organization_id = organization and v.id = any (threads);
  delete from public.contact_identities i where i.organization_id = organization and i.contact_id = contact;
  update public.contacts k set name = '', given_name = null, username = null, phone = null, search_text = '', language = null, tags = '{}', attributes = '{}',
    note = '', marketing_consent = 'unknown', marketing_consent_at = null, marketing_consent_source = null
  where k.organization_id = organization and k.id = contact;
  return (select count(*) from public.messages m where m.organization_id = organization and m.conversation_id = any (threads));
end $$;
grant execute on function private.erase_contact(uuid, uuid, integer) to frontdesk_member;

-- Empties at most so many messages of one conversation of an erased contact. Stopped at any moment, it goes on where it was. False when there is
-- nothing to do.
create function private.erase_a_piece(how_many integer) returns boolean
language plpgsql security definer set search_path = '' as $$
declare going private.conversation_erasures; done record;
begin
  select e.* into going from private.conversation_erasures e order by e.erased_at limit 1 for update skip locked;
  if not found then return false; end if;
  select e.* into done from private.empty_messages(going.organization_id, going.conversation_id, going.occurred_at, going.position, how_many) e;
  if done.emptied < how_many then
    delete from private.conversation_erasures e where e.organization_id = going.organization_id and e.conversation_id = going.conversation_id;
  else
    update private.conversation_erasures e set occurred_at = done.occurred_at, position = done.position
    where e.organization_id = going.organization_id and e.conversation_id = going.conversation_id;
  end if;
  return true;
end $$;
grant execute on function private.erase_a_piece(integer) to frontdesk_app;

-- ==== The books of usage ====

-- ---- the organization's month ----

-- When the month began that a day belongs to. A month without the anchor's day begins on its last one, and the next one on the right day again.
create function private.period_start(anchor date, day date) returns date
language plpgsql immutable parallel safe set search_path = '' as $$
declare months integer; started date;
begin
  if anchor is null then return date_trunc('month', day::timestamp)::date; end if;
  months := (extract(year from day) - extract(year from anchor)) * 12 + extract(month from day) - extract(month from anchor);
  started := (anchor + make_interval(months => months))::date;
  return case when started <= day then started else (anchor + make_interval(months => months - 1))::date end;
end $$;
grant execute on function private.period_start(date, date) to frontdesk_app, frontdesk_member, frontdesk_worker, frontdesk_operator;

-- The day on which the month after this one begins. started: when this one did.
create function private.period_end(anchor date, started date) returns date
language sql immutable parallel safe set search_path = '' as $$
  select (coalesce(anchor, date_trunc('month', started::timestamp)::date) + make_interval(months => (1 +
    (extract(year from started) - extract(year from coalesce(anchor, started))) * 12 + extract(month from started) - extract(month from coalesce(anchor, started)))::integer))::date
$$;
grant execute on function private.period_end(date, date) to frontdesk_app, frontdesk_member, frontdesk_worker;

-- The period in which an organization counts now, by the database's clock and no other: with the days by which the provider's is ahead in development.
create function private.usage_period(organization uuid) returns date
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return null; end if;
  return coalesce(
    (select private.period_start(s.usage_anchor, (now() at time zone 'UTC')::date + s.days_ahead) from public.subscriptions s where s.organization_id = organization),
    private.usage_period());
end $$;
grant execute on function private.usage_period(uuid) to frontdesk_app, frontdesk_member, frontdesk_worker;

-- ---- the ledger ----

-- What was used, as billing knows it: added to and never changed. Each entry has a source that counts once; an amount below zero gives back what
-- had been taken ahead, or was moved into another period.
create table public.usage_ledger (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null check (metric ~ '^[a-z_]{1,40}$'),
  source_id text not null check (char_length(source_id) between 1 and 200),
  period_start date not null,
  amount bigint not null check (amount <> 0),
  created_at timestamptz not null default now(),
  counted_on date,  -- entries from before have none: they were made in the first minutes of an hour and are of the one before
  primary key (organization_id, metric, source_id)
);
create index usage_ledger_by_period on public.usage_ledger (organization_id, period_start, metric, created_at);
select private.protect('public.usage_ledger', reads => 'organization:read', writes => null, worker => 'reads');
create function private.refuse_rebooking() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' and (not exists (select from public.organizations o where o.id = old.organization_id) or private.is_going(old.organization_id)) then
    return old;
  end if;
  raise exception 'what is in the ledger stays as it is: add to it' using errcode = 'insufficient_privilege';
end $$;
create trigger usage_ledger_append_only before update or delete on public.usage_ledger for each row execute function private.refuse_rebooking();
create trigger usage_ledger_not_emptied before truncate on public.usage_ledger for each statement execute function private.refuse_rebooking();

-- Whose turn it is to do what the clock demands: each job once an hour or once a day, whichever worker asks first.
create table private.clock_turns (
  job text primary key,
  taken_at timestamptz not null
);
create function private.take_turn(wanted_job text, unit text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  insert into private.clock_turns as t (job, taken_at) values (wanted_job, now())
  on conflict (job) do update set taken_at = excluded.taken_at
    where date_trunc(unit, t.taken_at at time zone 'UTC') < date_trunc(unit, excluded.taken_at at time zone 'UTC');
  return found;
end $$;
grant execute on function private.take_turn(text, text) to frontdesk_app;

-- The day (in UTC) of what was counted since a time and is booked now. last_count: when it was last counted. Of what was counted on both sides of a
-- midnight, which is what the books that are kept right after it have, the day that has more of the time: they are kept every hour.
create function private.day_counted(last_count timestamptz, since timestamptz, at timestamptz) returns date
language plpgsql immutable set search_path = '' as $$
declare
  today constant date := (at at time zone 'UTC')::date;
  midnight constant timestamptz := today::timestamp at time zone 'UTC';
begin
  if last_count < midnight then return (last_count at time zone 'UTC')::date; end if;
  return case when since >= midnight or at - midnight > midnight - since then today else today - 1 end;
end $$;

-- Adds to the ledger what the next counters have counted since their last entry, once an hour each. A counter that is busy at this moment is
-- passed over, so that no message waits for a ring of locks; it has its turn in a moment. Returns the organizations with the first day that anything
-- is of, and where to go on. `usage.booked` is when everything was booked last.
create function private.roll_up_usage(after uuid, how_many integer) returns table (organization_id uuid, first_day date)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  hour constant text := to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24');
  booked constant timestamptz := (select t.taken_at from private.clock_turns t where t.job = 'usage.booked');
begin
  return query
  with due as materialized (
    select u.organization_id, u.metric, u.period_start, u.used - u.rolled_up as amount, u.updated_at
    from public.organization_usage u
    where u.organization_id > after and u.used <> u.rolled_up
    order by u.organization_id limit how_many for no key update skip locked
  ), dated as materialized (
    select d.*, private.day_counted(d.updated_at, greatest(booked, o.created_at), now()) as day from due d join public.organizations o on o.id = d.organization_id
  ), written as (
    insert into public.usage_ledger (organization_id, metric, source_id, period_start, amount, counted_on)
    select d.organization_id, d.metric, d.metric || ':' || d.period_start || ':' || hour, d.period_start, d.amount, d.day from dated d
    on conflict do nothing
    returning organization_id, metric, period_start, amount
  ), noted as (
    update public.organization_usage u set rolled_up = u.rolled_up + w.amount
    from written w where u.organization_id = w.organization_id and u.metric = w.metric and u.period_start = w.period_start
  )
  select d.organization_id, min(d.day) from dated d group by 1 order by 1;
end $$;
grant execute on function private.roll_up_usage(uuid, integer) to frontdesk_app;

-- Adds everything of one organization at once: before a period is billed.
create function private.close_usage(organization uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare since constant timestamptz := greatest(
  (select t.taken_at from private.clock_turns t where t.job = 'usage.booked'), (select o.created_at from public.organizations o where o.id = organization));
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  with due as materialized (
    select u.metric, u.period_start, u.used, u.used - u.rolled_up as amount, u.updated_at from public.organization_usage u
    where u.organization_id = organization and u.used <> u.rolled_up order by u.metric, u.period_start for no key update
  ), written as (
    insert into public.usage_ledger (organization_id, metric, source_id, period_start, amount, counted_on)
    select organization, d.metric, d.metric || ':' || d.period_start || ':at ' || d.used || ' ' || to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.US'), d.period_start, d.amount,
      private.day_counted(d.updated_at, since, now())
    from due d returning metric, period_start, amount
  )
  update public.organization_usage u set rolled_up = u.rolled_up + w.amount
  from written w where u.organization_id = organization and u.metric = w.metric and u.period_start = w.period_start;
end $$;
grant execute on function private.close_usage(uuid) to frontdesk_app, frontdesk_worker;

-- ---- what happens at a limit ----

-- What an organization chose for a metric: to stop (which is what happens without a choice), or to go on up to a cap each month, in minor units.
create table public.usage_choices (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null check (metric ~ '^[a-z_]{1,40}$'),
  over_limit text not null check (over_limit in ('stop', 'overage')),
  cap bigint check (cap between 1 and 100000000),
  chosen_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, metric),
  check ((over_limit = 'overage') = (cap is not null))
);
create index usage_choices_chosen_by on public.usage_choices (chosen_by);
select private.protect('public.usage_choices', reads => 'billing:read', writes => 'billing:write', worker => 'reads');
create trigger usage_choices_updated before update on public.usage_choices for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- What went beyond a limit in a period, at the price of that moment, and where it was billed: once, which the key says.
-- cost: in thousandths of the currency's minor unit, because prices are for a thousand.
create table public.usage_overage (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null check (metric ~ '^[a-z_]{1,40}$'),
  period_start date not null,
  units bigint not null default 0 check (units >= 0),
  cost bigint not null default 0 check (cost >= 0),
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  claimed_at timestamptz,
  attempts integer not null default 0,
  billed_at timestamptz,
  biller text,
  provider_item_id text,
  provider_invoice_id text,
  waits_for timestamptz,  -- the end of the subscription's period whose renewal takes it along, where it was billed before there was an invoice
  primary key (organization_id, metric, period_start),
  check ((billed_at is null) = (biller is null))
);
create index usage_overage_unbilled on public.usage_overage (organization_id) where billed_at is null;
select private.protect('public.usage_overage', reads => 'billing:read', writes => null, worker => 'reads');

-- Whether an organization stands so well that it may go beyond its limits and pay later: it pays, or is late by a week at most.
create function private.may_go_over(organization uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return exists (
    select from public.subscriptions s
    where s.organization_id = organization and s.status in ('active', 'past_due') and s.access in ('full', 'grace_full'));
end $$;

-- Takes units beyond the limit, as many of those wanted as the cap still pays for, or all or none of them; 0 where nobody chose overage, or the
-- plan has no price for it. The caller holds the counter's row, so that nobody else is in here for the same period.
create function private.go_over(organization uuid, wanted_metric text, period date, wanted bigint, all_or_none boolean) returns bigint
language plpgsql security definer set search_path = '' as $$
declare chosen record; room bigint;
begin
  select c.cap, (p.overage ->> wanted_metric)::bigint as price, p.currency into chosen
  from public.usage_choices c
  join public.subscriptions s on s.organization_id = c.organization_id
  join public.subscription_plans p on p.id = s.plan_id
  where c.organization_id = organization and c.metric = wanted_metric and c.over_limit = 'overage';
  if not found or coalesce(chosen.price, 0) <= 0 or not private.may_go_over(organization) then return 0; end if;
  if private.overage_way() = 'prepaid' then  -- the credit is one for all metrics
    perform pg_advisory_xact_lock(hashtextextended('frontdesk credit of ' || organization, 0));
  end if;
  room := least(wanted, greatest(0, least(private.credit_left(organization, chosen.currency, wanted_metric, period), chosen.cap * 1000 - coalesce((
    select o.cost from public.usage_overage o where o.organization_id = organization and o.metric = wanted_metric and o.period_start = period), 0))) / chosen.price);
  if room <= 0 or (all_or_none and room < wanted) then return 0; end if;
  insert into public.usage_overage as o (organization_id, metric, period_start, units, cost, currency)
  values (organization, wanted_metric, period, room, room * chosen.price, chosen.currency)
  on conflict (organization_id, metric, period_start) do update set units = o.units + excluded.units, cost = o.cost + excluded.cost;
  return room;
end $$;

-- ---- counting ----

-- The same with everything that a page says beside it. price: of a thousand beyond the limit, in minor units; null where none is sold.
-- cost: what went beyond it so far, in thousandths of a minor unit. may_go_over: whether it pays, so that what it chose holds.
create function private.usage_standing(organization uuid)
returns table (metric text, kind text, unit text, used bigint, allowed bigint, over_limit text, cap bigint, price bigint, currency text, over bigint, cost bigint, may_go_over boolean)
language plpgsql stable security definer set search_path = '' as $$
declare period constant date := private.usage_period(organization);
begin
  if not private.may_act_for(organization) then return; end if;
  return query
  select v.metric, v.kind, m.unit, v.used, v.allowed, coalesce(c.over_limit, 'stop'), c.cap, (p.overage ->> v.metric)::bigint, p.currency,
    coalesce(o.units, 0), coalesce(o.cost, 0), private.may_go_over(organization)
  from private.usage_overview(organization) v
  join public.usage_metrics m on m.metric = v.metric
  left join public.usage_choices c on c.organization_id = organization and c.metric = v.metric
  left join public.subscriptions s on s.organization_id = organization
  left join public.subscription_plans p on p.id = s.plan_id
  left join public.usage_overage o on o.organization_id = organization and o.metric = v.metric and o.period_start = period
  order by v.metric;
end $$;
grant execute on function private.usage_standing(uuid) to frontdesk_member;

-- The way beyond the limit: how much of the amount is granted, with what is still below it, all of it or none, or as much as there is.
create function private.consume_over(organization uuid, wanted_metric text, period date, amount bigint, allowed bigint, all_or_none boolean) returns bigint
language plpgsql security definer set search_path = '' as $$
declare so_far bigint; below bigint; beyond bigint;
begin
  if not exists (select from public.usage_choices c where c.organization_id = organization and c.metric = wanted_metric and c.over_limit = 'overage') then return 0; end if;
  insert into public.organization_usage (organization_id, metric, period_start) values (organization, wanted_metric, period) on conflict do nothing;
  select u.used into so_far from public.organization_usage u
  where u.organization_id = organization and u.metric = wanted_metric and u.period_start = period for no key update;
  below := least(amount, greatest(allowed - so_far, 0));
  beyond := case when below < amount then private.go_over(organization, wanted_metric, period, amount - below, all_or_none) else 0 end;
  if below + beyond = 0 or (all_or_none and below + beyond < amount) then return 0; end if;
  update public.organization_usage u set used = u.used + below + beyond, updated_at = now()
  where u.organization_id = organization and u.metric = wanted_metric and u.period_start = period;
  return below + beyond;
end $$;

-- ---- blocks ----

-- Units that were taken at once and are spent one by one, for work that would else count a million times. What is spent is written with the work
-- itself, so that whoever is killed has lost nothing: what was not spent goes back.
create table public.usage_leases (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  metric text not null check (metric ~ '^[a-z_]{1,40}$'),
  period_start date not null,
  taken bigint not null check (taken > 0),
  spent bigint not null default 0 check (spent between 0 and taken),
  beyond bigint not null default 0 check (beyond between 0 and taken),  -- how many of them are overage
  beyond_cost bigint not null default 0 check (beyond_cost >= 0),
  created_at timestamptz not null default now(),
  touched_at timestamptz not null default now(),
  primary key (organization_id, id)
) with (fillfactor = 50);
create index usage_leases_touched on public.usage_leases (touched_at);
select private.protect('public.usage_leases', reads => 'organization:read', writes => null, worker => 'reads');

-- Takes a block of units, as many of those wanted as there are, and returns how many it holds. Asked again for the same block: what is left of it.
create function private.lease_usage(organization uuid, wanted_metric text, lease uuid, wanted bigint) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  allowed constant bigint := private.usage_limit(organization, wanted_metric);
  period constant date := private.usage_period(organization);
  before record; so_far bigint; below bigint; beyond bigint; cost_before bigint;
begin
  if private.check_usage_call(organization, wanted_metric, wanted) = 'level' then
    raise exception 'there is no metric % that is counted', quote_literal(wanted_metric) using errcode = 'invalid_parameter_value';
  end if;
  if not private.access_allows((select s.access from public.subscriptions s where s.organization_id = organization), wanted_metric) then return 0; end if;
  insert into public.organization_usage (organization_id, metric, period_start) values (organization, wanted_metric, period) on conflict do nothing;
  select u.used into so_far from public.organization_usage u
  where u.organization_id = organization and u.metric = wanted_metric and u.period_start = period for no key update;
  select l.taken, l.spent, l.metric into before from public.usage_leases l where l.organization_id = organization and l.id = lease;
  if found then
    if before.metric <> wanted_metric then raise exception 'this block is of another metric' using errcode = 'invalid_parameter_value'; end if;
    return before.taken - before.spent;
  end if;
  below := case when allowed is null then wanted else least(wanted, greatest(allowed - so_far, 0)) end;
  cost_before := coalesce((select o.cost from public.usage_overage o where o.organization_id = organization and o.metric = wanted_metric and o.period_start = period), 0);
  beyond := case when below < wanted then private.go_over(organization, wanted_metric, period, wanted - below, false) else 0 end;
  if below + beyond = 0 then return 0; end if;
  update public.organization_usage u set used = u.used + below + beyond, updated_at = now()
  where u.organization_id = organization and u.metric = wanted_metric and u.period_start = period;
  insert into public.usage_leases (organization_id, id, metric, period_start, taken, beyond, beyond_cost)
  select organization, lease, wanted_metric, period, below + beyond, beyond,
    coalesce((select o.cost from public.usage_overage o where o.organization_id = organization and o.metric = wanted_metric and o.period_start = period), 0) - cost_before;
  return below + beyond;
end $$;
grant execute on function private.lease_usage(uuid, text, uuid, bigint) to frontdesk_member, frontdesk_worker;

-- Spends units of a block, in the transaction of what they are for. False when it does not hold as many, is given back, or its period is over.
create function private.spend_usage(organization uuid, lease uuid, amount bigint) returns boolean
language plpgsql security definer set search_path = '' as $$
declare period constant date := private.usage_period(organization);
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  if amount is null or amount <= 0 then raise exception 'amount must be positive, not %', amount using errcode = 'invalid_parameter_value'; end if;
  update public.usage_leases l set spent = l.spent + amount, touched_at = now()
  where l.organization_id = organization and l.id = lease and l.period_start = period and l.spent + amount <= l.taken;
  return found;
end $$;
grant execute on function private.spend_usage(uuid, uuid, bigint) to frontdesk_member, frontdesk_worker;

-- Gives back what is left of a block, and says how much that was; 0 for a block that is given back already. What was beyond the limit goes first.
create function private.return_usage(organization uuid, lease uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare one public.usage_leases; rest bigint; of_beyond bigint;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  select l.* into one from public.usage_leases l where l.organization_id = organization and l.id = lease;
  if not found then return 0; end if;
  perform from public.organization_usage u
  where u.organization_id = organization and u.metric = one.metric and u.period_start = one.period_start for no key update;
  delete from public.usage_leases l where l.organization_id = organization and l.id = lease returning l.* into one;
  if not found then return 0; end if;
  rest := one.taken - one.spent;
  of_beyond := least(rest, one.beyond);
  if of_beyond > 0 then
    update public.usage_overage o set units = o.units - of_beyond, cost = o.cost - of_beyond * (one.beyond_cost / one.beyond)
    where o.organization_id = organization and o.metric = one.metric and o.period_start = one.period_start and o.billed_at is null;
  end if;
  update public.organization_usage u set used = u.used - rest, updated_at = now()
  where rest > 0 and u.organization_id = organization and u.metric = one.metric and u.period_start = one.period_start;
  return rest;
end $$;
grant execute on function private.return_usage(uuid, uuid) to frontdesk_member, frontdesk_worker;

-- Gives back blocks that nobody spends any more: untouched for an hour, whoever held them was killed. Who comes back after all takes a new one.
create function private.return_stale_usage() returns bigint
language plpgsql security definer set search_path = '' as $$
declare stale record; returned bigint := 0;
begin
  for stale in select l.organization_id, l.id from public.usage_leases l where l.touched_at < now() - interval '1 hour' order by l.touched_at limit 1000 loop
    returned := returned + private.return_usage(stale.organization_id, stale.id);
  end loop;
  return returned;
end $$;
grant execute on function private.return_stale_usage() to frontdesk_app;

-- ---- API calls ----

-- Calls are counted in the row that says how many the minute has had, and taken from there every minute: no row is written for a call that is not
-- written anyway. A call that was refused is not counted.

-- Takes over the calls that are not counted yet. Calls that are admitted at this moment are taken the next time.
create function private.count_api_calls() returns void
language sql security definer set search_path = '' as $$
  with taken as materialized (
    select c.subject, c.organization_id, c.uncounted from private.api_calls c where c.uncounted > 0 order by c.subject for update skip locked
  ), cleared as (
    update private.api_calls c set uncounted = 0 from taken t where c.subject = t.subject
  )
  insert into public.organization_usage as u (organization_id, metric, period_start, used)
  select t.organization_id, 'api_requests', private.period_start(s.usage_anchor, (now() at time zone 'UTC')::date + coalesce(s.days_ahead, 0)), sum(t.uncounted)
  from taken t join public.organizations o on o.id = t.organization_id left join public.subscriptions s on s.organization_id = t.organization_id
  group by t.organization_id, s.usage_anchor, s.days_ahead order by t.organization_id
  on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used, updated_at = now()
$$;
grant execute on function private.count_api_calls() to frontdesk_app;

-- ---- figures by day ----

-- How much of a metric each day had, by channel and by who did it: for charts, made anew from the rows by a job. Days are those of UTC, on which
-- something was counted. The zero UUID stands where there is no channel or no user.
create table public.usage_days (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  day date not null,
  metric text not null check (metric ~ '^[a-z_]{1,40}$'),
  channel_id uuid not null,
  author text not null check (author in ('contact', 'member', 'bot', 'campaign', 'program', 'nobody')),
  user_id uuid not null,
  amount bigint not null,
  primary key (organization_id, day, metric, channel_id, author, user_id)
);
select private.protect('public.usage_days', reads => 'billing:read', writes => null, worker => 'reads');

-- The messages of an organization that were counted within a time. What the plan refused was not: it failed in the moment that it was stored.
-- Nor was sample data, whose rows say that they were stored in the very second they tell of. late: a message's id is of the time at which it was
-- written, which may be a week before it came.
create function private.counted_messages(organization uuid, since timestamptz, until timestamptz, late interval)
returns table (direction text, conversation_id uuid, author text, user_id uuid, api_key_id uuid, created_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select m.direction, m.conversation_id, m.author, m.user_id, m.api_key_id, m.created_at
  from public.messages m
  where m.organization_id = organization and m.id >= private.first_id_of(since - late) and m.id < private.first_id_of(until + interval '1 day')
    and m.created_at >= since and m.created_at < until and m.created_at <> m.occurred_at and m.failed_at is distinct from m.created_at
$$;

-- Makes the figures of these days anew; late: how long before it came a message may have been written. Two who do so at once take turns.
create function private.make_usage_days(organization uuid, first_day date, last_day date, late interval) returns void
language plpgsql security definer set search_path = '' as $$
declare
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  since constant timestamptz := first_day::timestamp at time zone 'UTC';
  until constant timestamptz := (last_day + 1)::timestamp at time zone 'UTC';
begin
  perform pg_advisory_xact_lock(hashtextextended('frontdesk usage days ' || organization, 0));
  -- what a channel had that is gone stays as it was: its messages went with it
  delete from public.usage_days d where d.organization_id = organization and d.day between first_day and last_day
    and (d.channel_id = nobody or exists (select from public.channels c where c.organization_id = organization and c.id = d.channel_id));
  insert into public.usage_days (organization_id, day, metric, channel_id, author, user_id, amount)
  select organization, (m.created_at at time zone 'UTC')::date, case m.direction when 'in' then 'messages_received' else 'messages_sent' end, v.channel_id,
    case when m.api_key_id is not null then 'program' else m.author end, coalesce(m.user_id, nobody), count(*)
  from private.counted_messages(organization, since, until, late) m
  join public.conversations v on v.organization_id = organization and v.id = m.conversation_id
  group by 2, 3, 4, 5, 6
  union all
  select organization, e.day, e.metric, nobody, 'nobody', nobody, sum(e.amount)
  from (
    select l.metric, l.amount, coalesce(l.counted_on, ((l.created_at - interval '30 minutes') at time zone 'UTC')::date) as day
    from public.usage_ledger l
    where l.organization_id = organization and l.metric not in ('messages_sent', 'messages_received') and l.created_at >= since
  ) as e
  where e.day between first_day and last_day
  group by e.day, e.metric
  on conflict do nothing;
end $$;
grant execute on function private.make_usage_days(uuid, date, date, interval) to frontdesk_app;

-- ---- another anchor ----

-- Lets an organization's months begin with another day, as its subscription's do. What was counted since the period that this makes the present
-- one began belongs to that, and leaves the periods before. Returns when the present period began. Asked again, nothing happens.
create function private.anchor_usage(organization uuid, new_anchor date) returns date
language plpgsql security definer set search_path = '' as $$
declare
  ahead constant integer := coalesce((select t.days_ahead from private.turned_clock t), 0);
  today constant date := (now() at time zone 'UTC')::date + ahead;
  period constant date := private.period_start(new_anchor, today);
  since constant timestamptz := (period - ahead)::timestamp at time zone 'UTC';
  old_anchor date; old_period date; one record; earlier record; missing bigint; moved bigint;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  select s.usage_anchor, private.period_start(s.usage_anchor, today - ahead + s.days_ahead) into old_anchor, old_period from public.subscriptions s where s.organization_id = organization for no key update;
  if not found or old_anchor is not distinct from new_anchor then return old_period; end if;
  update public.subscriptions s set usage_anchor = new_anchor, days_ahead = ahead where s.organization_id = organization;
  if period = old_period then return period; end if;
  -- until this ends nothing is folded: what would go where the months begun before it, and what is not folded by now goes by itself where they begin now
  perform pg_advisory_xact_lock_shared(hashtextextended('frontdesk received counts', 0));
  perform from public.organization_usage u where u.organization_id = organization order by u.metric, u.period_start for no key update;
  for one in select m.metric from public.usage_metrics m where m.kind = 'period' loop
    missing := case when one.metric in ('messages_sent', 'messages_received') then (
        select count(*) from private.counted_messages(organization, since, now() + interval '1 day', '8 days') m where (m.direction = 'in') = (one.metric = 'messages_received'))
      else coalesce((select sum(l.amount) from public.usage_ledger l where l.organization_id = organization and l.metric = one.metric and l.created_at >= since), 0)
        + coalesce((select sum(u.used - u.rolled_up) from public.organization_usage u where u.organization_id = organization and u.metric = one.metric), 0)
      end - coalesce((select u.used from public.organization_usage u where u.organization_id = organization and u.metric = one.metric and u.period_start = period), 0)
      - case one.metric when 'messages_received' then private.unfolded_received(organization, period) else 0 end;
    for earlier in select u.period_start, u.used from public.organization_usage u
      where u.organization_id = organization and u.metric = one.metric and u.period_start <> period
        and (ahead = 0 or u.period_start = old_period)  -- where a clock was turned, a month that is over is none by its messages' days
      order by u.period_start desc loop
      moved := least(earlier.used, missing);
      exit when moved <= 0;
      update public.organization_usage u set used = u.used - moved
      where u.organization_id = organization and u.metric = one.metric and u.period_start = earlier.period_start;
      insert into public.organization_usage as u (organization_id, metric, period_start, used) values (organization, one.metric, period, moved)
      on conflict (organization_id, metric, period_start) do update set used = u.used + excluded.used;
      missing := missing - moved;
    end loop;
  end loop;
  return period;
end $$;
grant execute on function private.anchor_usage(uuid, date) to frontdesk_worker;

-- ---- recounting ----

-- Where a counter and the rows it counts differ, as the last recount found it.
create table private.usage_drifts (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  metric text not null,
  period_start date not null,
  counted bigint not null,
  recounted bigint not null,
  found_at timestamptz not null default now(),
  primary key (organization_id, metric, period_start)
);

-- Where an organization's counters differ from what they count: its messages of the present period counted again from their rows, and those of channels
-- that are gone from the figures of their days; and where the ledger says more or less than was counted. One statement sees all as of one moment.
create function private.usage_differences(organization uuid) returns table (metric text, period_start date, counted bigint, recounted bigint)
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
  turned constant boolean := coalesce((select s.days_ahead <> 0 from public.subscriptions s where s.organization_id = organization), false);
  period constant date := private.period_start((select s.usage_anchor from public.subscriptions s where s.organization_id = organization), (now() at time zone 'UTC')::date);
begin
  return query
  select f.metric, f.period_start, f.counted::bigint, f.recounted::bigint from (
    select w.metric, period as period_start,
      coalesce((select u.used from public.organization_usage u where u.organization_id = organization and u.metric = w.metric and u.period_start = period), 0)
        + case w.metric when 'messages_received' then private.unfolded_received(organization, period) else 0 end
        - coalesce((select sum(l.taken - l.spent) from public.usage_leases l where l.organization_id = organization and l.metric = w.metric and l.period_start = period), 0) as counted,
      coalesce(sum(m.n), 0)::bigint + coalesce((
        select sum(g.amount) from public.usage_days g
        where g.organization_id = organization and g.metric = w.metric and g.day >= period
          and not exists (select from public.channels c where c.organization_id = organization and c.id = g.channel_id)), 0)::bigint as recounted
    from (values ('messages_sent', 'out'), ('messages_received', 'in')) as w (metric, direction)
    left join (
      select c.direction, count(*) as n from private.counted_messages(organization, period::timestamp at time zone 'UTC', now() + interval '1 day', '8 days') c group by 1
    ) as m on m.direction = w.direction
    where not turned  -- then messages have other days than the months that they were counted in
    group by w.metric
    union all
    select u.metric, u.period_start, u.rolled_up, coalesce(sum(l.amount), 0)::bigint
    from public.organization_usage u
    left join public.usage_ledger l on l.organization_id = organization and l.metric = u.metric and l.period_start = u.period_start
    where u.organization_id = organization and u.metric not in ('messages_sent', 'messages_received')
    group by u.metric, u.period_start, u.rolled_up
  ) as f
  where f.counted <> f.recounted;
end $$;

-- Counts an organization again, and notes where its counters differ.
create function private.recount_usage(organization uuid) returns table (metric text, period_start date, counted bigint, recounted bigint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
  delete from private.usage_drifts d where d.organization_id = organization;
  return query
  insert into private.usage_drifts as d (organization_id, metric, period_start, counted, recounted)
  select organization, f.metric, f.period_start, f.counted, f.recounted from private.usage_differences(organization) f
  returning d.metric, d.period_start, d.counted, d.recounted;
end $$;
grant execute on function private.recount_usage(uuid) to frontdesk_app;

-- What the last recounts have found, for whoever runs the installation.
create function private.list_usage_drifts() returns table (organization text, metric text, period_start date, counted bigint, recounted bigint, found_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select o.slug, d.metric, d.period_start, d.counted, d.recounted, d.found_at
  from private.usage_drifts d join public.organizations o on o.id = d.organization_id order by d.found_at desc, o.slug, d.metric
$$;
grant execute on function private.list_usage_drifts() to frontdesk_app;

-- The next organizations by their id: what the night's work walks along.
create function private.list_organizations_after(after uuid, how_many integer) returns table (organization_id uuid)
language sql stable security definer set search_path = '' as $$
  select o.id from public.organizations o where o.id > after order by o.id limit how_many
$$;
grant execute on function private.list_organizations_after(uuid, integer) to frontdesk_app;

-- ---- nearly full, and full ----

-- Owes an organization what it is told of its limits: that four fifths are used, that all is, or that all is which it allowed beyond one; each once
-- a period. Contacts are the level that grows by itself; other levels are full when somebody fills them. Returns how many notices are new.
create function private.note_full_usage(organization uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  period constant date := private.usage_period(organization);
  told bigint;
begin
  with standing as materialized (
    select v.metric, v.used, v.allowed, v.price > 0 and v.may_go_over as offered, v.over_limit = 'overage' and v.price > 0 and v.may_go_over as beyond,
      least(private.credit_left(organization, v.currency, v.metric, period), v.cap * 1000 - v.cost) < v.price as spent
    from private.usage_standing(organization) v
    where (v.kind = 'period' or v.metric = 'contacts') and v.allowed > 0 and v.used * 100 >= v.allowed * 80
  ), touched as (  -- whoever wrote beyond the limit is marked
    update public.subscriptions s set look_at = now() from standing v
    where s.organization_id = organization and s.contacts_from is null and v.metric = 'contacts' and v.used > v.allowed
  )
  insert into public.billing_notices (organization_id, id, kind, object, facts)
  select organization, private.uuid_v7(), k.kind, s.metric || ':' || period,
    jsonb_build_object('metric', s.metric, 'used', s.used, 'allowed', s.allowed, 'beyond', coalesce(s.beyond, false), 'offered', coalesce(s.offered, false))
  from standing s
  cross join lateral (
    select case when s.used < s.allowed then 'usage_nearly_full' when s.beyond and s.spent then 'overage_cap_reached' else 'usage_full' end as kind) as k
  on conflict do nothing;
  get diagnostics told = row_count;
  return told;
end $$;
grant execute on function private.note_full_usage(uuid) to frontdesk_app;

-- ---- billing what went over ----

-- Takes what went beyond limits in periods that are over and nobody has billed, and gives it to whoever asks: to nobody else for ten minutes, in
-- which it is billed, or whoever has it is dead. Blocks of those periods are given back first, and the ledger has everything: what is billed does
-- not change any more. attempts: how often it was taken before.
create function private.claim_overage(organization uuid)
returns table (metric text, period_start date, period_end date, units bigint, cost bigint, currency text, attempts integer)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  anchor constant date := (select s.usage_anchor from public.subscriptions s where s.organization_id = organization);
  period constant date := private.usage_period(organization);
  lease uuid;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  for lease in select l.id from public.usage_leases l where l.organization_id = organization and l.period_start < period loop
    perform private.return_usage(organization, lease);
  end loop;
  perform private.close_usage(organization);
  return query
  update public.usage_overage o set claimed_at = now(), attempts = o.attempts + 1
  where o.organization_id = organization and o.period_start < period and o.billed_at is null and o.units > 0
    and (o.claimed_at is null or o.claimed_at < now() - interval '10 minutes')
  returning o.metric, o.period_start, least(private.period_end(anchor, o.period_start), period), o.units, o.cost, o.currency, o.attempts - 1;
end $$;
grant execute on function private.claim_overage(uuid) to frontdesk_worker;

-- Notes where an overage was billed, and, where there was no invoice for it yet, which one will take it along. False when it was already.
create function private.settle_overage(organization uuid, of_metric text, of_period date, by_biller text, item text, invoice text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  update public.usage_overage o set billed_at = now(), biller = by_biller, provider_item_id = item, provider_invoice_id = invoice, waits_for = (
    select s.current_period_end from public.subscriptions s
    where s.organization_id = organization and s.billing_interval = 'month' and s.provider_subscription_id is not null and s.ended_at is null
      and invoice is null and by_biller <> 'prepaid')
  where o.organization_id = organization and o.metric = of_metric and o.period_start = of_period and o.billed_at is null;
  return found;
end $$;
grant execute on function private.settle_overage(uuid, text, date, text, text, text) to frontdesk_worker;

-- Lets go of a charge that could not be billed, so that it is taken again soon.
create function private.release_overage(organization uuid, of_metric text, of_period date) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  update public.usage_overage o set claimed_at = null
  where o.organization_id = organization and o.metric = of_metric and o.period_start = of_period and o.billed_at is null;
end $$;
grant execute on function private.release_overage(uuid, text, date) to frontdesk_worker;

-- What an organization has paid ahead and what was taken of it, in minor units: each source counts once, and nothing is changed.
create table public.usage_credits (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  source_id text not null check (char_length(source_id) between 1 and 200),
  amount bigint not null,
  currency text not null check (currency ~ '^[A-Z]{3}$'),
  created_at timestamptz not null default now(),
  primary key (organization_id, source_id),
  -- a refund of what is spent already takes nothing: it stands there all the same, so that it never takes what is bought later
  constraint usage_credits_amount_check check (amount <> 0 or source_id like 'refund:%')
);
select private.protect('public.usage_credits', reads => 'billing:read', writes => null, worker => 'reads');
create trigger usage_credits_append_only before update or delete on public.usage_credits for each row execute function private.refuse_rebooking();
create trigger usage_credits_not_emptied before truncate on public.usage_credits for each statement execute function private.refuse_rebooking();

-- Adds to the credit, or takes from it (an amount below zero), once for each source. False, and nothing is done, when there is not as much.
create function private.book_credit(organization uuid, source text, booked bigint, in_currency text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  perform from public.subscriptions s where s.organization_id = organization for no key update;
  if exists (select from public.usage_credits c where c.organization_id = organization and c.source_id = source) then return true; end if;
  if booked < 0 and coalesce((select sum(c.amount) from public.usage_credits c where c.organization_id = organization and c.currency = in_currency), 0) + booked < 0 then
    return false;
  end if;
  insert into public.usage_credits (organization_id, source_id, amount, currency) values (organization, source, booked, in_currency);
  return true;
end $$;
grant execute on function private.book_credit(uuid, text, bigint, text) to frontdesk_worker;

-- How the installation bills what goes beyond limits: as its settings said when it started. Without a row: as items of invoices.
create table private.overage_billing (
  only_one boolean primary key default true check (only_one),
  way text not null check (way in ('invoice_items', 'meters', 'prepaid'))
);

-- Keeps how the installation bills what goes beyond limits.
create function private.bill_overage_by(chosen text) returns void
language sql security definer set search_path = '' as $$
  insert into private.overage_billing as b (way) values (chosen) on conflict (only_one) do update set way = excluded.way where b.way <> excluded.way
$$;
grant execute on function private.bill_overage_by(text) to frontdesk_app;

-- How it does so.
create function private.overage_way() returns text
language sql stable security definer set search_path = '' as $$
  select coalesce((select b.way from private.overage_billing b), 'invoice_items')
$$;

-- What is left of the credit after everything that went beyond limits and is not taken from it yet, in thousandths of a minor unit: each charge as it
-- will be rounded at most, that of this metric and period as it is. Null where credit is not what pays.
create function private.credit_left(organization uuid, in_currency text, of_metric text, of_period date) returns bigint
language plpgsql stable security definer set search_path = '' as $$
begin
  if private.overage_way() <> 'prepaid' then return null; end if;
  return coalesce((select 1000 * sum(c.amount) from public.usage_credits c where c.organization_id = organization and c.currency = in_currency), 0)
    - coalesce((select sum(case when o.metric = of_metric and o.period_start = of_period then o.cost else (o.cost + 999) / 1000 * 1000 end)
        from public.usage_overage o where o.organization_id = organization and o.currency = in_currency and o.billed_at is null), 0);
end $$;

-- Adds what was bought to the credit, once for each source. False when it was before.
create function private.buy_credit(organization uuid, source text, bought bigint, in_currency text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  if bought is null or bought <= 0 then raise exception 'amount must be positive, not %', bought using errcode = 'invalid_parameter_value'; end if;
  insert into public.usage_credits (organization_id, source_id, amount, currency) values (organization, source, bought, in_currency) on conflict do nothing;
  return found;
end $$;
grant execute on function private.buy_credit(uuid, text, bigint, text) to frontdesk_worker;

-- Takes back from the credit what was paid back to whoever bought it, once for each source, and no more than is neither spent nor owed: what was used stays
-- used. Returns how much was taken, and null where that was done before.
create function private.take_credit_back(organization uuid, source text, wanted bigint, in_currency text) returns bigint
language plpgsql security definer set search_path = '' as $$
declare taken bigint;
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  if wanted is null or wanted <= 0 then raise exception 'amount must be positive, not %', wanted using errcode = 'invalid_parameter_value'; end if;
  perform from public.subscriptions s where s.organization_id = organization for no key update;  -- who bills from the credit at this moment is waited for
  perform pg_advisory_xact_lock(hashtextextended('frontdesk credit of ' || organization, 0));  -- and who goes beyond a limit
  if exists (select from public.usage_credits c where c.organization_id = organization and c.source_id = source) then return null; end if;
  taken := least(wanted, greatest(0, coalesce(private.credit_left(organization, in_currency, null, null) / 1000,
    (select sum(c.amount) from public.usage_credits c where c.organization_id = organization and c.currency = in_currency), 0)));
  insert into public.usage_credits (organization_id, source_id, amount, currency) values (organization, source, -taken, in_currency);
  return taken;
end $$;
grant execute on function private.take_credit_back(uuid, text, bigint, text) to frontdesk_worker;

-- The organizations with something to bill of periods that are over.
create function private.list_overage_due(after uuid, how_many integer) returns table (organization_id uuid)
language sql stable security definer set search_path = '' as $$
  select distinct o.organization_id
  from public.usage_overage o left join public.subscriptions s on s.organization_id = o.organization_id
  where o.billed_at is null and o.units > 0 and o.organization_id > after
    and o.period_start < private.period_start(s.usage_anchor, (now() at time zone 'UTC')::date + coalesce(s.days_ahead, 0))
  order by 1 limit how_many
$$;
grant execute on function private.list_overage_due(uuid, integer) to frontdesk_app;


-- ==== Operators ====

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

-- Whether the organization of this transaction is suspended: asked where a permission is missing, so that a program is told which of both it is.
create function private.acting_organization_is_suspended() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.organizations o
    where o.id = nullif(current_setting('frontdesk.organization_id', true), '')::uuid and o.suspended_at is not null)
$$;
grant execute on function private.acting_organization_is_suspended() to frontdesk_member;

-- The organizations whose subscription was bought and has ended for so many days but a week, and those whose deletion nobody asked for. days: null where
-- nothing is deleted by itself.
create function private.canceled_organizations(days integer) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select s.organization_id from public.subscriptions s
  where s.status = 'canceled' and s.provider_subscription_id is not null and s.ended_at <= now() - make_interval(days => days - 7)
  union select d.organization_id from public.organization_deletions d where d.begun_at is null and d.requested_by is null
$$;
grant execute on function private.canceled_organizations(integer) to frontdesk_app;
create index subscriptions_ended on public.subscriptions (ended_at) where status = 'canceled';

-- What the clock does next about an organization whose subscription was bought and has ended: "told", two weeks before it is deleted; "ordered", so many
-- days after the end, and a week after it was told at the earliest; "reminded", a day before. Each once for a subscription: whoever undoes that has
-- undone it for good. "kept": it was ordered, and has bought again, or nothing is deleted by itself any more. Null when there is nothing to do.
create function private.part_from_canceled(organization uuid, days integer) returns text
language plpgsql security definer set search_path = '' as $$
declare
  subscription public.subscriptions; deletion public.organization_deletions;
  about text; ours boolean; told_at timestamptz;
begin
  if not private.may_act_for(organization) then return null; end if;
  select * into subscription from public.subscriptions s where s.organization_id = organization for no key update;
  select * into deletion from public.organization_deletions d where d.organization_id = organization for update;
  about := subscription.provider_subscription_id;
  ours := deletion.begun_at is null and exists (select from public.billing_notices n
    where n.organization_id = organization and n.kind = 'deletion_ordered' and n.created_at = deletion.requested_at);
  if days is null or subscription.status is distinct from 'canceled' or about is null or subscription.ended_at is null then
    if not ours then return null; end if;
    delete from public.organization_deletions d where d.organization_id = organization;
    return 'kept';
  end if;
  if deletion.organization_id is not null then
    if not ours or deletion.due_at > now() + interval '1 day' then return null; end if;
    insert into public.billing_notices (organization_id, id, kind, object, attempt, facts)
    values (organization, private.uuid_v7(), 'deletion_ahead', about, 1, jsonb_build_object('deleted_at', deletion.due_at)) on conflict do nothing;
    return case when found then 'reminded' end;
  end if;
  if subscription.ended_at > now() - make_interval(days => days - 7) then return null; end if;
  insert into public.billing_notices (organization_id, id, kind, object, attempt, facts)
  values (organization, private.uuid_v7(), 'deletion_ahead', about, 14,
    jsonb_build_object('deleted_at', greatest(subscription.ended_at + make_interval(days => days + 7), now() + interval '14 days'))) on conflict do nothing;
  if found then return 'told'; end if;
  select n.created_at into told_at from public.billing_notices n
  where n.organization_id = organization and n.kind = 'deletion_ahead' and n.object = about and n.attempt = 14;
  if subscription.ended_at > now() - make_interval(days => days) or told_at > now() - interval '7 days' then return null; end if;
  insert into public.billing_notices (organization_id, id, kind, object, mailed_at)
  values (organization, private.uuid_v7(), 'deletion_ordered', about, now()) on conflict do nothing;
  if not found then return null; end if;
  insert into public.organization_deletions (organization_id) values (organization);
  return 'ordered';
end $$;
grant execute on function private.part_from_canceled(uuid, integer) to frontdesk_worker;

-- Tells an organization what its operator decided about it, and that he looked into it: a notice each, once, which the clock of its subscription mails.
create function private.tell_of_suspension() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.billing_notices (organization_id, id, kind, object, facts)
  values (new.id, private.uuid_v7(), case when new.suspended_at is null then 'organization_resumed' else 'organization_suspended' end,
    coalesce(new.suspended_at, clock_timestamp())::text, jsonb_build_object('reason', coalesce(new.suspended_reason, '')))
  on conflict do nothing;
  return null;
end $$;
create trigger organizations_suspended_told after update of suspended_at on public.organizations
  for each row when ((old.suspended_at is null) <> (new.suspended_at is null)) execute function private.tell_of_suspension();
create function private.tell_of_view() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.billing_notices (organization_id, id, kind, object, facts)
  values (new.organization_id, private.uuid_v7(), 'organization_viewed', new.id::text, jsonb_build_object('reason', new.reason, 'purpose', new.purpose))
  on conflict do nothing;
  return null;
end $$;
create trigger operator_views_told after insert on public.operator_views for each row execute function private.tell_of_view();

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

-- Tells an organization that its operator let what it bought end with its period (ends_at), or kept it: a notice each time, which the clock of its
-- subscription mails. What ends at once is told as every end is.
create function private.tell_of_order(organization uuid, plan text, why text, ends_at timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  insert into public.billing_notices (organization_id, id, kind, object, facts)
  values (organization, private.uuid_v7(), case when ends_at is null then 'purchase_kept' else 'purchase_ends' end, clock_timestamp()::text,
    jsonb_build_object('plan', plan, 'reason', why, 'ends_at', ends_at));
end $$;
grant execute on function private.tell_of_order(uuid, text, text, timestamptz) to frontdesk_operator;

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

-- Revenue by the month, the oldest first: how it stood at the end, what made it more and less, who came and left, whose trial became a customer
-- or ended without (one that nobody bought goes on as `trialing`: it is over when its day is), and whose payments failed.
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
  ), unbought as (
    select date_trunc('month', s.trial_ends_at at time zone 'UTC')::date as month, count(*) as lapsed
    from public.subscriptions s where s.status = 'trialing' and s.provider_subscription_id is null and s.trial_ends_at <= now() group by 1
  ), running as (
    select s.*, sum(s.net) over w as mrr, sum(s.came - s.left_us) over w as paying from summed s window w as (order by s.month)
  ), calendar as (
    select (date_trunc('month', now() at time zone 'UTC') - make_interval(months => n))::date as month from generate_series(0, months - 1) as n
  )
  select c.month, coalesce(r.mrr, 0)::bigint, coalesce(e.fresh, 0), coalesce(e.expansion, 0), coalesce(e.contraction, 0), coalesce(e.churn, 0),
    coalesce(r.paying, 0)::bigint, coalesce(e.came, 0), coalesce(e.left_us, 0), coalesce(e.trials, 0), coalesce(e.converted, 0), coalesce(e.lapsed, 0) + coalesce(n.lapsed, 0),
    coalesce(e.failed, 0)
  from calendar c
  left join lateral (select u.mrr, u.paying from running u where u.month <= c.month order by u.month desc limit 1) as r on true
  left join running e on e.month = c.month
  left join unbought n on n.month = c.month
  order by c.month;
end $$;
grant execute on function private.revenue_by_month(integer) to frontdesk_operator;

-- ---- usage ----

-- What an organization uses of everything that is counted or limited, as its own pages say it: levels such as contacts as well, which operators cannot read.
create function private.usage_for_operators(organization uuid)
returns table (metric text, kind text, description text, unit text, used bigint, allowed bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  select m.metric, m.kind, m.description, m.unit, v.used, v.allowed
  from private.usage_overview(organization) v join public.usage_metrics m on m.metric = v.metric
  order by m.kind, m.metric;
end $$;
grant execute on function private.usage_for_operators(uuid) to frontdesk_operator;

-- What the last recounts have found, for the console: whose, of what, and how much, the newest first.
create function private.drifts_for_operators(how_many integer)
returns table (organization_id uuid, organization text, metric text, description text, period_start date, counted bigint, recounted bigint, found_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  select d.organization_id, o.name, d.metric, m.description, d.period_start, d.counted, d.recounted, d.found_at
  from private.usage_drifts d join public.organizations o on o.id = d.organization_id join public.usage_metrics m on m.metric = d.metric
  order by d.found_at desc, d.organization_id, d.metric, d.period_start limit how_many;
end $$;
grant execute on function private.drifts_for_operators(integer) to frontdesk_operator;

-- Sets a counter to what is counted again now, while nobody else counts: a message counter to its messages, and what stands in the ledger to what is
-- written there, so that the next hour writes the rest. By how much is computed under the counter's lock: sent twice it changes nothing more. What
-- was billed stays. Returns what became of it (mended, agrees: by now it does anyway, nothing: no difference is noted) with both numbers.
create function private.mend_usage(organization uuid, of_metric text, of_period date) returns table (outcome text, counted bigint, recounted bigint)
language plpgsql security definer set search_path = '' as $$
declare differs record;
begin
  perform private.demand_operator();
  perform from private.usage_drifts d where d.organization_id = organization and d.metric = of_metric and d.period_start = of_period for update;
  if not found then return query select 'nothing', 0::bigint, 0::bigint; return; end if;
  insert into public.organization_usage (organization_id, metric, period_start) values (organization, of_metric, of_period) on conflict do nothing;
  perform from public.organization_usage u where u.organization_id = organization and u.metric = of_metric and u.period_start = of_period for no key update;
  select d.counted, d.recounted into differs from private.usage_differences(organization) d where d.metric = of_metric and d.period_start = of_period;
  delete from private.usage_drifts d where d.organization_id = organization and d.metric = of_metric and d.period_start = of_period;
  if differs.counted is null then return query select 'agrees', 0::bigint, 0::bigint; return; end if;
  update public.organization_usage u set
    used = case when of_metric in ('messages_sent', 'messages_received') then greatest(u.used + differs.recounted - differs.counted, 0) else u.used end,
    rolled_up = case when of_metric in ('messages_sent', 'messages_received') then u.rolled_up else differs.recounted end
  where u.organization_id = organization and u.metric = of_metric and u.period_start = of_period;
  return query select 'mended', differs.counted, differs.recounted;
end $$;
grant execute on function private.mend_usage(uuid, text, date) to frontdesk_operator;

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
  union all select 'usage_drift', count(*), min(d.found_at) from (select n.found_at from private.usage_drifts n limit 1000) as d
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

-- ==== What is over a limit ====

-- The first contact that is over the plan's limit, for who may not read how the organization stands with paying.
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
create function private.mark_held_back(organization uuid) returns integer
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

-- Where contacts go and others were over the limit, there may be room again: it is looked at.
create function private.make_room_for_contacts() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  update public.subscriptions s set look_at = now()
  where s.contacts_from is not null and s.organization_id in (select g.organization_id from gone g);
  return null;
end $$;
create trigger contacts_make_room after delete on public.contacts referencing old table as gone for each statement execute function private.make_room_for_contacts();

-- ==== Last ====

-- Nothing is executable unless a grant above says so.
revoke execute on all functions in schema private from public, anon;
revoke execute on function public.update_updated_at_column(), public.create_organization_for_user() from public, anon, authenticated;
