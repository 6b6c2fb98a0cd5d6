"""An installation with organizations in every state, long names, kept deliveries, events and deeds."""

from typing import Any

import psycopg

STATEMENTS = (
    """
    insert into organizations (id, slug, name, created_at) select private.uuid_v7(), 'shop-' || n, case n %% 9 when 3 then repeat('Long name ',
      20) when 5 then 'مقهى النيل ' || n when 7 then '💇 Salon ' || n else 'Shop number ' || n end, now() - make_interval(days => n %% 300) from
      generate_series(1, %(many)s) as n
    """,
    """
    insert into subscriptions (organization_id, plan_id, status, billing_interval, trial_ends_at, past_due_since, provider_subscription_id)
      select o.id, (array['starter', 'professional', 'business', 'enterprise'])[1 + n %% 4], (array['active', 'trialing', 'past_due', 'canceled',
      'active'])[1 + n %% 5], case n %% 3 when 0 then 'year' else 'month' end, case n %% 5 when 1 then now() + interval '5 days' end, case n %% 5
      when 2 then now() - interval '3 days' end, case n %% 5 when 1 then null else 'sub_' || n end from (select id, substring(slug from
      6)::integer as n from organizations where slug like 'shop-%%') as o
    """,
    """
    with made as ( insert into auth.users (id, email, raw_user_meta_data, email_confirmed_at) select private.uuid_v7(), 'owner-' || n ||
      '@example.org', jsonb_build_object('name', 'Owner ' || n, 'joins_by_invitation', 'true'), now() from generate_series(1, %(many)s) as n
      returning id, email) insert into organization_members (organization_id, user_id, role, last_seen_at) select o.id, m.id, 'owner', now() -
      interval '2 hours' from made m join organizations o on o.slug = 'shop-' || split_part(split_part(m.email, '@', 1), '-', 2)
    """,
    """
    insert into organization_usage (organization_id, metric, period_start, used) select id, 'messages_sent', date_trunc('month', now())::date,
      4500 from organizations on conflict (organization_id, metric, period_start) do update set used = 4500
    """,
    """
    insert into channels (organization_id, id, kind, name, phone_number_id, display_number, stopped_at, stopped_reason, last_inbound_at) select
      id, private.uuid_v7(), 'cloud_api', 'Main number', substring(slug from 6) || '000000', '+49 30 123456', case when slug like '%%3' then
      now() end, case when slug like '%%3' then 'The access token is not valid any more. Renew it under Channels.' end, now() from organizations
      where slug like 'shop-%%'
    """,
    """
    insert into failed_deliveries (organization_id, channel_id, id, kind, payload, received_at, error, attempts) select c.organization_id, c.id,
      private.uuid_v7(), (array['message', 'status', 'other'])[1 + n], '{}', now(), repeat('KeyError: from ', 30), 2 from channels c,
      generate_series(0, 2) as n where c.stopped_at is not null
    """,
    """
    insert into private.unrouted_deliveries (id, source, kind, phone_number_id, body, reason) select private.uuid_v7(), 'cloud_api', 'message',
      '10654035224', 'x', 'no number here has this id' from generate_series(1, 3)
    """,
    """
    insert into billing_events (id, organization_id, provider_event_id, type, happened_at, next_try_at, given_up_at, handled_at, last_error,
      attempts) select private.uuid_v7(), o.id, 'evt_' || o.slug, 'customer.subscription.updated', now(), case n %% 3 when 0 then now() end, case
      n %% 3 when 1 then now() end, case n %% 3 when 2 then now() end, case n %% 3 when 1 then 'The provider did not answer' end, n from (select
      id, slug, row_number() over () as n from organizations where slug like 'shop-%%' limit 60) as o
    """,
    """
    update organizations set suspended_at = now(), suspended_reason = 'Sends what nobody asked for, three complaints this week.' where slug in
      ('shop-4', 'shop-14')
    """,
    """
    insert into organization_deletions (organization_id) select id from organizations where slug in ('shop-6', 'shop-16')
    """,
    """
    update private.revenue_moves set at = now() - make_interval(days => (abs(hashtext(organization_id::text)) %% 330)) where after > 0
    """,
    """
    insert into private.revenue_moves (organization_id, at, plan_id, status_before, status_after, before, after) select organization_id, at +
      interval '20 days', plan_id, 'active', 'canceled', after, 0 from private.revenue_moves where after > 0 and
      abs(hashtext(organization_id::text)) %% 7 = 0
    """,
    """
    insert into operator_views (organization_id, id, operator_id, operator_name, purpose, reason) select o.id, private.uuid_v7(), u.id, 'Jonas
      Weber', 'view', 'the owner asked for help by phone' from organizations o, auth.users u where o.slug in ('shop-3', 'lagos-glow-salon') and
      u.email = 'jonas@example.com'
    """,
    """
    insert into entitlement_overrides (organization_id, key, value, reason) select id, 'campaigns', 'true', 'part of the contract' from
      organizations where slug = 'shop-3'
    """,
    """
    insert into private.operator_entries (id, operator_name, action, organization_id, target_type, target_id, details) select private.uuid_v7(),
      'Jonas Weber', 'organization.suspended', id, 'organization', id::text, jsonb_build_object('name', name, 'reason', suspended_reason) from
      organizations where suspended_at is not null
    """,
    """
    insert into invoices (organization_id, id, number, status, currency, subtotal, total, amount_due, amount_paid, amount_remaining, issued_at, attempt_count)
      select o.id, 'in_' || n, 'FD-' || n, (array['paid', 'open', 'void'])[n], 'EUR', 2900, 2900, 2900, 0, 2900, now() - make_interval(days => 30 * n), n
      from organizations o, generate_series(1, 3) as n where o.slug in ('shop-3', 'shop-4')
    """,
)


async def crowd(owner: psycopg.AsyncConnection[Any], many: int) -> None:
    """Fill the installation with so many organizations."""
    for statement in STATEMENTS:
        await owner.execute(statement, {"many": many})  # type: ignore[arg-type]  # literals of this file
