"""The verbs of usage."""

from datetime import UTC, date, datetime
from uuid import UUID

from frontdesk import audit, entitlements
from frontdesk.database import Platform, Tenant, Tenants
from frontdesk.errors import Conflict, LimitReached
from frontdesk.usage import store
from frontdesk.usage.records import Period, Standing, Usage, amount_of

HIGHEST_CAP = 100_000_000  # minor units


class PlanLimitReached(LimitReached):
    """Your plan's limit is reached."""


class NotSold(Conflict):
    """Your plan has no price for more of this. Choose a larger plan to go beyond its limit."""


async def overview(db: Tenant) -> list[Usage]:
    """Every metric with what is used and allowed now; for the screen."""
    return await store.overview(db)


async def standing(db: Tenant) -> list[Standing]:
    """Every metric with what is used, allowed, and chosen to happen at its limit; for the screen."""
    return await store.standing(db)


async def period(db: Tenant) -> Period:
    """The organization's month."""
    return await store.period(db) or Period.of_calendar(datetime.now(UTC).date())


async def anchor(db: Tenants, organization_id: UUID, day: date) -> date:
    """Let an organization's months begin with this day's number, as its subscription's do; a month without it begins on its last day.

    What was counted since the present month began, as it is now, belongs to it. Asked again, nothing happens. Returns when the present month began.
    """
    return await store.anchor(db, organization_id, day)


async def choose(db: Tenant, metric: str, cap: int | None) -> None:
    """Choose what happens at a metric's limit: to stop (None), or to go on for at most `cap` minor units a month. Raises NotSold."""
    if cap is not None:
        if not any(one.sold for one in await store.standing(db) if one.metric == metric):
            raise NotSold
        cap = max(1, min(cap, HIGHEST_CAP))
    before = await store.choice(db, metric)
    if before == cap:
        return
    await store.choose(db, metric, cap)
    details = {"name": metric, "changed": {"cap": {"from": before, "to": cap}}}
    await audit.append(db, "usage_choice.changed", target_type="usage_metric", target_id=metric, details=details)


async def note_export(db: Tenant, first: date, last: date) -> None:
    """Write into the log that somebody takes the figures of these days along: they name members."""
    await audit.append(db, "usage.exported", details={"since": first.isoformat(), "until": last.isoformat()})


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


async def lease(db: Tenant | Tenants, organization_id: UUID, metric: str, lease_id: UUID, wanted: int) -> int:
    """Take a block of units at once, as many of those wanted as there are, and return how many it holds; 0 where nothing fits.

    lease_id: whoever was interrupted asks with the same one again, and gets what is left of it.
    """
    return await store.lease(db, organization_id, metric, lease_id, wanted)


async def spend(db: Tenant | Tenants, organization_id: UUID, lease_id: UUID, amount: int) -> bool:
    """Spend units of a block, in the transaction of what they are for. False: it holds fewer, is given back, or its month is over; take another."""
    return await store.spend(db, organization_id, lease_id, amount)


async def give_back(db: Tenant | Tenants, organization_id: UUID, lease_id: UUID) -> int:
    """Give back what is left of a block, once, and return how much that was. A block that nobody touches for an hour is given back by itself."""
    return await store.give_back(db, organization_id, lease_id)
