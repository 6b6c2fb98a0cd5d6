"""Rules that every table, key, policy and function of the schema keeps, asked of the catalogue."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from frontdesk.access import Permission, Role
from frontdesk.database import migrator
from tests.conftest import Clones

See = Callable[..., list[tuple[Any, ...]]]

# What a foreign key of a tenant table may do other than go with its organization, and why.
OTHER_KEYS = {
    "subscriptions(plan_id) -> subscription_plans": "plans belong to everybody, and one that is in use stays",
    "subscriptions(scheduled_plan_id) -> subscription_plans": "as above",
    "plan_prices(plan_id) -> subscription_plans": "as above",
    "organization_usage(metric) -> usage_metrics": "metrics belong to everybody",
    "conversations(organization_id, assigned_to) -> organization_members": "who leaves leaves the conversations behind",
    "private.sessions(organization_id) -> organizations": "a user stays signed in when an organization goes",
}
WITH_THEIR_USER = {
    "organization_members(user_id)": "a membership is the user's",
    "private.sessions(user_id)": "so is a session",
    "private.user_identities(user_id)": "and an identity",
    "private.email_proofs(user_id)": "and a link that was sent to him",
    "private.authenticators(user_id)": "and whatever he proves himself with",
    "private.authenticator_offers(user_id)": "as above",
    "private.recovery_codes(user_id)": "as above",
    "private.pending_sign_ins(user_id)": "as above",
    "private.passkeys(user_id)": "as above",
    "private.passkey_challenges(user_id)": "as above",
    "private.operators(user_id)": "whoever is no user is no operator",
}
# Foreign keys without an index of their own, and why: what refers by them is found by the organization.
NO_INDEX = {"conversations(organization_id, channel_id)": "a channel is given up once, and every message would pay for the index"}
# Unique keys that do not begin with the organization, and why.
OTHER_UNIQUE = {
    "organizations_pkey": "it is the organization",
    "organizations_slug_key": "an address of the installation",
    "subscription_plans_pkey": "the same for everybody",
    "subscription_plans_position_key": "the same for everybody",
    "plan_prices_pkey": "the same for everybody",
    "plan_prices_provider_price_id_key": "the same for everybody",
    "plan_prices_sold": "the same for everybody",
    "billing_accounts_provider_customer_id_key": "a customer is one organization of the installation",
    "subscriptions_provider": "an event names a subscription, and nobody else",
    "billing_events_pkey": "an event of a customer that is nobody's here is the installation's",
    "billing_events_provider_event_id_key": "an event comes once, whosever it is",
    "customers_to_close_pkey": "an organization that is no more",
    "chores_pkey": "work of the installation",
    "billing_refusals_pkey": "calls that nobody made",
    "overage_billing_pkey": "how the installation bills",
    "turned_clock_pkey": "how far the simulated Stripe's clock is turned",
    "usage_metrics_pkey": "the same for everybody",
    "role_permissions_pkey": "the same for everybody",
    "channel_routes_pkey": "a number belongs to one channel of the installation",
    "channel_apps_token_hash_key": "a webhook's address is found by its token",
    "api_key_hashes_pkey": "a key is found by its hash",
    "received_counts_pkey": "what a batch has counted is of all its organizations",
    "clock_turns_pkey": "the clock's work is the installation's",
    "api_calls_pkey": "whoever calls is counted before it is known who it is",
    "unrouted_deliveries_pkey": "nobody's until their number is connected",
    "sealed_columns_pkey": "the same for everybody",
    "deleted_organizations_pkey": "an organization that is no more",
    "sessions_pkey": "a session is a user's",
    "sessions_token_hash_key": "a session is found by its token",
    "attempts_pkey": "attempts are made by strangers",
    "organization_invitations_token": "an invitation is found by its token",
    "mail_outbox_pkey": "a mail is the installation's, and not always about an organization",
    "email_proofs_pkey": "a link is a user's",
    "email_proofs_token_hash_key": "a link is found by its token",
    "user_identities_pkey": "an identity is a user's",
    "user_identities_known_once": "a provider's subject is one user of the installation",
    "user_identities_one_of_each": "an identity is a user's",
    "provider_visits_pkey": "nobody knows yet who comes back from the provider",
    "provider_newcomers_pkey": "a newcomer has no organization yet",
    "authenticators_pkey": "what a user proves himself with is his own",
    "authenticator_offers_pkey": "as above",
    "recovery_codes_pkey": "as above",
    "pending_sign_ins_pkey": "a sign-in is found by its token",
    "passkeys_pkey": "what a user proves himself with is his own",
    "passkeys_credential_id_key": "who signs in with a passkey alone is found by it",
    "passkey_challenges_pkey": "whoever signs one is not known yet",
    "operators_pkey": "an operator is the installation's",
    "operator_entries_pkey": "so is what operators did",
    "revenue_moves_pkey": "what the installation earns, which outlives organizations",
}
CLIENTS_MAY_CALL = {"organizations_allowing"}
# What a policy may do for each row: compare, and look into the array that was made once.
# A probe of a key: of the conversation or contact that a row belongs to, and only for a member who does not oversee all of them.
PROBE = re.compile(
    r"(conversations:oversee '::text\) > 0\)\)) OR (?:private\.sees_conversation\(organization_id, conversation_id\)"
    r"|\(EXISTS \( SELECT\s+FROM (?:conversations|contacts) (\w)"
    r"\s+WHERE \(\(\2\.organization_id = (\w+)\.organization_id\) AND \(\2\.\w+ = \3\.\w+\)\)\s+OFFSET 0\)\))"
)
COMPARISONS = {"any", "array", "jsonb_exists", "nullif", "and", "or", "not"}

FOREIGN_KEYS = """
  select f.conrelid::regclass::text, f.confrelid::regclass::text, f.confdeltype::text, f.conrelid,
    (select array_agg(a.attname::text order by k.n) from unnest(f.conkey) with ordinality k (num, n)
     join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.num) as columns,
    (select array_agg(a.attname::text) from unnest(f.confdelsetcols) k (num)
     join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.num) as emptied
  from pg_constraint f where f.contype = 'f' and f.conparentid = 0 and f.connamespace::regnamespace::text in ('public', 'private')
