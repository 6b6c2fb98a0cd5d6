-- One data key for each organization: what seals its secrets. Rotating the installation's keys re-wraps these few rows.

-- Wrapped by a key of FRONTDESK_SECRET_KEYS. It goes with its organization, and with it whatever it sealed, wherever that was copied to.
create table private.data_keys (
  organization_id uuid primary key references public.organizations (id) on delete cascade,
  wrapped text not null check (wrapped like 'v1.%'),
  created_at timestamptz not null default now()
);

-- The wrapped data key of an organization; the offered one if it has none yet. Two who offer at once get the same.
create function private.data_key(organization uuid, offered text default null) returns text
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege'; end if;
  if offered is not null then
    insert into private.data_keys (organization_id, wrapped) values (organization, offered) on conflict do nothing;
  end if;
  return (select k.wrapped from private.data_keys k where k.organization_id = organization);
end $$;
grant execute on function private.data_key(uuid, text) to frontdesk_app, frontdesk_member, frontdesk_worker;

-- ---- who opens something is given the data key along ----

-- Leases lanes for some seconds: those that are free, expired or already this worker's. [{"organization_id", "channel_id"}, …]
-- Returns what the holder needs to know of each channel; the sealed token, and the data key it was sealed with, for sending only.
drop function private.lease_lanes(uuid, text, jsonb, integer);
create function private.lease_lanes(worker uuid, lane_direction text, wanted jsonb, seconds integer)
returns table (organization_id uuid, id uuid, kind text, name text, phone_number_id text, display_number text, waba_id text, scope text,
  rate_per_second integer, stopped_at timestamptz, access_token text, data_key text)
language sql security definer set search_path = '' as $$
  with asked as materialized (
    select w.organization_id, w.channel_id from jsonb_to_recordset(wanted) as w (organization_id uuid, channel_id uuid)
    order by w.organization_id, w.channel_id
  ), leased as (
    insert into public.lanes as l (organization_id, channel_id, direction, leased_by, leased_until, last_served_at)
    select c.organization_id, c.id, lane_direction, worker, now() + make_interval(secs => seconds), now()
    from asked a join public.channels c on c.organization_id = a.organization_id and c.id = a.channel_id
    on conflict (organization_id, channel_id, direction) do update
      set leased_by = excluded.leased_by, leased_until = excluded.leased_until, last_served_at = excluded.last_served_at
      where l.leased_until < now() or l.leased_by = excluded.leased_by
    returning l.organization_id, l.channel_id
  )
  select c.organization_id, c.id, c.kind, c.name, c.phone_number_id, c.display_number, c.waba_id, c.scope, c.rate_per_second, c.stopped_at,
    k.access_token, d.wrapped
  from leased l
  join public.channels c on c.organization_id = l.organization_id and c.id = l.channel_id
  left join private.channel_credentials k on lane_direction = 'out' and k.organization_id = c.organization_id and k.channel_id = c.id
  left join private.data_keys d on lane_direction = 'out' and d.organization_id = c.organization_id
$$;
grant execute on function private.lease_lanes(uuid, text, jsonb, integer) to frontdesk_app;

-- The channel behind the address of an own app, with what proves who calls; no row for an address that nobody has.
drop function private.find_channel_app(bytea);
create function private.find_channel_app(hash_of_token bytea)
returns table (organization_id uuid, channel_id uuid, phone_number_id text, verify_token text, app_secret text, data_key text)
language sql stable security definer set search_path = '' as $$
  select a.organization_id, a.channel_id, c.phone_number_id, a.verify_token, a.app_secret, d.wrapped
  from private.channel_apps a
  join public.channels c on c.organization_id = a.organization_id and c.id = a.channel_id
  left join private.data_keys d on d.organization_id = a.organization_id
  where a.token_hash = hash_of_token
$$;
grant execute on function private.find_channel_app(bytea) to frontdesk_app;

-- ---- where sealed values stand, and sealing them anew ----

-- A column that holds sealed values. `context` names the place of a value, with the columns of `row_key` in their order for each %s.
create table private.sealed_columns (
  place text primary key check (place ~ '^[a-z_]+\.[a-z_]+$'),  -- table.column, in this schema
  row_key text[] not null check (cardinality(row_key) > 0),
  context text not null,
  with_data_key boolean not null,  -- sealed with the organization's data key, else with the installation's keys
  check (not with_data_key or row_key[1] = 'organization_id')
);
insert into private.sealed_columns (place, row_key, context, with_data_key) values
  ('data_keys.wrapped', '{organization_id}', '%1$s|data_keys|%1$s|wrapped', false),
  ('mail_outbox.sealed', '{id}', 'mail|%1$s', false),
  ('channel_credentials.access_token', '{organization_id,channel_id}', '%1$s|channels|%2$s|access_token', true),
  ('channel_apps.webhook_token', '{organization_id,channel_id}', '%1$s|channel_apps|%2$s|webhook_token', true),
  ('channel_apps.verify_token', '{organization_id,channel_id}', '%1$s|channel_apps|%2$s|verify_token', true),
  ('channel_apps.app_secret', '{organization_id,channel_id}', '%1$s|channel_apps|%2$s|app_secret', true);

