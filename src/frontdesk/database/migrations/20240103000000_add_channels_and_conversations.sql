-- The numbers of an organization, the addresses of its contacts, and the threads between them.

create table public.channels (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  kind text not null check (kind in ('cloud_api', 'waha', 'simulator')),
  name text not null check (char_length(name) between 1 and 200),
  phone_number_id text not null check (phone_number_id ~ '^[0-9]{1,40}$'),
  display_number text not null check (char_length(display_number) between 1 and 40),
  waba_id text not null default '' check (waba_id ~ '^[0-9]{0,40}$'),
  scope text not null default '',  -- the portfolio within which a user's BSUID is the same
  rate_per_second integer not null default 80 check (rate_per_second between 1 and 100000),
  stopped_at timestamptz,
  stopped_reason text,
  last_error text,
  last_error_at timestamptz,
  last_inbound_at timestamptz,
  connected_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  unique (organization_id, kind, phone_number_id)
);
create index channels_connected_by on public.channels (connected_by);
select private.protect('public.channels', reads => 'channels:read', writes => null);
grant update (name, rate_per_second, stopped_at, stopped_reason, last_error, last_error_at) on public.channels to frontdesk_member;
create policy "frontdesk_member changes" on public.channels for update to frontdesk_member
  using (organization_id = (select case when strpos((select current_setting('frontdesk.permissions', true)), ' channels:write ') > 0
    then nullif((select current_setting('frontdesk.organization_id', true)), '')::uuid end))
  with check (organization_id = (select case when strpos((select current_setting('frontdesk.permissions', true)), ' channels:write ') > 0
    then nullif((select current_setting('frontdesk.organization_id', true)), '')::uuid end));
create trigger channels_updated before update of name, rate_per_second, stopped_at on public.channels
  for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

