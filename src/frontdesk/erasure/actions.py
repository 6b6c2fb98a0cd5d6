"""Deleting an organization: asked for, undone, begun when it is due, and done piece by piece."""

from uuid import UUID

import structlog
from psycopg import DatabaseError, OperationalError

from frontdesk import audit, organizations
from frontdesk.database import Console, Database, Tenant
from frontdesk.erasure import store
from frontdesk.erasure.records import Deletion, Piece
from frontdesk.errors import BadInput, Conflict

PIECE = 5_000  # rows of one transaction
log = structlog.get_logger()


class NotConfirmed(BadInput):
    """Type the short name of the organization to confirm."""


class NothingToUndo(Conflict):
    """No deletion is waiting: somebody has undone it, or it has begun."""


async def pending(db: Tenant) -> Deletion | None:
    """The deletion that waits for its day, if one does."""
    return await store.pending(db)


async def request_deletion(db: Tenant, typed: str) -> None:
    """Have the organization deleted in seven days. Raises NotConfirmed."""
    organization = await organizations.current(db)
    if typed.strip() != organization.slug:
        raise NotConfirmed(f"Type {organization.slug} to confirm.", field="confirmation")
    if await store.request(db):
        details = {"name": organization.name, "days": 7}
        await audit.append(db, "organization.deletion_requested", target_type="organization", target_id=db.organization_id, details=details)


async def undo_deletion(db: Tenant) -> None:
    """Keep the organization after all. Raises NothingToUndo."""
    if not await store.undo(db):
        raise NothingToUndo
    organization = await organizations.current(db)
    details = {"name": organization.name}
    await audit.append(db, "organization.deletion_undone", target_type="organization", target_id=db.organization_id, details=details)


async def order(db: Console, organization_id: UUID) -> bool:
    """Have an organization deleted in seven days, as an operator; False when that was asked for before. Whoever calls writes the log."""
    return await store.order(db, organization_id)


async def revoke(db: Console, organization_id: UUID) -> bool:
    """Take that back, whoever asked for it; False when nothing waits, or it has begun."""
    return await store.revoke(db, organization_id)


async def sweep(database: Database) -> int:
    """Begin what is due, and delete one piece, each in a transaction of its own. Returns how many rows went; 0 when nothing is to be deleted.

    The organization's own log goes with it: what was done stands in the log of the operator, and in private.deleted_organizations.
    """
    async with database.platform() as db:
        for begun in await store.begin(db):
            log.info("the deletion of an organization has begun", organization=str(begun["id"]), slug=begun["slug"])
    async with database.platform() as db:
        going = await store.next_deletion(db)
    return await _delete_a_piece(database, going) if going is not None else 0


async def _delete_a_piece(database: Database, organization_id: UUID) -> int:
    try:
        async with database.platform() as db:
            piece: Piece | None = await store.delete_a_piece(db, organization_id, PIECE)
    except OperationalError:
        raise  # it is about the database, not about this organization
    except DatabaseError as error:
        async with database.platform() as db:
            await store.put_off(db, organization_id)
        log.error("a piece of a deletion failed; the others go on", organization=str(organization_id), error=str(error))
        return 1  # look for the next at once
    if piece is None:
        return 0
    if piece.of_table == "public.organizations":
        log.info("an organization is deleted", organization=str(piece.id), slug=piece.slug)
    return piece.gone
