-- Invitations: who lets whom in, how the seat of somebody who has not come yet is counted, and coming in.

alter table public.organization_invitations
  add column locale text not null default 'en' check (locale ~ '^[a-z]{2,3}$'),  -- of its mail
  add column mail_id uuid,  -- its latest mail, whose row goes before this one
  add column sent_at timestamptz not null default now(),
  add constraint organization_invitations_token_hash_check check (octet_length(token_hash) = 32);  -- SHA-256
create unique index organization_invitations_token on public.organization_invitations (token_hash);

-- Whether an invitation is still to be answered.
create function private.is_open(invitation public.organization_invitations) returns boolean
language sql stable set search_path = '' as $$
  select invitation.accepted_at is null and invitation.revoked_at is null and invitation.expires_at > now()
$$;

-- How many of a level metric there are now. Whoever is invited has a seat from then on, and the same one as a member.
create or replace function private.usage_level(organization uuid, wanted_metric text) returns bigint
language plpgsql stable security definer set search_path = '' as $$
begin
  return case wanted_metric
    when 'channels' then (select count(*) from public.channels where organization_id = organization and kind <> 'simulator')
    when 'members' then (select count(*) from public.organization_members where organization_id = organization)
      + (select count(*) from public.organization_invitations i where i.organization_id = organization
         and i.accepted_at is null and i.revoked_at is null and i.expires_at > now())
    when 'contacts' then (select count(*) from public.contacts where organization_id = organization)
    when 'auto_replies' then (select count(*) from public.auto_replies where organization_id = organization)
  end;
end $$;

-- The role that whoever runs this member's transaction has at this moment, held until commit; null when it does not let him invite (any more).
create function private.inviting_role(organization uuid) returns text
language plpgsql security definer set search_path = '' as $$
declare
  me constant uuid := nullif(current_setting('frontdesk.user_id', true), '')::uuid;
  found_role text;
begin
  if current_setting('role') <> 'frontdesk_member' or not private.may_act_for(organization) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  if strpos(coalesce(current_setting('frontdesk.permissions', true), ''), ' members:write ') = 0 then return null; end if;
  -- first the turn of the seats, then the member: everybody in this order
  perform from public.subscriptions s where s.organization_id = organization for no key update;
  select m.role into found_role from public.organization_members m where m.organization_id = organization and m.user_id = me for share;
  return (select p.role from public.role_permissions p where p.role = found_role and p.permission = 'members:write');
end $$;

-- Counts one invitation by mail, of an organization and to an address of whichever: 0, or the seconds to wait. So that nobody has us write to
-- strangers by the thousand, or to one again and again.
create function private.take_invitation_turn(organization uuid, to_email text) returns integer
language sql security definer set search_path = '' as $$
  select greatest(
    private.take_attempt(sha256(convert_to('invitations of|' || organization, 'UTF8')), 60, 3600),
    private.take_attempt(sha256(convert_to('invitations to|' || lower(to_email), 'UTF8')), 6, 86400))
$$;

-- Invites somebody. outcome: invited, or why not: not_allowed, too_many (for `wait` seconds), full, member, pending.
create function private.invite_member(
  organization uuid, invitation uuid, to_email text, as_role text, hash_of_token bytea, in_locale text, until timestamptz)
