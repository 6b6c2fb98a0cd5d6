"""The verbs of entitlements: ask what is there, and demand something of it. Never by a plan's name."""

from uuid import UUID

from frontdesk.database import Platform, Tenant, Tenants
from frontdesk.entitlements import store
from frontdesk.entitlements.records import Entitlements, NotInPlan


async def current(db: Tenant) -> Entitlements | None:
    """What the organization has; None only where its subscription was removed by hand."""
    return await store.of(db, db.organization_id, None)


async def allowance(db: Tenant | Tenants | Platform, organization_id: UUID, metric: str) -> Entitlements | None:
    """What an organization has, with what it is allowed of a metric: asked where something was refused, and there only."""
    return await store.of(db, organization_id, metric)


async def require(db: Tenant, feature: str) -> None:
    """Demand a feature such as `campaigns`. Raises NotInPlan or PaymentNeeded, in a sentence that says what opens it."""
    found = await store.of(db, db.organization_id, None)
    refused = NotInPlan() if found is None else found.lacking(feature)
    if refused is not None:
        raise refused
