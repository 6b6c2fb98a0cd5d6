drop function private.delete_a_piece(integer);

-- Deletions whose last piece failed: until when the others go first. Nothing else is kept of it: why, stands in the log of the worker.
create table private.deletions_put_off (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  failures integer not null default 1 check (failures > 0),
  until timestamptz not null
);

-- The organization of which a piece is deleted next: of those that may go, the one that began first. Null when there is none.
create function private.next_deletion() returns uuid
language sql security definer set search_path = '' as $$
  select d.organization_id from public.organization_deletions d
  where d.begun_at is not null
    and not exists (select from private.deletions_put_off p where p.organization_id = d.organization_id and p.until > clock_timestamp())
  order by d.begun_at limit 1 for update of d skip locked
$$;

-- Lets the others go first for a while, after a piece of this one failed: a minute, and twice as long each time, up to an hour.
create function private.put_deletion_off(organization uuid) returns void
language sql security definer set search_path = '' as $$
  insert into private.deletions_put_off as p (organization_id, until)
  select d.organization_id, now() + interval '1 minute' from public.organization_deletions d where d.organization_id = organization and d.begun_at is not null
  on conflict (organization_id) do update
    set failures = p.failures + 1, until = now() + least(interval '1 hour', interval '1 minute' * power(2, least(p.failures, 10)))
$$;
grant execute on function private.next_deletion(), private.put_deletion_off(uuid) to frontdesk_app;

-- Deletes at most so many rows of one organization whose deletion has begun: what waits to be sent first, then whatever grows, and once that is
-- gone the organization itself with the little that is left. Stopped at any moment, it goes on where it was. No row when there is nothing to do, or another worker is at it.
create function private.delete_a_piece(how_many integer, organization uuid) returns table (id uuid, slug text, of_table text, gone bigint)
language plpgsql security definer set search_path = '' as $$
declare going public.organizations; asked public.organization_deletions;
begin
  select d.* into asked from public.organization_deletions d where d.organization_id = organization and d.begun_at is not null for update skip locked;
  if asked is null then return; end if;
  select o.* into going from public.organizations o where o.id = asked.organization_id;
  id := going.id; slug := going.slug;
  delete from private.deletions_put_off p where p.organization_id = going.id;
  insert into private.deleted_organizations (id, slug, requested_at, begun_at, entries)
    values (going.id, going.slug, asked.requested_at, asked.begun_at,
      coalesce((select h.seq from private.audit_heads h where h.organization_id = going.id), 0)) on conflict do nothing;
  foreach of_table in array array['public.outbox', 'public.inbound_deliveries', 'public.failed_deliveries', 'public.messages', 'public.auto_reply_cooldowns',
    'public.conversations', 'public.contact_identities', 'public.contacts', 'public.api_answers', 'private.mail_outbox', 'public.audit_logs'] loop
    if of_table = 'public.messages' then  -- of several partitions, so that a place within one names nothing
      delete from public.messages m where m.organization_id = going.id
        and m.id = any (array(select w.id from public.messages w where w.organization_id = going.id limit how_many));
    else
      execute format('delete from %1$s where ctid = any (array(select t.ctid from %1$s t where t.organization_id = $1 limit $2))', of_table)
        using going.id, how_many;
    end if;
    get diagnostics gone = row_count;
    if gone > 0 then return next; return; end if;
  end loop;
  delete from public.organizations o where o.id = going.id;
  update private.deleted_organizations d set deleted_at = now() where d.id = going.id;
  of_table := 'public.organizations'; gone := 1;
  return next;
end $$;
grant execute on function private.delete_a_piece(integer, uuid) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
