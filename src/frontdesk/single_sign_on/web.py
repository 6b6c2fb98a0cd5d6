"""The HTML door of the sign-in through a provider: there and back, a newcomer's registration, linking and unlinking."""

from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from frontdesk import invitations, users
from frontdesk.errors import FrontdeskError
from frontdesk.live import ANYTHING
from frontdesk.single_sign_on import actions, cookies
from frontdesk.single_sign_on.provider import Provider
from frontdesk.single_sign_on.records import Claims, Newcomer, Visit
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
    framed,
    go,
    local_path,
    read_form,
    render,
    start_session,
)

door = Door()
LONGEST_PATH = 1000  # of where one wants to go; a cookie has to hold it
Invited = tuple[str, invitations.Held] | None  # the token of an invitation, and what stands behind it


class InvitedForm(BaseModel):
    """What the provider may not know of somebody who joins an organization."""

    name: users.Name


class NewcomerForm(InvitedForm):
    """And of somebody who makes one."""

    organization_name: users.Name


async def provider_of(request: Request) -> Provider:
    """The provider of this installation; without one these doors are not there."""
    found: Provider = request.app.state.provider
    return found


Configured = Annotated[Provider, Depends(provider_of)]


@door.get("/login/provider", needs=PUBLIC)
async def sign_in(request: Request, provider: Configured) -> Response:
    """Send the browser to the provider. `again`: who is signed in proves himself there once more."""
    wanted = local_path(request.query_params.get("next"))[:LONGEST_PATH]
    if home := _elsewhere(request):
        return RedirectResponse(f"{home}/login/provider?{urlencode({'next': wanted})}", status_code=303)
    try:
        return await _set_out(request, provider, wanted, again="again" in request.query_params)
    except FrontdeskError as error:
        return go(request, "/login", str(error), "bad")


@door.get("/login/provider/callback", needs=PUBLIC)
async def come_back(request: Request, provider: Configured, who: MaybeVisitor) -> Response:
    """Take whom the provider sends back: to be signed in, to register, or to be linked."""
    said = request.query_params
    state, page = said.get("state", ""), "/account" if who else "/login"
    try:
        demand_security(request)
        kept = cookies.visit_in(request, state)
        visit, proof = await actions.come_back(request.app.state.database, state, kept.token)
        page = "/account/provider" if visit.session_id else page
        if "error" in said or "code" not in said:
            raise actions.NotGoneThrough
        claims = await provider.claims_of(said["code"], proof, said.get("iss"))
        response = await _taken(request, who, visit, claims, kept.wanted)
    except FrontdeskError as error:
        response = go(request, page, str(error), "bad")
    cookies.forget_visit(request, response, state)
    return response


@door.get("/register/provider", needs=PUBLIC)
async def newcomer_page(request: Request, provider: Configured) -> Response:
    """Ask a newcomer what his organization is called, or whether he joins the one that invited him."""
    try:
        newcomer, invited = await _newcomer(request)
    except FrontdeskError as error:
        return go(request, error.page if isinstance(error, actions.NotInvited) else "/login", str(error), "bad")
    return await _newcomer_page(request, provider, Form.of({"name": newcomer.name}), newcomer, invited)


@door.post("/register/provider", needs=PUBLIC)
async def register(request: Request, provider: Configured) -> Response:
    """Register a newcomer, and sign him in."""
    state, kept, page = request.app.state, cookies.newcomer_in(request), "/login"
    try:
        demand_security(request)
        newcomer, invited = await _newcomer(request)
        page = kept.wanted if invited else page
        form: Form[Any] = await read_form(request, InvitedForm if invited else NewcomerForm)
        if form.data is None:
            return await _newcomer_page(request, provider, form, newcomer, invited, 422)
        answers = actions.Answers(form.data.name, None if invited else form.data.organization_name, invited[0] if invited else None)
        locale = request.headers.get("accept-language")
        session = await actions.register(state.database, state.settings, state.mailer, actor(request, None), kept.token, answers, locale)
    except FrontdeskError as error:
        return go(request, page, str(error), "bad")
    if invited:
        state.live.changed([invited[1].organization_id], ANYTHING)
    response = go(request, "/dashboard", f"Welcome to {invited[1].organization_name}." if invited else "")
    start_session(request, response, session, users.SESSION_SECONDS)
    cookies.forget_newcomer(request, response)
    return response


