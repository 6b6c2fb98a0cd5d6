"""Writing the audit log, and proving that nobody rewrote it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from frontdesk.access import SYSTEM, Actor
from frontdesk.audit import store
from frontdesk.audit.records import Verdict
from frontdesk.database import Platform, Tenant, Tenants
from frontdesk.errors import NotFound


class NoSuchOrganization(NotFound):
    """There is no such organization."""


async def append(
    db: Tenant | Tenants, action: str, *, organization_id: UUID | None = None, target_type: str | None = None,
    target_id: UUID | str | None = None, details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Record what this transaction did, by the member it belongs to or by Frontdesk itself.

    action: `noun.verb_in_the_past`. organization_id: needed for background work only.
    Call it last: the chain's end stays locked until commit.
    """
    organization = organization_id or (db.organization_id if isinstance(db, Tenant) else None)
    if organization is None:
        raise ValueError("background work must name the organization")
    actor = db.actor if isinstance(db, Tenant) else SYSTEM
    await store.append(db, organization, actor, action, _target(target_type, target_id), details or {})


async def append_as(
    db: Platform, organization_id: UUID, actor: Actor, action: str, *, target_type: str | None = None,
    target_id: UUID | str | None = None, details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Record in an organization's log what somebody did outside of it, such as signing in."""
    await store.append(db, organization_id, actor, action, _target(target_type, target_id), details or {})


async def verify(db: Platform, slug: str | None = None) -> Verdict:
    """Recompute every hash of one organization's chain, or of all, and name what is changed, missing or inserted.

    slug: the organization's. Raises NoSuchOrganization.
    """
    organization_id = await store.organization_named(db, slug) if slug else None
    if slug and organization_id is None:
        raise NoSuchOrganization(f"There is no organization {slug!r}.")
    return Verdict(await store.size(db, organization_id), tuple(await store.faults(db, organization_id)))


def _target(kind: str | None, identity: UUID | str | None) -> tuple[str | None, str | None]:
    return kind, None if identity is None else str(identity)
