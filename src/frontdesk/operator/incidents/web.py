"""The page of incidents."""

from datetime import date
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from frontdesk.operator.incidents import actions, store
from frontdesk.web import OPERATOR, ConsoleDb, Door, SignedIn, go, in_console, read_form, render

door = Door()

PAGE = "/operator/incidents"
MOST = 100  # counters


class DriftForm(BaseModel):
    """Which counter: of which metric, in the period that begins on this day."""

    metric: str
    period_start: date


@door.get(PAGE, needs=OPERATOR, apart=True)
async def index(request: Request, who: SignedIn) -> Response:
    """What is wrong now, and where to look. The payment provider is asked as well, so no transaction waits for that."""
    state = request.app.state
    around = await actions.look_around(state.database, state.settings, state.secrets.vault)
    async with in_console(request, who) as db:
        counted, drifts = await actions.counted(db), await store.drifts(db, MOST + 1)
        return await render(request, "operator/incidents.html", incidents=[*around, *counted], drifts=drifts[:MOST], more=len(drifts) > MOST)


@door.post(PAGE + "/drifts/{organization_id}", needs=OPERATOR)
async def mend(request: Request, db: ConsoleDb, organization_id: UUID) -> Response:
    """Set a counter to what it counts."""
    form = await read_form(request, DriftForm)
    if form.data is None:
        raise actions.NoSuchDrift
    mended = await actions.mend(db, organization_id, form.data.metric, form.data.period_start)
    said = (
        "The counter says again what there is. The organization reads it in its log."
        if mended
        else "It agrees by now, or its period is over. Nothing was changed."
    )
    return go(request, PAGE, said, "ok" if mended else "info")
