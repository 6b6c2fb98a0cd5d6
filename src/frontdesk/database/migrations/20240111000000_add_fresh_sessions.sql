-- When the user of a session last proved that it is he: what is hard to undo asks for a proof of the last ten minutes.

alter table private.sessions add column reauthenticated_at timestamptz not null default now();
update private.sessions set reauthenticated_at = created_at;

-- Everything a request must know about who asks, in one look: the user, the session, all organizations and the current one.
drop function private.find_session(bytea);
create function private.find_session(hash_of_token bytea)
returns table (session_id uuid, user_id uuid, email text, name text, csrf_token text, organization_id uuid, organizations jsonb, is_stale boolean, is_fresh boolean)
language sql stable security definer set search_path = '' as $$
  select s.id, u.id, u.email, private.user_name(u.raw_user_meta_data, u.email), s.csrf_token,
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

-- Gives a live session of this user another token, because he has just proved himself; the one before opens nothing any more.
create function private.renew_session(of_user uuid, session uuid, hash_of_token bytea) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.sessions s set token_hash = hash_of_token, reauthenticated_at = now()
  where s.id = session and s.user_id = of_user and private.is_live(s);
  return found;
end $$;
grant execute on function private.renew_session(uuid, uuid, bytea) to frontdesk_app;

-- Ends all sessions of this user but one, and returns how many there were.
create function private.revoke_other_sessions(of_user uuid, kept uuid) returns integer
language sql security definer set search_path = '' as $$
  with ended as (
    update private.sessions s set revoked_at = now() where s.user_id = of_user and s.id is distinct from kept and private.is_live(s) returning 1)
  select count(*)::integer from ended
$$;
grant execute on function private.revoke_other_sessions(uuid, uuid) to frontdesk_app;

-- Gives a user another password, unless it was changed meanwhile. old_hash: null for a user who had none.
create function private.change_password(of_user uuid, old_hash text, new_hash text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update auth.users u set encrypted_password = new_hash, updated_at = now()
  where u.id = of_user and nullif(u.encrypted_password, '') is not distinct from old_hash;
  return found;
end $$;
grant execute on function private.change_password(uuid, text, text) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
