-- What answers by itself asks what has changed since it last looked, instead of asking for every organization of every batch which version it has.

-- The transaction that last changed an organization as its rules see it: its rules, its name or its language. Whoever keeps rules in memory asks what
-- has changed since the oldest transaction that still ran when he asked before: that misses nothing, and hears of some changes twice.
create table private.house_changes (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  changed xid8 not null
);
create index house_changes_changed on private.house_changes (changed);

create function private.note_house_changed() returns trigger
language plpgsql security definer set search_path = '' as $$
declare house uuid;
begin
  if tg_table_name = 'organizations' then house := new.id;
  elsif tg_op = 'DELETE' then house := old.organization_id;
  else house := new.organization_id; end if;
  insert into private.house_changes as h (organization_id, changed)
  select o.id, pg_current_xact_id() from public.organizations o where o.id = house  -- one that is deleted takes its rules along, and is not noted
  on conflict (organization_id) do update set changed = excluded.changed where h.changed <> excluded.changed;
  return null;
end $$;
create trigger organizations_house after insert or update of name, locale on public.organizations for each row execute function private.note_house_changed();
-- Counting an answer is no change here either.
create trigger auto_replies_house
  after insert or delete or update of name, position, trigger, match, keywords, reply, cooldown_seconds, enabled_at, held_back on public.auto_replies
  for each row execute function private.note_house_changed();

-- Which organizations have changed since a transaction, up to so many, and how far this looked: all transactions before `seen` have ended. One row
-- without an organization if none has. Numbers of transactions are comparable within one run of one database only: after a crash they are used again,
-- and one that was restored brings some along that are still to come.
create function private.houses_changed(since xid8, how_many integer) returns table (run text, seen xid8, organization_id uuid, changed xid8)
language plpgsql stable security definer set search_path = '' as $$
declare
  now_visible constant pg_snapshot := pg_current_snapshot();
  newest constant xid8 := greatest(pg_snapshot_xmax(now_visible), pg_current_xact_id_if_assigned());
begin
  return query
  select concat_ws(' ', pg_relation_filepath('private.house_changes'), extract(epoch from pg_postmaster_start_time()),
    extract(epoch from pg_stat_get_bgwriter_stat_reset_time())), pg_snapshot_xmin(now_visible), c.organization_id, c.changed
  from (values (true)) as always
  left join (select h.organization_id, h.changed from private.house_changes h where h.changed >= since and h.changed <= newest limit how_many) as c on true;
end $$;
grant execute on function private.houses_changed(xid8, integer) to frontdesk_worker;

revoke execute on all functions in schema private from public, anon;
