-- Passkeys: a second factor, and a way to sign in without a password, since the device has seen its user as well.

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

create or replace function private.has_second_factor(of_user uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from private.authenticators a where a.user_id = of_user) or exists (select from private.passkeys p where p.user_id = of_user)
$$;

-- What a user has beside his password, for his own eyes.
drop function private.second_factors_of(uuid);
create function private.second_factors_of(of_user uuid) returns table (authenticator_since timestamptz, passkeys integer, recovery_codes_left integer)
language sql stable security definer set search_path = '' as $$
  select (select a.created_at from private.authenticators a where a.user_id = of_user),
    (select count(*)::integer from private.passkeys p where p.user_id = of_user),
    (select count(*)::integer from private.recovery_codes c where c.user_id = of_user and c.used_at is null)
$$;
grant execute on function private.second_factors_of(uuid) to frontdesk_app;

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

revoke execute on all functions in schema private from public, anon;
