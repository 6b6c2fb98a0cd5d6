"""The HTML door of second factors: the authenticator and the recovery codes, on the account's own pages."""

from typing import Any

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from frontdesk.errors import FrontdeskError
from frontdesk.users.admission import tell_streams
from frontdesk.users.factors import actions, totp
from frontdesk.web import SIGNED_IN, Door, Form, SignedIn, actor, framed, go, read_form, render

door = Door()
AUTHENTICATOR, CODES = "/account/authenticator", "/account/recovery-codes"


class CodeForm(BaseModel):
    """A code of the authenticator app."""

    code: str = ""


@door.get(AUTHENTICATOR, needs=SIGNED_IN, fresh=True)
async def authenticator_page(request: Request, who: SignedIn) -> Response:
    """What the authenticator is and how it is set up; the QR code, while one is offered."""
    return await _authenticator_page(request, who, Form())


@door.post(AUTHENTICATOR + "/offer", needs=SIGNED_IN, fresh=True)
async def offer_authenticator(request: Request, who: SignedIn) -> Response:
    """Offer a secret to the user's app."""
    await actions.offer_authenticator(request.app.state.database, request.app.state.secrets.vault, who)
    return go(request, AUTHENTICATOR)


@door.post(AUTHENTICATOR, needs=SIGNED_IN, fresh=True)
async def confirm_authenticator(request: Request, who: SignedIn) -> Response:
    """Turn it on with a first code."""
    form, state = await read_form(request, CodeForm), request.app.state
    try:
        codes = await actions.confirm_authenticator(state.database, state.secrets.vault, actor(request, who), who, (form.data or CodeForm()).code)
    except FrontdeskError as error:
        form.refuse(error)
        return await _authenticator_page(request, who, form, error.status)
    tell_streams(request, who)
    return await codes_shown(request, who, codes) if codes else go(request, "/account", "Your authenticator is on. Every other device is signed out.")


@door.post(AUTHENTICATOR + "/removal", needs=SIGNED_IN, fresh=True)
async def remove_authenticator(request: Request, who: SignedIn) -> Response:
    """Turn it off."""
    await actions.remove_authenticator(request.app.state.database, actor(request, who), who)
    tell_streams(request, who)
    return go(request, "/account", "Your authenticator is off. Every other device is signed out.")


@door.get(CODES, needs=SIGNED_IN, fresh=True)
async def recovery_codes_page(request: Request, who: SignedIn) -> Response:
    """How many codes are left, and the way to new ones. The codes themselves are kept nowhere."""
    factors = await actions.factors_of(request.app.state.database, who)
    async with framed(request, who):
        return await render(request, "users/factors/recovery_codes.html", factors=factors)


@door.post(CODES, needs=SIGNED_IN, fresh=True)
async def renew_recovery_codes(request: Request, who: SignedIn) -> Response:
    """Make ten new codes and show them, this once."""
    codes = await actions.renew_recovery_codes(request.app.state.database, actor(request, who), who)
    tell_streams(request, who)
    return await codes_shown(request, who, codes)


async def _authenticator_page(request: Request, who: SignedIn, form: Form[Any], status_code: int = 200) -> Response:
    state = request.app.state
    secret = await actions.offered_secret(state.database, state.secrets.vault, who)
    factors = await actions.factors_of(state.database, who)
    shown = {"qr_code": totp.qr_code(secret, who.email), "secret": secret, "in_groups": totp.in_groups(secret)} if secret else None
    async with framed(request, who):
        return await render(request, "users/factors/authenticator.html", status_code=status_code, form=form, offer=shown, factors=factors)


async def codes_shown(request: Request, who: SignedIn, codes: list[str]) -> Response:
    """The page with recovery codes that were just made, for this once."""
    async with framed(request, who):
        return await render(request, "users/factors/codes.html", codes=codes)
