"""The page on which an owner has the organization deleted, and undoes that."""

from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from frontdesk import organizations
from frontdesk.access import Permission
from frontdesk.database import Tenant
from frontdesk.erasure import actions
from frontdesk.errors import BadInput
from frontdesk.web import Db, Door, Form, go, read_form, render

door = Door()

DELETION = "/dashboard/settings/deletion"


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


async def _page(request: Request, db: Tenant, form: Form[Any], status_code: int = 200) -> Response:
    organization, waiting = await organizations.current(db), await actions.pending(db)
    return await render(request, "erasure/deletion.html", status_code=status_code, organization=organization, deletion=waiting, form=form)
