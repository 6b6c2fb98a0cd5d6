"""The page of incidents."""

from fastapi import Request
from starlette.responses import Response

from frontdesk.operator.incidents import actions
from frontdesk.web import OPERATOR, Door, SignedIn, in_console, render

door = Door()


@door.get("/operator/incidents", needs=OPERATOR, apart=True)
async def index(request: Request, who: SignedIn) -> Response:
    """What is wrong now, and where to look. The payment provider is asked as well, so no transaction waits for that."""
    state = request.app.state
    around = await actions.look_around(state.database, state.settings, state.secrets.vault)
    async with in_console(request, who) as db:
        return await render(request, "operator/incidents.html", incidents=[*around, *await actions.counted(db)])
