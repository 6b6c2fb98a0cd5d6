-- What an organization may do now: its plan, the operator's exceptions, and how it stands with paying. And what it is told of that, once.

-- ---- access ----

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

-- Kept beside the subscription by the trigger below, so that whoever counts reads one row: access; limits and features as they hold now, of the plan
-- or of the plan `free`, with exceptions; look_at: when the clock changes something next, or somebody has.
alter table public.subscriptions
  add column access text not null default 'full' check (access in ('full', 'grace_full', 'grace_limited', 'read_only', 'free')),
  add column limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
  add column features jsonb not null default '{}' check (jsonb_typeof(features) = 'object'),
  add column look_at timestamptz not null default now();
create index subscriptions_look_at on public.subscriptions (look_at);

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

update public.subscriptions set look_at = now();

-- How much of a metric the organization may use; null is no limit.
create or replace function private.usage_limit(organization uuid, wanted_metric text) returns bigint
language sql stable security definer set search_path = '' as $$
  select (s.limits ->> wanted_metric)::bigint from public.subscriptions s where s.organization_id = organization
$$;

drop function private.plan_limit(uuid, text);
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

-- ---- what is told, once ----

-- What an organization is told about its money: each at most once, by what it is about and which try that is; mailed_at: when its mails were owed.
create table public.billing_notices (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  object text not null check (char_length(object) between 1 and 300),
  attempt integer not null default 1,
  facts jsonb not null default '{}' check (jsonb_typeof(facts) = 'object'),
  created_at timestamptz not null default now(),
  mailed_at timestamptz,
  primary key (organization_id, id),
  unique (organization_id, kind, object, attempt)
);
create index billing_notices_owed on public.billing_notices (organization_id, id) where mailed_at is null;
select private.protect('public.billing_notices', reads => 'billing:read', writes => null);
create trigger billing_notices_touch after insert on public.billing_notices for each row execute function private.touch_subscription();

-- Takes the organizations that the clock, or a change, wants looked at, for ten minutes: whoever is killed meanwhile leaves them to be taken again.
create function private.take_due_subscriptions(most integer) returns table (organization_id uuid, taken_until timestamptz)
language sql security definer set search_path = '' as $$
  update public.subscriptions s set look_at = now() + interval '10 minutes'
  from (select d.organization_id from public.subscriptions d where d.look_at <= now() order by d.look_at, d.organization_id limit most for no key update skip locked) as due
  where s.organization_id = due.organization_id
  returning s.organization_id, s.look_at
$$;
grant execute on function private.take_due_subscriptions(integer) to frontdesk_app;

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

revoke execute on all functions in schema private from public, anon;
