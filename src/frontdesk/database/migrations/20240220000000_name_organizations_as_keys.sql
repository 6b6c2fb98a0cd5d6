-- The organizations that background work named for this transaction, as the keys of an object: read in half the time of an array, and one is
-- found in it by halving, while an array is gone through for every row.
create function private.named_organizations() returns jsonb
language sql stable set search_path = '' as $$
  select nullif(current_setting('frontdesk.organizations', true), '')::jsonb
$$;
grant execute on function private.named_organizations() to frontdesk_worker;

create or replace function private.may_act_for(organization uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
  return coalesce(case current_setting('role')
    when 'frontdesk_member' then organization = nullif(current_setting('frontdesk.organization_id', true), '')::uuid
    when 'frontdesk_worker' then private.named_organizations() ? organization::text
    when 'authenticated' then organization = any (private.organizations_allowing('organization:read'))
    when 'frontdesk_operator' then private.is_operating()
    when 'anon' then false
    else session_user not in ('anon', 'authenticated')
  end, false);
end $$;

create or replace function private.protect(target regclass, reads text, writes text, worker text default 'all', key text default 'organization_id')
returns void language plpgsql set search_path = '' as $$
declare
  -- one named organization, permissions set by private.enter(); the nested selects are evaluated once per statement
  member_form constant text := $q$%1$I = (select case when strpos((select current_setting('frontdesk.permissions', true)), ' %2$s ') > 0
    then nullif((select current_setting('frontdesk.organization_id', true)), '')::uuid end)$q$;
  -- PostgREST and Supabase clients: every organization in which the user may
  client_form constant text := $q$%1$I = any ((select private.organizations_allowing('%2$s'))::uuid[])$q$;
  -- background work: must not become an index condition, and the planner must not expect it to filter, so that batches join by primary key
  worker_form constant text := $q$nullif(jsonb_exists((select private.named_organizations()), %1$I::text), false) is not null$q$;
  owner constant text := (select relowner::regrole::text from pg_catalog.pg_class where oid = target);
  who text; may_read text; may_write text;
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('revoke all on %s from public, anon, authenticated, service_role, frontdesk_member, frontdesk_worker, frontdesk_app', target);
  foreach who in array array['frontdesk_member', 'authenticated', 'frontdesk_worker'] loop
    may_read := case who when 'frontdesk_member' then format(member_form, key, reads) when 'authenticated' then format(client_form, key, reads)
      else case when worker <> 'nothing' then format(worker_form, key) end end;
    may_write := case who when 'frontdesk_member' then format(member_form, key, writes)
      when 'frontdesk_worker' then case when worker = 'all' then format(worker_form, key) end end;
    if may_read is not null and (who = 'frontdesk_worker' or reads is not null) then
      execute format('create policy %I on %s for select to %I using (%s)', who || ' reads', target, who, may_read);
      execute format('grant select on %s to %I', target, who);
    end if;
    if may_write is not null and (who = 'frontdesk_worker' or writes is not null) then
      execute format('create policy %I on %s for insert to %I with check (%s)', who || ' adds', target, who, may_write);
      execute format('create policy %I on %s for update to %I using (%s) with check (%s)', who || ' changes', target, who, may_write, may_write);
      execute format('create policy %I on %s for delete to %I using (%s)', who || ' removes', target, who, may_write);
      execute format('grant insert, update, delete on %s to %I', target, who);
    end if;
  end loop;
  execute format('create policy "service does all" on %s to service_role using (true) with check (true)', target);
  execute format('grant select, insert, update, delete on %s to service_role', target);
  execute format('create policy "owner does all" on %s to %I using (true) with check (true)', target, owner);  -- FORCE binds the owner too
end $$;

create or replace function private.check_usage_batch(wanted_metric text, requests jsonb) returns void
language plpgsql stable security definer set search_path = '' as $$
declare named constant jsonb := case current_setting('role') when 'frontdesk_worker' then coalesce(private.named_organizations(), '{}') end;
begin
  if not exists (select from public.usage_metrics where metric = wanted_metric and kind = 'period') then
    raise exception 'there is no metric % that is counted', quote_literal(wanted_metric) using errcode = 'invalid_parameter_value';
  end if;
  if exists (select from jsonb_to_recordset(requests) as r (organization_id uuid, amount bigint)
             group by r.organization_id having count(*) > 1 or min(r.amount) is null or min(r.amount) <= 0) then
    raise exception 'each organization must ask once, for a positive amount' using errcode = 'invalid_parameter_value';
  end if;
  -- asked once for the batch: a worker names hundreds of organizations, and reading their list for each of them takes milliseconds
  if exists (select from jsonb_to_recordset(requests) as r (organization_id uuid)
             where not coalesce(case when named is null then private.may_act_for(r.organization_id) else named ? r.organization_id::text end, false)) then
    raise exception 'not allowed for one of these organizations' using errcode = 'insufficient_privilege';
  end if;
end $$;

-- The same for the policies that there are.
do $$
declare one record;
begin
  for one in
    select p.schemaname, p.tablename, p.policyname, p.qual, p.with_check,
      format('nullif(jsonb_exists((select private.named_organizations()), %I::text), false) is not null',
        substring(coalesce(p.qual, p.with_check) from ' AS current_organization_ids\), (\w+)\) IS NOT NULL')) as condition
    from pg_catalog.pg_policies p where coalesce(p.qual, p.with_check) like '%current_organization_ids%'
  loop
    execute format('alter policy %I on %I.%I %s %s', one.policyname, one.schemaname, one.tablename,
      'using (' || case when one.qual is not null then one.condition end || ')', 'with check (' || case when one.with_check is not null then one.condition end || ')');
  end loop;
end $$;

drop function private.current_organization_ids();

revoke execute on all functions in schema private from public, anon;
