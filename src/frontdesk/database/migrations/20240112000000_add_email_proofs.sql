-- Whether an email belongs to its user: links that prove it, a new password by such a link, and another email.

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

-- ---- sessions ----

-- Everything a request must know about who asks, in one look: the user, the session, all organizations and the current one.
drop function private.find_session(bytea);
create function private.find_session(hash_of_token bytea)
returns table (session_id uuid, user_id uuid, email text, email_verified boolean, name text, csrf_token text, organization_id uuid, organizations jsonb,
  is_stale boolean, is_fresh boolean)
language sql stable security definer set search_path = '' as $$
  select s.id, u.id, u.email, u.email_confirmed_at is not null, private.user_name(u.raw_user_meta_data, u.email), s.csrf_token,
    case when m.ids @> array[s.organization_id] then s.organization_id else private.home_of(u.id) end, m.memberships,
    s.last_seen_at < now() - interval '1 minute', s.reauthenticated_at > now() - interval '10 minutes'
  from private.sessions s
  join auth.users u on u.id = s.user_id and u.deleted_at is null and (u.banned_until is null or u.banned_until < now())
  cross join lateral (
    select coalesce(array_agg(o.id), '{}') as ids, coalesce(jsonb_agg(
      jsonb_build_object('organization_id', o.id, 'slug', o.slug, 'name', o.name, 'role', om.role) order by lower(o.name), o.id), '[]') as memberships
    from public.organization_members om join public.organizations o on o.id = om.organization_id where om.user_id = u.id) as m
  where s.token_hash = hash_of_token and private.is_live(s)
$$;
grant execute on function private.find_session(bytea) to frontdesk_app;

-- ---- users ----

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
create or replace function private.register_user(new_user uuid, new_email text, password_hash text, given_name text, organization_name text) returns uuid
language sql security definer set search_path = '' as $$
  insert into auth.users (instance_id, id, aud, role, email, encrypted_password, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
  select '00000000-0000-0000-0000-000000000000', new_user, 'authenticated', 'authenticated', lower(new_email), password_hash,
    '{"provider": "email", "providers": ["email"]}', jsonb_build_object('name', given_name, 'organization_name', organization_name), now(), now()
  where private.is_email_free(new_email)
  on conflict do nothing
  returning id
$$;

-- Says that a user's email is his, on the operator's word.
create function private.confirm_email(of_user uuid) returns void
language sql security definer set search_path = '' as $$
  update auth.users set email_confirmed_at = now(), updated_at = now() where id = of_user and email_confirmed_at is null
$$;
grant execute on function private.confirm_email(uuid) to frontdesk_app;

-- ---- links ----

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
  delete from private.user_identities i
  where i.user_id = taken.user_id and exists (select from auth.users u where u.id = i.user_id and u.email_confirmed_at is null);
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

-- Gives a user the email back that he had, by the link that went there; ends every session and closes every other link. Says as
-- private.change_email(); `taken` does not happen to an address that may be asked back for, but to one that Supabase gave away.
create function private.undo_email_change(hash_of_token bytea) returns table (outcome text, user_id uuid, old_email text, new_email text)
language plpgsql security definer set search_path = '' as $$
declare
  taken constant private.email_proofs := private.take_email_proof(hash_of_token, 'undo');
  before text;
begin
  if taken.user_id is null then return query select 'gone', null::uuid, null::text, null::text; return; end if;
  select u.email into before from auth.users u where u.id = taken.user_id;
  begin
    update auth.users u set email = taken.email, email_confirmed_at = now(), updated_at = now() where u.id = taken.user_id;
  exception when unique_violation then
    return query select 'taken', taken.user_id, before, taken.email; return;
  end;
  delete from private.user_identities i where i.user_id = taken.user_id and i.linked_at > taken.created_at;  -- by whoever took the email away
  delete from private.email_proofs p where p.user_id = taken.user_id;
  perform private.revoke_sessions(taken.user_id);
  return query select 'changed', taken.user_id, before, taken.email;
end $$;
grant execute on function private.undo_email_change(bytea) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
