"""A crowd: 200 organizations, one of them large, with 20,000 conversations and 200,000 messages. Made for reading plans."""

import time
from hashlib import md5
from uuid import UUID

import psycopg

ORGANIZATIONS, CONVERSATIONS, MESSAGES = 200, 20_000, 200_000
RESTRICTED = 1_000  # the number of the user who sees own and unassigned conversations only, in the first organization
LARGE = 6_000  # conversations of the first organization; the others share the rest
LONG = 5_000  # messages of its first conversation
ENTRIES = 30_000  # of its audit log
BORN = int(time.time()) // 86_400 * 86_400_000  # what waits in the outbox was written at midnight (ms)


def organization_of(conversation: int) -> int:
    """The number of the organization in which a conversation is."""
    return 1 if conversation <= LARGE else 1 + conversation % ORGANIZATIONS


def crowd_id(noun: str, number: int) -> UUID:
    """The id of one of the crowd: "organization", "user", "channel", "contact", "conversation", "auto_reply" or "outbox"."""
    chance = md5(f"{noun} {number}".encode(), usedforsecurity=False).hexdigest()
    return UUID(f"{BORN:012x}7{chance[:3]}8{chance[3:18]}")


def conversations_of(organization: int, how_many: int) -> list[int]:
    """The numbers of the first conversations of an organization."""
    if organization == 1:
        return list(range(1, how_many + 1))
    return list(range(LARGE + organization - 1, CONVERSATIONS + 1, ORGANIZATIONS))[:how_many]


