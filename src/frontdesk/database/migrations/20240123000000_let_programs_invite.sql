-- Programs invite: what reaches other people waits until the email of whoever acts is known to be his.

-- Whether the email of this transaction's member, or of the maker of its key, is known to be his.
create function private.acting_user_is_verified() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from auth.users u where u.id = nullif(current_setting('frontdesk.user_id', true), '')::uuid and u.email_confirmed_at is not null)
$$;
grant execute on function private.acting_user_is_verified() to frontdesk_member;

-- Nothing is executable unless a grant above says so.
revoke execute on all functions in schema private from public, anon;
