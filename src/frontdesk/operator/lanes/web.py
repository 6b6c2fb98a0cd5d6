"""The page of jobs and lanes."""

from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response

from frontdesk.operator.lanes import store
from frontdesk.web import OPERATOR, ConsoleDb, Door, render

door = Door()

MOST = 100


@door.get("/operator/lanes", needs=OPERATOR)
async def index(request: Request, db: ConsoleDb) -> Response:
    """What waits, on which lane and for which job, and what rests."""
    return await render(
        request, "operator/lanes.html", lanes=await store.busy(db, MOST), stopped=await store.stopped(db, MOST), jobs=await store.jobs(db),
        deletions=await store.deletions(db, MOST), now=datetime.now(UTC),
    )  # fmt: skip
