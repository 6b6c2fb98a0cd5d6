-- Bots keep silent on a number that is over the plan's limit.

-- Leases lanes for some seconds: those that are free, expired or already this worker's. [{"organization_id", "channel_id"}, …]
-- Returns what the holder needs to know of each channel; the sealed token, and the data key it was sealed with, for sending only.
-- stopped_at: since when nothing is sent from it (lanes out), or since when it is over the plan's limit and bots keep silent (lanes in).
create or replace function private.lease_lanes(worker uuid, lane_direction text, wanted jsonb, seconds integer)
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
  select c.organization_id, c.id, c.kind, c.name, c.phone_number_id, c.display_number, c.waba_id, c.scope, c.rate_per_second,
    case lane_direction when 'in' then c.held_back_at else c.stopped_at end, k.access_token, d.wrapped
  from leased l
  join public.channels c on c.organization_id = l.organization_id and c.id = l.channel_id
  left join private.channel_credentials k on lane_direction = 'out' and k.organization_id = c.organization_id and k.channel_id = c.id
  left join private.data_keys d on lane_direction = 'out' and d.organization_id = c.organization_id
$$;

revoke execute on all functions in schema private from public, anon;
