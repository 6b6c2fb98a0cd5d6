-- The four tables of the trade: who writes, what is written, what answers by itself, what goes to many.

create table public.contacts (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  name text not null default '' check (char_length(name) <= 400),
  given_name text check (char_length(given_name) between 1 and 400),  -- what the team calls them; wins over the name from WhatsApp
  username text check (char_length(username) <= 200),
  phone text check (phone ~ '^[0-9]{1,20}$'),  -- digits only; the identity to match by is in contact_identities
  search_text text not null default '',  -- name, username and phone, lower case, without accents
  language text check (char_length(language) <= 20),
  tags text[] not null default '{}',
  attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object'),
  note text not null default '' check (char_length(note) <= 10000),
  marketing_consent text not null default 'unknown' check (marketing_consent in ('unknown', 'granted', 'withdrawn')),
  marketing_consent_at timestamptz,
  marketing_consent_source text,
  blocked_at timestamptz,
  blocked_by uuid references auth.users (id) on delete set null,
  last_seen_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);
create index contacts_by_last_seen on public.contacts (organization_id, last_seen_at desc nulls last, id desc);
create index contacts_blocked on public.contacts (organization_id, last_seen_at desc nulls last, id desc) where blocked_at is not null;
create index contacts_blocked_by on public.contacts (blocked_by) where blocked_by is not null;
select private.protect('public.contacts', reads => 'contacts:read', writes => 'contacts:write');

-- A rule that answers by itself. Asked in the order of position; the first that fits answers.
create table public.auto_replies (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  name text not null check (char_length(name) between 1 and 200),
  position integer not null check (position >= 0),
  trigger text not null check (trigger in ('keyword', 'first_contact', 'fallback')),
  match text check (match in ('exact', 'contains', 'starts_with')),
  keywords text[] not null default '{}',
  reply text not null check (char_length(reply) between 1 and 4096),
  cooldown_seconds integer not null default 0 check (cooldown_seconds between 0 and 31536000),
  enabled_at timestamptz,
  answered_count bigint not null default 0,
  last_answered_at timestamptz,
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  check ((trigger = 'keyword') = (match is not null)),
  check ((trigger = 'keyword') = (cardinality(keywords) > 0)),
  check (cardinality(keywords) <= 50)
) with (fillfactor = 80);  -- counts change with every answered batch
create index auto_replies_in_order on public.auto_replies (organization_id, position, id);
create index auto_replies_created_by on public.auto_replies (created_by);
select private.protect('public.auto_replies', reads => 'auto_replies:read', writes => 'auto_replies:write');

create table public.campaigns (
  organization_id uuid not null references public.organizations (id) on delete cascade,
  id uuid not null,
  name text not null check (char_length(name) between 1 and 200),
  status text not null default 'draft' check (status in ('draft', 'scheduled', 'running', 'paused', 'completed', 'canceled', 'failed')),
  channel_id uuid,
  content jsonb not null default '{}' check (jsonb_typeof(content) = 'object'),
  audience jsonb not null default '{}' check (jsonb_typeof(audience) = 'object'),
  scheduled_at timestamptz,
  started_at timestamptz,
  paused_at timestamptz,
  paused_reason text,
  completed_at timestamptz,
  recipients_count bigint not null default 0,
  sent_count bigint not null default 0,
  delivered_count bigint not null default 0,
  read_count bigint not null default 0,
  replied_count bigint not null default 0,
  failed_count bigint not null default 0,
  created_by uuid references auth.users (id) on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);
create index campaigns_created_by on public.campaigns (created_by);
select private.protect('public.campaigns', reads => 'campaigns:read', writes => 'campaigns:write');