@door.get("/account/provider", needs=SIGNED_IN, fresh=True)
async def identities_page(request: Request, provider: Configured, who: SignedIn) -> Response:
    """By which accounts at the provider the user may sign in."""
    identities = await actions.list_identities(request.app.state.database, who)
    async with framed(request, who):
        return await render(request, "single_sign_on/identities.html", identities=identities, issuer=provider.issuer)


@door.post("/account/provider/link", needs=SIGNED_IN, fresh=True)
async def link(request: Request, provider: Configured, who: SignedIn) -> Response:
    """Send the browser to the provider, to come back with an identity."""
    try:
        return await _set_out(request, provider, "/account/provider", who)
    except FrontdeskError as error:
        return go(request, "/account/provider", str(error), "bad")


@door.post("/account/provider/{identity_id}/unlinking", needs=SIGNED_IN, fresh=True)
async def unlink(request: Request, provider: Configured, who: SignedIn, identity_id: UUID) -> Response:
    """Take a way to sign in away."""
    try:
        await actions.unlink(request.app.state.database, actor(request, who), who, identity_id)
    except actions.LastWayIn as error:
        return go(request, "/account/provider", str(error), "bad")
    return go(request, "/account/provider", f"You cannot sign in with {provider.name} any more.")


async def _set_out(request: Request, provider: Provider, wanted: str, who: Visitor | None = None, *, again: bool = False) -> Response:
    demand_security(request)
    address, proof = await actions.begin(request.app.state.database, provider, actor(request, who), who.session_id if who else None, again=again)
    response = go(request, address)
    cookies.keep_visit(request, response, proof.state, cookies.Kept(proof.browser, wanted))
    return response


async def _taken(request: Request, who: Visitor | None, visit: Visit, claims: Claims, wanted: str) -> Response:
    database = request.app.state.database
    if visit.session_id is not None:
        if who is None:
            raise actions.VisitLost
        await actions.link(database, actor(request, who), who, visit, claims)
        return go(request, "/account/provider", f"You can sign in with {request.app.state.provider.name} now.")
    entered = await actions.enter(database, actor(request, None), claims)
    if isinstance(entered, actions.Waiting):
        response = go(request, "/register/provider")
        cookies.keep_newcomer(request, response, cookies.Kept(entered.token, wanted))
        return response
    return await users.let_in(request, who, entered, wanted)


async def _newcomer(request: Request) -> tuple[Newcomer, Invited]:
    database, kept = request.app.state.database, cookies.newcomer_in(request)
    newcomer = await actions.find_newcomer(database, kept.token)
    return newcomer, await actions.invitation_of(database, actor(request, None), newcomer, kept.wanted)


async def _newcomer_page(
    request: Request, provider: Provider, form: Form[Any], newcomer: Newcomer, invited: Invited, status_code: int = 200
) -> Response:  # fmt: skip
    return await render(
        request, "single_sign_on/register.html", status_code=status_code, form=form, newcomer=newcomer, provider_name=provider.name,
        organization=invited[1].organization_name if invited else None,
    )  # fmt: skip


def _elsewhere(request: Request) -> str | None:
    """On one's own machine: the address that the provider sends back to, if the browser calls this machine by another name.

    Cookies know names only, and the one kept at `localhost` would not be there at `127.0.0.1`.
    """
    settings = request.app.state.settings
    home = settings.home
    here, there = request.url.hostname, urlsplit(home).hostname
    return home if settings.development and here != there and {here, there} <= {"127.0.0.1", "localhost", "::1"} else None
