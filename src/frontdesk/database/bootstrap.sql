-- What a Supabase project has and a plain PostgreSQL lacks. Not a migration: the migrator runs it first, every time, and each part
-- leaves alone what is there. On a real Supabase project (it has the role supabase_auth_admin) only the history table concerns us.

-- The history of migrations, exactly as the Supabase CLI keeps it.
create schema if not exists supabase_migrations;
create table if not exists supabase_migrations.schema_migrations (version text not null primary key);
alter table supabase_migrations.schema_migrations add column if not exists statements text[];
alter table supabase_migrations.schema_migrations add column if not exists name text;

do $bootstrap$
begin
  if to_regrole('supabase_auth_admin') is not null then
    return;
  end if;

  -- Roles belong to the whole server, so another database's migrator may be making them at this moment.
  begin
    if to_regrole('anon') is null then create role anon nologin noinherit; end if;
    if to_regrole('authenticated') is null then create role authenticated nologin noinherit; end if;
    if to_regrole('authenticator') is null then create role authenticator nologin noinherit; end if;
  exception when duplicate_object or unique_violation then null;
  end;
  begin
    if to_regrole('service_role') is null then create role service_role nologin noinherit bypassrls; end if;
  exception
    when duplicate_object or unique_violation then null;
    -- A managed server does not let us hand out BYPASSRLS; the policies name service_role themselves.
    when insufficient_privilege then create role service_role nologin noinherit;
  end;
  if not pg_has_role('authenticator', 'anon', 'member') then grant anon to authenticator; end if;
  if not pg_has_role('authenticator', 'authenticated', 'member') then grant authenticated to authenticator; end if;
  if not pg_has_role('authenticator', 'service_role', 'member') then grant service_role to authenticator; end if;

  create schema if not exists extensions;
  create schema if not exists auth;
  grant usage on schema public, extensions, auth to anon, authenticated, service_role;

  -- The columns of auth.users that an application may rely on.
  create table if not exists auth.users (
    instance_id uuid,
    id uuid not null primary key,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    invited_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamptz,
    updated_at timestamptz,
    phone text unique default null,
    phone_confirmed_at timestamptz,
    banned_until timestamptz,
    is_sso_user boolean not null default false,
    deleted_at timestamptz,
    is_anonymous boolean not null default false
  );
  create unique index if not exists users_email_partial_key on auth.users (email) where is_sso_user = false;
  revoke all on auth.users from public, anon, authenticated;

  create or replace function auth.uid() returns uuid language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
  create or replace function auth.role() returns text language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim.role', true), ''),
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role') $$;
  create or replace function auth.email() returns text language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim.email', true), ''),
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email') $$;
  create or replace function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(nullif(current_setting('request.jwt.claim', true), ''),
                    nullif(current_setting('request.jwt.claims', true), ''))::jsonb $$;
end
$bootstrap$;
