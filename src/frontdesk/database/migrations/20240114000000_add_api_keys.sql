-- API keys: how programs come in, and what keeps them to what was meant.

insert into public.role_permissions (role, permission) values
  ('admin', 'api_keys:read'), ('admin', 'api_keys:write'), ('owner', 'api_keys:read'), ('owner', 'api_keys:write');

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

-- How many calls a key has made in its minute, and how often an address came with a key that is none. Lost in a crash, and no harm done.
create unlogged table private.api_calls (
  subject bytea primary key check (octet_length(subject) = 32),
  calls integer not null,
  window_ends_at timestamptz not null
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

-- Makes a key for the member of this transaction, with nothing that he may not do himself. False for an id that is taken.
create function private.create_api_key(
  organization uuid, key uuid, hash_of_key bytea, key_name text, key_prefix text, wanted_scopes text[], allowed_networks cidr[], until timestamptz)
returns boolean language plpgsql security definer set search_path = '' as $$
declare held constant text := coalesce(current_setting('frontdesk.permissions', true), '');
begin
  if not private.may_act_for(organization) or current_setting('role') <> 'frontdesk_member' or strpos(held, ' api_keys:write ') = 0
     or exists (select from unnest(wanted_scopes) as wanted where strpos(held, ' ' || wanted || ' ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  insert into public.api_keys (organization_id, id, name, prefix, scopes, networks, created_by, expires_at)
  values (organization, key, key_name, key_prefix, wanted_scopes, allowed_networks, nullif(current_setting('frontdesk.user_id', true), '')::uuid, until)
  on conflict (organization_id, id) do nothing;
  if not found then return false; end if;
  insert into private.api_key_hashes (key_hash, organization_id, api_key_id) values (hash_of_key, organization, key);
  return true;
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

-- Counts one call within the minute of whoever makes it, and says how it stands.
create function private.count_api_call(of_subject bytea, most integer) returns table (used integer, seconds integer)
language plpgsql security definer set search_path = '' as $$
begin
  return query
  insert into private.api_calls as c (subject, calls, window_ends_at) values (of_subject, 1, now() + interval '1 minute')
  on conflict (subject) do update set
    calls = case when c.window_ends_at <= now() then 1 else least(c.calls, most) + 1 end,
    window_ends_at = case when c.window_ends_at <= now() then excluded.window_ends_at else c.window_ends_at end
  returning c.calls, greatest(ceil(extract(epoch from c.window_ends_at - now())), 1)::integer;
  -- one call in fifty sweeps up a hundred minutes that are over, so that the table stays as small as what goes on
  if random() < 0.02 then
    delete from private.api_calls where subject in (
      select o.subject from private.api_calls o where o.window_ends_at < now() order by o.window_ends_at limit 100 for update skip locked);
  end if;
end $$;

-- Lets a call in, or not: whether its key opens anything, how many calls its minute has had (a key's own, else the address's failures), and
-- what is left of the minute. A transaction of its own: what fails later was a call all the same, and no call waits for another one's work.
create function private.admit_api_call(hash_of_key bytea, from_address inet, address_subject bytea, most_calls integer, most_failures integer)
returns table (known boolean, used integer, seconds integer)
language plpgsql security definer set search_path = '' as $$
declare key public.api_keys;
begin
  select * into key from private.live_api_key(hash_of_key, from_address);
  if key.id is null then
    return query select false, c.used, c.seconds from private.count_api_call(address_subject, most_failures) as c;
    return;
  end if;
  if key.last_used_at is null or key.last_used_at < now() - interval '1 minute' then
    update public.api_keys k set last_used_at = now(), last_used_from = host(from_address)
    where k.organization_id = key.organization_id and k.id = key.id and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
  end if;
  return query select true, c.used, c.seconds from private.count_api_call(sha256(uuid_send(key.id)), most_calls) as c;
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
    union select unnest(array['conversations:oversee', 'phone_numbers:read'])));
  perform set_config('frontdesk.permissions', ' ' || array_to_string(seen, ' ') || ' ', true), set_config('frontdesk.api_key_id', key.id::text, true);
  return query select key.organization_id, key.id, key.name, maker.role, both_may;
end $$;
grant execute on function private.enter_with_key(bytea, inet) to frontdesk_app;

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

-- Appends one entry in the transaction of what it tells; call it last, since the chain's head stays locked until commit.
-- A member is always the actor of what a member's transaction does, and a key of what a key's does.
create or replace function private.append_audit(
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
    end if;
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

-- Nothing is executable unless a grant above says so.
revoke execute on all functions in schema private from public, anon;
