"""The page of billing events."""

from uuid import UUID

from fastapi import Request
from starlette.responses import Response

from frontdesk.operator.events import actions
from frontdesk.operator.paging import PAGE, cursor, page_of
from frontdesk.web import OPERATOR, ConsoleDb, Door, go, render, typed

door = Door()

LIST = "/operator/events"


@door.get(LIST, needs=OPERATOR)
async def index(request: Request, db: ConsoleDb, show: str = "all", before: str = "") -> Response:
    """The events, the newest first."""
    show = show if show in actions.SHOWN else "all"
    events, older = page_of(await actions.find(db, show, cursor(before), PAGE + 1))
    return await render(request, "operator/events.html", events=events, older=older, before=before, show=show)


@door.post(LIST + "/{event_id}/replay", needs=OPERATOR)
async def replay(request: Request, db: ConsoleDb, event_id: UUID) -> Response:
    """Have one handled again."""
    await actions.replay(db, event_id)
    show = (await typed(request)).get("show", "")
    return go(request, f"{LIST}?show={show}" if show in actions.SHOWN else LIST, "It will be handled again, in a moment.")
