"""The verbs of usage."""

from uuid import UUID

from frontdesk.database import Platform, Tenant
from frontdesk.errors import LimitReached
from frontdesk.usage import store
from frontdesk.usage.records import Usage, amount_of


class PlanLimitReached(LimitReached):
    """Your plan's limit is reached."""


async def overview(db: Tenant) -> list[Usage]:
    """Every metric with what is used and allowed now; for the screen."""
    return await store.overview(db)


async def check(db: Tenant, metric: str, amount: int = 1) -> bool:
    """Whether the amount would still fit; for the screen. Only `consume` decides."""
    return await store.check(db, metric, amount)


async def consume(db: Tenant, metric: str, amount: int = 1) -> bool:
    """Count the amount, or change nothing and say False when it does not fit.

    A level such as contacts is not counted: True means that the caller may add its row in this transaction.
    """
    return await store.consume(db, db.organization_id, metric, amount)


async def require(db: Tenant, metric: str, amount: int = 1) -> None:
    """As `consume`. Raises PlanLimitReached, in a sentence that names the plan and its limit."""
    await require_for(db, db.organization_id, metric, amount)


async def require_for(db: Tenant | Platform, organization_id: UUID, metric: str, amount: int = 1) -> None:
    """As `require`, for an organization that the operator's command names."""
    if not await store.consume(db, organization_id, metric, amount):
        raise PlanLimitReached(await _sentence(db, organization_id, metric))


async def _sentence(db: Tenant | Platform, organization_id: UUID, metric: str) -> str | None:
    plan, allowed = await store.plan_limit(db, organization_id, metric) or ("", None)
    return None if allowed is None else f"The plan {plan} allows {amount_of(metric, allowed)}. Choose a larger plan to go on."
