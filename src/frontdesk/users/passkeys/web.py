"""The HTML door of passkeys: their page in the account, and signing in with nothing else. Browsers get their options as JSON."""

from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from frontdesk.errors import FrontdeskError
from frontdesk.users.admission import let_in, tell_streams
from frontdesk.users.factors.web import codes_shown
from frontdesk.users.fields import Name
from frontdesk.users.passkeys import actions
from frontdesk.users.passkeys.records import Site
from frontdesk.web import PUBLIC, SIGNED_IN, Door, Form, MaybeVisitor, SignedIn, actor, demand_security, framed, go, local_path, read_form, render
from frontdesk.web.devices import device

door = Door()
PASSKEYS = "/account/passkeys"


class NewPasskeyForm(BaseModel):
    """What the browser made of the device's answer, and what the passkey is called."""

    credential: str = ""
    name: Name


class NameForm(BaseModel):
    """What a passkey is called."""

    name: Name


class CredentialForm(BaseModel):
    """What the browser made of the device's signature, and where the user was going."""

    credential: str = ""
    next: str = ""


def site_of(request: Request) -> Site:
    """The site as this browser sees it. A forged name helps nobody: devices sign the name that they see themselves."""
    return Site(request.url.hostname or "", f"{request.url.scheme}://{request.url.netloc}")


@door.get(PASSKEYS, needs=SIGNED_IN, fresh=True)
async def passkeys_page(request: Request, who: SignedIn) -> Response:
    """The user's passkeys, and the way to another."""
    return await _page(request, who, Form.of({"name": device(request.headers.get("user-agent"))}))


@door.post(PASSKEYS + "/challenge", needs=SIGNED_IN, fresh=True)
async def create_challenge(request: Request, who: SignedIn) -> Response:
    """What the browser needs to have a passkey made."""
    return _json(await actions.creation_options(request.app.state.database, site_of(request), who))


@door.post(PASSKEYS, needs=SIGNED_IN, fresh=True)
async def create_passkey(request: Request, who: SignedIn) -> Response:
    """Take the passkey that was made."""
    form = await read_form(request, NewPasskeyForm)
    if form.data is None:
        return await _page(request, who, form, 422)
    try:
        codes = await actions.add(request.app.state.database, actor(request, who), who, site_of(request), form.data.credential, form.data.name)
    except FrontdeskError as error:
        form.refuse(error)
        return await _page(request, who, form, error.status)
    tell_streams(request, who)
    return await codes_shown(request, who, codes) if codes else go(request, PASSKEYS, "Your passkey is added. Every other device is signed out.")


@door.post(PASSKEYS + "/{passkey_id}/name", needs=SIGNED_IN)
async def rename_passkey(request: Request, who: SignedIn, passkey_id: UUID) -> Response:
    """Call it something else."""
    form = await read_form(request, NameForm)
    if form.data is None:
        return go(request, PASSKEYS, f"The name was not changed. {form.error('name')}", "bad")
    await actions.rename(request.app.state.database, actor(request, who), who, passkey_id, form.data.name)
    return go(request, PASSKEYS, "Your passkey has another name.")


@door.post(PASSKEYS + "/{passkey_id}/removal", needs=SIGNED_IN, fresh=True)
async def remove_passkey(request: Request, who: SignedIn, passkey_id: UUID) -> Response:
    """Take it away."""
    await actions.remove(request.app.state.database, actor(request, who), who, passkey_id)
    tell_streams(request, who)
    return go(request, PASSKEYS, "The passkey is removed. Every other device is signed out.")


@door.post("/login/passkey/challenge", needs=PUBLIC)
async def create_sign_in_challenge(request: Request) -> Response:
    """What the browser needs to have a device sign; nobody has said yet who he is."""
    return _json(await actions.request_options(request.app.state.database, site_of(request), actor(request, None), actions.SIGN_IN))


@door.post("/login/passkey", needs=PUBLIC)
async def sign_in(request: Request, who: MaybeVisitor) -> Response:
    """Sign in with a passkey and nothing else."""
    form = await read_form(request, CredentialForm)
    sent = form.data or CredentialForm()
    try:
        demand_security(request)
        admission = await actions.sign_in(request.app.state.database, actor(request, None), site_of(request), sent.credential)
    except FrontdeskError as error:
        shown: Form[Any] = Form(values={"next": local_path(sent.next, "")}, errors={"": str(error)})
        return await render(request, "users/login.html", status_code=error.status, form=shown)
    return await let_in(request, who, admission, sent.next)


async def _page(request: Request, who: SignedIn, form: Form[Any], status_code: int = 200) -> Response:
    passkeys = await actions.passkeys_of(request.app.state.database, who)
    async with framed(request, who):
        return await render(request, "users/passkeys/index.html", status_code=status_code, form=form, passkeys=passkeys)


def _json(options: str) -> Response:
    return Response(options, media_type="application/json")