-- Which channel a webhook's number means. Unique over the installation, so it is no tenant table: only definer functions see it.
create table private.channel_routes (
  kind text not null,
  phone_number_id text not null,
  organization_id uuid not null,
  channel_id uuid not null,
  own_app boolean not null default false,  -- then nothing that comes for all reaches it: only its own address does
  primary key (kind, phone_number_id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
);
create index channel_routes_channel on private.channel_routes (organization_id, channel_id);

-- The sealed access token of a channel, out of reach of every query of a member.
create table private.channel_credentials (
  organization_id uuid not null,
  channel_id uuid not null,
  access_token text not null,
  updated_at timestamptz not null default now(),
  primary key (organization_id, channel_id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
);

-- An organization's own Meta app behind one channel: that app's webhooks come to an address of their own. Everything is sealed for its row; the
-- address is found by the hash of its token, so a copy of this table opens nothing and forges nothing.
create table private.channel_apps (
  organization_id uuid not null,
  channel_id uuid not null,
  token_hash bytea not null unique check (octet_length(token_hash) = 32),  -- SHA-256 of the token in the address
  webhook_token text not null,
  verify_token text not null,
  app_secret text not null,
  updated_at timestamptz not null default now(),
  primary key (organization_id, channel_id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade
);

-- Connects a number: the channel, its route and its sealed token. Returns false when the number is taken, by whomever.
create function private.connect_channel(
  organization uuid, channel uuid, channel_kind text, channel_name text, number_id text, number_shown text, account_id text, identity_scope text, sealed_token text, by_user uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  if exists (select from private.channel_routes r where r.kind = channel_kind and r.phone_number_id = number_id) then return false; end if;
  insert into public.channels (organization_id, id, kind, name, phone_number_id, display_number, waba_id, scope, connected_by)
    values (organization, channel, channel_kind, channel_name, number_id, number_shown, account_id, identity_scope, by_user);
  insert into private.channel_routes (kind, phone_number_id, organization_id, channel_id) values (channel_kind, number_id, organization, channel);
  insert into private.channel_credentials (organization_id, channel_id, access_token) values (organization, channel, sealed_token);
  return true;
exception when unique_violation then return false;  -- somebody was quicker by a moment
end $$;
grant execute on function private.connect_channel(uuid, uuid, text, text, text, text, text, text, text, uuid) to frontdesk_app, frontdesk_member;

-- Gives a channel up; its conversations go with it.
create function private.disconnect_channel(organization uuid, channel uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  delete from public.channels c where c.organization_id = organization and c.id = channel;
  return found;
end $$;
grant execute on function private.disconnect_channel(uuid, uuid) to frontdesk_member;

-- Puts a new sealed token in place and starts the channel again.
create function private.renew_channel_token(organization uuid, channel uuid, sealed_token text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  update private.channel_credentials set access_token = sealed_token, updated_at = now() where organization_id = organization and channel_id = channel;
  if not found then return false; end if;
  update public.channels set stopped_at = null, stopped_reason = null, updated_at = now() where organization_id = organization and id = channel;
  return true;
end $$;
grant execute on function private.renew_channel_token(uuid, uuid, text) to frontdesk_app, frontdesk_member;

-- Gives a channel an app of its own, in the transaction that connects it: from then on only that app speaks for its number.
create function private.give_channel_app(organization uuid, channel uuid, hash_of_token bytea, sealed_webhook_token text, sealed_verify_token text, sealed_secret text)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  update private.channel_routes set own_app = true where organization_id = organization and channel_id = channel;
  if not found then return false; end if;
  insert into private.channel_apps (organization_id, channel_id, token_hash, webhook_token, verify_token, app_secret)
    values (organization, channel, hash_of_token, sealed_webhook_token, sealed_verify_token, sealed_secret);
  return true;
end $$;
grant execute on function private.give_channel_app(uuid, uuid, bytea, text, text, text) to frontdesk_app, frontdesk_member;

-- Puts a new sealed app secret in place of the old one; the address stays.
create function private.renew_channel_app_secret(organization uuid, channel uuid, sealed_secret text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  update private.channel_apps set app_secret = sealed_secret, updated_at = now() where organization_id = organization and channel_id = channel;
  return found;
end $$;
grant execute on function private.renew_channel_app_secret(uuid, uuid, text) to frontdesk_member;

-- What an organization's own apps have to be told, still sealed; nothing to a member who may not change channels. The app secrets stay here.
create function private.channel_apps_of(organization uuid) returns table (channel_id uuid, webhook_token text, verify_token text)
language plpgsql stable security definer set search_path = '' as $$
begin
  if not private.may_act_for(organization)
     or (current_setting('role') = 'frontdesk_member' and strpos(current_setting('frontdesk.permissions', true), ' channels:write ') = 0) then
    return;
  end if;
  return query select a.channel_id, a.webhook_token, a.verify_token from private.channel_apps a where a.organization_id = organization;
end $$;
grant execute on function private.channel_apps_of(uuid) to frontdesk_app, frontdesk_member;

-- The channel behind the address of an own app, with what proves who calls; no row for an address that nobody has.
create function private.find_channel_app(hash_of_token bytea)
returns table (organization_id uuid, channel_id uuid, phone_number_id text, verify_token text, app_secret text)
language sql stable security definer set search_path = '' as $$
  select a.organization_id, a.channel_id, c.phone_number_id, a.verify_token, a.app_secret
  from private.channel_apps a join public.channels c on c.organization_id = a.organization_id and c.id = a.channel_id
  where a.token_hash = hash_of_token
$$;
grant execute on function private.find_channel_app(bytea) to frontdesk_app;

-- The channels behind the numbers of a webhook that comes for all.
create function private.route_channels(channel_kind text, number_ids text[]) returns table (phone_number_id text, organization_id uuid, channel_id uuid)
language sql stable security definer set search_path = '' as $$
  select r.phone_number_id, r.organization_id, r.channel_id from private.channel_routes r
  where r.kind = channel_kind and r.phone_number_id = any (number_ids) and not r.own_app
$$;
grant execute on function private.route_channels(text, text[]) to frontdesk_app;

-- The addresses of a contact. The same person may be known by phone, by BSUID (within a portfolio) and by LID.
create table public.contact_identities (
  organization_id uuid not null,
  kind text not null check (kind in ('phone', 'bsuid', 'lid')),
  scope text not null default '',
  value text not null check (char_length(value) between 1 and 200),
  contact_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (organization_id, kind, scope, value),
  foreign key (organization_id, contact_id) references public.contacts (organization_id, id) on delete cascade
);
create index contact_identities_of on public.contact_identities (organization_id, contact_id);
select private.protect('public.contact_identities', reads => 'contacts:read', writes => 'contacts:write');

create table public.conversations (
  organization_id uuid not null,
  id uuid not null,
  channel_id uuid not null,
  contact_id uuid not null,
  last_position bigint not null default 0,  -- the arrival sequence of its newest message
  last_message_at timestamptz not null,
  last_text text not null default '',
  last_author text not null default 'contact' check (last_author in ('contact', 'member', 'bot', 'campaign')),
  last_inbound_at timestamptz,              -- opens the 24 hours of free answers
  unread_count integer not null default 0 check (unread_count >= 0),
  closed_at timestamptz,
  closed_by uuid references auth.users (id) on delete set null,
  snoozed_until timestamptz,
  assigned_to uuid,
  assigned_at timestamptz,
  bot_off_at timestamptz,
  bot_off_by uuid references auth.users (id) on delete set null,
  answers_minute timestamptz,               -- the minute in which automatic answers are counted,
  answers_count integer not null default 0, -- and how many there were: two bots shall not talk for ever
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  unique (organization_id, contact_id, channel_id),
  foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade,
  foreign key (organization_id, contact_id) references public.contacts (organization_id, id) on delete cascade,
  foreign key (organization_id, assigned_to) references public.organization_members (organization_id, user_id) on delete set null (assigned_to)
) with (fillfactor = 80);
-- A team that closes everything finds its few open ones. Every message moves its conversation, and with it each of these indexes: so there
-- are no more of them than the inbox needs, and contacts and channels are found by the unique key and by the organization.
create index conversations_open on public.conversations (organization_id, last_message_at desc, id desc) where closed_at is null;
create index conversations_closed on public.conversations (organization_id, last_message_at desc, id desc) where closed_at is not null;
create index conversations_assigned on public.conversations (organization_id, assigned_to) where assigned_to is not null;
create index conversations_closed_by on public.conversations (closed_by) where closed_by is not null;
create index conversations_bot_off_by on public.conversations (bot_off_by) where bot_off_by is not null;
select private.protect('public.conversations', reads => 'messages:read', writes => 'messages:write');

alter table public.messages add foreign key (organization_id, conversation_id) references public.conversations (organization_id, id) on delete cascade;
create index messages_reactions on public.messages (organization_id, conversation_id) where type = 'reaction';
alter table public.campaigns add foreign key (organization_id, channel_id) references public.channels (organization_id, id) on delete cascade;
create index campaigns_channel on public.campaigns (organization_id, channel_id) where channel_id is not null;

-- When a rule last answered a contact; kept only for rules that must not repeat themselves.
create table public.auto_reply_cooldowns (
  organization_id uuid not null,
  auto_reply_id uuid not null,
  contact_id uuid not null,
  answered_at timestamptz not null,
  primary key (organization_id, auto_reply_id, contact_id),
  foreign key (organization_id, auto_reply_id) references public.auto_replies (organization_id, id) on delete cascade,
  foreign key (organization_id, contact_id) references public.contacts (organization_id, id) on delete cascade
);
create index auto_reply_cooldowns_contact on public.auto_reply_cooldowns (organization_id, contact_id);
select private.protect('public.auto_reply_cooldowns', reads => 'auto_replies:read', writes => null);

-- A new organization greets by itself, so that the first "hi" is answered.
create or replace function private.welcome(organization uuid, name text) returns void
language plpgsql security definer set search_path = '' as $$
begin
  insert into public.auto_replies (organization_id, id, name, position, trigger, reply, enabled_at)
  values (organization, private.uuid_v7(), 'First greeting', 1, 'first_contact',
    'Thanks for writing to {{organization.name}}. We will answer as soon as we can.', now());
end $$;

revoke execute on all functions in schema private from public, anon;
