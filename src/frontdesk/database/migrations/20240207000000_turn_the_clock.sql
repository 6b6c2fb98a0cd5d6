-- In development time can be turned on, to see what it brings.

-- Payments are overdue for so much longer: whoever turns the clock of the simulated Stripe sees the days of grace go by here too.
create function private.let_time_pass(seconds bigint) returns void
language sql security definer set search_path = '' as $$
  -- what was told is known by when it became overdue, and stays told
  update public.billing_notices n set object = to_char((s.past_due_since - make_interval(secs => seconds)) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')
  from public.subscriptions s
  where s.organization_id = n.organization_id and s.past_due_since is not null and n.kind in ('payment_failed', 'access_reduced')
    and n.object = to_char(s.past_due_since at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"');
  update public.subscriptions s set past_due_since = s.past_due_since - make_interval(secs => seconds), look_at = now() where s.past_due_since is not null
$$;
grant execute on function private.let_time_pass(bigint) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
