"""The SQL of what is wrong."""

from datetime import date
from typing import Any
from uuid import UUID

from frontdesk.database import Console
from frontdesk.operator.incidents.records import Drift, Incident


async def counted(db: Console) -> list[Incident]:
    """What the database knows of, each kind once; 0 of it is well."""
    return await db.records(Incident, "select what, how_many, since from private.incidents()")


async def drifts(db: Console, how_many: int) -> list[Drift]:
    """Counters that the last recounts found to differ, the newest first."""
    return await db.records(
        Drift,
        """
        select organization_id, organization, metric, description, period_start, counted, recounted, found_at
        from private.drifts_for_operators(%(how_many)s)
        """,
        {"how_many": how_many},
    )


async def mend(db: Console, organization_id: UUID, metric: str, period_start: date) -> dict[str, Any]:
    """Set one to what is counted again now. outcome: mended, agrees (by now), or nothing (is noted of it); counted and recounted: both numbers."""
    found = await db.row(
        "select outcome, counted, recounted from private.mend_usage(%(organization_id)s, %(metric)s, %(period_start)s)",
        {"organization_id": organization_id, "metric": metric, "period_start": period_start},
    )
    return found or {"outcome": "nothing", "counted": 0, "recounted": 0}
