-- What one organization does must not keep another from inviting, and nobody comes into an organization that goes.

-- Counts one invitation by mail, of an organization, of it to one address, and of all to that address: 0, or the seconds to wait. So that nobody
-- has us write to strangers by the thousand, or to one again and again, and none of them uses up the tries of the others.
create or replace function private.take_invitation_turn(organization uuid, to_email text) returns integer
language sql security definer set search_path = '' as $$
  select greatest(
    private.take_attempt(sha256(convert_to('invitations of|' || organization, 'UTF8')), 60, 3600),
    private.take_attempt(sha256(convert_to('invitations of|' || organization || '|to|' || lower(to_email), 'UTF8')), 6, 86400),
    private.take_attempt(sha256(convert_to('invitations to|' || lower(to_email), 'UTF8')), 40, 86400))
$$;

-- Whether whoever invited may still do so: whoever was removed, or has a smaller role, lets nobody in any more; nor does an organization that goes.
create or replace function private.may_still_invite(invitation public.organization_invitations) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return not private.is_going(invitation.organization_id) and exists (
    select from public.organization_members m join public.role_permissions p on p.role = m.role and p.permission = 'members:write'
    where m.organization_id = invitation.organization_id and m.user_id = invitation.invited_by);
end $$;

revoke execute on all functions in schema private from public, anon;
