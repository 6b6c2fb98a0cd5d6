-- Mail that the product owes somebody: a row in the transaction of what it tells, a message only afterwards.

-- One mail to one address. Nothing in it can be read without the installation's keys: links that let somebody in stand in mails.
-- queued: waits for its turn. claimed: somebody speaks with the mail server, which has not been given it yet. given: it is being handed over;
-- if nothing more is heard, nobody knows whether it arrived, and it becomes uncertain: never sent again by itself, never forgotten.
-- shown: there is no mail server, and it lies in the mailbox of the simulator.
create table private.mail_outbox (
  id uuid primary key,
  organization_id uuid references public.organizations (id) on delete cascade,  -- whose business it is, if it is one's
  recipient text not null check (char_length(recipient) between 3 and 320),
  template text not null check (template ~ '^[a-z_]+/[a-z_]+$'),
  locale text not null check (locale ~ '^[a-z]{2,3}$'),
  sealed text,  -- subject and both parts; emptied once it is sent
  state text not null default 'queued' check (state in ('queued', 'claimed', 'given', 'sent', 'shown', 'failed', 'uncertain')),
  attempts integer not null default 0 check (attempts >= 0),
  not_before timestamptz not null default now(),
  expires_at timestamptz not null,
  claimed_at timestamptz,
  finished_at timestamptz,
  last_error text check (char_length(last_error) <= 1000),
  created_at timestamptz not null default now(),
  check (state not in ('claimed', 'given') or claimed_at is not null),
  check ((finished_at is null) = (state in ('queued', 'claimed', 'given'))),
  check (sealed is not null or state in ('sent', 'failed', 'uncertain')),
  check (sealed is null or state <> 'sent')
);
create index mail_outbox_organization on private.mail_outbox (organization_id);
create index mail_outbox_owed on private.mail_outbox (state, not_before, id) where finished_at is null;
create index mail_outbox_finished on private.mail_outbox (finished_at) where finished_at is not null;

-- Owes somebody a mail, in the transaction of what it tells; the senders are woken when that commits.
create function private.queue_mail(mail uuid, of_organization uuid, to_address text, from_template text, in_locale text, sealed_parts text, until timestamptz)
returns void language plpgsql security definer set search_path = '' as $$
begin
  if of_organization is not null and not private.may_act_for(of_organization) then
    raise exception 'not allowed for this organization' using errcode = 'insufficient_privilege';
  end if;
  insert into private.mail_outbox (id, organization_id, recipient, template, locale, sealed, expires_at)
  values (mail, of_organization, to_address, from_template, in_locale, sealed_parts, until);
  perform pg_notify('frontdesk_wake', 'database mail');
end $$;
grant execute on function private.queue_mail(uuid, uuid, text, text, text, text, timestamptz) to frontdesk_app, frontdesk_member, frontdesk_worker;

-- Claims the mail that waits longest, before anything is said to a mail server. Claims that are two minutes old are of somebody who is gone.
create function private.claim_mail() returns table (id uuid, recipient text, sealed text, attempt integer, created_at timestamptz)
language plpgsql security definer set search_path = '' as $$
begin
  update private.mail_outbox m set
    state = case m.state when 'claimed' then 'queued' else 'uncertain' end,
    finished_at = case m.state when 'given' then now() end,
    last_error = case m.state when 'given' then 'It was being handed to the mail server when Frontdesk stopped. Nobody knows whether it arrived.' else m.last_error end
  where m.state in ('claimed', 'given') and m.finished_at is null and m.claimed_at < now() - interval '2 minutes';
  update private.mail_outbox m set state = 'failed', finished_at = now(), last_error = coalesce(m.last_error, 'No mail server took it in time.')
  where m.state = 'queued' and m.finished_at is null and m.expires_at < now();
  return query
  update private.mail_outbox m set state = 'claimed', claimed_at = now(), attempts = m.attempts + 1
  where m.id = (
    select o.id from private.mail_outbox o
    where o.state = 'queued' and o.finished_at is null and o.not_before <= now()
    order by o.not_before, o.id limit 1 for update skip locked)
  returning m.id, m.recipient, m.sealed, m.attempts, m.created_at;
end $$;
grant execute on function private.claim_mail() to frontdesk_app;

-- Says that the claimed mail will be handed over now. False when the claim is lost: somebody else has it, so it must not be spoken.
create function private.give_mail(mail uuid, of_attempt integer) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.mail_outbox m set state = 'given', claimed_at = now() where m.id = mail and m.attempts = of_attempt and m.state = 'claimed';
  return found;
