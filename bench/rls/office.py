"""A thousand organizations with a million messages: what the lists of people's pages are asked of."""

from typing import Any

import psycopg

ORGANIZATIONS, CONVERSATIONS, MESSAGES = 1_000, 50_000, 1_000_000
LONG = 200  # messages of each of the first hundred conversations
LARGE_SHARE = 10  # every tenth conversation belongs to the first organization

_IDS = """
  create function pg_temp.the(noun text, number bigint) returns uuid language sql immutable as $$
    select (lpad(to_hex((extract(epoch from timestamptz '2026-01-01') * 1000)::bigint), 12, '0') || '7' || left(m, 3) || '8' || substr(m, 4, 15))::uuid
    from md5(noun || ' ' || number) as m
  $$
"""
_SPREAD = f"""
  create temporary table talk as
  select c, case when c % {LARGE_SHARE} = 0 then 1 else 1 + c % {ORGANIZATIONS} end as o
  from generate_series(1, {CONVERSATIONS}) as c
"""
_ROWS = (
    f"insert into auth.users (id, email) select pg_temp.the('user', o), o || '@example.com' from generate_series(1, {ORGANIZATIONS}) o",
    f"insert into organizations (id, slug, name) select pg_temp.the('organization', o), 'shop-' || o, 'Shop ' || o from generate_series(1, {ORGANIZATIONS}) o",
    "insert into organization_members (organization_id, user_id, role)"
    f" select pg_temp.the('organization', o), pg_temp.the('user', o), 'owner' from generate_series(1, {ORGANIZATIONS}) o",
    "insert into channels (organization_id, id, kind, name, phone_number_id, display_number)"
    f" select pg_temp.the('organization', o), pg_temp.the('channel', o), 'cloud_api', 'Main', 1000000 + o, '+1 555 ' || o"
    f" from generate_series(1, {ORGANIZATIONS}) o",
    "insert into contacts (organization_id, id, name, phone, search_text, last_seen_at)"
    " select pg_temp.the('organization', o), pg_temp.the('contact', c), 'Contact ' || c, 49150000000 + c, 'contact ' || c,"
    " now() - c * interval '1 minute' from talk",
    "insert into conversations (organization_id, id, channel_id, contact_id, last_position, last_message_at, last_text, last_inbound_at, unread_count)"
    " select pg_temp.the('organization', o), pg_temp.the('conversation', c), pg_temp.the('channel', o), pg_temp.the('contact', c), 20,"
    " now() - c * interval '1 minute', 'hi', now() - c * interval '1 minute', case when c % 40 = 0 then 3 else 0 end from talk",
    "insert into messages (organization_id, id, conversation_id, direction, author, type, text, provider_message_id, status, position, occurred_at)"
    " select pg_temp.the('organization', t.o), overlay(replace(pg_temp.the('message', i)::text, '-', '')"
    " placing lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') from 1)::uuid,"
    " pg_temp.the('conversation', t.c), case i % 2 when 0 then 'in' else 'out' end, case i % 2 when 0 then 'contact' else 'bot' end, 'text',"
    " 'A message as long as messages usually are, number ' || i, 'wamid.' || i, case i % 2 when 0 then 'received' else 'accepted' end, i, at"
    f" from generate_series(1, {MESSAGES}) as i"
    f" cross join lateral (select date_trunc('second', now()) - ({MESSAGES} - i) * interval '2 seconds' as at) as moment"
    f" join talk t on t.c = 1 + i % case when i <= {LONG * 100} then 100 else {CONVERSATIONS} end",
)


async def fill(owner: psycopg.AsyncConnection[Any]) -> None:
    """Fill a fresh database, past every trigger and foreign key: the rows are consistent by themselves."""
    await owner.execute("set session_replication_role = replica")
    for statement in (_IDS, _SPREAD, *_ROWS):
        await owner.execute(statement)
    await owner.execute("set session_replication_role = origin")
    await owner.execute("vacuum analyze")
    await owner.execute("checkpoint")
