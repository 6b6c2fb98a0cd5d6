-- Revenue by the month, the oldest first: how it stood at the end, what made it more and less, who came and left, whose trial became a customer
-- or ended without (one that nobody bought goes on as `trialing`: it is over when its day is), and whose payments failed.
create or replace function private.revenue_by_month(months integer)
returns table (month date, mrr bigint, fresh bigint, expansion bigint, contraction bigint, churn bigint, paying bigint, came bigint, left_us bigint, trials bigint, converted bigint,
  lapsed bigint, failed bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
  perform private.demand_operator();
  return query
  with moves as (
    select date_trunc('month', m.at at time zone 'UTC')::date as month, m.* from private.revenue_moves m
  ), summed as (
    select m.month, sum(m.after - m.before)::bigint as net,
      coalesce(sum(m.after) filter (where m.before = 0), 0)::bigint as fresh,
      coalesce(sum(m.after - m.before) filter (where m.before > 0 and m.after > m.before), 0)::bigint as expansion,
      coalesce(sum(m.before - m.after) filter (where m.after > 0 and m.after < m.before), 0)::bigint as contraction,
      coalesce(sum(m.before) filter (where m.after = 0), 0)::bigint as churn,
      count(*) filter (where m.before = 0 and m.after > 0) as came, count(*) filter (where m.before > 0 and m.after = 0) as left_us,
      count(*) filter (where m.status_after = 'trialing' and m.status_before is null) as trials,
      count(*) filter (where m.status_before = 'trialing' and m.after > 0) as converted,
      count(*) filter (where m.status_before = 'trialing' and m.status_after is distinct from 'trialing' and m.after = 0) as lapsed,
      count(*) filter (where m.status_after = 'past_due' and m.status_before is distinct from 'past_due') as failed
    from moves m group by m.month
  ), unbought as (
    select date_trunc('month', s.trial_ends_at at time zone 'UTC')::date as month, count(*) as lapsed
    from public.subscriptions s where s.status = 'trialing' and s.provider_subscription_id is null and s.trial_ends_at <= now() group by 1
  ), running as (
    select s.*, sum(s.net) over w as mrr, sum(s.came - s.left_us) over w as paying from summed s window w as (order by s.month)
  ), calendar as (
    select (date_trunc('month', now() at time zone 'UTC') - make_interval(months => n))::date as month from generate_series(0, months - 1) as n
  )
  select c.month, coalesce(r.mrr, 0)::bigint, coalesce(e.fresh, 0), coalesce(e.expansion, 0), coalesce(e.contraction, 0), coalesce(e.churn, 0),
    coalesce(r.paying, 0)::bigint, coalesce(e.came, 0), coalesce(e.left_us, 0), coalesce(e.trials, 0), coalesce(e.converted, 0), coalesce(e.lapsed, 0) + coalesce(n.lapsed, 0),
    coalesce(e.failed, 0)
  from calendar c
  left join lateral (select u.mrr, u.paying from running u where u.month <= c.month order by u.month desc limit 1) as r on true
  left join running e on e.month = c.month
  left join unbought n on n.month = c.month
  order by c.month;
end $$;