-- What was said, in both directions. Partitioned by month on the id: a UUIDv7 carries its time. The id of an inbound message is
-- derived from WhatsApp's timestamp, the channel and WhatsApp's id, so the same message arriving twice is the same primary key.
create table public.messages (
  organization_id uuid not null,
  id uuid not null,
  conversation_id uuid not null,
  direction text not null check (direction in ('in', 'out')),
  author text not null check (author in ('contact', 'member', 'bot', 'campaign')),
  user_id uuid,          -- the member who wrote it
  auto_reply_id uuid,    -- the rule that answered
  campaign_id uuid,
  resend_of uuid,        -- the message of unknown fate that this one repeats
  type text not null default 'text' check (char_length(type) between 1 and 60),
  text text not null default '' check (char_length(text) <= 65536),
  payload jsonb,         -- the event as it came, for types whose text says less than they hold
  emoji text check (char_length(emoji) <= 64),  -- of a reaction; empty: the reaction was taken back
  reply_to text,         -- WhatsApp's id of the message quoted or reacted to
  provider_message_id text check (char_length(provider_message_id) <= 512),
  status text not null check (status in ('received', 'queued', 'sending', 'unknown', 'accepted', 'sent', 'delivered', 'read', 'played', 'failed')),
  error_code integer,
  error_text text,
  position bigint not null,               -- order of arrival within the conversation
  occurred_at timestamptz not null,       -- whole seconds, as WhatsApp tells time
  sent_at timestamptz,
  delivered_at timestamptz,
  read_at timestamptz,
  failed_at timestamptz,
  created_at timestamptz not null default now(),
  primary key (organization_id, id),
  check ((direction = 'in') = (author = 'contact')),
  check ((direction = 'in') = (status = 'received'))
) partition by range (id);
create index messages_in_order on public.messages (organization_id, conversation_id, occurred_at desc, position desc);
select private.protect('public.messages', reads => 'messages:read', writes => 'messages:write');

-- How far a message has come: a status never lowers it. A failure is final unless the phone confirms delivery after all.
create function private.status_rank(status text) returns integer
language sql immutable parallel safe set search_path = '' as $$
  select case status when 'queued' then 0 when 'sending' then 1 when 'unknown' then 2 when 'accepted' then 3 when 'sent' then 4 when 'failed' then 5
    when 'delivered' then 6 when 'read' then 7 when 'played' then 8 when 'received' then 9 end
$$;
grant execute on function private.status_rank(text) to frontdesk_member, frontdesk_worker;

-- The smallest UUIDv7 of an instant: the border between two partitions.
create function private.first_id_of(instant timestamptz) returns uuid
language sql immutable parallel safe set search_path = '' as $$
  select (lpad(to_hex((extract(epoch from instant) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

-- Makes the partition of one month, walled like its parent and granted to nobody: rows are reached through the parent only.
create function private.make_message_partition(month date) returns void
language plpgsql security definer set search_path = '' as $$
declare
  starts constant timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC';
  ends constant timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
  name constant text := 'messages_' || to_char(month, 'YYYY_MM');
begin
  if to_regclass('public.' || name) is not null then return; end if;
  execute format('create table public.%I partition of public.messages for values from (%L) to (%L)
    with (fillfactor = 85, autovacuum_vacuum_insert_scale_factor = 0.05)', name, private.first_id_of(starts), private.first_id_of(ends));
  perform private.wall_off_partition(('public.' || quote_ident(name))::regclass);
end $$;

create function private.wall_off_partition(target regclass) returns void
language plpgsql set search_path = '' as $$
declare owner constant text := (select relowner::regrole::text from pg_catalog.pg_class where oid = target);
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('revoke all on %s from public, anon, authenticated, service_role, frontdesk_member, frontdesk_worker, frontdesk_app', target);
  execute format('create policy "owner does all" on %s to %I using (true) with check (true)', target, owner);
end $$;

-- Keeps partitions from one month back to three months ahead. Run at every start and daily.
create function private.make_message_partitions() returns void
language plpgsql security definer set search_path = '' as $$
declare month date;
begin
  perform pg_advisory_xact_lock(hashtextextended('frontdesk message partitions', 0));
  for month in select generate_series(date_trunc('month', now() at time zone 'UTC') - interval '1 month', now() at time zone 'UTC' + interval '3 months', interval '1 month')::date loop
    perform private.make_message_partition(month);
  end loop;
end $$;
grant execute on function private.make_message_partitions() to frontdesk_app;

-- For ids of any other time; stays all but empty.
create table public.messages_elsewhen partition of public.messages default;
select private.wall_off_partition('public.messages_elsewhen');
select private.make_message_partitions();

create trigger contacts_updated before update on public.contacts for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();
create trigger campaigns_updated before update on public.campaigns for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();
-- Counting an answer is no change of the rule.
create trigger auto_replies_updated before update of name, position, trigger, match, keywords, reply, cooldown_seconds, enabled_at on public.auto_replies
  for each row when (old.* is distinct from new.*) execute function public.update_updated_at_column();

revoke execute on all functions in schema private from public, anon;
