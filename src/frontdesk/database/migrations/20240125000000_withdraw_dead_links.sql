-- A mail that still waits must not bring a link that opens nothing any more.

-- Takes the mail of an invitation out of the outbox, where it still waits, when its link is replaced or the invitation taken back.
create function private.withdraw_invitation_mail() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  delete from private.mail_outbox m where m.id = old.mail_id and m.state = 'queued';
  return null;
end $$;
create trigger organization_invitations_withdrawn after update on public.organization_invitations for each row
  when (new.token_hash <> old.token_hash or (new.revoked_at is not null and old.revoked_at is null)) execute function private.withdraw_invitation_mail();

revoke execute on all functions in schema private from public, anon;
