"""The SQL of usage: calls of the functions that count and refuse."""

from uuid import UUID

from frontdesk.database import Platform, Tenant
from frontdesk.usage.records import Usage


async def overview(db: Tenant) -> list[Usage]:
    """Every metric, in the order of its name."""
    return await db.records(
        Usage,
        "select metric, kind, used, allowed from private.usage_overview(%(organization_id)s) order by metric",
        {"organization_id": db.organization_id},
    )


async def check(db: Tenant, metric: str, amount: int) -> bool:
    """Whether the amount would still fit; it may not a moment later."""
    return bool(
        await db.value(
            "select private.check_usage_limit(%(organization_id)s, %(metric)s, %(amount)s)",
            {"organization_id": db.organization_id, "metric": metric, "amount": amount},
        )
    )


async def consume(db: Tenant | Platform, organization_id: UUID, metric: str, amount: int) -> bool:
    """Check and count in one step."""
    return bool(
        await db.value(
            "select private.consume_usage(%(organization_id)s, %(metric)s, %(amount)s)",
            {"organization_id": organization_id, "metric": metric, "amount": amount},
        )
    )
