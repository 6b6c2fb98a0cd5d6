"""The HTML door of users: signing in and out, and the switch between organizations."""

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, BeforeValidator
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from frontdesk.errors import FrontdeskError
from frontdesk.users import actions
from frontdesk.users.admission import let_in, see_out, tell_streams
from frontdesk.users.attempts import TooManyAttempts
from frontdesk.web import (
    PUBLIC,
    SIGNED_IN,
    Door,
    Form,
    MaybeVisitor,
    SignedIn,
    actor,
    demand_security,
    find_visitor,
    go,
    local_path,
    read_form,
    render,
    typed,
)

door = Door()
SECTIONS_START = "/dashboard/"


class SignInForm(BaseModel):
    """What is sent from the sign-in page. Nothing is checked but by the answer, which is one and the same."""

    email: str = ""
    password: str = ""
    next: str = ""


class SwitchForm(BaseModel):
    """The organization to work in. `to`, since `organization_id` is the one the form was rendered for."""

    to: Annotated[UUID, BeforeValidator(str)]


@door.get("/", needs=PUBLIC)
async def front_door(request: Request) -> Response:
    """Where a visit begins: the overview, or for a stranger the sign-in."""
    return RedirectResponse("/dashboard" if await find_visitor(request) else "/login", status_code=303)


@door.get("/login", needs=PUBLIC)
async def sign_in_page(request: Request, who: MaybeVisitor) -> Response:
    """The sign-in; whoever is signed in already goes on to where he wanted."""
    wanted = local_path(request.query_params.get("next"), "")
    if who is not None:
        return go(request, wanted or "/dashboard")
    return await render(request, "users/login.html", form=Form.of({"next": wanted}))


@door.post("/login", needs=PUBLIC)
async def sign_in(request: Request, who: MaybeVisitor) -> Response:
    """Sign in: always with a new token, so that a planted one is worth nothing; the session before it ends."""
    form = await read_form(request, SignInForm)
    sent, database, caller = form.data or SignInForm(), request.app.state.database, actor(request, None)
    try:
        demand_security(request)
        admission = await actions.sign_in(database, caller, sent.email, sent.password)
    except FrontdeskError as error:
        return await _refused(request, form, error, sent.email)
    return await let_in(request, who, admission, sent.next)


@door.post("/logout", needs=SIGNED_IN)
async def sign_out(request: Request, who: SignedIn) -> Response:
    """End this session; where it has ended already, the guard shows the sign-in all the same. `next`: where to be as a stranger."""
    wanted = str((await typed(request)).get("next") or "")
    await actions.sign_out(request.app.state.database, actor(request, who), who)
    return see_out(request, who, "You are signed out.", local_path(wanted, "/login"))


@door.post("/session/organization", needs=SIGNED_IN)
async def switch_organization(request: Request, who: SignedIn) -> Response:
    """Work in another organization, on the same kind of page as before: what the page showed belongs to the first."""
    form = await read_form(request, SwitchForm)
    if form.data is None:
        raise actions.NotYourOrganization
    await actions.switch_organization(request.app.state.database, who, form.data.to)
    tell_streams(request, who)
    return go(request, same_section(request.headers.get("referer"), request.headers.get("host")))


def same_section(referer: str | None, host: str | None) -> str:
    """The section that the page asked from belongs to: `/dashboard/contacts` for `/dashboard/contacts/0190…?q=ada`."""
    parts = urlsplit(referer or "")
    if parts.netloc != host:
        return "/dashboard"
    if parts.path.startswith(SECTIONS_START):
        return "/".join(parts.path.split("/")[:3]).rstrip("/")
    return parts.path if parts.path == "/account" else "/dashboard"


async def _refused(request: Request, form: Form[SignInForm], error: FrontdeskError, email: str) -> Response:
    shown: Form[SignInForm] = Form.of({"email": email, "next": local_path(form.value("next") or None, "")})
    shown.errors[""] = str(error)
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooManyAttempts) else None
    response = await render(request, "users/login.html", status_code=error.status, headers=headers, form=shown)
    if isinstance(error, actions.WrongEmailOrPassword):
        caller = actor(request, None)
        response.background = BackgroundTask(actions.record_failure, request.app.state.database, caller, email)
    return response
