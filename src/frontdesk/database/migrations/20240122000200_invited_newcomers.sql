-- Somebody who was invited may come in through the provider: no organization of his own is made for him. And where a browser wants to go
-- afterwards stays in the browser: the address of an invitation lets somebody in, and has no place in a table.

drop function private.begin_provider_visit(bytea, bytea, uuid, text);
drop function private.end_provider_visit(bytea, bytea);
alter table private.provider_visits drop column return_path;

-- Remembers that a browser was sent to the provider; sweeps up a few who never came back.
create function private.begin_provider_visit(hash_of_state bytea, hash_of_browser bytea, for_session uuid) returns void
language sql security definer set search_path = '' as $$
  delete from private.provider_visits where state_hash in (
    select v.state_hash from private.provider_visits v where v.expires_at < now() order by v.expires_at limit 10 for update skip locked);
  insert into private.provider_visits (state_hash, browser_hash, session_id) values (hash_of_state, hash_of_browser, for_session)
$$;
grant execute on function private.begin_provider_visit(bytea, bytea, uuid) to frontdesk_app;

-- Takes a visit that comes back in the browser it began in; the second time it is gone. Nothing for another browser, which spoils nothing.
create function private.end_provider_visit(hash_of_state bytea, hash_of_browser bytea) returns table (session_id uuid)
language sql security definer set search_path = '' as $$
  delete from private.provider_visits v where v.state_hash = hash_of_state and v.browser_hash = hash_of_browser and v.expires_at > now()
  returning v.session_id
$$;
grant execute on function private.end_provider_visit(bytea, bytea) to frontdesk_app;

-- Makes a user of a newcomer, with his identity; the trigger on auth.users makes the organization, unless he joins one by an invitation
-- (organization_name is null). His email counts as confirmed only if the provider says so. Says `gone` when nobody waits in this browser,
-- `known` when the identity has a user by now, `taken` when the email has: accounts are never joined by their email.
create or replace function private.register_newcomer(hash_of_browser bytea, new_user uuid, new_identity uuid, given_name text, organization_name text) returns text
language plpgsql security definer set search_path = '' as $$
declare
  newcomer private.provider_newcomers;
  said constant jsonb := jsonb_build_object('name', given_name) || case when organization_name is null
    then '{"joins_by_invitation": true}' else jsonb_build_object('organization_name', organization_name) end;
begin
  delete from private.provider_newcomers n where n.browser_hash = hash_of_browser and n.expires_at > now() returning n.* into newcomer;
  if newcomer.browser_hash is null then return 'gone'; end if;
  perform pg_advisory_xact_lock(hashtextextended(newcomer.issuer || ' ' || newcomer.subject, 0));  -- two windows with the same newcomer
  if exists (select from private.user_identities i where i.issuer = newcomer.issuer and i.subject = newcomer.subject) then return 'known'; end if;
  if not private.is_email_free(newcomer.email) then return 'taken'; end if;
  insert into auth.users (instance_id, id, aud, role, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
  values ('00000000-0000-0000-0000-000000000000', new_user, 'authenticated', 'authenticated', newcomer.email, case when newcomer.email_verified then now() end,
    '{"provider": "oidc", "providers": ["oidc"]}', said, now(), now())
  on conflict do nothing;
  if not found then return 'taken'; end if;
  insert into private.user_identities (id, user_id, issuer, subject, email, used_at)
  values (new_identity, new_user, newcomer.issuer, newcomer.subject, newcomer.email, now());
  return 'registered';
end $$;

revoke execute on all functions in schema private from public, anon;
