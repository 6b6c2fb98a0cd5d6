-- An organization takes along everything it has, and is deleted: asked for by an owner, undone by one within seven days, then done for good,
-- piece by piece.

insert into public.role_permissions (role, permission) values ('owner', 'organization:export') on conflict do nothing;

-- ==== Taking everything along ====

-- An archive that an owner takes along, as far as it is written: for whoever waits for it.
create table public.archives (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  asked_by uuid references auth.users (id) on delete set null,
  tables integer not null check (tables >= 0),
  tables_done integer not null default 0 check (tables_done between 0 and tables),
  rows_done bigint not null default 0 check (rows_done >= 0),
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);
create index archives_asked_by on public.archives (asked_by);
select private.protect('public.archives', reads => 'organization:export', writes => 'organization:export', worker => 'nothing');
create trigger archives_updated before update on public.archives for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- Whether whoever runs this transaction may take everything along.
create function private.may_export(organization uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select current_setting('role') = 'frontdesk_member' and private.may_act_for(organization)
    and strpos(current_setting('frontdesk.permissions', true), ' organization:export ') > 0
$$;

-- The tables of an archive: whatever of an organization a member can read, also those that later versions add.
create function private.export_tables(organization uuid) returns setof text
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_export(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  return query
  select c.relname::text from pg_catalog.pg_class c
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and (c.relname = 'organizations' or exists (
      select from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attname = 'organization_id' and not a.attisdropped))
    and has_any_column_privilege('frontdesk_member', c.oid, 'select') and c.relname <> 'archives'
  order by c.relname;
end $$;
grant execute on function private.export_tables(uuid) to frontdesk_member;

-- The next rows of one of these tables, in the order of its key, each as a line of JSON with the columns that members can read; `place` is
-- where the piece after it begins.
create function private.export_rows(organization uuid, of_table text, after jsonb, how_many integer) returns table (line text, place jsonb)
language plpgsql stable security definer set search_path = '' as $$
declare
  target constant regclass := (select format('public.%I', t)::regclass from private.export_tables(organization) t where t = of_table);
  columns constant text := (
    select string_agg(format('t.%I', a.attname), ', ' order by a.attnum) from pg_catalog.pg_attribute a
    where a.attrelid = target and a.attnum > 0 and not a.attisdropped and has_column_privilege('frontdesk_member', target, a.attnum, 'select'));
  keys text; places text; named text;
begin
  if target is null then raise exception 'no such table' using errcode = 'undefined_table'; end if;
  select string_agg(format('t.%I', a.attname), ', ' order by k.n), string_agg(format('($2 ->> %L)::%s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by k.n),
    string_agg(format('%L, r.%I', a.attname, a.attname), ', ' order by k.n)
  into keys, places, named
  from pg_catalog.pg_index i cross join unnest(i.indkey::smallint[]) with ordinality as k (attnum, n)
  join pg_catalog.pg_attribute a on a.attrelid = target and a.attnum = k.attnum where i.indrelid = target and i.indisprimary;
  return query execute format(
    'select to_jsonb(r)::text, jsonb_build_object(%s) from (select %s from %s t where t.%I = $1%s order by %s limit $3) as r',
    named, columns, target, case of_table when 'organizations' then 'id' else 'organization_id' end,
    case when after is not null then format(' and (%s) > (%s)', keys, places) end, keys)
  using organization, after, how_many;
end $$;
grant execute on function private.export_rows(uuid, text, jsonb, integer) to frontdesk_member;

-- ==== Deletion ====

-- An owner wants the organization deleted. Until the deletion begins, an owner can undo that.
create table public.organization_deletions (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  requested_by uuid references auth.users (id) on delete set null,
  requested_at timestamptz not null default now(),
  due_at timestamptz not null default now() + interval '7 days',
  begun_at timestamptz,
  check (due_at >= requested_at + interval '6 days 22 hours')  -- seven days, whatever the clocks do meanwhile
);
create index organization_deletions_requested_by on public.organization_deletions (requested_by);
create index organization_deletions_due on public.organization_deletions (due_at);
select private.protect('public.organization_deletions', reads => 'organization:read', writes => 'ownership:write', worker => 'nothing');

-- What is left of deleted organizations: that they were there, and were deleted because an owner wanted it.
create table private.deleted_organizations (
  id uuid primary key,
  slug text not null,
  requested_at timestamptz not null,
  begun_at timestamptz not null,
  entries bigint not null,  -- of its audit log
  deleted_at timestamptz not null default now()
);

-- Whether the deletion of an organization has begun.
create function private.is_going(organization uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.organization_deletions d where d.organization_id = organization and d.begun_at is not null)
$$;

-- Whatever takes the last owner away is undone, unless the organization goes.
create or replace function private.keep_an_owner() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (select from public.organizations o where o.id = old.organization_id) then return null; end if;  -- it goes, and its members with it
  if private.is_going(old.organization_id) then return null; end if;
  perform private.take_member_turn(old.organization_id);
  if not exists (select from public.organization_members m where m.organization_id = old.organization_id and m.role = 'owner') then
    raise exception 'an organization keeps at least one owner' using errcode = 'check_violation', constraint = 'organization_members_keep_an_owner',
      hint = 'Make somebody else an owner before, or delete the organization.';
  end if;
  return null;
end $$;

-- Nobody rewrites history; rows go only with their organization.
create or replace function private.refuse_rewriting() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' and (not exists (select from public.organizations o where o.id = old.organization_id) or private.is_going(old.organization_id)) then
    return old;
  end if;
  raise exception 'audit entries cannot be changed or removed' using errcode = 'insufficient_privilege';
end $$;

-- Begins the deletions that are due: from here on nobody gets in, nothing is heard and nothing is undone. Returns the organizations.
create function private.begin_deletions() returns table (id uuid, slug text)
language plpgsql security definer set search_path = '' as $$
declare going uuid[];
begin
  with due as (
    select d.organization_id from public.organization_deletions d where d.due_at <= now() and d.begun_at is null for update skip locked
  ), begun as (
    update public.organization_deletions d set begun_at = now() from due where d.organization_id = due.organization_id returning d.organization_id
  )
  select array_agg(b.organization_id) into going from begun b;
  delete from private.channel_routes r where r.organization_id = any (going);
  delete from public.organization_members m where m.organization_id = any (going);
  return query select o.id, o.slug from public.organizations o where o.id = any (going);
end $$;
grant execute on function private.begin_deletions() to frontdesk_app;

-- Deletes at most so many rows of one organization whose deletion has begun: what waits to be sent first, then whatever grows, and once that is
-- gone the organization itself with the little that is left. Stopped at any moment, it goes on where it was. No row when there is nothing to do.
create function private.delete_a_piece(how_many integer) returns table (id uuid, slug text, of_table text, gone bigint)
language plpgsql security definer set search_path = '' as $$
declare going public.organizations; asked public.organization_deletions;
begin
  select d.* into asked from public.organization_deletions d where d.begun_at is not null order by d.begun_at limit 1 for update skip locked;
  if asked is null then return; end if;
  select o.* into going from public.organizations o where o.id = asked.organization_id;
  id := going.id; slug := going.slug;
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
grant execute on function private.delete_a_piece(integer) to frontdesk_app;

-- The organizations that were deleted.
create function private.list_deleted_organizations() returns table (id uuid, slug text, requested_at timestamptz, deleted_at timestamptz, entries bigint)
language sql stable security definer set search_path = '' as $$
  select d.id, d.slug, d.requested_at, d.deleted_at, d.entries from private.deleted_organizations d order by d.deleted_at, d.id
$$;
grant execute on function private.list_deleted_organizations() to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
