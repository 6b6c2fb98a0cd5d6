"""What was refused stands in the log: who was turned away, where, and why, for whoever looks for attacks (ASVS 5.0, 16.3.2 and 16.3.3)."""

import structlog
from starlette.requests import Request

from frontdesk.web.requests import address, request_id, state

TURNED_AWAY = frozenset({401, 403, 429})
log = structlog.get_logger()


def note_refusal(request: Request, status: int, why: str) -> None:
    """Log a refusal. The route is named by its form, never as it was asked: a path may hold the token of a link."""
    if status not in TURNED_AWAY:
        return
    visitor, route = state(request).get("visitor"), request.scope.get("route")
    log.warning(
        "refused", status=status, why=why[:200], method=request.method, route=getattr(route, "path", None), user=str(visitor.user_id) if visitor else None,
        organization=str(visitor.current.organization_id) if visitor and visitor.current else None, address=address(request), request_id=request_id(request),
    )  # fmt: skip
