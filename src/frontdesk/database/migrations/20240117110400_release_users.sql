-- A user who has lost every second factor and every recovery code: the operator takes them away, on whatever proof he asks for.

-- Takes all second factors and recovery codes of a user away and ends his sessions. False when he has none.
create function private.release_user(of_user uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare had constant boolean := private.owes_second_factor(of_user);
begin
  delete from private.authenticators a where a.user_id = of_user;
  delete from private.authenticator_offers o where o.user_id = of_user;
  delete from private.passkeys p where p.user_id = of_user;
  delete from private.recovery_codes c where c.user_id = of_user;
  if had then perform private.revoke_sessions(of_user); end if;
  return had;
end $$;
grant execute on function private.release_user(uuid) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
