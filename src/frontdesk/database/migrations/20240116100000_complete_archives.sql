-- An archive holds what is the organization's, also where members see it masked or not at all; only what opens something is left out.
create or replace function private.export_rows(organization uuid, of_table text, after jsonb, how_many integer) returns table (line text, place jsonb)
language plpgsql stable security definer set search_path = '' as $$
declare
  target constant regclass := (select format('public.%I', t)::regclass from private.export_tables(organization) t where t = of_table);
  columns constant text := (
    select string_agg(format('t.%I', a.attname), ', ' order by a.attnum) from pg_catalog.pg_attribute a
    where a.attrelid = target and a.attnum > 0 and not a.attisdropped and a.attname <> 'token_hash');
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

revoke execute on all functions in schema private from public, anon;
