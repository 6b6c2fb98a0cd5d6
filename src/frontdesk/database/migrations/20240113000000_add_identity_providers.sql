-- Signing in through a provider of OpenID Connect: who is known by which identity, and who is on the way there and back.

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
  return_path text not null check (char_length(return_path) <= 2000),
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
create function private.begin_provider_visit(hash_of_state bytea, hash_of_browser bytea, for_session uuid, then_to text) returns void
language sql security definer set search_path = '' as $$
  delete from private.provider_visits where state_hash in (
    select v.state_hash from private.provider_visits v where v.expires_at < now() order by v.expires_at limit 10 for update skip locked);
  insert into private.provider_visits (state_hash, browser_hash, session_id, return_path) values (hash_of_state, hash_of_browser, for_session, then_to)
$$;
grant execute on function private.begin_provider_visit(bytea, bytea, uuid, text) to frontdesk_app;

-- Takes a visit that comes back in the browser it began in; the second time it is gone. Nothing for another browser, which spoils nothing.
create function private.end_provider_visit(hash_of_state bytea, hash_of_browser bytea) returns table (session_id uuid, return_path text)
language sql security definer set search_path = '' as $$
  delete from private.provider_visits v where v.state_hash = hash_of_state and v.browser_hash = hash_of_browser and v.expires_at > now()
  returning v.session_id, v.return_path
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

-- Makes a user of a newcomer, with his identity; the trigger on auth.users makes the organization. His email counts as confirmed only
-- if the provider says so. Says `gone` when nobody waits in this browser, `known` when the identity has a
-- user by now, `taken` when the email has: accounts are never joined by their email.
create function private.register_newcomer(hash_of_browser bytea, new_user uuid, new_identity uuid, given_name text, organization_name text) returns text
language plpgsql security definer set search_path = '' as $$
declare newcomer private.provider_newcomers;
begin
  delete from private.provider_newcomers n where n.browser_hash = hash_of_browser and n.expires_at > now() returning n.* into newcomer;
  if newcomer.browser_hash is null then return 'gone'; end if;
  perform pg_advisory_xact_lock(hashtextextended(newcomer.issuer || ' ' || newcomer.subject, 0));  -- two windows with the same newcomer
  if exists (select from private.user_identities i where i.issuer = newcomer.issuer and i.subject = newcomer.subject) then return 'known'; end if;
  if not private.is_email_free(newcomer.email) then return 'taken'; end if;
  insert into auth.users (instance_id, id, aud, role, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
  values ('00000000-0000-0000-0000-000000000000', new_user, 'authenticated', 'authenticated', newcomer.email, case when newcomer.email_verified then now() end,
    '{"provider": "oidc", "providers": ["oidc"]}', jsonb_build_object('name', given_name, 'organization_name', organization_name), now(), now())
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

revoke execute on all functions in schema private from public, anon;
