"""What the advisors of Supabase look for in a database, asked of the migrated one; and every question finds an offence that is planted for it.

The questions are those of supabase/splinter, in our own words and for our own roles and schemas.
"""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests.conftest import Clones
from tests.test_catalogue import CLIENTS_MAY_CALL, NO_INDEX, See, slow_policies

CLIENTS = "array['anon', 'authenticated']"
OURS = "c.relnamespace::regnamespace::text in ('public', 'private')"
TABLES = f"c.relkind in ('r', 'p') and not c.relispartition and {OURS}"

UNINDEXED = f"""
  select format('%s(%s)', f.conrelid::regclass, string_agg(a.attname, ', ' order by k.n))
  from pg_constraint f join pg_class c on c.oid = f.conrelid and {TABLES}, unnest(f.conkey) with ordinality k (num, n)
  join pg_attribute a on a.attnum = k.num
  where f.contype = 'f' and a.attrelid = f.conrelid and not exists (
    select from pg_index i where i.indrelid = f.conrelid and i.indisvalid
      and (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey
      and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = any (  -- null refers to nothing
        select format('(%I IS NOT NULL)', w.attname) from pg_attribute w where w.attrelid = f.conrelid and w.attnum = any (f.conkey))))
  group by f.oid, f.conrelid
"""
SEVERAL_POLICIES = f"""
  select format('%s %s %s', c.oid::regclass, who, command) from pg_class c,
    unnest({CLIENTS} || array['service_role', 'frontdesk_app', 'frontdesk_member', 'frontdesk_worker', 'frontdesk_operator']) as who,
    unnest(array['r', 'a', 'w', 'd']) as command
  where {TABLES} and 1 < (
    select count(*) from pg_policy p where p.polrelid = c.oid and p.polpermissive and p.polcmd in ('*', command)
      and (p.polroles @> array[0::oid] or p.polroles @> array[(select oid from pg_roles r where r.rolname = who)]))
"""
POLICY_WITHOUT_WALL = (
    f"select c.oid::regclass::text from pg_class c where {OURS} and not c.relrowsecurity and exists (select from pg_policy p where p.polrelid = c.oid)"
)
WALL_WITHOUT_POLICY = f"""
  select c.oid::regclass::text from pg_class c
  where c.relkind in ('r', 'p') and {OURS} and c.relrowsecurity and not exists (select from pg_policy p where p.polrelid = c.oid)
"""
NO_WALL = "select c.oid::regclass::text from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace and not c.relrowsecurity"
LOOSE_SEARCH = """
  select p.oid::regprocedure::text from pg_proc p
  where p.pronamespace::regnamespace::text in ('public', 'private')
    and not exists (select from unnest(p.proconfig) as setting where setting in ('search_path=""', 'search_path=pg_catalog', 'search_path=pg_catalog, pg_temp'))
"""
DEFINERS_FOR_CLIENTS = f"""
  select format('%s by %s', p.proname, who) from pg_proc p, unnest({CLIENTS}) as who
  where p.pronamespace::regnamespace::text in ('public', 'private') and p.prosecdef and has_function_privilege(who, p.oid, 'execute')
"""
OWNERS_VIEWS = f"""
  select c.oid::regclass::text from pg_class c where c.relkind = 'v' and {OURS}
    and not coalesce(c.reloptions && array['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)
"""
UNWALLABLE = f"select c.oid::regclass::text from pg_class c where c.relkind in ('m', 'f') and {OURS}"
TWIN_INDEXES = f"""
  select string_agg(i.indexrelid::regclass::text, ' = ' order by i.indexrelid::regclass::text)
  from pg_index i join pg_class c on c.oid = i.indrelid and {TABLES}
  group by i.indrelid, i.indkey::text, i.indclass::text, i.indoption::text, i.indcollation::text, pg_get_expr(i.indexprs, i.indrelid),
    pg_get_expr(i.indpred, i.indrelid)
  having count(*) > 1
"""
SENSITIVE = f"""
  select format('%s.%s by %s', c.oid::regclass, a.attname, who) from pg_class c join pg_attribute a on a.attrelid = c.oid, unnest({CLIENTS}) as who
  where c.relnamespace::regnamespace::text in ('public', 'private', 'auth') and c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
    and a.attname ~ 'password|secret|token|sealed|wrapped|otp|recovery|credential|api_?key' and has_column_privilege(who, c.oid, a.attnum, 'select')
"""
USERS_EXPOSED = f"""
  select distinct format('%s by %s', v.oid::regclass, who) from pg_class v join pg_rewrite r on r.ev_class = v.oid
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refobjid = 'auth.users'::regclass, unnest({CLIENTS}) as who
  where v.relkind in ('v', 'm') and has_table_privilege(who, v.oid, 'select')
"""
OWN_METADATA = """
  select format('%s %s', p.polrelid::regclass, p.polname) from pg_policy p
  where concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) ~ 'user_metadata|raw_user_meta_data'
"""
NO_KEY = f"select c.oid::regclass::text from pg_class c where {TABLES} and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)"
WRITABLE = f"""
  select format('%s by %s', c.oid::regclass, who) from pg_class c, unnest({CLIENTS}) as who
  where {OURS} and c.relkind in ('r', 'p', 'v')
    and (has_table_privilege(who, c.oid, 'delete, truncate') or has_any_column_privilege(who, c.oid, 'insert, update'))
"""


