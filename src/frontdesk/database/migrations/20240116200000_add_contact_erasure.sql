-- Takes away what a contact said and who that was, for good; that something was said, when, by which side and how it fared stays, so that
-- counts do. What waits to be sent to the contact is not sent. Whoever writes again is somebody new. Returns how many messages were
-- emptied, or null when there is no such contact. The whole of it, also what a restricted member would not see: so nobody restricted may.
create function private.erase_contact(organization uuid, contact uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  threads constant uuid[] := array(select v.id from public.conversations v where v.organization_id = organization and v.contact_id = contact);
  unsent uuid[];
  emptied bigint;
begin
  if current_setting('role') <> 'frontdesk_member' or not private.may_act_for(organization)
     or strpos(current_setting('frontdesk.permissions', true), ' organization:write ') = 0
     or strpos(current_setting('frontdesk.permissions', true), ' conversations:oversee ') = 0 then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  perform from public.contacts k where k.organization_id = organization and k.id = contact for update;
  if not found then return null; end if;
  with waiting as (  -- what is being spoken at this moment settles by itself
    delete from public.outbox o where o.organization_id = organization and o.claimed_at is null and o.id = any (array(
      select m.id from public.messages m where m.organization_id = organization and m.conversation_id = any (threads) and m.status = 'queued'))
    returning o.id
  ) select coalesce(array_agg(w.id), '{}') into unsent from waiting w;
  delete from public.failed_deliveries f where f.organization_id = organization and exists (
    select from public.contact_identities i where i.organization_id = organization and i.contact_id = contact and strpos(f.payload, i.value) > 0);
  update public.messages m set text = '', payload = null, emoji = case when m.emoji is not null then '' end, reply_to = null, provider_message_id = null,
    status = case when m.id = any (unsent) then 'failed' else m.status end, failed_at = case when m.id = any (unsent) then now() else m.failed_at end,
    error_text = case when m.id = any (unsent) then 'Not sent: the contact was erased.' else m.error_text end
  where m.organization_id = organization and m.conversation_id = any (threads);
  get diagnostics emptied = row_count;
  update public.conversations v set last_text = '' where v.organization_id = organization and v.id = any (threads);
  delete from public.contact_identities i where i.organization_id = organization and i.contact_id = contact;
  update public.contacts k set name = '', given_name = null, username = null, phone = null, search_text = '', language = null, tags = '{}', attributes = '{}',
    note = '', marketing_consent = 'unknown', marketing_consent_at = null, marketing_consent_source = null
  where k.organization_id = organization and k.id = contact;
  return emptied;
end $$;
grant execute on function private.erase_contact(uuid, uuid) to frontdesk_member;

revoke execute on all functions in schema private from public, anon;