"""


@pytest.fixture(scope="module")
def see(clones: Clones) -> Iterator[See]:
    """Asks the catalogue of a fresh database."""
    urls = clones.make()
    with psycopg.connect(urls.owner) as connection:
        yield lambda query, *params: connection.execute(query, params or None).fetchall()  # type: ignore[return-value]
    clones.done_with(urls)


def named(table: str, columns: list[str]) -> str:
    return f"{table}({', '.join(columns)})"


def test_every_foreign_key_stays_inside_its_organization_and_goes_with_it(see: See) -> None:
    strays = []
    for table, target, on_delete, _, columns, _emptied in see(FOREIGN_KEYS):
        if target == "auth.users" or f"{named(table, columns)} -> {target}" in OTHER_KEYS:
            continue
        if on_delete != "c" or columns[0] != "organization_id":
            strays.append(f"{named(table, columns)} -> {target}")
    assert strays == []


def test_rows_outlive_the_users_they_mention(see: See) -> None:
    keys = [(named(table, columns), on_delete) for table, target, on_delete, _, columns, _ in see(FOREIGN_KEYS) if target == "auth.users"]
    assert len(keys) > 10
    assert [key for key, on_delete in keys if on_delete != ("c" if key in WITH_THEIR_USER else "n")] == []


def test_a_key_that_is_emptied_keeps_its_organization(see: See) -> None:
    emptied = [columns for *_, columns in see(FOREIGN_KEYS) if columns]
    assert emptied == [["assigned_to"]]


def test_every_foreign_key_has_an_index(see: See) -> None:
    indexes = see("select indrelid, array(select unnest(indkey::int2[])) as columns, indnatts from pg_index where indisvalid")
    numbers = {(row[0], row[1]): row[2] for row in see("select attrelid, attname::text, attnum from pg_attribute")}
    bare = []
    for table, _, _, oid, columns, _ in see(FOREIGN_KEYS):
        wanted = {numbers[oid, column] for column in columns}
        if not any(relation == oid and set(keys[: len(wanted)]) == wanted for relation, keys, _ in indexes):
            bare.append(named(table, columns))
    assert bare == list(NO_INDEX)


def test_every_unique_key_begins_with_the_organization(see: See) -> None:
    keys = see(
        """
        select c.relname, a.attname from pg_index i join pg_class c on c.oid = i.indexrelid
        join pg_class t on t.oid = i.indrelid and not t.relispartition
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indisunique and c.relnamespace::regnamespace::text in ('public', 'private')
        """
    )
    assert len(keys) > 20
    assert {name for name, first in keys if first != "organization_id"} == OTHER_UNIQUE.keys()


def test_every_table_that_members_reach_is_walled_and_the_others_are_reached_by_nobody(see: See) -> None:
    tables = see("select oid::regclass::text, relrowsecurity and relforcerowsecurity from pg_class"
                 " where relkind in ('r', 'p') and relnamespace::regnamespace::text = 'public'")  # fmt: skip
    assert [table for table, walled in tables if not walled] == []
    reached = see(
        """
        select c.oid::regclass::text, who from pg_class c,
          unnest(array['anon', 'authenticated', 'service_role', 'frontdesk_app', 'frontdesk_member', 'frontdesk_worker', 'frontdesk_operator']) as who
        where c.relkind in ('r', 'p') and has_any_column_privilege(who, c.oid, 'select, insert, update, references')
          and (c.relnamespace::regnamespace::text = 'private' or c.relispartition or who = 'anon')
          and c.relnamespace::regnamespace::text in ('public', 'private')
        """
    )
    assert reached == []


POLICIES = """
  select p.polrelid::regclass::text, p.polname::text, p.polcmd::text, p.polpermissive, r.rolname::text,
    concat_ws(' and ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  from pg_policy p left join lateral unnest(p.polroles) as to_role (oid) on true left join pg_roles r on r.oid = to_role.oid
"""
COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete"}


def test_every_policy_is_for_a_role(see: See) -> None:
    assert [policy for *policy, role, _ in see(POLICIES) if role is None] == []


def test_every_role_that_may_touch_a_table_meets_exactly_one_policy_for_each_command(see: See) -> None:
    policies = see(POLICIES)
    assert all(permissive for *_, permissive, _, _ in policies)
    granted = see(
        """
        select c.oid::regclass::text, who, command from pg_class c,
          unnest(array['authenticated', 'service_role', 'frontdesk_app', 'frontdesk_member', 'frontdesk_worker', 'frontdesk_operator']) as who,
          unnest(array['select', 'insert', 'update', 'delete']) as command
        where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text = 'public'
          and (has_table_privilege(who, c.oid, command) or (command <> 'delete' and has_any_column_privilege(who, c.oid, command)))
        """
    )
    assert len(granted) > 100
    met = {
        (table, role, command): [p[1] for p in policies if p[0] == table and p[4] == role and COMMANDS.get(p[2], command) == command]
        for table, role, command in granted
    }
    assert {key: names for key, names in met.items() if len(names) != 1} == {}


def test_no_policy_calls_a_function_for_every_row(see: See) -> None:
    assert slow_policies(see) == []


def slow_policies(see: See) -> list[str]:
    """The policies that compute something for each row instead of once for a statement."""
    slow = []
    for table, name, _, _, _, condition in see(POLICIES):
        inner, outer = split_selects(re.sub(r"'[^']*'", "''", PROBE.sub(r"\1", condition)))
        calls = {word.lower() for word in re.findall(r"(\w+)\s*\(", outer)} - COMPARISONS
        if calls or re.search(r"\b(organization_)?id\b", inner):  # the latter would tie the sub-select to the row
            slow.append(f"{table} {name}")
    return slow


def split_selects(condition: str) -> tuple[str, str]:
    """What stands inside sub-selects, and what around them."""
    inner, outer, depth, inside = "", "", 0, 0
    for position, sign in enumerate(condition):
        depth += (sign == "(") - (sign == ")")
        if not inside and condition.startswith("( SELECT", position):
            inside = depth
        inner, outer = (inner + sign, outer) if inside else (inner, outer + sign)
        if inside and depth < inside:
            inside = 0
    return inner, outer


FUNCTIONS = """
  select p.oid::regprocedure::text, p.proname::text, p.prosecdef, coalesce(p.proconfig, '{}'),
    array(select who from unnest(array['anon', 'authenticated', 'service_role']) as who where has_function_privilege(who, p.oid, 'execute')),
    exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0)
  from pg_proc p where p.pronamespace::regnamespace::text in ('public', 'private')
