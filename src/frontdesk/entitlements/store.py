"""The SQL of entitlements."""

from uuid import UUID

from frontdesk.database import Platform, Tenant, Tenants
from frontdesk.entitlements.records import Access, Entitlements


async def of(db: Tenant | Tenants | Platform, organization_id: UUID, metric: str | None) -> Entitlements | None:
    """What an organization has; allowed: of this metric. None without a subscription, or for somebody else's organization."""
    row = await db.row(
        "select plan_id, plan, status, access, bought, allowed, features from private.entitlements_of(%(organization_id)s, %(metric)s)",
        {"organization_id": organization_id, "metric": metric},
    )
    return None if row is None else Entitlements(**row | {"access": Access(row["access"])})
