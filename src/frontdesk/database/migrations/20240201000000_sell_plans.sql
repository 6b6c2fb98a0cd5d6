-- Selling plans: their prices as a payment provider knows them, the account each organization has there, what it bought, its invoices, and the
-- inbox of the provider's events.

-- ---- what can be bought ----

-- What a plan lets an organization do beside its limits, and what a thousand more of a metric cost, in minor units: {metric: amount}.
alter table public.subscription_plans
  add column features jsonb not null default '{}' check (jsonb_typeof(features) = 'object'),
  add column overage jsonb not null default '{}' check (jsonb_typeof(overage) = 'object');
update public.subscription_plans set features = '{"campaigns": true, "api": true}';
update public.subscription_plans set overage = '{"messages_sent": 900}' where id = 'starter';
update public.subscription_plans set overage = '{"messages_sent": 400}' where id = 'professional';
update public.subscription_plans set overage = '{"messages_sent": 150}' where id = 'business';
-- Without a price it is not for sale: what is left of a subscription that ended.
insert into public.subscription_plans (id, name, description, position, monthly_price, yearly_price, limits) values
  ('free', 'Free', 'For whoever has bought nothing yet.', 0, 0, 0,
    '{"channels": 1, "members": 2, "contacts": 200, "messages_sent": 100, "auto_replies": 3, "campaigns": 0}');

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

-- ---- what an organization has there ----

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
  updated_at timestamptz not null default now()
);
select private.protect('public.billing_accounts', reads => 'billing:read', writes => null);
create trigger billing_accounts_updated before update on public.billing_accounts for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- What was bought as the provider tells it. price: what is paid each interval, in minor units; scheduled: what follows at the period's end.
alter table public.subscriptions
  drop column provider_customer_id,
  add column price_lookup_key text,
  add column provider_price_id text,
  add column amount bigint check (amount >= 0),
  add column currency text check (currency ~ '^[A-Z]{3}$'),
  add column cancel_at_period_end boolean not null default false,
  add column canceled_at timestamptz,
  add column ended_at timestamptz,
  add column scheduled_plan_id text references public.subscription_plans (id),
  add column scheduled_interval text check (scheduled_interval in ('month', 'year')),
  add column scheduled_at timestamptz,
  add column provider_schedule_id text,
  add column latest_invoice_id text,
  add column synced_at timestamptz;
create index subscriptions_scheduled_plan on public.subscriptions (scheduled_plan_id) where scheduled_plan_id is not null;
create unique index subscriptions_provider on public.subscriptions (provider_subscription_id);
-- Background work writes it from now on.
drop policy "frontdesk_member reads" on public.subscriptions;
drop policy "authenticated reads" on public.subscriptions;
drop policy "frontdesk_worker reads" on public.subscriptions;
drop policy "service does all" on public.subscriptions;
drop policy "owner does all" on public.subscriptions;
select private.protect('public.subscriptions', reads => 'organization:read', writes => null);

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

-- ---- the provider's events ----

-- The inbox: each event once, whoever it is about; what came of it. It says only that something happened: how things stand is always asked.
drop table public.billing_events;
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

revoke execute on all functions in schema private from public, anon;
