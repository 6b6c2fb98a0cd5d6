"""The statements of the audit log. Entries are written by one function of the database, which also keeps the chain."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.access import Actor
from frontdesk.audit.records import Doer, Fault
from frontdesk.database import Platform, Tenant, Tenants, batch


async def append(
    db: Tenant | Tenants | Platform,
    organization_id: UUID,
    actor: Actor,
    action: str,
    target: tuple[str | None, str | None],
    details: Mapping[str, Any],
) -> None:
    """One more entry at the end of the organization's chain, whose end stays locked until this transaction is over."""
    await db.run(
        "select private.append_audit(%(organization_id)s, %(action)s, %(target_type)s, %(target_id)s, %(details)s,"
        " %(kind)s, %(user_id)s, %(name)s, %(address)s, %(user_agent)s, %(request_id)s)",
        {
            "organization_id": organization_id, "action": action, "details": Jsonb(dict(details)),
            "target_type": target[0], "target_id": target[1], "kind": actor.kind,
            "user_id": actor.user_id or actor.key_id, "name": actor.name, "address": actor.address,
            "user_agent": actor.user_agent, "request_id": actor.request_id,
        },
    )  # fmt: skip


async def size(db: Platform, organization_id: UUID | None) -> int:
    """How many entries the organization's chain has, or all chains together."""
    return int(await db.value("select private.audit_size(%(organization_id)s)", {"organization_id": organization_id}))


async def faults(db: Platform, organization_id: UUID | None) -> list[Fault]:
    """Every place where the organization's chain breaks, or any."""
    return await db.records(
        Fault,
        "select slug, seq, fault from private.audit_faults(%(organization_id)s)",
        {"organization_id": organization_id},
    )


async def organization_named(db: Platform, slug: str) -> UUID | None:
    """The organization with this slug."""
    found: UUID | None = await db.value("select id from private.organization_by_slug(%(slug)s)", {"slug": slug})
    return found


async def walk(db: Tenant, after: int, how_many: int) -> dict[str, Any]:
    """A piece of the chain, walked: the last entry, how many there were, where the log ends, and the faults."""
    row = await db.row(
        "select last, entries, ends_at, faults from private.walk_audit(%(organization_id)s, %(after)s, %(how_many)s)",
        {"organization_id": db.organization_id, "after": after, "how_many": how_many},
    )
    assert row is not None  # a function that always tells where it has come to
    return row


async def doers(db: Tenant, how_many: int) -> list[Doer]:
    """Who ever did something here, each by the name of his newest entry: from one to the next in an index, however long the log is."""
    return await db.records(
        Doer,
        """
        with recursive found as (
          select k.kind, (
            select a.actor_id from public.audit_logs a
            where a.organization_id = %(organization_id)s and a.actor_kind = k.kind and a.actor_id is not null order by a.actor_id limit 1) as id
          from unnest(array['user', 'api_key', 'operator']) as k (kind)
          union all
          select f.kind, (
            select a.actor_id from public.audit_logs a
            where a.organization_id = %(organization_id)s and a.actor_kind = f.kind and a.actor_id > f.id order by a.actor_id limit 1)
          from found f where f.id is not null
        )
        select f.kind, f.id, (
            select a.actor_name from public.audit_logs a
            where a.organization_id = %(organization_id)s and a.actor_kind = f.kind and a.actor_id = f.id order by a.seq desc limit 1) as name
        from found f where f.id is not null limit %(how_many)s
        """,
        {"organization_id": db.organization_id, "how_many": how_many},
    )


async def ends(db: Platform) -> list[dict[str, Any]]:
    """Where each log ends, by the organization's slug."""
    return await db.rows("select organization_id, slug, seq, hash from private.audit_ends()")


async def hashes(db: Platform, entries: Sequence[tuple[UUID, int]]) -> list[bytes | None]:
    """The hashes of these entries (organization, number), in their order; None for one that is not there."""
    wanted = batch([{"organization_id": organization_id, "seq": seq} for organization_id, seq in entries])
    rows = await db.rows("select hash from private.audit_hashes(%(wanted)s) order by n", {"wanted": wanted})
    return [None if row["hash"] is None else bytes(row["hash"]) for row in rows]


async def deleted(db: Platform) -> dict[UUID, tuple[str, datetime]]:
    """The organizations that their owners had deleted, with their slugs and when."""
    rows = await db.rows("select id, slug, deleted_at from private.list_deleted_organizations()")
    return {row["id"]: (row["slug"], row["deleted_at"]) for row in rows}
