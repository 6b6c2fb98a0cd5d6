drop function private.erase_contact(uuid, uuid);

-- Conversations of erased contacts that are not empty yet, with the place before which messages still say something.
create table private.conversation_erasures (
  organization_id uuid not null,
  conversation_id uuid not null,
  occurred_at timestamptz not null,
  position bigint not null,
  erased_at timestamptz not null default now(),
  primary key (organization_id, conversation_id),
  foreign key (organization_id, conversation_id) references public.conversations (organization_id, id) on delete cascade
);
create index conversation_erasures_by_age on private.conversation_erasures (erased_at);

-- Empties at most so many messages of a conversation, the newest before a place first; where that ended, and whether there may be more.
create function private.empty_messages(organization uuid, conversation uuid, before_at timestamptz, before_position bigint, how_many integer)
returns table (emptied bigint, occurred_at timestamptz, "position" bigint)
language sql security definer set search_path = '' as $$
  with piece as materialized (
    select m.id, m.occurred_at, m.position from public.messages m
    where m.organization_id = organization and m.conversation_id = conversation and (m.occurred_at, m.position) < (before_at, before_position)
    order by m.occurred_at desc, m.position desc limit how_many
  ), emptied as (
    update public.messages m
    set text = '', payload = null, emoji = case when m.emoji is not null then '' end, reply_to = null, provider_message_id = null
    from piece p where m.organization_id = organization and m.id = p.id
  )
  select (select count(*) from piece), p.occurred_at, p.position from (select 1) one left join lateral (
    select p.occurred_at, p.position from piece p order by p.occurred_at, p.position limit 1) p on true
$$;

-- Takes away what a contact said and who that was, for good; that something was said, when, by which side and how it fared stays, so that
-- counts do. What waits to be sent to the contact is not sent. Whoever writes again is somebody new. Returns how many messages there were, or
-- null when there is no such contact. Of a conversation longer than how_many the newest messages are emptied at once, and the others piece by
-- piece (private.erase_a_piece). All of the contact, also what a restricted member would not see: so nobody restricted may.
create function private.erase_contact(organization uuid, contact uuid, how_many integer default 5000) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  threads constant uuid[] := array(select v.id from public.conversations v where v.organization_id = organization and v.contact_id = contact);
  unsent uuid[];
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
  update public.messages m set status = 'failed', failed_at = now(), error_text = 'Not sent: the contact was erased.'
  where m.organization_id = organization and m.id = any (unsent);
  insert into private.conversation_erasures (organization_id, conversation_id, occurred_at, position)
    select organization, t.id, e.occurred_at, e.position
    from unnest(threads) as t (id) cross join lateral private.empty_messages(organization, t.id, 'infinity', 0, how_many) e
    where e.emptied = how_many
    on conflict (organization_id, conversation_id) do update set occurred_at = excluded.occurred_at, position = excluded.position;
  delete from public.failed_deliveries f where f.organization_id = organization and exists (
    select from public.contact_identities i
    where i.organization_id = organization and i.contact_id = contact and strpos(f.payload, to_json(i.value)::text) > 0);
  delete from public.api_answers a where a.organization_id = organization  -- they repeat what programs wrote
    and exists (select from unnest(contact || threads) as named (id) where strpos(a.body, named.id::text) > 0);
  update public.conversations v set last_text = '' where v.organization_id = organization and v.id = any (threads);
  delete from public.contact_identities i where i.organization_id = organization and i.contact_id = contact;
  update public.contacts k set name = '', given_name = null, username = null, phone = null, search_text = '', language = null, tags = '{}', attributes = '{}',
    note = '', marketing_consent = 'unknown', marketing_consent_at = null, marketing_consent_source = null
  where k.organization_id = organization and k.id = contact;
  return (select count(*) from public.messages m where m.organization_id = organization and m.conversation_id = any (threads));
end $$;
grant execute on function private.erase_contact(uuid, uuid, integer) to frontdesk_member;

-- Empties at most so many messages of one conversation of an erased contact. Stopped at any moment, it goes on where it was. False when there is
-- nothing to do.
create function private.erase_a_piece(how_many integer) returns boolean
language plpgsql security definer set search_path = '' as $$
declare going private.conversation_erasures; done record;
begin
  select e.* into going from private.conversation_erasures e order by e.erased_at limit 1 for update skip locked;
  if not found then return false; end if;
  select e.* into done from private.empty_messages(going.organization_id, going.conversation_id, going.occurred_at, going.position, how_many) e;
  if done.emptied < how_many then
    delete from private.conversation_erasures e where e.organization_id = going.organization_id and e.conversation_id = going.conversation_id;
  else
    update private.conversation_erasures e set occurred_at = done.occurred_at, position = done.position
    where e.organization_id = going.organization_id and e.conversation_id = going.conversation_id;
  end if;
  return true;
end $$;
grant execute on function private.erase_a_piece(integer) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
