"""The HTML door of the registration."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from frontdesk import users
from frontdesk.errors import FrontdeskError
from frontdesk.registration import actions
from frontdesk.registration.forms import RegistrationForm
from frontdesk.web import PUBLIC, Door, Form, MaybeVisitor, actor, demand_security, go, read_form, render, start_session

door = Door()


@door.get("/register", needs=PUBLIC)
async def registration_page(request: Request, who: MaybeVisitor) -> Response:
    """The form; whoever is signed in has an organization already."""
    if who is not None:
        return go(request, "/dashboard")
    return await _page(request, Form())


@door.post("/register", needs=PUBLIC)
async def register(request: Request) -> Response:
    """Register and be signed in. What was typed stays, but for the password."""
    form = await read_form(request, RegistrationForm)
    if form.data is None:
        return await _page(request, form, 422)
    try:
        demand_security(request)
        state = request.app.state
        locale = request.headers.get("accept-language")
        token = await actions.register(state.database, state.settings, state.mailer, actor(request, None), form.data, locale)
    except FrontdeskError as error:
        form.refuse(error)
        retry = {"Retry-After": str(error.seconds)} if isinstance(error, users.TooManyAttempts) else None
        return await _page(request, form, error.status, retry)
    response = go(request, "/dashboard")
    start_session(request, response, token, users.SESSION_SECONDS)
    return response


async def _page(request: Request, form: Form[Any], status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
    form.values.pop("password", None)
    return await render(request, "registration/register.html", status_code=status_code, headers=headers, form=form)
