-- Who has not confirmed his email writes to nobody: not by an invitation either, whatever asks for it.

create function private.demand_confirmed_inviter() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if exists (select from auth.users u where u.id = new.invited_by and u.email_confirmed_at is null) then
    raise exception 'whoever invites must have confirmed his email' using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger organization_invitations_confirmed before insert or update of token_hash, invited_by on public.organization_invitations
  for each row execute function private.demand_confirmed_inviter();

revoke execute on all functions in schema private from public, anon;
