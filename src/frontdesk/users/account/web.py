"""The HTML door of the account: the page, the name, the sessions and the password."""

from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from frontdesk.errors import FrontdeskError
from frontdesk.users import actions
from frontdesk.users.account import passwords
from frontdesk.users.admission import see_out, tell_streams
from frontdesk.users.attempts import TooManyAttempts
from frontdesk.users.factors.actions import factors_of
from frontdesk.users.fields import Name
from frontdesk.web import (
    SIGNED_IN,
    Door,
    Form,
    ReauthenticationNeeded,
    SignedIn,
    SignInNeeded,
    actor,
    framed,
    go,
    read_form,
    render,
    start_session,
)
from frontdesk.web.devices import device

door = Door()


class NameForm(BaseModel):
    """What the user wants to be called."""

    name: Name


class PasswordForm(BaseModel):
    """The password that holds, and the one that shall. What is wrong with the new one, the domain says."""

    password: str = ""
    new_password: str = ""


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
    return see_out(request, who, "You are signed out everywhere.")


@door.post("/account/sessions/others/revocation", needs=SIGNED_IN)
async def sign_out_others(request: Request, who: SignedIn) -> Response:
    """End every session of the user but this one."""
    ended = await actions.sign_out_others(request.app.state.database, actor(request, who), who)
    tell_streams(request, who)
    return go(request, "/account", f"{ended} other {'device is' if ended == 1 else 'devices are'} signed out.")


@door.post("/account/sessions/{session_id}/revocation", needs=SIGNED_IN)
async def revoke_session(request: Request, who: SignedIn, session_id: UUID) -> Response:
    """End one session; of this one, sign out."""
    if session_id == who.session_id:
        await actions.sign_out(request.app.state.database, actor(request, who), who)
        return see_out(request, who, "You are signed out.")
    await actions.revoke_session(request.app.state.database, actor(request, who), who, session_id)
    tell_streams(request, who)
    return go(request, "/account", "That device is signed out.")


@door.get("/account/password", needs=SIGNED_IN)
async def password_page(request: Request, who: SignedIn) -> Response:
    """The form for another password; for a first one, who came another way proves himself first."""
    return await _password_page(request, who, Form())


@door.post("/account/password", needs=SIGNED_IN)
async def change_password(request: Request, who: SignedIn) -> Response:
    """Take another password. Every other device is signed out, and this browser gets a new token."""
    form = await read_form(request, PasswordForm)
    sent = form.data or PasswordForm()
    try:
        state, locale = request.app.state, request.headers.get("accept-language")
        token, ended = await passwords.change(state.database, state.mailer, actor(request, who), who, sent.password, sent.new_password, locale)
    except (ReauthenticationNeeded, SignInNeeded):
        raise
    except FrontdeskError as error:
        form.refuse(error)
        headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooManyAttempts) else None
        return await _password_page(request, who, form, error.status, headers)
    tell_streams(request, who)
    others = f" {ended} other {'device is' if ended == 1 else 'devices are'} signed out." if ended else ""
    response = go(request, "/account", f"Your password is changed.{others}")
    start_session(request, response, token, actions.SESSION_SECONDS)
    return response


async def _password_page(
    request: Request, who: SignedIn, form: Form[Any], status_code: int = 200, headers: dict[str, str] | None = None
) -> Response:  # fmt: skip
    has_one = await passwords.exists(request.app.state.database, who)
    if not has_one and not who.is_fresh:
        raise ReauthenticationNeeded
    async with framed(request, who):
        return await render(request, "users/account/password.html", status_code=status_code, headers=headers, form=form, has_password=has_one)


async def _account_page(request: Request, who: SignedIn, form: Form[NameForm], status_code: int = 200) -> Response:
    sessions = await actions.list_sessions(request.app.state.database, who)
    shown = [
        {"id": one.id, "current": one.id == who.session_id, "address": one.address, "device": device(one.user_agent),
         "created_at": one.created_at, "last_seen_at": one.last_seen_at} for one in sessions
    ]  # fmt: skip
    factors = await factors_of(request.app.state.database, who)
    async with framed(request, who):
        return await render(request, "users/account/show.html", status_code=status_code, form=form, sessions=shown, factors=factors)