def make(owner_url: str) -> None:
    """Fill a fresh database. Past every trigger and foreign key, since the crowd is consistent by itself."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute(
            "create function pg_temp.at(ms bigint, chance text) returns uuid language sql immutable as"
            " $$ select (lpad(to_hex(ms), 12, '0') || '7' || left(chance, 3) || '8' || substr(chance, 4, 15))::uuid $$;"
            f"create function pg_temp.the(noun text, number bigint) returns uuid language sql immutable as"
            f" $$ select pg_temp.at({BORN}, md5(noun || ' ' || number)) $$;"
            f"create function pg_temp.org(c bigint) returns uuid language sql immutable as"
            f" $$ select pg_temp.the('organization', case when c <= {LARGE} then 1 else 1 + c % {ORGANIZATIONS} end) $$;"
            f"create function pg_temp.chan(c bigint) returns uuid language sql immutable as"
            f" $$ select pg_temp.the('channel', case when c <= {LARGE} then 1 else 1 + c % {ORGANIZATIONS} end) $$;"
        )
        for statement in (*_OFFICES, *_PEOPLE, *_ROAD):
            connection.execute(
                statement.format(organizations=ORGANIZATIONS, conversations=CONVERSATIONS, messages=MESSAGES, long=LONG, entries=ENTRIES)  # type: ignore[arg-type]  # our own numbers
            )
        _analyze(connection)


def _analyze(connection: psycopg.Connection[tuple[str]]) -> None:
    """Statistics as autovacuum makes them: of every table that holds rows, but of no parent of partitions."""
    tables = connection.execute(
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind = 'r' and n.nspname in ('public', 'private', 'auth') and pg_relation_size(c.oid) > 0"
    ).fetchall()
    for (table,) in tables:
        connection.execute(f"analyze {table}")  # type: ignore[arg-type]  # a name from the catalogue


_OFFICES = (
    "insert into auth.users (id, email) select pg_temp.the('user', o), o || '@example.com' from generate_series(1, {organizations}) o",
    "insert into organizations (id, slug, name) select pg_temp.the('organization', o), 'shop-' || o, 'Shop ' || o from generate_series(1, {organizations}) o",
    "insert into organization_members (organization_id, user_id, role)"
    " select pg_temp.the('organization', o), pg_temp.the('user', o), 'owner' from generate_series(1, {organizations}) o",
    f"insert into auth.users (id, email) values (pg_temp.the('user', {RESTRICTED}), 'restricted@example.com')",
    "insert into organization_members (organization_id, user_id, role, withheld)"
    f" select pg_temp.the('organization', 1), pg_temp.the('user', {RESTRICTED}), 'member', '{{{{conversations:oversee,phone_numbers:read}}}}'",
    "insert into subscriptions (organization_id, plan_id, status)"
    " select pg_temp.the('organization', o), 'enterprise', 'active' from generate_series(1, {organizations}) o",
    "insert into organization_usage (organization_id, metric, period_start, used)"
    " select pg_temp.the('organization', o), metric, private.usage_period() - m * interval '1 month', 7"
    " from generate_series(1, {organizations}) o, usage_metrics, generate_series(0, 11) m where kind = 'period'",
    "insert into channels (organization_id, id, kind, name, phone_number_id, display_number)"
    " select pg_temp.the('organization', o), pg_temp.the('channel', o), 'cloud_api', 'Main', 1000000 + o, '+1 555 ' || o"
    " from generate_series(1, {organizations}) o",
    "insert into private.channel_routes (kind, phone_number_id, organization_id, channel_id) select kind, phone_number_id, organization_id, id from channels",
    "insert into private.channel_credentials (organization_id, channel_id, access_token) select organization_id, id, 'sealed' from channels",
    "insert into auto_replies (organization_id, id, name, position, trigger, match, keywords, reply, cooldown_seconds, enabled_at)"
    " select pg_temp.the('organization', o), pg_temp.the('auto_reply', 5 * o + r), 'Rule ' || r, r, case r when 4 then 'fallback' else 'keyword' end,"
    " case r when 4 then null else 'contains' end, case r when 4 then '{{}}' else array['word' || r] end, 'Hello', 60, now()"
    " from generate_series(1, {organizations}) o, generate_series(0, 4) r",
)

_PEOPLE = (
    "insert into contacts (organization_id, id, name, phone, search_text, last_seen_at, blocked_at)"
    " select pg_temp.org(c), pg_temp.the('contact', c), 'Contact ' || c, 49150000000 + c, 'contact ' || c,"
    " now() - c * interval '1 minute', case when c % 100 = 0 then now() end from generate_series(1, {conversations}) c",
    "insert into contact_identities (organization_id, kind, value, contact_id) select organization_id, 'phone', phone, id from contacts",
    "insert into contact_identities (organization_id, kind, scope, value, contact_id)"
    " select organization_id, 'bsuid', '1', 'DE.' || phone, id from contacts where substr(phone, 11, 1) in ('1', '3', '5', '7', '9')",
    # the newest conversations are at rest: closed, read and nobody's, so that filters have to find theirs behind them
    "insert into conversations (organization_id, id, channel_id, contact_id, last_position, last_message_at, last_text, last_inbound_at,"
    " unread_count, closed_at, assigned_to)"
    " select pg_temp.org(c), pg_temp.the('conversation', c), pg_temp.chan(c), pg_temp.the('contact', c), 100, now() - c * interval '1 minute', 'hi',"
    " now() - c * interval '1 minute', case when c % 400 = 399 then 3 else 0 end, case when c % 20 <> 19 then now() end,"
    " case when c % 200 = 199 then pg_temp.the('user', case when c <= 6000 then 1 else 1 + c % {organizations} end) end"
    " from generate_series(1, {conversations}) c",
    "insert into auto_reply_cooldowns (organization_id, auto_reply_id, contact_id, answered_at)"
    " select c.organization_id, r.id, c.id, now() from contacts c join auto_replies r on r.organization_id = c.organization_id and r.position = 4",
    "insert into messages (organization_id, id, conversation_id, direction, author, type, text, provider_message_id, status, position, occurred_at)"
    " select pg_temp.org(c), pg_temp.at((extract(epoch from at) * 1000)::bigint, md5('message ' || i)),"
    " pg_temp.the('conversation', c), case i % 2 when 0 then 'in' else 'out' end, case i % 2 when 0 then 'contact' else 'bot' end,"
    " case when i % 50 = 0 then 'reaction' else 'text' end, 'hello ' || i, 'wamid.' || i, case i % 2 when 0 then 'received' else 'accepted' end, i, at"
    " from (select i, case when i <= {long} then 1 else 1 + i % {conversations} end as c,"
    " date_trunc('second', now()) - ({messages} - i) * interval '10 seconds' as at from generate_series(1, {messages}) i) as said",
)

_ROAD = (
    "insert into inbound_deliveries (organization_id, channel_id, id, kind, payload)"
    " select pg_temp.org(c), pg_temp.chan(c), pg_temp.the('delivery', c), 'message', repeat('x', 500) from generate_series(1, {conversations}) c",
    "insert into outbox (organization_id, id, channel_id, recipient, content)"
    " select pg_temp.org(c), pg_temp.the('outbox', c), pg_temp.chan(c), 49150000000 + c, '{{}}' from generate_series(1, {conversations}) c",
    "insert into messages (organization_id, id, conversation_id, direction, author, text, status, position, occurred_at)"
    " select pg_temp.org(c), pg_temp.the('outbox', c), pg_temp.the('conversation', c), 'out', 'bot', 'hello', 'queued', 1000000, now()"
    " from generate_series(1, {conversations}) c",
    # everybody blocks and unblocks; rules are rarely changed, and the last to do so is long ago
    "insert into audit_logs (organization_id, seq, created_at, actor_kind, actor_id, actor_name, action, target_type, target_id, prev_hash, hash)"
    " select pg_temp.the('organization', 1), e, now() - ({entries} - e) * interval '1 minute', 'user', pg_temp.the('user', e % 7), 'User ' || e % 7,"
    " case when e % 5000 = 7 then 'auto_reply.changed' when e % 2 = 0 then 'contact.blocked' else 'contact.unblocked' end, 'contact',"
    " pg_temp.the('contact', e % 400)::text, '', '' from generate_series(1, {entries}) e",
    "insert into lanes (organization_id, channel_id, direction) select organization_id, id, unnest(array['in', 'out']) from channels",
)
