"""What all pages of the simulated Stripe share: where they are, and the page that says that something is over."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from frontdesk.billing.simulator.links import is_link
from frontdesk.web import render


def here(request: Request) -> str:
    """The simulator's own address, as far as a page of the same site needs it."""
    return str(request.scope.get("root_path", ""))


def address(request: Request) -> dict[str, Any]:
    """Where the simulator is and where the product is, for the frame of a page."""
    return {"base": here(request), "product": "/dashboard/billing" if here(request) else ""}


async def note(request: Request, what: str, back: str | None, status: int = 200) -> Response:
    """A page that says one thing, with a way back: `expired`, `gone`."""
    return await render(request, "billing/simulator/note.html", status_code=status, what=what, back=_safe(back), **address(request))


async def leave(request: Request, what: str, back: str | None) -> Response:
    """A page that says one thing, `paid` or `done`, and leads on to the product by itself.

    No redirect: a browser follows none to another site after a form, since our policy lets forms go nowhere else.
    """
    safe = _safe(back)
    headers = {"Refresh": f"0; url={safe}"} if safe else {}
    return await render(request, "billing/simulator/note.html", headers=headers, what=what, back=safe, **address(request))


def _safe(back: str | None) -> str | None:
    return back if back and is_link(back) else None
