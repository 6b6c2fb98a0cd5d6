"""Billing events, found by what became of them, and handled again."""

from uuid import UUID

from frontdesk.billing import KeptEvent
from frontdesk.database import Console
from frontdesk.errors import NotFound
from frontdesk.operator.events import store
from frontdesk.operator.log import store as log

SHOWN = ("all", "waiting", "given_up")


class NoSuchEvent(NotFound):
    """There is no such event."""


async def find(db: Console, show: str, before: UUID | None, how_many: int) -> list[KeptEvent]:
    """All of them, those that wait, or those that want a look."""
    asked = {"waiting": store.waiting, "given_up": store.given_up}.get(show, store.newest)
    return await asked(db, before, how_many)


async def replay(db: Console, event_id: UUID) -> None:
    """Have it handled again, whatever became of it. Raises NoSuchEvent."""
    if not await store.replay(db, event_id):
        raise NoSuchEvent
    organization_id, told = await store.about(db, event_id)
    await log.record(db, "billing_event.replayed", organization_id=organization_id, target_type="billing_event", target_id=event_id, details={"name": told})
