"""The door of the sample data: one button on an empty overview."""

from fastapi import Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk.access import Permission
from frontdesk.demo import actions
from frontdesk.web import Db, Door, go

door = Door()


@door.post("/dashboard/sample-data", needs=Permission.ORGANIZATION_WRITE)
async def create(request: Request, db: Db) -> Response:
    """Load the sample data, once."""
    if await actions.load(db, request.app.state.settings):
        response = go(request, "/dashboard", "The sample data is here. Have a look at the inbox.")
        response.background = BackgroundTask(request.app.state.live.changed, [db.organization_id])  # after the commit
        return response
    return go(request, "/dashboard", "The sample data was loaded before.", "info")
