"""Beginning to look into an organization, ending that, and taking its archive along."""

from uuid import UUID

from frontdesk.database import Console, new_id
from frontdesk.errors import Conflict
from frontdesk.operator.log import store as log
from frontdesk.operator.reasons import reason
from frontdesk.operator.viewing import store

VIEW, EXPORT = "view", "export"


class NothingToSee(Conflict):
    """This organization is gone, or on its way out: there is nothing to be looked into."""


async def begin(db: Console, organization_id: UUID, why: str) -> None:
    """Look into it with this session, from now on and for half an hour. Raises ReasonMissing or NothingToSee."""
    said = reason(why)
    if not await store.begin(db, organization_id, new_id(), VIEW, said):
        raise NothingToSee
    await log.record(db, "operator.view_begun", organization_id=organization_id, details={"reason": said, "minutes": 30})


async def begin_export(db: Console, organization_id: UUID, why: str) -> None:
    """Let this session take the archive of it along. Raises as `begin` does."""
    said = reason(why)
    if not await store.begin(db, organization_id, new_id(), EXPORT, said):
        raise NothingToSee
    await log.record(db, "operator.export_begun", organization_id=organization_id, details={"reason": said})


async def end(db: Console) -> UUID | None:
    """End it; the organization that was looked into, or None when that was over already."""
    organization_id = await store.end(db)
    if organization_id is not None:
        await log.record(db, "operator.view_ended", organization_id=organization_id)
    return organization_id
