"""Kept deliveries: found by what became of them, and told again."""

from uuid import UUID

from frontdesk.database import Console
from frontdesk.errors import Conflict
from frontdesk.operator.deliveries import store
from frontdesk.operator.deliveries.records import Delivery
from frontdesk.operator.log import store as log

SHOWN = ("message", "status", "unrouted", "other")


class StaysHere(Conflict):
    """It is gone already, or no number here would take it: connect the number first."""


async def kept(db: Console, show: str, before: UUID | None, how_many: int) -> list[Delivery]:
    """What is kept: messages or statuses that could not be told, what is for nobody here, or what is neither."""
    return await (store.unrouted(db, before, how_many) if show == "unrouted" else store.failed(db, show, before, how_many))


async def replay(db: Console, delivery_id: UUID | None) -> int:
    """Put one back on the road, or all; how many that were. Raises StaysHere for one that cannot go."""
    count = await store.replay(db, delivery_id)
    if delivery_id is not None and not count:
        raise StaysHere
    await log.record(db, "deliveries.replayed", target_type="delivery", target_id=delivery_id, details={"deliveries": count})
    return count
