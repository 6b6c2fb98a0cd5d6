"""The HTML door of links that prove an email. A link shows a page, and only that page's button does something: programs that scan mail follow links."""

from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import Response

from frontdesk import users
from frontdesk.email_proofs import change, links, recovery, verification
from frontdesk.email_proofs.records import Proof, Purpose
from frontdesk.errors import FrontdeskError
from frontdesk.live import SESSIONS
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
)

door = Door()


class TokenForm(BaseModel):
    """What the button of a link's page sends."""

    token: str = ""


class ForgottenForm(BaseModel):
    """Whose password is forgotten."""

    email: users.Email


class NewPasswordForm(BaseModel):
    """The password that shall be. What is wrong with it, the domain says."""

    token: str = ""
    password: str = ""


class EmailForm(BaseModel):
    """The email that shall be."""

    email: users.Email


@door.get("/email/verification", needs=PUBLIC)
async def verification_page(request: Request, who: MaybeVisitor) -> Response:
    """Ask whether the email is the reader's."""
    return await _link_page(request, "verification", who)


@door.post("/email/verification", needs=PUBLIC)
async def verify(request: Request, who: MaybeVisitor) -> Response:
    """It is."""
    token = await _token(request)
    try:
        await verification.verify(request.app.state.database, actor(request, who), token)
    except links.LinkOver:
        return await _over(request, "verification", who)
    return go(request, "/dashboard" if who else "/login", "Your email is confirmed.")


@door.post("/account/email/verification", needs=SIGNED_IN)
async def send_again(request: Request, who: SignedIn) -> Response:
    """Send the link that confirms the email once more."""
    form = await read_form(request, TokenForm)
    back = local_path(str(form.value("back")), "/account")
    try:
        await verification.send_again(request.app.state.database, request.app.state.mailer, who, _locale(request))
    except (verification.AlreadyVerified, users.TooManyAttempts) as error:
        return go(request, back, str(error), "info")
    return go(request, back, f"A new link is on its way to {who.email}.")


@door.get("/forgotten-password", needs=PUBLIC)
async def forgotten_page(request: Request) -> Response:
    """Ask for the email."""
    return await render(request, "email_proofs/forgotten.html", form=Form(), sent=False)


@door.post("/forgotten-password", needs=PUBLIC)
async def forget(request: Request) -> Response:
    """Send a link to whoever has this email; whether anybody has, neither the answer tells nor its time."""
    form, state, caller = await read_form(request, ForgottenForm), request.app.state, actor(request, None)
    if form.data is None:
        return await render(request, "email_proofs/forgotten.html", status_code=422, form=form, sent=False)
    try:
        await recovery.take_turn(state.database, caller, form.data.email)
    except users.TooManyAttempts as error:
        form.refuse(error)
        headers = {"Retry-After": str(error.seconds)}
        return await render(request, "email_proofs/forgotten.html", status_code=error.status, headers=headers, form=form, sent=False)
    response = await render(request, "email_proofs/forgotten.html", form=form, sent=True)
    response.background = BackgroundTask(recovery.send, state.database, state.mailer, caller, form.data.email, _locale(request))
    return response


@door.get("/forgotten-password/new", needs=PUBLIC)
async def new_password_page(request: Request) -> Response:
    """Ask for the password that shall be."""
    return await _link_page(request, "reset", None)


@door.post("/forgotten-password/new", needs=PUBLIC)
async def set_password(request: Request) -> Response:
    """Set it. Nobody is signed in by this: the next step is the sign-in, with whatever second factor there is."""
    form, state = await read_form(request, NewPasswordForm), request.app.state
    sent = form.data or NewPasswordForm()
    try:
        demand_security(request)
        places = await recovery.reset(state.database, state.mailer, actor(request, None), sent.token, sent.password, _locale(request))
    except links.LinkOver:
        return await _over(request, "reset", None)
    except FrontdeskError as error:
        form.refuse(error)
        return await _link_page(request, "reset", None, form, error.status)
    return _all_signed_out(request, places, "Your password is changed, and every device is signed out. Sign in with the new one.")


