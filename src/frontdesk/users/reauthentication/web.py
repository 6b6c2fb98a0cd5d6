"""The HTML door of the proof: a page to which what is hard to undo sends a browser, and from which it comes back."""

from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from frontdesk.errors import FrontdeskError
from frontdesk.users import actions as users
from frontdesk.users.account import passwords
from frontdesk.users.attempts import TooManyAttempts
from frontdesk.users.factors.actions import factors_of
from frontdesk.users.passkeys import actions as passkeys
from frontdesk.users.passkeys.web import site_of
from frontdesk.users.reauthentication import actions
from frontdesk.web import SIGNED_IN, Door, Form, SignedIn, SignInNeeded, actor, demand_security, go, local_path, read_form, render, start_session

door = Door()


class ProofForm(BaseModel):
    """The password, a code of the authenticator app, or what the browser made of a passkey's signature; and where the user was going."""

    password: str = ""
    code: str = ""
    credential: str = ""
    next: str = ""


@door.get("/account/reauthentication", needs=SIGNED_IN)
async def reauthentication_page(request: Request, who: SignedIn) -> Response:
    """Ask for the proof; who gave one a moment ago goes on."""
    wanted = local_path(request.query_params.get("next"), "/account")
    return go(request, wanted) if who.is_fresh else await _page(request, who, Form.of({"next": wanted}))


@door.post("/account/reauthentication", needs=SIGNED_IN)
async def reauthenticate(request: Request, who: SignedIn) -> Response:
    """Take the proof and go back, always with a new token."""
    form = await read_form(request, ProofForm)
    sent = form.data or ProofForm()
    try:
        demand_security(request)
        token = await _proved(request, who, sent)
    except SignInNeeded:
        raise
    except FrontdeskError as error:
        form.refuse(error)
        headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooManyAttempts) else None
        return await _page(request, who, form, error.status, headers)
    response = go(request, local_path(sent.next, "/account"))
    start_session(request, response, token, users.SESSION_SECONDS)
    return response


@door.post("/account/reauthentication/challenge", needs=SIGNED_IN)
async def create_challenge(request: Request, who: SignedIn) -> Response:
    """What the browser needs to have one of the user's passkeys sign."""
    options = await passkeys.request_options(request.app.state.database, site_of(request), actor(request, who), passkeys.REAUTHENTICATION, who.user_id)
    return Response(options, media_type="application/json")


async def _proved(request: Request, who: SignedIn, sent: ProofForm) -> str:
    state, user = request.app.state, actor(request, who)
    if sent.credential:
        return await actions.by_passkey(state.database, site_of(request), user, who, sent.credential)
    if sent.code:
        return await actions.by_authenticator(state.database, state.secrets.vault, user, who, sent.code)
    return await actions.by_password(state.database, user, who, sent.password)


async def _page(request: Request, who: SignedIn, form: Form[Any], status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
    shown: Form[Any] = Form(values={"next": local_path(form.value("next") or None, "/account")}, errors=form.errors)
    has_password = await passwords.exists(request.app.state.database, who)
    factors = await factors_of(request.app.state.database, who)
    facts = {"form": shown, "has_password": has_password, "factors": factors}
    return await render(request, "users/reauthentication/show.html", status_code=status_code, headers=headers, **facts)
