-- Who of the sample data wrote to a sandbox number last, and when: the simulated WhatsApp never saw it, and must know that it may be answered.
create function private.sample_customer(number_id text, bsuid text) returns table (name text, phone text, username text, wrote_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select coalesce(k.given_name, nullif(k.name, '')), k.phone, k.username, max(m.occurred_at)
  from private.channel_routes r
  join public.contact_identities i on i.organization_id = r.organization_id and i.kind = 'bsuid' and i.scope = 'simulator' and i.value = sample_customer.bsuid
  join public.contacts k on k.organization_id = r.organization_id and k.id = i.contact_id
  join public.conversations v on v.organization_id = r.organization_id and v.contact_id = k.id and v.channel_id = r.channel_id
  join public.messages m on m.organization_id = r.organization_id and m.conversation_id = v.id
    and m.direction = 'in' and m.provider_message_id like 'wamid.sample.%'
  where r.kind = 'simulator' and r.phone_number_id = number_id
  group by k.given_name, k.name, k.phone, k.username
$$;
grant execute on function private.sample_customer(text, text) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
