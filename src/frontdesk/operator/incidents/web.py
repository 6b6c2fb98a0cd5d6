"""The page of incidents."""

from fastapi import Request
from starlette.responses import Response

from frontdesk.operator.incidents import actions
from frontdesk.web import OPERATOR, ConsoleDb, Door, render

door = Door()


@door.get("/operator/incidents", needs=OPERATOR)
async def index(request: Request, db: ConsoleDb) -> Response:
    """What is wrong now, and where to look."""
    state = request.app.state
    return await render(request, "operator/incidents.html", incidents=await actions.look(db, state.database, state.settings, state.secrets.vault))
