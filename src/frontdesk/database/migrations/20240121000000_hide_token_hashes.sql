-- What opens an invitation is a hash already; no client and no page has to see even that.
revoke select on public.organization_invitations from authenticated;
do $$ begin
  execute (
    select format('grant select (%s) on public.organization_invitations to authenticated', string_agg(quote_ident(a.attname), ', ' order by a.attnum))
    from pg_catalog.pg_attribute a
    where a.attrelid = 'public.organization_invitations'::regclass and a.attnum > 0 and not a.attisdropped and a.attname <> 'token_hash');
end $$;