def answers(question: str) -> Callable[[See], list[str]]:
    return lambda see: [row[0] for row in see(question)]


# What is asked, an offence, and how the question tells of it.
QUESTIONS: dict[str, tuple[Callable[[See], list[str]], str, str]] = {
    "foreign keys without an index": (
        answers(UNINDEXED),
        "alter table public.contacts add column friend uuid, add foreign key (organization_id, friend) references public.contacts (organization_id, id)",
        "contacts(organization_id, friend)"),
    "policies that compute for each row": (
        slow_policies, "create policy slow on public.contacts for select to anon using (organization_id = auth.uid())", "contacts slow"),
    "policies that read a setting for each row": (
        slow_policies, "create policy slow on public.contacts for select to anon using (organization_id::text = current_setting('x', true))", "contacts slow"),
    "several permissive policies for one role and command": (
        answers(SEVERAL_POLICIES), "create policy more on public.contacts for select to authenticated using (false)", "contacts authenticated r"),
    "policies on a table without row-level security": (
        answers(POLICY_WITHOUT_WALL), "alter table public.contacts disable row level security", "contacts"),
    "row-level security without a policy": (
        answers(WALL_WITHOUT_POLICY), "create table public.mute (id int); alter table public.mute enable row level security", "mute"),
    "tables of the API without row-level security": (answers(NO_WALL), "create table public.bare (id int)", "bare"),
    "functions that look names up": (
        answers(LOOSE_SEARCH), "create function private.loose() returns int language sql security definer as 'select 1'", "private.loose()"),
    "definer functions that clients may call": (
        answers(DEFINERS_FOR_CLIENTS),
        "grant execute on function private.slug(text) to anon; alter function private.slug(text) security definer", "slug by anon"),
    "views with their owner's rights": (answers(OWNERS_VIEWS), "create view public.everything as select * from public.contacts", "everything"),
    "what row-level security cannot protect": (answers(UNWALLABLE), "create materialized view public.copy as select * from public.contacts", "copy"),
    "indexes that are there twice": (
        answers(TWIN_INDEXES), "create index contacts_again on public.contacts (organization_id, last_seen_at desc nulls last, id desc)",
        "contacts_again = contacts_by_last_seen"),
    "sensitive columns that clients may read": (
        answers(SENSITIVE), "grant select on private.channel_credentials to anon", "private.channel_credentials.access_token by anon"),
    "users shown through a view": (
        answers(USERS_EXPOSED),
        "create view public.people with (security_invoker = on) as select email from auth.users; grant select on public.people to authenticated",
        "people by authenticated"),
    "policies that believe what users say of themselves": (
        answers(OWN_METADATA),
        "create policy naive on public.contacts for select to anon using ((select auth.jwt() -> 'user_metadata' ->> 'org') = organization_id::text)",
        "contacts naive"),
    "tables without a primary key": (answers(NO_KEY), "create table public.keyless (id int)", "keyless"),
    "tables that clients write": (answers(WRITABLE), "grant update (name) on public.contacts to authenticated", "contacts by authenticated"),
}  # fmt: skip
# What the questions may find, and why.
ALLOWED = {
    **{f"foreign keys without an index: {key}": why for key, why in NO_INDEX.items()},
    **{
        f"definer functions that clients may call: {name} by authenticated": "the policies of clients ask it which organizations are theirs"
        for name in CLIENTS_MAY_CALL
    },
    "sensitive columns that clients may read: messages.api_key_id by authenticated": "the id of a key opens nothing: only the key does",
    "views with their owner's rights: private.people": "it asks what the policies ask, and masks numbers that no member may read past it",
}


@pytest.fixture(scope="module")
def asking(clones: Clones) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a fresh database as its owner; nothing done on it is ever committed."""
    urls = clones.make()
    with psycopg.connect(urls.owner) as connection:
        yield connection
        connection.rollback()
    clones.done_with(urls)


@pytest.fixture
def see(asking: psycopg.Connection[Any]) -> Iterator[See]:
    yield lambda query, *params: asking.execute(query, params or None).fetchall()  # type: ignore[return-value]  # rows, whatever their columns
    asking.rollback()


@pytest.mark.parametrize("question", QUESTIONS)
def test_there_is_nothing_to_advise(see: See, question: str) -> None:
    ask, _, _ = QUESTIONS[question]
    assert {f"{question}: {found}" for found in ask(see)} - ALLOWED.keys() == set()


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_would_be_advised_is_found(see: See, asking: psycopg.Connection[Any], question: str) -> None:
    ask, offence, told = QUESTIONS[question]
    before = ask(see)
    asking.execute(offence)  # type: ignore[arg-type]  # one of the above; rolled back
    assert set(ask(see)) - set(before) >= {told}


def test_no_exception_outlives_its_reason(see: See) -> None:
    found = {f"{question}: {one}" for question, (ask, _, _) in QUESTIONS.items() for one in ask(see)}
    assert ALLOWED.keys() <= found
