"""The HTML door of an invitation's link. Opening it changes nothing: mail programs and scanners open links, too."""

from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from frontdesk import users
from frontdesk.errors import BadInput, FrontdeskError
from frontdesk.invitations.acceptance import actions
from frontdesk.invitations.records import Held
from frontdesk.live import ANYTHING
from frontdesk.web import PUBLIC, Door, Form, MaybeVisitor, Visitor, actor, demand_security, go, read_form, render, start_session

door = Door()

# The link is as good as a key: only the address of the site, never the path, is told to the next page. ("no-referrer" would take the Origin
# away from forms as well, which we demand.)
PRIVATE = {"Referrer-Policy": "strict-origin"}
GONE = 410


class JoinForm(BaseModel):
    """What a new user says of himself; his email is the invited one."""

    name: users.Name
    password: str


@door.get("/invitations/{token}", needs=PUBLIC)
async def show(request: Request, who: MaybeVisitor, token: str) -> Response:
    """What this link is good for, for whoever opens it."""
    held = await actions.find(request.app.state.database, actor(request, who), token)
    return await _page(request, who, held, token, Form())


@door.post("/invitations/{token}/acceptance", needs=PUBLIC)
async def accept(request: Request, who: MaybeVisitor, token: str) -> Response:
    """Come in: as who is signed in, else as a new user."""
    database, caller = request.app.state.database, actor(request, who)
    held = await actions.find(database, caller, token)
    form: Form[Any] = Form() if who else await _read(request, held)
    if who is None and form.data is None:
        return await _page(request, who, held, token, form, 422)
    try:
        session = await (actions.join(database, caller, who, token) if who else _register(request, held, token, form))
    except FrontdeskError as error:
        form.refuse(error)
        return await _page(request, who, await actions.find(database, caller, token), token, form, error.status)
    request.app.state.live.changed([held.organization_id], ANYTHING)
    response = go(request, "/dashboard", f"Welcome to {held.organization_name}.")
    if session is not None:
        start_session(request, response, session, users.SESSION_SECONDS)
    return response


async def _read(request: Request, held: Held) -> Form[JoinForm]:
    form = await read_form(request, JoinForm)
    if form.data is not None and (why := users.weakness(form.data.password, about=[held.email, form.data.name])):
        form.refuse(BadInput(why, field="password"))
    return form


async def _register(request: Request, held: Held, token: str, form: Form[JoinForm]) -> str:
    assert form.data is not None  # else the form is shown again
    demand_security(request)
    return await actions.register(request.app.state.database, actor(request, None), held, token, form.data.name, form.data.password)


async def _page(request: Request, who: Visitor | None, held: Held, token: str, form: Form[Any], status_code: int = 200) -> Response:
    form.values.pop("password", None)
    joined = who is not None and _is_meant(held, who) and held.organization_id in {one.organization_id for one in who.organizations}
    if status_code == 200 and held.state != "open" and not joined:
        status_code = GONE
    return await render(
        request, "invitations/acceptance/show.html", status_code=status_code, headers=PRIVATE, held=held, token=token, form=form, joined=joined,
        meant=who is not None and _is_meant(held, who),
    )  # fmt: skip


def _is_meant(held: Held, who: Visitor) -> bool:
    """Whether the invitation is for whoever is signed in, or was when it let him in."""
    return who.email.lower() == held.email.lower() or held.accepted_by == who.user_id
