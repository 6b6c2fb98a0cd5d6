"""The SQL of the operators' log."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from frontdesk.database import Console
from frontdesk.operator.log.records import Operation


async def record(
    db: Console, action: str, *, organization_id: UUID | None = None, target_type: str | None = None, target_id: UUID | str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Write down what this transaction did, in the operators' log and in the organization's own. Call it last."""
    await db.run(
        "select private.record_operation(%(action)s, %(organization_id)s, %(target_type)s, %(target_id)s, %(details)s)",
        {
            "action": action, "organization_id": organization_id, "target_type": target_type or ("organization" if organization_id else None),
            "target_id": str(target_id or organization_id or "") or None, "details": Jsonb(dict(details or {})),
        },
    )  # fmt: skip


async def record_on_user(db: Console, action: str, user_id: UUID, details: Mapping[str, Any] | None = None) -> None:
    """The same about a user, in the log of each of his organizations."""
    await db.run(
        "select private.record_operation_on_user(%(action)s, %(user_id)s, %(details)s)",
        {"action": action, "user_id": user_id, "details": Jsonb(dict(details or {}))},
    )


async def newest(db: Console, before: UUID | None, how_many: int, organization_id: UUID | None = None) -> list[Operation]:
    """What operators did, the newest first; of one organization, or everywhere."""
    return await db.records(
        Operation,
        """
        select id, at, operator_name, action, organization_id, organization, target_type, target_id, details, address
        from private.list_operator_entries(%(before)s, %(how_many)s, %(organization_id)s)
        """,
        {"before": before, "how_many": how_many, "organization_id": organization_id},
    )
