"""The verbs of usage."""

from uuid import UUID

from frontdesk import entitlements
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
    """As `consume`. Raises PlanLimitReached, in a sentence that names the plan and its limit, or PaymentNeeded."""
    await require_for(db, db.organization_id, metric, amount)


async def require_for(db: Tenant | Platform, organization_id: UUID, metric: str, amount: int = 1) -> None:
    """As `require`, for an organization that the operator's command names."""
    if not await store.consume(db, organization_id, metric, amount):
        raise await _refusal(db, organization_id, metric)


async def _refusal(db: Tenant | Platform, organization_id: UUID, metric: str) -> LimitReached:
    """What has stopped it: what is not paid, or the plan's limit. Asked only where something was refused."""
    has = await entitlements.allowance(db, organization_id, metric)
    if has is not None and (reason := has.refusal(metric)):
        return entitlements.PaymentNeeded(reason)
    if has is None or has.allowed is None:
        return PlanLimitReached()
    return PlanLimitReached(f"The plan {has.plan} allows {amount_of(metric, has.allowed)}. Choose a larger plan to go on.")