end $$;
grant execute on function private.give_mail(uuid, integer) to frontdesk_app;

-- Records what became of an attempt: sent, failed, uncertain, or queued for another try after some seconds. What is learned late settles
-- a mail that was uncertain.
create function private.settle_mail(mail uuid, of_attempt integer, outcome text, why text, wait_seconds double precision) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.mail_outbox m set
    state = outcome,
    sealed = case when outcome = 'sent' then null else m.sealed end,
    not_before = now() + make_interval(secs => wait_seconds),
    finished_at = case when outcome <> 'queued' then now() end,
    last_error = left(why, 1000)
  where m.id = mail and m.attempts = of_attempt and m.state in ('claimed', 'given', 'uncertain');
  return found;
end $$;
grant execute on function private.settle_mail(uuid, integer, text, text, double precision) to frontdesk_app;

-- Without a mail server, in development: what waits is shown in the simulator's mailbox, and will not be sent when there is one later.
create function private.show_mails() returns void
language sql security definer set search_path = '' as $$
  update private.mail_outbox set state = 'shown', finished_at = now() where finished_at is null and state in ('queued', 'claimed', 'given')
$$;
grant execute on function private.show_mails() to frontdesk_app;

-- Forgets: what was sent after thirty days, what failed after ninety, its text after seven; of what was only shown all but the newest 500.
create function private.forget_mails() returns void
language sql security definer set search_path = '' as $$
  delete from private.mail_outbox
  where finished_at < now() - case when state in ('sent', 'shown') then interval '30 days' else interval '90 days' end;
  update private.mail_outbox set sealed = null
  where sealed is not null and state in ('failed', 'uncertain') and finished_at < now() - interval '7 days';
  delete from private.mail_outbox where id in (select id from private.mail_outbox where state = 'shown' order by id desc offset 500)
$$;
grant execute on function private.forget_mails() to frontdesk_app;

-- ---- for the operator ----

-- The newest mails, those to look at first: what is uncertain, what failed, what waits; the sent ones last.
create function private.list_mails(most integer)
returns table (id uuid, organization text, recipient text, template text, state text, attempts integer, created_at timestamptz, not_before timestamptz,
  last_error text, has_text boolean)
language sql stable security definer set search_path = '' as $$
  select m.id, o.slug, m.recipient, m.template, m.state, m.attempts, m.created_at, m.not_before, m.last_error, m.sealed is not null
  from private.mail_outbox m left join public.organizations o on o.id = m.organization_id
  order by array_position(array['uncertain', 'failed', 'given', 'claimed', 'queued', 'shown', 'sent'], m.state), m.id desc
  limit most
$$;
grant execute on function private.list_mails(integer) to frontdesk_app;

-- How many wait, since when, and how many want a look.
create function private.mail_state() returns table (waiting bigint, oldest timestamptz, uncertain bigint, failed bigint)
language sql stable security definer set search_path = '' as $$
  select (select count(*) from private.mail_outbox where finished_at is null), (select min(created_at) from private.mail_outbox where finished_at is null),
    count(*) filter (where state = 'uncertain'), count(*) filter (where state = 'failed')
  from private.mail_outbox where finished_at > now() - interval '7 days'
$$;
grant execute on function private.mail_state() to frontdesk_app;

-- Sends again what is uncertain or failed: the operator has looked. False when there is no such mail, or its text is gone.
create function private.resend_mail(mail uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
  update private.mail_outbox m set state = 'queued', not_before = now(), finished_at = null, expires_at = now() + interval '2 days'
  where m.id = mail and m.state in ('uncertain', 'failed') and m.sealed is not null;
  if found then perform pg_notify('frontdesk_wake', 'database mail'); return true; end if;
  return false;
end $$;
grant execute on function private.resend_mail(uuid) to frontdesk_app;

-- What lies in the simulator's mailbox, the newest first; or one of it.
create function private.mailbox(most integer, one uuid default null)
returns table (id uuid, recipient text, template text, locale text, sealed text, created_at timestamptz)
language sql stable security definer set search_path = '' as $$
  select m.id, m.recipient, m.template, m.locale, m.sealed, m.created_at
  from private.mail_outbox m
  where m.sealed is not null and (mailbox.one is null or m.id = mailbox.one)
  order by m.id desc limit most
$$;
grant execute on function private.mailbox(integer, uuid) to frontdesk_app;

revoke execute on all functions in schema private from public, anon;
