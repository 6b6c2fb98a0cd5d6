-- What the operator's commands need to look up. They act for no member, so each lookup is a narrow function that only the
-- application's own login may call.

-- The organization behind a slug, and its first owner, in whose name the operator prepares things for it.
create function private.organization_by_slug(wanted text) returns table (id uuid, name text, owner_id uuid)
language sql stable security definer set search_path = '' as $$
  select o.id, o.name, (
    select m.user_id from public.organization_members m
    where m.organization_id = o.id and m.role = 'owner' order by m.created_at, m.user_id limit 1)
  from public.organizations o where o.slug = wanted
$$;
grant execute on function private.organization_by_slug(text) to frontdesk_app;

-- The connected numbers of the installation, or of one organization.
create function private.channels_of(organization uuid default null)
returns table (organization text, id uuid, kind text, name text, phone_number_id text, display_number text, waba_id text,
  stopped_at timestamptz, stopped_reason text, last_error text, last_error_at timestamptz, last_inbound_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select o.slug, c.id, c.kind, c.name, c.phone_number_id, c.display_number, c.waba_id,
    c.stopped_at, c.stopped_reason, c.last_error, c.last_error_at, c.last_inbound_at
  from public.channels c join public.organizations o on o.id = c.organization_id
  where channels_of.organization is null or c.organization_id = channels_of.organization
  order by o.slug, c.kind, c.id
$$;
grant execute on function private.channels_of(uuid) to frontdesk_app;

-- The sandbox numbers that a user may write to: those of his organizations; or the one of an id.
create function private.sandbox_numbers(of_user uuid default null, number_id text default null)
returns table (phone_number_id text, display_number text, organization_name text)
language sql stable security definer set search_path = '' as $$
  select c.phone_number_id, c.display_number, o.name
  from private.channel_routes r
  join public.channels c on c.organization_id = r.organization_id and c.id = r.channel_id
  join public.organizations o on o.id = r.organization_id
  where r.kind = 'simulator' and r.phone_number_id = number_id
  union all
  select c.phone_number_id, c.display_number, o.name
  from public.organization_members m
  join public.channels c on c.organization_id = m.organization_id and c.kind = 'simulator'
  join public.organizations o on o.id = m.organization_id
  where m.user_id = of_user
  order by 3, 1
$$;
grant execute on function private.sandbox_numbers(uuid, text) to frontdesk_app;

-- What a member is called, for the other members; null for who has left.
create function private.colleague_name(organization uuid, colleague uuid) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return null; end if;
  return (
    select private.user_name(u.raw_user_meta_data, u.email)
    from public.organization_members m join auth.users u on u.id = m.user_id
    where m.organization_id = organization and m.user_id = colleague);
end $$;
grant execute on function private.colleague_name(uuid, uuid) to frontdesk_member;

-- What an organization's plan allows of a metric, with the plan's name: the words of a refusal. No limit is null.
create function private.plan_limit(organization uuid, wanted_metric text) returns table (plan text, allowed bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) then return; end if;
  return query
  select p.name, (p.limits ->> wanted_metric)::bigint
  from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id
  where s.organization_id = organization;
end $$;
grant execute on function private.plan_limit(uuid, text) to frontdesk_app, frontdesk_member, frontdesk_worker;

-- What the operator connects counts against the plan as well.
grant execute on function private.consume_usage(uuid, text, bigint) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
