"""What all pages of the simulated Stripe share: where they are, and the page that says that something is over."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from frontdesk.web import render


def here(request: Request) -> str:
    """The simulator's own address, as far as a page of the same site needs it."""
    return str(request.scope.get("root_path", ""))


def address(request: Request) -> dict[str, Any]:
    """Where the simulator is and where the product is, for the frame of a page."""
    return {"base": here(request), "product": "/dashboard/billing" if here(request) else ""}


async def note(request: Request, what: str, back: str | None, status: int = 200) -> Response:
    """A page that says one thing: `expired`, `paid`, `gone`, `done`."""
    return await render(request, "billing/simulator/note.html", status_code=status, what=what, back=back, **address(request))
