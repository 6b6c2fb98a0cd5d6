-- Whoever is invited can be restricted from the first moment on.
alter table public.organization_invitations add column withheld text[] not null default '{}'
    constraint organization_invitations_withheld check (withheld <@ array['contacts:export', 'conversations:oversee', 'phone_numbers:read']);
grant select (withheld) on public.organization_invitations to authenticated, frontdesk_member;

drop function private.invite_member(uuid, uuid, text, text, bytea, text, timestamptz);
drop function private.list_invitations(uuid, integer);

-- Whether this transaction may give somebody this role: a key only one that may do no more than the key itself, apart from what no key has for
-- itself. A person's own role is looked at elsewhere.
create function private.may_give(as_role text) returns boolean
language sql stable security definer set search_path = '' as $$
  select nullif(current_setting('frontdesk.api_key_id', true), '') is null or not exists (
    select from public.role_permissions p where p.role = as_role
      and p.permission <> all (array['campaigns:read', 'channels:read', 'contacts:write', 'conversations:oversee', 'phone_numbers:read'])
      and strpos(current_setting('frontdesk.permissions', true), ' ' || p.permission || ' ') = 0)
$$;

-- Invites somebody. outcome: invited, or why not: not_allowed, more_than_key, too_many (for `wait` seconds), full, member, pending.
create function private.invite_member(
  organization uuid, invitation uuid, to_email text, as_role text, hash_of_token bytea, in_locale text, until timestamptz,
  withholds text[] default '{}')
returns table (outcome text, wait integer)
language plpgsql security definer set search_path = '' as $$
begin
  outcome := case when private.inviting_role(organization) is null then 'not_allowed' else 'invited' end;
  if outcome = 'invited' and not private.may_give(as_role) then outcome := 'more_than_key'; end if;
  if outcome = 'invited' and not private.consume_usage(organization, 'members') then outcome := 'full'; end if;
  -- from here on nobody else invites for this organization, or comes in
  if outcome not in ('invited', 'full') then
    return next; return;
  elsif exists (select from public.organization_members m join auth.users u on u.id = m.user_id
                where m.organization_id = organization and lower(u.email) = lower(to_email)) then
    outcome := 'member';
  elsif exists (select from public.organization_invitations i
                where i.organization_id = organization and lower(i.email) = lower(to_email) and private.is_open(i)) then
    outcome := 'pending';
  end if;
  if outcome = 'invited' then
    wait := private.take_invitation_turn(organization, to_email);
    if wait > 0 then outcome := 'too_many'; end if;
  end if;
  if outcome = 'invited' then
    update public.organization_invitations i set revoked_at = now()  -- an expired one makes room
    where i.organization_id = organization and lower(i.email) = lower(to_email) and i.accepted_at is null and i.revoked_at is null;
    insert into public.organization_invitations (organization_id, id, email, role, token_hash, invited_by, expires_at, locale, withheld)
    values (organization, invitation, to_email, as_role, hash_of_token, nullif(current_setting('frontdesk.user_id', true), '')::uuid, until, in_locale,
      array(select distinct unnest(withholds) order by 1))
    on conflict do nothing;
    if not found then outcome := 'pending'; end if;
  end if;
  return next;
end $$;
grant execute on function private.invite_member(uuid, uuid, text, text, bytea, text, timestamptz, text[]) to frontdesk_member;

