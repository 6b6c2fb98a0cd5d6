"""Turns a template and its facts into a page."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from babel.support import Translations
from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from frontdesk.database import SecondFactorNeeded
from frontdesk.web import devices, flash, times, words
from frontdesk.web.assets import static
from frontdesk.web.forms import form_token, hand_out_token, hidden_fields
from frontdesk.web.guard import actor
from frontdesk.web.requests import is_htmx, nonce, request_id, state, wants_fragment

PACKAGE = Path(__file__).parent.parent
LOCALES = Path(__file__).parent / "locales"
THEMES = ("light", "dark", "system")
FILTERS: tuple[Callable[..., Any], ...] = (
    times.local, times.clock, times.moment, times.stamp, times.day, times.full_date, times.short_date, times.weekday_date, times.span, times.days_until,
    words.number, words.money, words.initials, words.hue, words.phone, words.called,
    devices.device,
)  # fmt: skip


class Pages:
    """Every domain's templates: `contacts/show.html` is `contacts/pages/show.html`, `layout.html` the frame's own."""

    def __init__(self, locale: str = "en_GB") -> None:
        """Prepare the environment for one locale."""
        self.locale = locale
        self.environment = Environment(
            loader=FunctionLoader(_load),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        install: Callable[..., None] = getattr(self.environment, "install_gettext_translations")  # noqa: B009 - the extension adds it
        install(Translations.load(LOCALES, [locale]), newstyle=True)
        self.environment.globals["static"] = static
        self.environment.filters.update({word.__name__: word for word in FILTERS})

    def fill(self, name: str, context: Mapping[str, Any]) -> str:
        """The template `name` as text, filled with `context`."""
        return self.environment.get_template(name).render({"locale": self.locale, **context})


@cache
def pages() -> Pages:
    """The templates, parsed once."""
    return Pages()


async def render(request: Request, name: str, *, status_code: int = 200, headers: Mapping[str, str] | None = None, **context: Any) -> HTMLResponse:
    """Answer with a page or a fragment. With an error status the transaction is undone: a refused form saves nothing.

    Every template also has: visitor, may("contacts:write"), locked, frame, theme, nonce, csrf_input(), csrf_token, flashes,
    path, fragment, zone, now, simulated, mailbox (whether mail is shown, not sent),
    provider (the name of a sign-in provider), request_id.
    """
    if status_code >= 400:
        state(request)["undo"] = True
    response = HTMLResponse(pages().fill(name, await _surroundings(request) | context), status_code, headers=dict(headers or {}))
    hand_out_token(request, response)
    flash.forget_shown(request, response)
    return response


async def leave(request: Request, address: str) -> Response:
    """Go to a page of somebody else's, whose address is a secret of the reader's. Scripts are told by a header, browsers by a page.

    No redirect: a browser follows none to another site after a form, since our policy lets forms go nowhere else.
    """
    if urlsplit(address).scheme not in ("http", "https") or not address.isprintable():
        raise ValueError("this is no address to go to")
    if is_htmx(request):
        return Response(status_code=204, headers={"HX-Redirect": address})
    return await render(request, "leaving.html", headers={"Refresh": f"0; url={address}"}, address=address)


async def _surroundings(request: Request) -> dict[str, Any]:
    fragment, db = wants_fragment(request), state(request).get("tenant")
    frame = {} if fragment else await _frame(request)
    return {
        "visitor": state(request).get("visitor"),
        "may": lambda permission: db is not None and permission in db.permissions,
        "frame": frame,
        "locked": bool(state(request).get("locked")),
        "flashes": [] if fragment else flash.shown(request),
        "theme": theme(request),
        "nonce": nonce(request),
        "csrf_token": form_token(request),
        "csrf_input": lambda: hidden_fields(request),
        "path": request.url.path,
        "fragment": fragment,
        "zone": times.zone_or_utc(request.cookies.get("zone")),
        "now": datetime.now(UTC),
        "simulated": bool(getattr(getattr(request.app.state, "settings", None), "simulated", False)),
        "provider": str(getattr(getattr(request.app.state, "settings", None), "provider_name", "")),
        "mailbox": bool(getattr(getattr(request.app.state, "settings", None), "mailbox", False)),
        "request_id": request_id(request),
    }


async def _frame(request: Request) -> Mapping[str, Any]:
    db, visitor = state(request).get("tenant"), state(request).get("visitor")
    if db is not None:
        return dict(await request.app.state.load_frame(db))
    if "console" in state(request):
        return {}  # an operator's pages belong to no organization
    frameless = not hasattr(request.app.state, "load_frame")  # an application of its own, such as the simulator
    if visitor is None or visitor.current is None or frameless or state(request).get("locked"):
        return {}
    try:
        async with request.app.state.database.tenant(visitor.current.organization_id, actor(request, visitor)) as db:
            return dict(await request.app.state.load_frame(db))
    except SecondFactorNeeded:
        state(request)["locked"] = True
        return {}


def theme(request: Request) -> str:
    """What the reader chose: light, dark or system."""
    chosen = request.cookies.get("theme", "system")
    return chosen if chosen in THEMES else "system"


def _load(name: str) -> tuple[str, str, Callable[[], bool]] | None:
    domain, _, rest = name.rpartition("/") if "/" in name else ("web", "", name)
    file = PACKAGE / domain / "pages" / rest
    if not file.is_file():
        return None
    written = file.stat().st_mtime
    return file.read_text(), str(file), lambda: file.stat().st_mtime == written