"""


def test_every_function_looks_names_up_nowhere(see: See) -> None:
    functions = see(FUNCTIONS)
    assert sum(definer for _, _, definer, *_ in functions) > 40
    assert [name for name, _, _, settings, *_ in functions if 'search_path=""' not in settings] == []


def test_no_function_is_open_to_the_public(see: See) -> None:
    opened = {
        name: who for name, short, _, _, who, public in see(FUNCTIONS)
        if public or "anon" in who or ("authenticated" in who and short not in CLIENTS_MAY_CALL)
    }  # fmt: skip
    assert opened == {}


def test_types_are_plain_and_nothing_must_be_installed(see: See) -> None:
    assert see("select typname from pg_type where typtype in ('e', 'd') and typnamespace::regnamespace::text in ('public', 'private')") == []
    assert see("select extname from pg_extension") == [("plpgsql",)]
    assert [one.file for one in migrator.known() if re.search(r"(?i)create\s+extension", one.sql)] == []
    odd = see(
        """
        select attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod) from pg_attribute
        join pg_class c on c.oid = attrelid and c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in ('public', 'private')
        where attnum > 0 and not attisdropped and atttypid in ('timestamp'::regtype, 'varchar'::regtype, 'char'::regtype, 'money'::regtype)
        """
    )
    assert odd == []


def test_the_roles_hold_the_permissions_that_the_product_knows_each_more_than_the_one_before(see: See) -> None:
    held: dict[str, set[str]] = {role: set() for role in ("viewer", "member", "admin", "owner")}
    for role, permission in see("select role, permission from role_permissions"):
        held[role].add(permission)
    assert all(one < more for one, more in pairwise(held.values()))
    assert held["owner"] == {one.value for one in Permission}
    assert {one.value for one in Role} == held.keys()


def test_the_application_owns_nothing_and_inherits_nothing(see: See) -> None:
    ours = ["frontdesk_app", "frontdesk_member", "frontdesk_worker", "frontdesk_operator"]
    assert see("select relname from pg_class where relowner::regrole::text = any (%s)", ours) == []
    assert see("select rolname from pg_roles where rolname = any (%s) and (rolinherit or rolsuper or rolbypassrls or rolcreaterole)", ours) == []