@door.get("/account/email", needs=SIGNED_IN, fresh=True)
async def email_page(request: Request, who: SignedIn) -> Response:
    """The form for another email."""
    return await _email_page(request, who, Form())


@door.post("/account/email", needs=SIGNED_IN, fresh=True)
async def ask_for_change(request: Request, who: SignedIn) -> Response:
    """Send a link to the new address."""
    form, state = await read_form(request, EmailForm), request.app.state
    if form.data is None:
        return await _email_page(request, who, form, 422)
    try:
        await change.ask(state.database, state.mailer, actor(request, who), who, form.data.email, _locale(request))
    except FrontdeskError as error:
        form.refuse(error)
        return await _email_page(request, who, form, error.status)
    return go(request, "/account/email", f"A link is on its way to {form.data.email}. Your email changes when you follow it.")


@door.post("/account/email/withdrawal", needs=SIGNED_IN)
async def withdraw(request: Request, who: SignedIn) -> Response:
    """Keep the email as it is."""
    await change.withdraw(request.app.state.database, who)
    return go(request, "/account/email", "Your email stays as it is.")


@door.get("/email/change", needs=PUBLIC)
async def change_page(request: Request) -> Response:
    """Ask whether this shall be the email."""
    return await _link_page(request, "change", None)


@door.post("/email/change", needs=PUBLIC)
async def confirm_change(request: Request, who: MaybeVisitor) -> Response:
    """It shall."""
    token, state = await _token(request), request.app.state
    try:
        email = await change.confirm(state.database, state.mailer, actor(request, who), token, _locale(request))
    except (links.LinkOver, change.EmailTaken) as error:
        return await _over(request, "change", None, str(error))
    return go(request, "/account" if who else "/login", f"Your email is {email} now.")


@door.get("/email/undo", needs=PUBLIC)
async def undo_page(request: Request) -> Response:
    """Ask whether the email before shall be the email again."""
    return await _link_page(request, "undo", None)


@door.post("/email/undo", needs=PUBLIC)
async def undo_change(request: Request) -> Response:
    """It shall."""
    token, state = await _token(request), request.app.state
    try:
        email, places = await change.undo(state.database, state.mailer, actor(request, None), token, _locale(request))
    except (links.LinkOver, change.EmailTaken) as error:
        return await _over(request, "undo", None, str(error))
    return _all_signed_out(request, places, f"Your email is {email} again, and every device is signed out. A link to a new password is on its way to you.")


async def _link_page(request: Request, purpose: Purpose, who: Visitor | None, form: Form[Any] | None = None, status_code: int = 200) -> Response:
    token = str(form.value("token")) if form else request.query_params.get("token", "")
    try:
        proof = await links.find(request.app.state.database, token, purpose)
    except links.LinkOver:
        return await _over(request, purpose, who)
    shown = form or Form.of({"token": token})
    shown.values.pop("password", None)
    return await _page(request, purpose, proof, shown, status_code)


async def _page(request: Request, purpose: Purpose, proof: Proof, form: Form[Any], status_code: int) -> Response:
    return await render(request, f"email_proofs/{purpose}.html", status_code=status_code, proof=proof, form=form)


async def _over(request: Request, purpose: Purpose, who: Visitor | None, why: str | None = None) -> Response:
    """The page of a link that leads nowhere, and what to do about it."""
    return await render(request, "email_proofs/over.html", status_code=410, purpose=purpose, why=why or str(links.LinkOver()), signed_in=who)


def _all_signed_out(request: Request, organization_ids: list[UUID], notice: str) -> Response:
    """Every session of the user has ended: open pages stop as well."""
    request.app.state.live.changed(organization_ids, SESSIONS)
    return go(request, "/login", notice)


async def _email_page(request: Request, who: Visitor, form: Form[Any], status_code: int = 200) -> Response:
    waiting = await change.asked_for(request.app.state.database, who)
    async with framed(request, who):
        return await render(request, "email_proofs/email.html", status_code=status_code, form=form, waiting=waiting)


async def _token(request: Request) -> str:
    form = await read_form(request, TokenForm)
    return form.data.token if form.data else ""


def _locale(request: Request) -> str | None:
    return request.headers.get("accept-language")
