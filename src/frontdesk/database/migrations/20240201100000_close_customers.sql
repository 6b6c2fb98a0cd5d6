-- Whoever is deleted here pays no longer there; and what the clock demands of billing is done by one worker of several.

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

revoke execute on all functions in schema private from public, anon;