returns table (outcome text, wait integer)
language plpgsql security definer set search_path = '' as $$
begin
  outcome := case when private.inviting_role(organization) is null then 'not_allowed' else 'invited' end;
  if outcome = 'invited' and not private.consume_usage(organization, 'members') then outcome := 'full'; end if;
  -- from here on nobody else invites for this organization, or comes in
  if exists (select from public.organization_members m join auth.users u on u.id = m.user_id
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
    insert into public.organization_invitations (organization_id, id, email, role, token_hash, invited_by, expires_at, locale)
    values (organization, invitation, to_email, as_role, hash_of_token, nullif(current_setting('frontdesk.user_id', true), '')::uuid, until, in_locale)
    on conflict do nothing;
    if not found then outcome := 'pending'; end if;
  end if;
  return next;
end $$;
grant execute on function private.invite_member(uuid, uuid, text, text, bytea, text, timestamptz) to frontdesk_member;

-- Gives an invitation a new token and new days; the old token opens nothing any more. It is whoever does this who invites from then on.
-- outcome: resent, or why not: not_allowed, missing, too_many (for `wait` seconds), full: it had expired, and its seat is taken.
create function private.resend_invitation(organization uuid, invitation uuid, hash_of_token bytea, until timestamptz)
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
grant execute on function private.resend_invitation(uuid, uuid, bytea, timestamptz) to frontdesk_member;

-- Takes an invitation back; its link opens nothing any more. outcome: revoked, or why not: not_allowed, missing.
create function private.revoke_invitation(organization uuid, invitation uuid) returns table (outcome text, email text, role text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
  if private.inviting_role(organization) is null then
    outcome := 'not_allowed';
  else
    update public.organization_invitations i set revoked_at = now()
    where i.organization_id = organization and i.id = invitation and i.accepted_at is null and i.revoked_at is null
    returning i.email, i.role into email, role;
    outcome := case when found then 'revoked' else 'missing' end;
  end if;
  return next;
end $$;
grant execute on function private.revoke_invitation(uuid, uuid) to frontdesk_member;

-- Says which mail tells of an invitation.
create function private.note_invitation_mail(organization uuid, invitation uuid, mail uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if private.inviting_role(organization) is null then return null; end if;
  update public.organization_invitations i set mail_id = mail where i.organization_id = organization and i.id = invitation;
  return found or null;
end $$;
grant execute on function private.note_invitation_mail(uuid, uuid, uuid) to frontdesk_member;

-- Whether whoever invited may still do so: whoever was removed, or has a smaller role, lets nobody in any more.
create function private.may_still_invite(invitation public.organization_invitations) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (
    select from public.organization_members m join public.role_permissions p on p.role = m.role and p.permission = 'members:write'
    where m.organization_id = invitation.organization_id and m.user_id = invitation.invited_by)
$$;

-- The invitations that nobody has answered or taken back, the newest first, with what became of their mail.
create function private.list_invitations(organization uuid, how_many integer)
returns table (id uuid, email text, role text, invited_by text, sent_at timestamptz, expires_at timestamptz, state text, mail_state text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization) or strpos(coalesce(current_setting('frontdesk.permissions', true), ''), ' members:write ') = 0 then return; end if;
  return query
  select i.id, i.email, i.role, private.user_name(u.raw_user_meta_data, u.email), i.sent_at, i.expires_at,
    case when i.expires_at <= now() then 'expired' when not private.may_still_invite(i) then 'orphaned' else 'open' end, m.state
  from public.organization_invitations i
  left join auth.users u on u.id = i.invited_by
  left join private.mail_outbox m on m.id = i.mail_id
  where i.organization_id = organization and i.accepted_at is null and i.revoked_at is null
  order by i.id desc limit how_many;
end $$;
grant execute on function private.list_invitations(uuid, integer) to frontdesk_member;

-- ---- coming in ----

-- The invitation behind a token, for whoever holds its link; no row for a token that never was one, or that a newer one replaced.
-- state: open, or accepted, revoked, expired, orphaned. has_account: whether its address is a user's.
create function private.find_invitation(hash_of_token bytea)
returns table (organization_id uuid, id uuid, organization_name text, email text, role text, invited_by text, expires_at timestamptz, state text,
  has_account boolean, accepted_by uuid)
language sql stable security definer set search_path = '' as $$
  select i.organization_id, i.id, o.name, i.email, i.role, private.user_name(u.raw_user_meta_data, u.email), i.expires_at,
    case when i.accepted_at is not null then 'accepted' when i.revoked_at is not null then 'revoked' when i.expires_at <= now() then 'expired'
      when not private.may_still_invite(i) then 'orphaned' else 'open' end,
    exists (select from auth.users a where a.email = lower(i.email) and not a.is_sso_user), i.accepted_by
  from public.organization_invitations i
  join public.organizations o on o.id = i.organization_id
  left join auth.users u on u.id = i.invited_by
  where i.token_hash = hash_of_token
$$;
grant execute on function private.find_invitation(bytea) to frontdesk_app;

-- Makes the user whom a link invited, and no organization of his own. He has his mail, since he has the link. Null when the email is taken.
create function private.register_invited_user(new_user uuid, hash_of_token bytea, password_hash text, given_name text) returns uuid
language sql security definer set search_path = '' as $$
  insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at)
  select '00000000-0000-0000-0000-000000000000', new_user, 'authenticated', 'authenticated', lower(i.email), password_hash, now(),
    '{"provider": "email", "providers": ["email"]}', jsonb_build_object('name', given_name, 'joins_by_invitation', true), now(), now()
  from public.organization_invitations i
  where i.token_hash = hash_of_token and private.is_open(i)
  on conflict do nothing
  returning id
$$;
grant execute on function private.register_invited_user(uuid, bytea, text, text) to frontdesk_app;

-- Lets a user in by a link, once, if his email is the invited one and there is (still) a seat: plans shrink, and whoever comes first sits.
-- outcome: joined, or why not: missing, accepted, revoked, expired, orphaned, other_user, member, full.
create function private.accept_invitation(hash_of_token bytea, by_user uuid)
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
    insert into public.organization_members (organization_id, user_id, role, invited_by)
    values (of_organization, by_user, found_one.role, found_one.invited_by);
    update auth.users u set email_confirmed_at = now() where u.id = by_user and u.email_confirmed_at is null;
  end if;
  if outcome in ('joined', 'member') then
    update public.organization_invitations i set accepted_at = now(), accepted_by = by_user
    where i.organization_id = of_organization and i.id = found_one.id;
  end if;
  organization_id := of_organization; invitation_id := found_one.id; role := found_one.role; invited_by := found_one.invited_by;
  return next;
end $$;
grant execute on function private.accept_invitation(bytea, uuid) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
