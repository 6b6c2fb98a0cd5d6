"""What an operator does for an organization, or against it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from frontdesk import erasure
from frontdesk.database import Console
from frontdesk.errors import BadInput, Conflict, NotFound
from frontdesk.operator.log import store as log
from frontdesk.operator.organizations import store
from frontdesk.operator.organizations.records import Row
from frontdesk.operator.reasons import reason

LONGEST_TRIAL = timedelta(days=366)


class NoSuchOrganization(NotFound):
    """There is no such organization."""


class AlreadySuspended(Conflict):
    """It is suspended already."""


class NotSuspended(Conflict):
    """It is not suspended."""


class NothingTried(Conflict):
    """There is no trial that could end later: something was bought, or it ends later anyway."""


class NotADay(BadInput):
    """Choose a day after today, and within a year."""


class GoingAlready(Conflict):
    """Its deletion is ordered already."""


class NothingToUndo(Conflict):
    """No deletion is waiting: somebody has undone it, or it has begun."""


async def find(db: Console, organization_id: UUID) -> Row:
    """One organization. Raises NoSuchOrganization."""
    for row in await store.rows(db, [organization_id]):
        return row
    raise NoSuchOrganization


async def suspend(db: Console, organization_id: UUID, why: str) -> None:
    """Suspend it: nothing leaves its numbers, and its members only read; what customers write is kept. Raises AlreadySuspended or what is wrong."""
    said, before = reason(why), await find(db, organization_id)
    if not await store.suspend(db, organization_id, said):
        raise AlreadySuspended
    await log.record(db, "organization.suspended", organization_id=organization_id, details={"name": before.name, "reason": said})


async def resume(db: Console, organization_id: UUID) -> None:
    """Let it go on. Raises NotSuspended."""
    before = await find(db, organization_id)
    if not await store.resume(db, organization_id):
        raise NotSuspended
    await log.record(db, "organization.resumed", organization_id=organization_id, details={"name": before.name})


async def extend_trial(db: Console, organization_id: UUID, until: datetime) -> None:
    """Let its trial end later. Raises NotADay or NothingTried."""
    before, now = await find(db, organization_id), datetime.now(UTC)
    if not now < until <= now + LONGEST_TRIAL:
        raise NotADay(field="until")
    if not await store.extend_trial(db, organization_id, until):
        raise NothingTried
    changed = {"trial_ends_at": {"from": f"{before.trial_ends_at:%Y-%m-%d}" if before.trial_ends_at else None, "to": f"{until:%Y-%m-%d}"}}
    await log.record(db, "subscription.trial_extended", organization_id=organization_id, details={"name": before.name, "changed": changed})


async def order_deletion(db: Console, organization_id: UUID, typed: str, why: str) -> None:
    """Have it deleted in seven days, as an owner could. Raises what is wrong, or GoingAlready."""
    said, before = reason(why), await find(db, organization_id)
    if typed.strip() != before.slug:
        raise BadInput(f"Type {before.slug} to confirm.", field="confirmation")
    if not await erasure.order(db, organization_id):
        raise GoingAlready
    details = {"name": before.name, "days": 7, "reason": said}
    await log.record(db, "organization.deletion_requested", organization_id=organization_id, details=details)


async def undo_deletion(db: Console, organization_id: UUID) -> None:
    """Keep it after all. Raises NothingToUndo."""
    before = await find(db, organization_id)
    if not await erasure.revoke(db, organization_id):
        raise NothingToUndo
    await log.record(db, "organization.deletion_undone", organization_id=organization_id, details={"name": before.name})
