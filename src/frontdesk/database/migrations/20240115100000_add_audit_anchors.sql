-- Where audit chains end, to be kept outside of the database: whoever rewrites a whole chain, hashes and all, is found out by what was kept.

-- Where each organization's log ends now.
create function private.audit_ends() returns table (organization_id uuid, slug text, seq bigint, hash bytea)
language sql stable security definer set search_path = '' as $$
  select h.organization_id, o.slug, h.seq, h.hash from private.audit_heads h join public.organizations o on o.id = h.organization_id
  where h.seq > 0 order by o.slug
$$;
grant execute on function private.audit_ends() to frontdesk_app;

-- The hashes of the wanted entries ({organization_id, seq}), in the order in which they are asked for; null for one that is not there.
create function private.audit_hashes(wanted jsonb) returns table (n bigint, slug text, hash bytea)
language sql stable security definer set search_path = '' as $$
  select w.n, o.slug, a.hash
  from rows from (jsonb_to_recordset(wanted) as (organization_id uuid, seq bigint)) with ordinality as w (organization_id, seq, n)
  left join public.organizations o on o.id = w.organization_id
  left join public.audit_logs a on a.organization_id = w.organization_id and a.seq = w.seq
  order by w.n
$$;
grant execute on function private.audit_hashes(jsonb) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
