-- What an organization uses of everything that is counted or limited, as its own pages say it: levels such as contacts as well, which operators cannot read.
create function private.usage_for_operators(organization uuid)
returns table (metric text, kind text, description text, unit text, used bigint, allowed bigint)
language plpgsql stable security definer set search_path = '' as $$
declare period constant date := private.usage_period(organization);
begin
  perform private.demand_operator();
  return query
  select m.metric, m.kind, m.description, m.unit,
    case m.kind when 'level' then private.usage_level(organization, m.metric) else coalesce(u.used, 0) end,
    private.usage_limit(organization, m.metric)
  from public.usage_metrics m
  left join public.organization_usage u on u.organization_id = organization and u.metric = m.metric and u.period_start = period
  order by m.kind, m.metric;
end $$;
grant execute on function private.usage_for_operators(uuid) to frontdesk_operator;

revoke execute on all functions in schema private from public, anon;
