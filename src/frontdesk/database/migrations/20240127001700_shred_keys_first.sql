-- What opens things goes first, and is shown to nobody.

-- Members see who is invited, and not what the link was hashed to: their pages and archives have no use for it.
revoke select on public.organization_invitations from frontdesk_member;
do $$ begin
  execute (
    select format('grant select (%s) on public.organization_invitations to frontdesk_member', string_agg(quote_ident(a.attname), ', ' order by a.attnum))
    from pg_catalog.pg_attribute a
    where a.attrelid = 'public.organization_invitations'::regclass and a.attnum > 0 and not a.attisdropped and a.attname <> 'token_hash');
end $$;

-- Begins the deletions that are due: from here on nobody gets in, nothing is heard and nothing is undone. The data key goes at once, so that no
-- secret of theirs opens any more, however long the rest takes. Returns the organizations.
create or replace function private.begin_deletions() returns table (id uuid, slug text)
language plpgsql security definer set search_path = '' as $$
declare going uuid[];
begin
  with due as (
    select d.organization_id from public.organization_deletions d where d.due_at <= now() and d.begun_at is null for update skip locked
  ), begun as (
    update public.organization_deletions d set begun_at = now() from due where d.organization_id = due.organization_id returning d.organization_id
  )
  select array_agg(b.organization_id) into going from begun b;
  delete from private.channel_routes r where r.organization_id = any (going);
  delete from private.data_keys k where k.organization_id = any (going);
  delete from public.organization_members m where m.organization_id = any (going);
  return query select o.id, o.slug from public.organizations o where o.id = any (going);
end $$;

revoke execute on all functions in schema private from public, anon;
