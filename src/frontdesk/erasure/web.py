"""Where an owner has the organization deleted and undoes that, and where a contact is given out or erased."""

from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from frontdesk import organizations
from frontdesk.access import Permission
from frontdesk.database import Tenant
from frontdesk.erasure import actions, contacts
from frontdesk.errors import BadInput
from frontdesk.web import Db, Door, Form, go, read_form, render

door = Door()

DELETION = "/dashboard/settings/deletion"
CONTACT = "/dashboard/contacts/{contact_id}"


class DeletionForm(BaseModel):
    """The short name of the organization, typed by hand."""

    confirmation: str = ""


@door.get(DELETION, needs=Permission.OWNERSHIP_WRITE)
async def deletion(request: Request, db: Db) -> Response:
    """What would go, and how to confirm."""
    return await _page(request, db, Form())


@door.post(DELETION, needs=Permission.OWNERSHIP_WRITE, fresh=True)
async def request_deletion(request: Request, db: Db) -> Response:
    """Have it deleted in seven days."""
    form = await read_form(request, DeletionForm)
    try:
        if form.data is not None:
            await actions.request_deletion(db, form.data.confirmation)
            return go(request, DELETION, "The organization will be deleted in seven days.", "info")
    except BadInput as error:
        form.refuse(error)
    return await _page(request, db, form, 422)


@door.post(f"{DELETION}/undoing", needs=Permission.OWNERSHIP_WRITE)
async def undo_deletion(request: Request, db: Db) -> Response:
    """Keep it after all."""
    await actions.undo_deletion(db)
    return go(request, "/dashboard", "The organization stays. Nothing was deleted.")


@door.post(CONTACT + "/export", needs=Permission.CONTACTS_EXPORT)
async def export_contact(request: Request, db: Db, contact_id: UUID) -> Response:
    """Everything that is known of a contact, as one JSON file."""
    known = await contacts.begin_export(db, contact_id)
    pieces = contacts.stream(request.app.state.database, db.organization_id, db.actor, known)
    return StreamingResponse(pieces, media_type="application/json", headers={"content-disposition": f'attachment; filename="contact-{contact_id}.json"'})


@door.post(CONTACT + "/erasure", needs=Permission.ORGANIZATION_WRITE)
async def erase_contact(request: Request, db: Db, contact_id: UUID) -> Response:
    """Take away what a contact said and who that was."""
    await contacts.erase(db, contact_id)
    response = go(request, f"/dashboard/contacts/{contact_id}", "The contact is erased. That something was said stays counted; what was said is gone.")
    response.background = BackgroundTask(request.app.state.live.changed, [db.organization_id])
    return response


async def _page(request: Request, db: Tenant, form: Form[Any], status_code: int = 200) -> Response:
    organization, waiting = await organizations.current(db), await actions.pending(db)
    return await render(request, "erasure/deletion.html", status_code=status_code, organization=organization, deletion=waiting, form=form)
