"""The page of the operators' log."""

from fastapi import Request
from starlette.responses import Response

from frontdesk.operator.log import store
from frontdesk.operator.paging import PAGE, cursor, page_of
from frontdesk.web import OPERATOR, ConsoleDb, Door, render

door = Door()


@door.get("/operator/log", needs=OPERATOR)
async def index(request: Request, db: ConsoleDb, before: str = "") -> Response:
    """What operators did, the newest first."""
    entries, older = page_of(await store.newest(db, cursor(before), PAGE + 1))
    return await render(request, "operator/log.html", entries=entries, older=older, before=before)
