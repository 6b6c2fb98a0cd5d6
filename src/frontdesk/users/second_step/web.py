"""The HTML door of the second step. Whoever stands here has no session yet, and reaches nothing else."""

from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from frontdesk.errors import FrontdeskError
from frontdesk.users.admission import SECOND_STEP, let_in
from frontdesk.users.attempts import TooManyAttempts
from frontdesk.users.factors.codes import Spent
from frontdesk.users.factors.records import FEW_CODES
from frontdesk.users.passkeys import actions as passkeys
from frontdesk.users.passkeys.web import site_of
from frontdesk.users.records import Admission
from frontdesk.users.second_step import actions
from frontdesk.web import (
    PUBLIC,
    Door,
    Flash,
    Form,
    MaybeVisitor,
    actor,
    demand_security,
    end_pending,
    go,
    local_path,
    pending_token,
    read_form,
    render,
    say,
)

door = Door()


class SecondStepForm(BaseModel):
    """A code of the app, a recovery code, or what the browser made of a passkey's signature; and where the user was going."""

    code: str = ""
    recovery_code: str = ""
    credential: str = ""
    next: str = ""


@door.get(SECOND_STEP, needs=PUBLIC)
async def second_step_page(request: Request, who: MaybeVisitor) -> Response:
    """Ask for the second factor."""
    return await _page(request, Form.of({"next": request.query_params.get("next", "")}))


@door.post(SECOND_STEP, needs=PUBLIC)
async def take_second_step(request: Request, who: MaybeVisitor) -> Response:
    """Take the code and open the session."""
    form = await read_form(request, SecondStepForm)
    sent = form.data or SecondStepForm()
    try:
        demand_security(request)
        admission, spent = await _proved(request, sent)
    except actions.SignInExpired as error:
        return _from_the_beginning(request, error)
    except FrontdeskError as error:
        form.refuse(error)
        headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooManyAttempts) else None
        return await _page(request, form, error.status, headers)
    response = await let_in(request, who, admission, sent.next)
    end_pending(request, response)
    if spent.codes_left is not None:
        say(request, response, Flash(_left(spent.codes_left), "bad" if spent.codes_left <= FEW_CODES else "info"))
    return response


@door.post(SECOND_STEP + "/challenge", needs=PUBLIC)
async def create_challenge(request: Request) -> Response:
    """What the browser needs to have one of the user's passkeys sign."""
    database = request.app.state.database
    pending, _ = await actions.find(database, pending_token(request))
    options = await passkeys.request_options(database, site_of(request), actor(request, None), passkeys.SECOND_FACTOR, pending.user_id)
    return Response(options, media_type="application/json")


async def _proved(request: Request, sent: SecondStepForm) -> tuple[Admission, Spent]:
    database, caller, token = request.app.state.database, actor(request, None), pending_token(request)
    if sent.credential:
        return await actions.by_passkey(database, site_of(request), caller, token, sent.credential)
    if sent.recovery_code:
        return await actions.by_recovery_code(database, caller, token, sent.recovery_code)
    return await actions.by_authenticator(database, request.app.state.secrets.vault, caller, token, sent.code)


async def _page(request: Request, form: Form[Any], status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
    try:
        pending, factors = await actions.find(request.app.state.database, pending_token(request))
    except actions.SignInExpired as error:
        return _from_the_beginning(request, error)
    shown: Form[Any] = Form(values={"next": local_path(form.value("next") or None, "")}, errors=form.errors)
    return await render(
        request, "users/second_step/show.html", status_code=status_code, headers=headers, form=shown, pending=pending, factors=factors
    )  # fmt: skip


def _from_the_beginning(request: Request, error: FrontdeskError) -> Response:
    response = go(request, "/login", str(error), "info")
    end_pending(request, response)
    return response


def _left(count: int) -> str:
    left = f"{count} recovery {'code is' if count == 1 else 'codes are'} left."
    return f"{left} Make new ones on your account page." if count <= FEW_CODES else left
