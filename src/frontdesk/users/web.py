"""The HTML door of users: signing in and out, the account page, and the switch between organizations."""

from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, BeforeValidator
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response

from frontdesk.errors import FrontdeskError
from frontdesk.live import SESSIONS
from frontdesk.users import actions
from frontdesk.users.attempts import TooManyAttempts
from frontdesk.users.devices import describe
from frontdesk.users.fields import Name
from frontdesk.web import (
    PUBLIC,
    SIGNED_IN,
    Door,
    Form,
    MaybeVisitor,
    SignedIn,
    Visitor,
    actor,
    demand_security,
    end_session,
    find_visitor,
    framed,
    go,
    local_path,
    read_form,
    render,
    start_session,
)

door = Door()
SECTIONS_START = "/dashboard/"


class SignInForm(BaseModel):
    """What is sent from the sign-in page. Nothing is checked but by the answer, which is one and the same."""

    email: str = ""
    password: str = ""
    next: str = ""


class NameForm(BaseModel):
    """What the user wants to be called."""

    name: Name


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
        token = await actions.sign_in(database, caller, sent.email, sent.password)
    except FrontdeskError as error:
        return await _refused(request, form, error, sent.email)
    if who is not None:
        await actions.sign_out(database, actor(request, who), who)
        _tell_streams(request, who)
    response = go(request, local_path(sent.next))
    start_session(request, response, token, actions.SESSION_SECONDS)
    return response


@door.post("/logout", needs=SIGNED_IN)
async def sign_out(request: Request, who: SignedIn) -> Response:
    """End this session; where it has ended already, the guard shows the sign-in all the same."""
    await actions.sign_out(request.app.state.database, actor(request, who), who)
    return _signed_out(request, who, "You are signed out.")


@door.get("/account", needs=SIGNED_IN)
async def account(request: Request, who: SignedIn) -> Response:
    """The user's own page."""
    return await _account_page(request, who, Form.of({"name": who.name}))


@door.post("/account/name", needs=SIGNED_IN)
async def change_name(request: Request, who: SignedIn) -> Response:
    """Call the user something else."""
    form = await read_form(request, NameForm)
    if form.data is None:
        return await _account_page(request, who, form, 422)
    await actions.rename(request.app.state.database, actor(request, who), who, form.data.name)
    return go(request, "/account", "Your name is changed.")


@door.post("/account/sessions/revocation", needs=SIGNED_IN)
async def sign_out_everywhere(request: Request, who: SignedIn) -> Response:
    """End every session of the user, this one too."""
    await actions.sign_out_everywhere(request.app.state.database, actor(request, who), who)
    return _signed_out(request, who, "You are signed out everywhere.")


@door.post("/account/sessions/{session_id}/revocation", needs=SIGNED_IN)
async def revoke_session(request: Request, who: SignedIn, session_id: UUID) -> Response:
    """End one session; of this one, sign out."""
    if session_id == who.session_id:
        await actions.sign_out(request.app.state.database, actor(request, who), who)
        return _signed_out(request, who, "You are signed out.")
    await actions.revoke_session(request.app.state.database, actor(request, who), who, session_id)
    _tell_streams(request, who)
    return go(request, "/account", "That device is signed out.")


@door.post("/session/organization", needs=SIGNED_IN)
async def switch_organization(request: Request, who: SignedIn) -> Response:
    """Work in another organization, on the same kind of page as before: what the page showed belongs to the first."""
    form = await read_form(request, SwitchForm)
    if form.data is None:
        raise actions.NotYourOrganization
    await actions.switch_organization(request.app.state.database, who, form.data.to)
    _tell_streams(request, who)
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


def _signed_out(request: Request, who: Visitor, notice: str) -> Response:
    _tell_streams(request, who)
    response = go(request, "/login", notice)
    end_session(request, response)
    return response


def _tell_streams(request: Request, who: Visitor) -> None:
    """Live updates of this user's open pages look again whether they may go on."""
    request.app.state.live.changed([one.organization_id for one in who.organizations], SESSIONS)


async def _account_page(request: Request, who: SignedIn, form: Form[NameForm], status_code: int = 200) -> Response:
    sessions = await actions.list_sessions(request.app.state.database, who)
    shown = [
        {"id": one.id, "current": one.id == who.session_id, "address": one.address, "device": describe(one.user_agent),
         "created_at": one.created_at, "last_seen_at": one.last_seen_at} for one in sessions
    ]  # fmt: skip
    async with framed(request, who):
        return await render(request, "users/account.html", status_code=status_code, form=form, sessions=shown)
