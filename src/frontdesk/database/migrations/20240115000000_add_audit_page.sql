-- The audit log as its page shows it: found by actor, action, thing and time without reading a whole organization, and proven by
-- its own members, piece by piece.

-- Newest first by who did it, by what was done, by the thing it was done to; and where in the log a time is.
create index audit_logs_by_actor on public.audit_logs (organization_id, actor_kind, actor_id, seq);
create index audit_logs_by_action on public.audit_logs (organization_id, action, seq);
create index audit_logs_by_target on public.audit_logs (organization_id, target_type, target_id, seq);
create index audit_logs_by_time on public.audit_logs (organization_id, created_at, seq);

-- Walks a piece of one organization's chain: at most so many entries after the one named. `last` is the last entry walked, `ends_at` the
-- one with which the log must end; `faults` tells at most twenty, each with the kind of fault and the entry at which it shows. A log of any
-- length is proven in pieces, none of which holds anything up; the last piece, shorter than asked for, is compared with the chain's end.
create function private.walk_audit(organization uuid, after bigint, how_many integer)
returns table (last bigint, entries bigint, ends_at bigint, faults jsonb)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' audit:read ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  return query
  with piece as materialized (
    select a.seq, a.hash, a.prev_hash, private.audit_hash(a) as computed
    from public.audit_logs a where a.organization_id = organization and a.seq > after order by a.seq limit how_many
  ), start as (
    select after as seq, case when after = 0 then '\x'::bytea
      else (select a.hash from public.audit_logs a where a.organization_id = organization and a.seq = after) end as hash
  ), chain as (
    select p.*, coalesce(lag(p.seq) over w, s.seq) as seq_before, coalesce(lag(p.hash) over w, s.hash) as hash_before
    from piece p cross join start s window w as (order by p.seq)
  ), walked as (
    select coalesce(max(p.seq), after) as seq, count(*) as entries from piece p
  ), ending as (
    select w.seq, w.entries < how_many as reached, h.organization_id is not null as known, h.seq as head_seq, h.hash as head_hash,
      coalesce((select p.hash from piece p where p.seq = w.seq), (select s.hash from start s)) as hash
    from walked w left join private.audit_heads h on h.organization_id = organization
  ), found as (
    select c.seq, 'changed' as kind from chain c where c.hash <> c.computed
    union all select c.seq_before + 1, 'missing' from chain c where c.seq <> c.seq_before + 1
    union all select c.seq, 'replaced' from chain c where c.seq = c.seq_before + 1 and c.prev_hash <> c.hash_before
    union all select e.seq + 1, 'missing_end' from ending e where e.reached and e.known and e.seq < e.head_seq
    union all select e.seq, 'added' from ending e where e.reached and e.known and (e.seq > e.head_seq or (e.seq = e.head_seq and e.hash <> e.head_hash))
    union all select e.seq, 'unknown_end' from ending e where e.reached and not e.known
  )
  select e.seq, w.entries, coalesce(e.head_seq, 0::bigint), coalesce(
    (select jsonb_agg(jsonb_build_object('seq', t.seq, 'kind', t.kind) order by t.seq, t.kind) from (select * from found f order by f.seq, f.kind limit 20) t), '[]')
  from ending e cross join walked w;
end $$;
grant execute on function private.walk_audit(uuid, bigint, integer) to frontdesk_app, frontdesk_member;

revoke execute on all functions in schema private from public, anon;
