"""The pages of contacts."""

from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk import audit
from frontdesk.access import Permission
from frontdesk.contacts import actions, store
from frontdesk.contacts.languages import language_name
from frontdesk.contacts.records import Contact, Cursor
from frontdesk.database import Tenant
from frontdesk.errors import BadInput
from frontdesk.web import Db, Door, Form, go, read_form, render

door = Door()

LIST = "/dashboard/contacts"
SHOWN = {"all": None, "blocked": True}


class RenameForm(BaseModel):
    """What the form of a name sends."""

    given_name: str = ""


@door.get(LIST, needs=Permission.CONTACTS_READ)
async def index(request: Request, db: Db, q: str = "", show: str = "all", before: str = "") -> Response:
    """The list: searched, filtered and paged by its address. `before`: where the page begins."""
    show, q = show if show in SHOWN else "all", q.replace("\x00", "")[:200]
    page, following = await actions.search(db, q, blocked=SHOWN[show], after=Cursor.read(before))
    everybody, blocked, over = await store.figures(db)
    fitting = None if q.strip() else blocked if show == "blocked" else everybody
    return await render(
        request, "contacts/index.html", contacts=page, total=everybody, over=over, fitting=fitting, q=q, show=show,
        before=before or None, older=following.written() if following else None,
    )  # fmt: skip


@door.get(LIST + "/{contact_id}", needs=Permission.CONTACTS_READ)
async def show(request: Request, db: Db, contact_id: UUID) -> Response:
    """One contact with its conversations."""
    return await _page(request, db, await actions.find(db, contact_id), Form())


@door.post(LIST + "/{contact_id}/name", needs=Permission.CONTACTS_WRITE)
async def rename(request: Request, db: Db, contact_id: UUID) -> Response:
    """Call a contact by another name."""
    form = await read_form(request, RenameForm)
    try:
        if form.data is not None:
            contact = await actions.rename(db, contact_id, form.data.given_name)
            said = f"This contact is now {contact.called}." if contact.called else "Saved."
            return _told(request, db, go(request, f"{LIST}/{contact_id}", said))
    except BadInput as error:
        form.refuse(error)
    return await _page(request, db, await actions.find(db, contact_id), form, 422)


@door.post(LIST + "/{contact_id}/block", needs=Permission.CONTACTS_WRITE)
async def block(request: Request, db: Db, contact_id: UUID) -> Response:
    """Stop answering a contact."""
    contact = await actions.block(db, contact_id)
    said = f"{contact.called or 'This contact'} is blocked. What they write is kept, and nobody answers."
    return _told(request, db, go(request, f"{LIST}/{contact_id}", said))


@door.post(LIST + "/{contact_id}/unblock", needs=Permission.CONTACTS_WRITE)
@door.delete(LIST + "/{contact_id}/block", needs=Permission.CONTACTS_WRITE)
async def unblock(request: Request, db: Db, contact_id: UUID) -> Response:
    """Answer a contact again."""
    contact = await actions.unblock(db, contact_id)
    said = f"{contact.called or 'This contact'} is not blocked any more."
    return _told(request, db, go(request, f"{LIST}/{contact_id}", said))


def _told(request: Request, db: Tenant, response: Response) -> Response:
    """Tell open pages, once the answer has left: the change is committed by then."""
    response.background = BackgroundTask(request.app.state.live.changed, [db.organization_id])
    return response


async def _page(request: Request, db: Tenant, contact: Contact, form: Form[RenameForm], status_code: int = 200) -> Response:
    form.values.setdefault("given_name", contact.given_name or "")
    return await render(
        request, "contacts/show.html", status_code=status_code, contact=contact, form=form,
        conversations=await store.threads(db, contact.id),
        identities=await store.addresses(db, contact.id), talk=await store.talk(db, contact.id),
        language=language_name(contact.language), activity=await audit.activity(db, "contact", contact.id),
        blocked_by_name=await store.colleague_name(db, contact.blocked_by) if contact.blocked_by else None,
    )  # fmt: skip
