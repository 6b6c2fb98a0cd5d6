-- Calls are counted by organization and key: two organizations may have keys of one id.

-- Lets a call in, or not: whether its key opens anything, how many calls its minute has had (a key's own, else the address's failures), and
-- what is left of the minute. A transaction of its own: what fails later was a call all the same, and no call waits for another one's work.
-- A key is its organization and its id: who makes one says which id it gets, and may say a neighbour's.
create or replace function private.admit_api_call(hash_of_key bytea, from_address inet, address_subject bytea, most_calls integer, most_failures integer)
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
  return query select true, c.used, c.seconds from private.count_api_call(sha256(uuid_send(key.organization_id) || uuid_send(key.id)), most_calls) as c;
end $$;

revoke execute on all functions in schema private from public, anon;