-- The values of one column, or of all: the row's identity as text, the organization with whose data key it is to be sealed, the place it was
-- sealed for, and by which key: '' stands for a data key, null for what is not sealed. Only for the functions below.
create function private.sealed_values(wanted_place text default null)
returns table (place text, row_id text, organization uuid, context text, sealed text, sealed_by text)
language plpgsql stable security definer set search_path = '' as $$
declare one private.sealed_columns; keys text;
begin
  for one in select * from private.sealed_columns c where wanted_place is null or c.place = wanted_place order by c.with_data_key, c.place loop
    keys := (select string_agg(format('t.%I::text', k.name), ', ' order by k.number) from unnest(one.row_key) with ordinality as k (name, number));
    return query execute format(
      $q$select %1$L, concat_ws('|', %2$s), %3$s, format(%4$L, %2$s), t.%5$I,
          case when t.%5$I like 'v1.%%' then split_part(t.%5$I, '.', 2) when %6$L and t.%5$I like 'v2.%%' then '' end
        from private.%7$I t where t.%5$I is not null$q$,
      one.place, keys, case when one.with_data_key then 't.organization_id' else 'null::uuid' end, one.context, split_part(one.place, '.', 2),
      one.with_data_key, split_part(one.place, '.', 1));
  end loop;
end $$;

-- How many values each key has sealed, and up to three of them as samples.
create function private.sealed_by() returns table (place text, with_data_key boolean, sealed_by text, amount bigint, samples jsonb)
language sql stable security definer set search_path = '' as $$
  select n.place, n.with_data_key, n.sealed_by, n.amount, jsonb_agg(jsonb_build_object('context', n.context, 'sealed', n.sealed))
  from (
    select v.place, v.organization is not null as with_data_key, v.sealed_by, v.context, v.sealed, count(*) over (partition by v.place, v.sealed_by) as amount,
      row_number() over (partition by v.place, v.sealed_by order by v.row_id desc) as number
    from private.sealed_values() v
  ) as n where n.number <= 3
  group by n.place, n.with_data_key, n.sealed_by, n.amount order by n.place, n.sealed_by
$$;
grant execute on function private.sealed_by() to frontdesk_app;

-- The next values of a column that are not sealed as they would be now: with the newest key, or with the data key that stands beside them.
create function private.stale_values(wanted_place text, newest_key text, after text, at_most integer)
returns table (row_id text, organization uuid, context text, sealed text, data_key text)
language sql stable security definer set search_path = '' as $$
  select v.row_id, v.organization, v.context, v.sealed, k.wrapped
  from private.sealed_values(wanted_place) v left join private.data_keys k on k.organization_id = v.organization
  where v.sealed_by <> '' and (v.organization is not null or v.sealed_by <> newest_key) and v.row_id > after
  order by v.row_id limit at_most
$$;
grant execute on function private.stale_values(text, text, text, integer) to frontdesk_app;

-- Puts values in place that were sealed anew, [{"row_id", "old", "new"}, …], where the old one still stands; returns how many. A row that somebody
-- is just changing is left to the next round, so that nobody waits for this and this waits for nobody.
create function private.replace_sealed(wanted_place text, changes jsonb) returns integer
language plpgsql security definer set search_path = '' as $$
declare one private.sealed_columns; keys text; replaced integer;
begin
  select * into strict one from private.sealed_columns c where c.place = wanted_place;
  keys := (select string_agg(format('t.%I::text', k.name), ', ' order by k.number) from unnest(one.row_key) with ordinality as k (name, number));
  execute format(
    $q$with given as materialized (select * from jsonb_to_recordset($1) as g (row_id text, old text, new text)),
      free as materialized (
        select t.ctid as place, g.old, g.new from private.%1$I t join given g on g.row_id = concat_ws('|', %2$s) and g.old = t.%3$I for update of t skip locked)
      update private.%1$I t set %3$I = f.new from free f where t.ctid = f.place and t.%3$I = f.old$q$,
    split_part(one.place, '.', 1), keys, split_part(one.place, '.', 2)) using changes;
  get diagnostics replaced = row_count;
  return replaced;
end $$;
grant execute on function private.replace_sealed(text, jsonb) to frontdesk_app;

-- Gives up what a key has sealed that is lost for good: what is left in its place opens for nobody, and says so. Returns how many values that were.
create function private.abandon_sealed(lost_key text) returns bigint
language plpgsql security definer set search_path = '' as $$
declare one private.sealed_columns; amount bigint; total bigint := 0;
begin
  for one in select * from private.sealed_columns c order by c.place loop
    execute format(
      case one.place when 'data_keys.wrapped' then $q$delete from private.%1$I where split_part(%2$I, '.', 2) = $1$q$
        else $q$update private.%1$I set %2$I = 'given up: the key that sealed this is lost' where %2$I like 'v1.%%' and split_part(%2$I, '.', 2) = $1$q$ end,
      split_part(one.place, '.', 1), split_part(one.place, '.', 2)) using lost_key;
    get diagnostics amount = row_count;
    total := total + amount;
  end loop;
  return total;
end $$;
grant execute on function private.abandon_sealed(text) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
