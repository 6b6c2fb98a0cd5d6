"""The statements of the audit log. Entries are written by one function of the database, which also keeps the chain."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.access import Actor
from frontdesk.audit.records import Fault
from frontdesk.database import Platform, Tenant, Tenants


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
            "user_id": actor.user_id, "name": actor.name, "address": actor.address,
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
