"""The SQL of telling an organization what was ordered for it."""

from datetime import datetime
from uuid import UUID

from frontdesk.database import Console


async def tell(db: Console, organization_id: UUID, plan: str, reason: str, ends_at: datetime | None) -> None:
    """Owe its owners a mail: that this plan ends then, or goes on after all (None)."""
    await db.run(
        "select private.tell_of_order(%(organization_id)s, %(plan)s, %(reason)s, %(ends_at)s)",
        {"organization_id": organization_id, "plan": plan, "reason": reason, "ends_at": ends_at},
    )
