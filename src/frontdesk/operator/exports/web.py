"""The door through which the console's lists leave as files."""

from datetime import UTC, datetime

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from frontdesk.operator.exports import actions
from frontdesk.operator.exports.records import Wish
from frontdesk.web import OPERATOR, ConsoleDb, Door, SignedIn, actor, typed

door = Door()

ASKED = ("q", "state", "plan", "show")  # what a list's page may be asked for


@door.post("/operator/exports/{what}", needs=OPERATOR, fresh=True)
async def export(request: Request, db: ConsoleDb, who: SignedIn, what: str) -> Response:
    """A list as CSV, of what its page was asked for. It names customers: so it wants a proof, and is told in the log."""
    form = await typed(request)
    asked = {name: " ".join(str(form.get(name) or "").replace("\x00", " ").split())[:254] for name in ASKED}
    wish = Wish(what, {name: value for name, value in asked.items() if value and value != "all"})
    await actions.note(db, wish)
    pieces = actions.stream(request.app.state.database, who.session_id, actor(request, who), wish)
    name = f"{what}-{datetime.now(UTC):%Y-%m-%d}.csv"
    return StreamingResponse(pieces, media_type="text/csv; charset=utf-8", headers={"content-disposition": f'attachment; filename="{name}"'})
