-- Confirming an email says whether it changed anything; an email that is taken back leaves nothing to whoever took it away.

drop function private.confirm_email(uuid);
-- Says that a user's email is his, on the operator's word. False when it was known already.
create function private.confirm_email(of_user uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update auth.users u set email_confirmed_at = now(), updated_at = now() where u.id = of_user and u.email_confirmed_at is null;
  return found;
end $$;
grant execute on function private.confirm_email(uuid) to frontdesk_app;

-- Gives a user the email back that he had, by the link that went there; ends every session and closes every other link. The password goes, and
-- what was linked since: whoever took the email away knows them. Says as private.change_email(); `taken` does not happen to an address that
-- may be asked back for, but to one that Supabase gave away.
create or replace function private.undo_email_change(hash_of_token bytea) returns table (outcome text, user_id uuid, old_email text, new_email text)
language plpgsql security definer set search_path = '' as $$
declare
  taken constant private.email_proofs := private.take_email_proof(hash_of_token, 'undo');
  before text;
begin
  if taken.user_id is null then return query select 'gone', null::uuid, null::text, null::text; return; end if;
  select u.email into before from auth.users u where u.id = taken.user_id;
  begin
    update auth.users u set email = taken.email, encrypted_password = null, email_confirmed_at = now(), updated_at = now() where u.id = taken.user_id;
  exception when unique_violation then
    return query select 'taken', taken.user_id, before, taken.email; return;
  end;
  delete from private.user_identities i where i.user_id = taken.user_id and i.linked_at > taken.created_at;
  delete from private.passkeys k where k.user_id = taken.user_id and k.created_at > taken.created_at;
  delete from private.email_proofs p where p.user_id = taken.user_id;
  perform private.revoke_sessions(taken.user_id);
  return query select 'changed', taken.user_id, before, taken.email;
end $$;

-- Sets another password by a link, ends every session and closes every other link of the user. Whoever reads the mail of an address that
-- was never confirmed may find an account that somebody else has made for it: what that one could sign in with goes. Null when the link is none, any more.
create or replace function private.reset_password(hash_of_token bytea, new_hash text) returns uuid
language plpgsql security definer set search_path = '' as $$
declare taken constant private.email_proofs := private.take_email_proof(hash_of_token, 'reset');
begin
  if taken.user_id is null then return null; end if;
  if exists (select from auth.users u where u.id = taken.user_id and u.email_confirmed_at is null) then
    delete from private.user_identities i where i.user_id = taken.user_id;
    delete from private.passkeys k where k.user_id = taken.user_id;
  end if;
  update auth.users u set encrypted_password = new_hash, email_confirmed_at = coalesce(u.email_confirmed_at, now()), updated_at = now()
  where u.id = taken.user_id;
  delete from private.email_proofs p where p.user_id = taken.user_id and p.purpose <> 'undo';
  perform private.revoke_sessions(taken.user_id);
  return taken.user_id;
end $$;

revoke execute on all functions in schema private from public, anon;
