"""The pages of an organization's numbers."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, StringConstraints
from starlette.responses import Response

from frontdesk import audit, secret_files, usage
from frontdesk.access import Permission
from frontdesk.channels import actions, addresses, store
from frontdesk.channels.connected import NewChannel
from frontdesk.channels.input import faults
from frontdesk.channels.proofs import WhatsAppNotAsked, prove, prove_new
from frontdesk.database import Tenant
from frontdesk.errors import BadInput, Conflict, FrontdeskError, LimitReached
from frontdesk.settings import Settings
from frontdesk.vault import Vault
from frontdesk.web import Db, Door, Form, SignedIn, entered, go, read_form, render

door = Door()

LIST = "/dashboard/channels"
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
OptionalText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]


class NewChannelForm(BaseModel):
    """What the form of a new number sends."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    display_number: Text
    phone_number_id: Text
    waba_id: Text
    access_token: Text
    own_app_secret: OptionalText = ""


class TokenForm(BaseModel):
    """What the form of a new token sends."""

    access_token: Text


class AppSecretForm(BaseModel):
    """What the form of a new app secret sends."""

    app_secret: Text


@door.get(LIST, needs=Permission.CHANNELS_READ)
async def index(request: Request, db: Db) -> Response:
    """Every number with how it fares."""
    return await _index(request, db)


@door.post(f"{LIST}/sandbox", needs=Permission.CHANNELS_WRITE)
async def create_sandbox(request: Request, db: Db) -> Response:
    """Open the sandbox number of an organization that has none."""
    channel = await actions.open_sandbox(db, request.app.state.settings)
    return go(request, LIST, f"Your sandbox number is {channel.display_number}.")


@door.get(f"{LIST}/new", needs=Permission.CHANNELS_WRITE)
async def new(request: Request, db: Db) -> Response:
    """The form to connect a number."""
    return await _form(request, db, Form.of({"name": "Main number"}))


@door.post(f"{LIST}/new", needs=Permission.CHANNELS_WRITE, apart=True)
async def create(request: Request, who: SignedIn) -> Response:
    """Connect a number, once WhatsApp has said that its token may speak for it."""
    form, status_code = await read_form(request, NewChannelForm), 422
    if form.data is not None:
        wanted = NewChannel(**form.data.model_dump())
        try:
            return await _connect(request, who, wanted)
        except (BadInput, Conflict, LimitReached, WhatsAppNotAsked) as error:
            status_code = WhatsAppNotAsked.status if isinstance(error, WhatsAppNotAsked) else 422
            refused: Sequence[FrontdeskError] = faults(wanted) or [error]
            for fault in refused:
                form.refuse(fault)
    async with entered(request, who) as db:
        return await _form(request, db, form, status_code)


async def _connect(request: Request, who: SignedIn, wanted: NewChannel) -> Response:
    proof = await prove_new(request.app.state.settings, wanted)
    async with entered(request, who) as db:
        channel_id = await actions.connect(db, _vault(request), wanted, proof)
    if wanted.own_app_secret:
        return go(request, f"{LIST}#channel-{channel_id}", f"{wanted.name} is connected. Give your Meta app its webhook address now.")
    return go(request, LIST, f"{wanted.name} is connected. Write to it from a phone to see it work.")


@door.post(LIST + "/{channel_id}/token", needs=Permission.CHANNELS_WRITE, apart=True)
async def renew_token(request: Request, who: SignedIn, channel_id: UUID) -> Response:
    """Put a new access token in place, proven as the first one was."""
    form, status_code = await read_form(request, TokenForm), 422
    async with entered(request, who) as db:
        channel = await actions.renewable(db, channel_id)
    if form.data is not None:
        try:
            proof = await prove(request.app.state.settings, channel.phone_number_id, form.data.access_token)
            async with entered(request, who) as db:
                await actions.renew_token(db, _vault(request), channel_id, proof)
            return go(request, LIST, "The new token is in place. What waited is being sent now.")
        except (BadInput, WhatsAppNotAsked) as error:
            status_code, form.errors["access_token"] = error.status, str(error)  # whatever is wrong, the token is all there is to type
    async with entered(request, who) as db:
        return await _index(request, db, form, channel_id, status_code)


@door.post(LIST + "/{channel_id}/app-secret", needs=Permission.CHANNELS_WRITE)
async def renew_app_secret(request: Request, db: Db, channel_id: UUID) -> Response:
    """Put a new secret of the organization's own app in place."""
    form = await read_form(request, AppSecretForm)
    if form.data is not None:
        try:
            await actions.renew_app_secret(db, _vault(request), channel_id, form.data.app_secret)
            return go(request, LIST, "The new app secret is in place.")
        except BadInput as error:
            form.refuse(error)
    return await _index(request, db, form, channel_id, 422)


@door.post(LIST + "/{channel_id}/disconnection", needs=Permission.CHANNELS_WRITE)
async def disconnect(request: Request, db: Db, channel_id: UUID) -> Response:
    """Give a number up, and its conversations with it."""
    channel = await actions.disconnect(db, channel_id)
    return go(request, LIST, f"{channel.display_number} is disconnected.")


async def _index(request: Request, db: Tenant, renewed: Form[Any] | None = None, renewed_id: UUID | None = None, status_code: int = 200) -> Response:
    settings: Settings = request.app.state.settings
    channels = [one for one in await store.all_of(db) if settings.simulated or not one.sandbox]
    return await render(
        request, "channels/index.html", status_code=status_code, channels=channels, limit=await _limit(db),
        renewed=renewed, renewed_id=renewed_id, apps=await _apps(request, db), conversations=await store.conversations_by_channel(db), capped=store.COUNTED,
        activity=await audit.activity_of(db, "channel", [one.id for one in channels]),
        sandbox_missing=settings.simulated and not any(one.sandbox for one in channels),
    )  # fmt: skip


async def _form(request: Request, db: Tenant, form: Form[NewChannelForm], status_code: int = 200) -> Response:
    for secret in ("access_token", "own_app_secret"):
        form.values.pop(secret, None)  # is typed again, never sent back
    webhook = _webhook(request.app.state.settings)
    return await render(request, "channels/new.html", status_code=status_code, form=form, webhook=webhook, limit=await _limit(db))


async def _limit(db: Tenant) -> usage.Usage | None:
    return next((one for one in await usage.overview(db) if one.metric == "channels"), None)


async def _apps(request: Request, db: Tenant) -> dict[UUID, dict[str, str] | None]:
    """What the organization's own apps must be told; none of it for who may not change channels."""
    settings: Settings = request.app.state.settings
    addresses_of = await actions.app_addresses(db, _vault(request), db.organization_id)
    return {
        channel_id: {"url": addresses.webhook_url(settings, address.webhook_token), "verify_token": address.verify_token} if address else None
        for channel_id, address in addresses_of.items()
    }


def _vault(request: Request) -> Vault:
    return secret_files.load(request.app.state.settings).vault


def _webhook(settings: Settings) -> dict[str, str | bool]:
    """What Meta's app must be told, and whether the operator has done his part."""
    return {
        "url": addresses.webhook_url(settings),
        "verify_token": secret_files.load(settings).whatsapp_verify_token,
        "reachable": settings.public_url is not None,
        "ready": settings.whatsapp_app_secret is not None,
    }
