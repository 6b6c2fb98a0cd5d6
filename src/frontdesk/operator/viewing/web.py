"""The doors through which an operator looks into an organization, leaves it, and takes its archive along."""

from datetime import UTC, datetime
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import Response, StreamingResponse

from frontdesk import archives
from frontdesk.access import Actor
from frontdesk.errors import BadInput
from frontdesk.live import SESSIONS
from frontdesk.operator.organizations import actions as organizations
from frontdesk.operator.organizations.showing import page
from frontdesk.operator.viewing import actions
from frontdesk.web import OPERATOR, ConsoleDb, Door, SignedIn, actor, go, read_form

door = Door()

ONE = "/operator/organizations/{organization_id}"


class ReasonForm(BaseModel):
    """Why."""

    reason: str = ""


@door.post(ONE + "/viewing", needs=OPERATOR, fresh=True)
async def begin(request: Request, db: ConsoleDb, organization_id: UUID) -> Response:
    """Look into it, read-only, for half an hour."""
    form = await read_form(request, ReasonForm)
    await organizations.find(db, organization_id)
    try:
        await actions.begin(db, organization_id, str(form.value("reason")))
    except BadInput as error:
        form.refuse(error)
        return await page(request, db, organization_id, form, "viewing")
    return go(request, "/dashboard")


@door.post("/operator/viewing/end", needs=OPERATOR)
async def end(request: Request, db: ConsoleDb) -> Response:
    """Leave it. Open pages of it hear nothing more."""
    organization_id = await actions.end(db)
    if organization_id is None:
        return go(request, "/operator/organizations", "That was over already.", "info")
    response = go(request, f"/operator/organizations/{organization_id}", "You do not look into it any more.")
    response.background = BackgroundTask(request.app.state.live.changed, [organization_id], SESSIONS)
    return response


@door.post(ONE + "/export", needs=OPERATOR, fresh=True)
async def export(request: Request, db: ConsoleDb, who: SignedIn, organization_id: UUID) -> Response:
    """Everything of it as a ZIP file, written while it is sent, in transactions that may do that and nothing else."""
    form = await read_form(request, ReasonForm)
    organization = await organizations.find(db, organization_id)
    database, acting = request.app.state.database, actor(request, who)
    try:
        async with database.console(who.session_id, acting) as console:  # committed before the archive begins
            await actions.begin_export(console, organization_id, str(form.value("reason")))
    except BadInput as error:
        form.refuse(error)
        return await page(request, db, organization_id, form, "export")
    taking = Actor("operator", who.user_id, who.name, acting.address, acting.user_agent, acting.request_id, looks_by=who.session_id)
    async with database.tenant(organization_id, taking) as tenant:
        archive_id, tables = await archives.begin(tenant)
    pieces = archives.stream(database, organization_id, taking, archive_id, tables, organization.name)
    name = f"{organization.slug}-{datetime.now(UTC):%Y-%m-%d}.zip"
    return StreamingResponse(pieces, media_type="application/zip", headers={"content-disposition": f'attachment; filename="{name}"'})
