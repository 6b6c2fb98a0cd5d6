"""Meeting the people behind what arrived: found by their addresses, or created at the first meeting."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from frontdesk.channels import Sender
from frontdesk.database import Tenants, batch, new_id, recordset
from frontdesk.folding import fold

# how old "last seen" may get before a message refreshes it: a contact's row is not rewritten with every message
SEEN_AGAIN_AFTER = timedelta(minutes=5)


class Arrival(NamedTuple):
    """Somebody who wrote on a channel of this scope."""

    organization_id: UUID
    scope: str
    sender: Sender
    at: datetime


class Met(NamedTuple):
    """The contact behind an arrival, and where to answer."""

    contact_id: UUID
    name: str
    recipient: str
    blocked: bool


async def meet(db: Tenants, arrivals: Sequence[Arrival]) -> list[Met]:
    """The contacts behind these arrivals, in the same order; who is new is created, who changed a name is renamed.

    Matched by BSUID first, then by phone, as WhatsApp advises; a phone's contact learns its BSUID and the other way round.
    """
    keys = [_key(arrival) for arrival in arrivals]
    distinct = dict(zip(keys, arrivals, strict=True))
    asked = [_row(n, arrival) for n, arrival in enumerate(distinct.values())]
    found = await _find(db, asked)
    if missing := [row for row in asked if found[row["n"]].contact_id is None or _lacks(row, found[row["n"]])]:
        await db.run(_LOCK, {"batch": batch([{"organization_id": o} for o in sorted({row["organization_id"] for row in missing})])})
        again = await _find(db, missing)  # what somebody else created while we waited is found now
        await _introduce(db, missing, again)
        found.update(await _find(db, missing))
    await _refresh(db, asked, found)
    met = {key: _met(asked[n], found[n]) for n, key in enumerate(distinct)}
    return [met[key] for key in keys]


def _key(arrival: Arrival) -> tuple[int, str, str | None, str | None]:
    return arrival.organization_id.int, arrival.scope, arrival.sender.phone, arrival.sender.bsuid


def _row(n: int, arrival: Arrival) -> dict[str, Any]:
    sender = arrival.sender
    return {
        "n": n, "organization_id": arrival.organization_id, "scope": arrival.scope, "phone": sender.phone, "bsuid": sender.bsuid,
        "name": (sender.name or "")[:400], "username": sender.username[:200] if sender.username else None, "seen": arrival.at,
    }  # fmt: skip


_LOCK = """
-- one creator of contacts per organization at a time, in one order: the same person is never made twice
select pg_advisory_xact_lock(hashtextextended('frontdesk contacts ' || l.organization_id, 0))
from (select organization_id from jsonb_to_recordset(%(batch)s) as a (organization_id text) order by 1) as l
"""


class _Known(NamedTuple):
    """Who is behind an address. No contact_id: nobody."""

    n: int
    by_bsuid: bool
    by_phone: bool
    contact_id: UUID | None
    name: str | None
    given_name: str | None
    username: str | None
    phone: str | None
    blocked: bool
    last_seen_at: datetime | None


async def _find(db: Tenants, asked: Sequence[dict[str, Any]]) -> dict[int, _Known]:
    """Who is behind these addresses, by their numbers `n`."""
    rows = await db.records(
        _Known,
        """
        with asked as materialized (
          select * from json_to_recordset(%(batch)s) as a (n integer, organization_id uuid, scope text, phone text, bsuid text)
          where a.organization_id = any (array[a.organization_id])
        ), known as materialized (
          select a.n, a.organization_id, b.contact_id as by_bsuid, p.contact_id as by_phone, coalesce(b.contact_id, p.contact_id) as contact_id
          from asked a
          left join lateral (select i.contact_id from public.contact_identities i
            where i.organization_id = a.organization_id and i.kind = 'bsuid' and i.scope = a.scope and i.value = a.bsuid limit 1) as b on true
          left join lateral (select i.contact_id from public.contact_identities i
            where i.organization_id = a.organization_id and i.kind = 'phone' and i.scope = '' and i.value = a.phone limit 1) as p on true
        )
        select k.n, k.by_bsuid is not null as by_bsuid, k.by_phone is not null as by_phone, c.id as contact_id, c.name, c.given_name, c.username, c.phone,
          coalesce(c.blocked, false) as blocked, c.last_seen_at
        from known k
        left join lateral (select c.id, c.name, c.given_name, c.username, c.phone, c.blocked_at is not null as blocked, c.last_seen_at
          from public.contacts c where c.organization_id = k.organization_id and c.id = k.contact_id limit 1) as c on true
        """,
        {
            "batch": recordset(
                [{"n": a["n"], "organization_id": a["organization_id"], "scope": a["scope"], "phone": a["phone"], "bsuid": a["bsuid"]} for a in asked]
            )
        },
    )
    return {row.n: row for row in rows}


def _lacks(row: dict[str, Any], found: _Known) -> bool:
    return bool((row["bsuid"] and not found.by_bsuid) or (row["phone"] and not found.by_phone))


async def _introduce(db: Tenants, missing: Sequence[dict[str, Any]], found: dict[int, _Known]) -> None:
    """Create the contacts nobody knows, and teach the known ones their further addresses."""
    contacts, identities = [], []
    made: dict[tuple[UUID, str, str, str], UUID] = {}
    for row in missing:
        here = found[row["n"]]
        addresses = [(kind, scope, row[kind]) for kind, scope in (("bsuid", row["scope"]), ("phone", "")) if row[kind]]
        known = [made[key] for address in addresses if (key := (row["organization_id"], *address)) in made]
        contact_id = here.contact_id or (known[0] if known else new_id())
        if not here.contact_id and not known:
            contacts.append(row | {"id": contact_id, "search_text": _search_text(row)})
        for kind, scope, value in addresses:
            made.setdefault((row["organization_id"], kind, scope, value), contact_id)
            identities.append({"organization_id": row["organization_id"], "kind": kind, "scope": scope, "value": value, "contact_id": contact_id})
    await db.run(
        """
        insert into public.contacts (organization_id, id, name, username, phone, search_text, last_seen_at)
        select c.organization_id, c.id, c.name, c.username, c.phone, c.search_text, c.seen
        from jsonb_to_recordset(%(batch)s)
          as c (organization_id uuid, id uuid, name text, username text, phone text, search_text text, seen timestamptz)
        """,
        {"batch": batch(contacts)},
    )
    await db.run(
        """
        insert into public.contact_identities (organization_id, kind, scope, value, contact_id)
        select i.organization_id, i.kind, i.scope, i.value, i.contact_id
        from jsonb_to_recordset(%(batch)s) as i (organization_id uuid, kind text, scope text, value text, contact_id uuid)
        on conflict do nothing
        """,
        {"batch": batch(identities)},
    )


async def _refresh(db: Tenants, asked: Sequence[dict[str, Any]], found: dict[int, _Known]) -> None:
    """Renew what WhatsApp tells of the contacts whose name, username or phone changed or who were not seen for a while."""
    renewed = {}
    for row in asked:
        here = found[row["n"]]
        if _is_news(row, here):
            merged = {"name": row["name"] or here.name, "username": row["username"] or here.username, "phone": row["phone"] or here.phone}
            text = _search_text(merged | {"name": f"{here.given_name or ''} {merged['name'] or ''}"})
            key = (row["organization_id"], here.contact_id)
            renewed[key] = merged | {"organization_id": key[0], "id": key[1], "search_text": text, "seen": row["seen"]}
            found[here.n] = here._replace(name=merged["name"], username=merged["username"], phone=merged["phone"])
    if not renewed:
        return
    await db.run(
        """
        with told as materialized (
          select * from jsonb_to_recordset(%(batch)s)
            as c (organization_id uuid, id uuid, name text, username text, phone text, search_text text, seen timestamptz)
          where c.id = any (array[c.id])
        )
        update public.contacts c set name = t.name, username = t.username, phone = t.phone, search_text = t.search_text,
          last_seen_at = greatest(c.last_seen_at, t.seen)
        from told t where c.organization_id = t.organization_id and c.id = t.id
        """,
        {"batch": batch([renewed[key] for key in sorted(renewed)])},
    )


def _is_news(row: dict[str, Any], here: _Known) -> bool:
    """Whether a row says something new of whom it found, or was long not heard of."""
    return bool(
        (row["name"] and row["name"] != here.name)
        or (row["phone"] and row["phone"] != here.phone)
        or (row["username"] and row["username"] != here.username)
        or here.last_seen_at is None
        or row["seen"] - here.last_seen_at > SEEN_AGAIN_AFTER
    )


def _search_text(row: dict[str, Any]) -> str:
    return fold(" ".join(filter(None, (row["name"], row["username"]))))


def _met(row: dict[str, Any], here: _Known) -> Met:
    assert here.contact_id is not None  # whoever was not known has been introduced
    return Met(here.contact_id, here.given_name or here.name or here.username or "", row["phone"] or row["bsuid"] or "", here.blocked)
