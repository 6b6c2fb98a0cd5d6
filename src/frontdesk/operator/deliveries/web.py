"""The page of kept deliveries."""

from uuid import UUID

from fastapi import Request
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk.operator.deliveries import actions
from frontdesk.operator.paging import PAGE, cursor, page_of
from frontdesk.web import OPERATOR, ConsoleDb, Door, go, render, typed

door = Door()

LIST = "/operator/deliveries"


@door.get(LIST, needs=OPERATOR)
async def index(request: Request, db: ConsoleDb, show: str = "message", before: str = "") -> Response:
    """What is kept, the newest first."""
    show = show if show in actions.SHOWN else "message"
    deliveries, older = page_of(await actions.kept(db, show, cursor(before), PAGE + 1))
    return await render(request, "operator/deliveries.html", deliveries=deliveries, older=older, before=before, show=show)


@door.post(LIST + "/replay", needs=OPERATOR)
async def replay_all(request: Request, db: ConsoleDb) -> Response:
    """Put all back on the road that may come through now."""
    count = await actions.replay(db, None)
    said = f"{count} put back on the road." if count else "Nothing could be put back: numbers that nobody has connected keep theirs here."
    return await _told(request, said)


@door.post(LIST + "/{delivery_id}/replay", needs=OPERATOR)
async def replay(request: Request, db: ConsoleDb, delivery_id: UUID) -> Response:
    """Put one back on the road."""
    await actions.replay(db, delivery_id)
    return await _told(request, "It is back on the road.")


async def _told(request: Request, notice: str) -> Response:
    show = (await typed(request)).get("show", "")
    response = go(request, f"{LIST}?show={show}" if show in actions.SHOWN else LIST, notice)
    response.background = BackgroundTask(request.app.state.live.wake, "in")
    return response
