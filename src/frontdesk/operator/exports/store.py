"""The SQL of what no page of the console lists."""

from typing import Any
from uuid import UUID

from frontdesk.database import Console


async def invoices(db: Console, after: tuple[UUID, str], how_many: int) -> list[dict[str, Any]]:
    """The invoices of every organization, by organization and the provider's id, from behind the one named."""
    return await db.rows(
        """
        select i.organization_id, o.name as organization, i.id, i.number, i.status, i.billing_reason, i.currency, i.subtotal, i.total, i.amount_paid,
          i.amount_remaining, i.issued_at, i.paid_at, i.attempt_count
        from public.invoices i join public.organizations o on o.id = i.organization_id
        where (i.organization_id, i.id) > (%(organization_id)s, %(id)s) order by i.organization_id, i.id limit %(how_many)s
        """,
        {"organization_id": after[0], "id": after[1], "how_many": how_many},
    )
