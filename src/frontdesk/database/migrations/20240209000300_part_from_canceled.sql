-- The organizations whose subscription was bought and has ended for so many days but a week, and those whose deletion nobody asked for. days: null where
-- nothing is deleted by itself.
create function private.canceled_organizations(days integer) returns setof uuid
language sql stable security definer set search_path = '' as $$
  select s.organization_id from public.subscriptions s
  where s.status = 'canceled' and s.provider_subscription_id is not null and s.ended_at <= now() - make_interval(days => days - 7)
  union select d.organization_id from public.organization_deletions d where d.begun_at is null and d.requested_by is null
$$;
grant execute on function private.canceled_organizations(integer) to frontdesk_app;
create index subscriptions_ended on public.subscriptions (ended_at) where status = 'canceled';

-- What the clock does next about an organization whose subscription was bought and has ended: "told", two weeks before it is deleted; "ordered", so many
-- days after the end, and a week after it was told at the earliest; "reminded", a day before. Each once for a subscription: whoever undoes that has
-- undone it for good. "kept": it was ordered, and has bought again, or nothing is deleted by itself any more. Null when there is nothing to do.
create function private.part_from_canceled(organization uuid, days integer) returns text
language plpgsql security definer set search_path = '' as $$
declare
  subscription public.subscriptions; deletion public.organization_deletions;
  about text; ours boolean; told_at timestamptz;
begin
  if not private.may_act_for(organization) then return null; end if;
  select * into subscription from public.subscriptions s where s.organization_id = organization for no key update;
  select * into deletion from public.organization_deletions d where d.organization_id = organization for update;
  about := subscription.provider_subscription_id;
  ours := deletion.begun_at is null and exists (select from public.billing_notices n
    where n.organization_id = organization and n.kind = 'deletion_ordered' and n.created_at = deletion.requested_at);
  if days is null or subscription.status is distinct from 'canceled' or about is null or subscription.ended_at is null then
    if not ours then return null; end if;
    delete from public.organization_deletions d where d.organization_id = organization;
    return 'kept';
  end if;
  if deletion.organization_id is not null then
    if not ours or deletion.due_at > now() + interval '1 day' then return null; end if;
    insert into public.billing_notices (organization_id, id, kind, object, attempt, facts)
    values (organization, private.uuid_v7(), 'deletion_ahead', about, 1, jsonb_build_object('deleted_at', deletion.due_at)) on conflict do nothing;
    return case when found then 'reminded' end;
  end if;
  if subscription.ended_at > now() - make_interval(days => days - 7) then return null; end if;
  insert into public.billing_notices (organization_id, id, kind, object, attempt, facts)
  values (organization, private.uuid_v7(), 'deletion_ahead', about, 14,
    jsonb_build_object('deleted_at', greatest(subscription.ended_at + make_interval(days => days + 7), now() + interval '14 days'))) on conflict do nothing;
  if found then return 'told'; end if;
  select n.created_at into told_at from public.billing_notices n
  where n.organization_id = organization and n.kind = 'deletion_ahead' and n.object = about and n.attempt = 14;
  if subscription.ended_at > now() - make_interval(days => days) or told_at > now() - interval '7 days' then return null; end if;
  insert into public.billing_notices (organization_id, id, kind, object, mailed_at)
  values (organization, private.uuid_v7(), 'deletion_ordered', about, now()) on conflict do nothing;
  if not found then return null; end if;
  insert into public.organization_deletions (organization_id) values (organization);
  return 'ordered';
end $$;
grant execute on function private.part_from_canceled(uuid, integer) to frontdesk_worker;

revoke execute on all functions in schema private from public, anon;