-- Gives an invitation a new token and new days; the old token opens nothing any more. It is whoever does this who invites from then on.
-- outcome: resent, or why not: not_allowed, missing, more_than_key, too_many (for `wait` seconds), full: it had expired, and its seat is taken.
create or replace function private.resend_invitation(organization uuid, invitation uuid, hash_of_token bytea, until timestamptz)
returns table (outcome text, wait integer, email text, role text, locale text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  acting constant text := private.inviting_role(organization);
  found_one public.organization_invitations;
begin
  select i.* into found_one from public.organization_invitations i
  where i.organization_id = organization and i.id = invitation and i.accepted_at is null and i.revoked_at is null for no key update;
  outcome := case
    when acting is null then 'not_allowed'
    when found_one.id is null then 'missing'
    when not private.may_give(found_one.role) then 'more_than_key'
    when not private.is_open(found_one) and not private.consume_usage(organization, 'members') then 'full'
    else 'resent' end;
  if outcome = 'resent' then
    wait := private.take_invitation_turn(organization, found_one.email);
    if wait > 0 then outcome := 'too_many'; end if;
  end if;
  if outcome = 'resent' then
    update public.organization_invitations i set
      token_hash = hash_of_token, expires_at = until, sent_at = now(), invited_by = nullif(current_setting('frontdesk.user_id', true), '')::uuid
    where i.organization_id = organization and i.id = invitation;
  end if;
  email := found_one.email; role := found_one.role; locale := found_one.locale;
  return next;
end $$;

-- The invitations that nobody has answered or taken back, the newest first, with what became of their mail.
create function private.list_invitations(organization uuid, how_many integer)
returns table (id uuid, email text, role text, invited_by text, sent_at timestamptz, expires_at timestamptz, state text, mail_state text,
  withheld text[])
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) or strpos(coalesce(current_setting('frontdesk.permissions', true), ''), ' members:write ') = 0 then return; end if;
  return query
  select i.id, i.email, i.role, private.user_name(u.raw_user_meta_data, u.email), i.sent_at, i.expires_at,
    case when i.expires_at <= now() then 'expired' when not private.may_still_invite(i) then 'orphaned' else 'open' end, m.state, i.withheld
  from public.organization_invitations i
  left join auth.users u on u.id = i.invited_by
  left join private.mail_outbox m on m.id = i.mail_id
  where i.organization_id = organization and i.accepted_at is null and i.revoked_at is null
  order by i.id desc limit how_many;
end $$;
grant execute on function private.list_invitations(uuid, integer) to frontdesk_member;

-- Lets a user in by a link, once, if his email is the invited one and there is (still) a seat: plans shrink, and whoever comes first sits.
-- outcome: joined, or why not: missing, accepted, revoked, expired, orphaned, other_user, member, full.
create or replace function private.accept_invitation(hash_of_token bytea, by_user uuid)
returns table (outcome text, organization_id uuid, invitation_id uuid, role text, invited_by uuid)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  of_organization constant uuid := (select i.organization_id from public.organization_invitations i where i.token_hash = hash_of_token);
  allowed bigint;
  found_one public.organization_invitations;
begin
  perform from public.subscriptions s where s.organization_id = of_organization for no key update;
  select i.* into found_one from public.organization_invitations i where i.token_hash = hash_of_token for no key update;
  -- who has invited must not lose the right to in this very moment
  perform from public.organization_members m where m.organization_id = of_organization and m.user_id = found_one.invited_by for share;
  allowed := private.usage_limit(of_organization, 'members');
  outcome := case
    when found_one.id is null then 'missing'
    when found_one.accepted_at is not null then 'accepted'
    when found_one.revoked_at is not null then 'revoked'
    when found_one.expires_at <= now() then 'expired'
    when not exists (select from auth.users u where u.id = by_user and lower(u.email) = lower(found_one.email) and u.deleted_at is null) then 'other_user'
    when exists (select from public.organization_members m where m.organization_id = of_organization and m.user_id = by_user) then 'member'
    when not private.may_still_invite(found_one) then 'orphaned'
    when allowed is not null and (select count(*) from public.organization_members m where m.organization_id = of_organization) >= allowed then 'full'
    else 'joined' end;
  if outcome = 'joined' then
    insert into public.organization_members (organization_id, user_id, role, invited_by, withheld)
    values (of_organization, by_user, found_one.role, found_one.invited_by, found_one.withheld);
    update auth.users u set email_confirmed_at = now() where u.id = by_user and u.email_confirmed_at is null;
  end if;
  if outcome in ('joined', 'member') then
    update public.organization_invitations i set accepted_at = now(), accepted_by = by_user
    where i.organization_id = of_organization and i.id = found_one.id;
  end if;
  organization_id := of_organization; invitation_id := found_one.id; role := found_one.role; invited_by := found_one.invited_by;
  return next;
end $$;

revoke execute on all functions in schema private from public, anon;
