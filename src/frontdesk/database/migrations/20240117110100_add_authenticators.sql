-- A second factor: an authenticator app, ten recovery codes, and the sign-in that waits between the two steps.

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

insert into private.sealed_columns (place, row_key, context, with_data_key) values
  ('authenticators.secret', '{user_id}', '%1$s|authenticators|secret', false),
  ('authenticator_offers.secret', '{user_id}', '%1$s|authenticator_offers|secret', false);

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

-- ---- factors ----

create function private.has_second_factor(of_user uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from private.authenticators a where a.user_id = of_user)
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
create function private.second_factors_of(of_user uuid) returns table (authenticator_since timestamptz, recovery_codes_left integer)
language sql stable security definer set search_path = '' as $$
  select (select a.created_at from private.authenticators a where a.user_id = of_user),
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
  delete from private.authenticators a where a.user_id = of_user;
  removed := found;
  delete from private.recovery_codes c where c.user_id = of_user and not private.has_second_factor(of_user);
  return removed;
end $$;
grant execute on function private.remove_authenticator(uuid) to frontdesk_app;

-- ---- recovery codes ----

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

-- ---- the sign-in between its two steps ----

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

-- Ends all sessions of this user and the sign-ins that are under way, and returns how many sessions there were.
create or replace function private.revoke_sessions(of_user uuid) returns integer
language sql security definer set search_path = '' as $$
  select private.revoke_other_sessions(of_user, null)
$$;

-- Ends all sessions of this user but one and the sign-ins that are under way, and returns how many sessions there were.
create or replace function private.revoke_other_sessions(of_user uuid, kept uuid) returns integer
language sql security definer set search_path = '' as $$
  delete from private.pending_sign_ins p where p.user_id = of_user;
  with ended as (
    update private.sessions s set revoked_at = now() where s.user_id = of_user and s.id is distinct from kept and private.is_live(s) returning 1)
  select count(*)::integer from ended
$$;

revoke execute on all functions in schema private from public, anon;
