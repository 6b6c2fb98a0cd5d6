"""What a browser gets at the door: its session when its user came in, and the sign-in page when he went."""

from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from frontdesk.live import SESSIONS
from frontdesk.users import actions
from frontdesk.users.records import Admission
from frontdesk.web import Visitor, actor, end_session, go, local_path, start_pending, start_session

SECOND_STEP = "/login/second-factor"


async def let_in(request: Request, before: Visitor | None, admission: Admission, wanted: str = "") -> Response:
    """Go on to the wanted page with what was admitted, or to the second step first.

    The session that was here `before` ends: a planted token is worth nothing.
    """
    if admission.is_pending:
        response = go(request, SECOND_STEP + (f"?next={quote(wanted, safe='/')}" if local_path(wanted, "") else ""))
        start_pending(request, response, admission.token, actions.PENDING_SECONDS)
        return response
    if before is not None:
        await actions.sign_out(request.app.state.database, actor(request, before), before)
        tell_streams(request, before)
    response = go(request, local_path(wanted))
    start_session(request, response, admission.token, actions.SESSION_SECONDS)
    return response


def see_out(request: Request, who: Visitor, notice: str, path: str = "/login") -> Response:
    """Show the sign-in page, or what else a stranger may see: this session has ended."""
    tell_streams(request, who)
    response = go(request, path, notice)
    end_session(request, response)
    return response


def tell_streams(request: Request, who: Visitor) -> None:
    """Let live updates of this user's open pages look again whether they may go on."""
    request.app.state.live.changed([one.organization_id for one in who.organizations], SESSIONS)
