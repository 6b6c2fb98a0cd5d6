-- Tells an organization that its operator let what it bought end with its period (ends_at), or kept it: a notice each time, which the clock of its
-- subscription mails. What ends at once is told as every end is.
create function private.tell_of_order(organization uuid, plan text, why text, ends_at timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  insert into public.billing_notices (organization_id, id, kind, object, facts)
  values (organization, private.uuid_v7(), case when ends_at is null then 'purchase_kept' else 'purchase_ends' end, clock_timestamp()::text,
    jsonb_build_object('plan', plan, 'reason', why, 'ends_at', ends_at));
end $$;
grant execute on function private.tell_of_order(uuid, text, text, timestamptz) to frontdesk_operator;

revoke execute on all functions in schema private from public, anon;
