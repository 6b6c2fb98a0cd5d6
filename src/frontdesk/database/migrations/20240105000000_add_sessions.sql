-- Who is signed in and from where, how often somebody may try, and the few questions about users that belong to no organization.

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
  revoked_at timestamptz
);
create index sessions_user on private.sessions (user_id, last_seen_at);
create index sessions_organization on private.sessions (organization_id);

-- How often somebody tried within a window that opened with the first try. The subject is a hash of what is limited
-- (an account from an address, an address, …), so that the table holds nobody's email.
create table private.attempts (
  subject bytea primary key check (octet_length(subject) = 32),
  tries integer not null check (tries >= 0),
  window_ends_at timestamptz not null
);
create index attempts_window on private.attempts (window_ends_at);

-- ---- attempts ----

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

-- ---- users ----

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

-- Makes a user; the trigger on auth.users makes the organization. Null when the email is taken.
create function private.register_user(new_user uuid, new_email text, password_hash text, given_name text, organization_name text) returns uuid
language sql security definer set search_path = '' as $$
  insert into auth.users (instance_id, id, aud, role, email, encrypted_password, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
  values ('00000000-0000-0000-0000-000000000000', new_user, 'authenticated', 'authenticated', lower(new_email), password_hash,
    '{"provider": "email", "providers": ["email"]}', jsonb_build_object('name', given_name, 'organization_name', organization_name), now(), now())
  on conflict do nothing
  returning id
$$;
grant execute on function private.register_user(uuid, text, text, text, text) to frontdesk_app;

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

-- Keeps a stronger hash of the same password, unless the password was changed meanwhile.
create function private.strengthen_password(of_user uuid, old_hash text, new_hash text) returns void
language sql security definer set search_path = '' as $$
  update auth.users set encrypted_password = new_hash, updated_at = now() where id = of_user and encrypted_password = old_hash
$$;
grant execute on function private.strengthen_password(uuid, text, text) to frontdesk_app;

create function private.rename_user(of_user uuid, new_name text) returns void
language sql security definer set search_path = '' as $$
  update auth.users set raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || jsonb_build_object('name', new_name), updated_at = now() where id = of_user
$$;
grant execute on function private.rename_user(uuid, text) to frontdesk_app;

-- ---- sessions ----

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

-- Everything a request must know about who asks, in one look: the user, the session, all organizations and the current one.
create function private.find_session(hash_of_token bytea)
returns table (session_id uuid, user_id uuid, email text, name text, csrf_token text, organization_id uuid, organizations jsonb, is_stale boolean)
language sql stable security definer set search_path = '' as $$
  select s.id, u.id, u.email, private.user_name(u.raw_user_meta_data, u.email), s.csrf_token,
    case when m.ids @> array[s.organization_id] then s.organization_id else private.home_of(u.id) end, m.memberships,
    s.last_seen_at < now() - interval '1 minute'
  from private.sessions s
  join auth.users u on u.id = s.user_id and u.deleted_at is null and (u.banned_until is null or u.banned_until < now())
  cross join lateral (
    select coalesce(array_agg(o.id), '{}') as ids, coalesce(jsonb_agg(
      jsonb_build_object('organization_id', o.id, 'slug', o.slug, 'name', o.name, 'role', om.role) order by lower(o.name), o.id), '[]') as memberships
    from public.organization_members om join public.organizations o on o.id = om.organization_id where om.user_id = u.id) as m
  where s.token_hash = hash_of_token and private.is_live(s)
$$;
grant execute on function private.find_session(bytea) to frontdesk_app;

-- Says that a session is in use; written at most once a minute.
create function private.touch_session(session uuid) returns void
language sql security definer set search_path = '' as $$
  update private.sessions s set last_seen_at = now() where s.id = session and private.is_live(s) and s.last_seen_at < now() - interval '1 minute'
$$;
grant execute on function private.touch_session(uuid) to frontdesk_app;

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

-- Ends all sessions of this user and returns how many there were.
create function private.revoke_sessions(of_user uuid) returns integer
language sql security definer set search_path = '' as $$
  with ended as (update private.sessions s set revoked_at = now() where s.user_id = of_user and private.is_live(s) returning 1)
  select count(*)::integer from ended
$$;
grant execute on function private.revoke_sessions(uuid) to frontdesk_app;

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

-- ---- for the operator's commands ----

-- Where audit chains break, by the organization's slug; none when they are whole.
create function private.audit_faults(organization uuid default null) returns table (slug text, seq bigint, fault text)
language sql stable security definer set search_path = '' as $$
  select o.slug, f.seq, f.fault
  from private.verify_audit(organization) f join public.organizations o on o.id = f.organization_id order by o.slug, f.seq, f.fault
$$;
grant execute on function private.audit_faults(uuid) to frontdesk_app;

create function private.audit_size(organization uuid default null) returns bigint
language sql stable security definer set search_path = '' as $$
  select count(*) from public.audit_logs a where audit_size.organization is null or a.organization_id = audit_size.organization
$$;
grant execute on function private.audit_size(uuid) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
