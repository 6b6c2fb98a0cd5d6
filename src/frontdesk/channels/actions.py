"""The verbs of channels: connect, renew, disconnect, and the sandbox number that every organization starts with."""

import hashlib
from typing import Any
from uuid import UUID

from frontdesk import audit, sealing, secret_files, usage
from frontdesk.access import Actor
from frontdesk.channels import store
from frontdesk.channels.connected import CLOUD_API, SIMULATOR, ConnectedChannel, NewChannel
from frontdesk.channels.input import app_secret, checked
from frontdesk.channels.lanes import Lane
from frontdesk.channels.own_apps import AppAddress, app_context, opened_address, sealed_app
from frontdesk.channels.proofs import Proof
from frontdesk.channels.simulator import access_token as simulated_token
from frontdesk.channels.simulator import waba_id as simulated_account
from frontdesk.database import Platform, Tenant, new_id
from frontdesk.errors import Conflict, NotAllowed, NotFound
from frontdesk.settings import Settings
from frontdesk.vault import Vault

OPERATOR = Actor(kind="operator", name="Operator")
SANDBOX_TRIES = 5
SANDBOX_SCOPE = "simulator"


class NoSuchChannel(NotFound):
    """There is no such channel."""


class NoSimulator(NotAllowed):
    """Sandbox numbers exist in development only."""


class NumberTaken(Conflict):
    """This number cannot be connected: it is connected already. Disconnect it there first."""


def token_context(organization_id: UUID, channel_id: UUID) -> str:
    """The place a channel's access token is sealed for."""
    return f"{organization_id}|channels|{channel_id}|access_token"


async def connect(db: Tenant | Platform, vault: Vault, wanted: NewChannel, proof: Proof, *, organization_id: UUID | None = None) -> UUID:
    """Connect the proven number of WhatsApp's Cloud API, and return the channel's id. The operator names the organization.

    Raises BadInput naming the field, PlanLimitReached, or NumberTaken: the same whoever has the number.
    """
    organization = db.organization_id if isinstance(db, Tenant) else organization_id
    if organization is None:
        raise ValueError("the operator must name the organization")
    new, channel_id = checked(wanted), new_id()
    await usage.require_for(db, organization, "channels")
    key = await sealing.data_key(db, vault, organization)
    row = {
        "id": channel_id, "kind": CLOUD_API, "name": new.name, "phone_number_id": proof.phone_number_id,
        "display_number": new.display_number, "waba_id": new.waba_id, "scope": new.waba_id,
        "sealed_token": key.seal(proof.access_token, context=token_context(organization, channel_id)),
        "by_user": db.actor.user_id if isinstance(db, Tenant) else None,
    }  # fmt: skip
    if not await store.connect(db, organization, row):
        raise NumberTaken(field="phone_number_id")
    if new.own_app_secret:
        await store.give_app(db, sealed_app(key, Lane(organization, channel_id), AppAddress.make(), new.own_app_secret))
    await _record_connected(db, organization, channel_id, new, proof)
    return channel_id


async def _record_connected(db: Tenant | Platform, organization_id: UUID, channel_id: UUID, new: NewChannel, proof: Proof) -> None:
    details: dict[str, str | bool] = {"number": new.display_number, "phone_number_id": proof.phone_number_id}
    if new.own_app_secret:
        details["own_app"] = True
    if isinstance(db, Tenant):
        await audit.append(db, "channel.connected", target_type="channel", target_id=channel_id, details=details)
    else:
        await audit.append_as(
            db, organization_id, OPERATOR, "channel.connected", target_type="channel", target_id=channel_id,
            details=details
        )  # fmt: skip


async def open_sandbox(db: Tenant, settings: Settings) -> ConnectedChannel:
    """The organization's sandbox number, opened now if it has none. Raises NoSimulator."""
    secret = secret_files.load(settings).simulator_app_secret
    if secret is None:
        raise NoSimulator
    for attempt in range(SANDBOX_TRIES):  # a further try only if another organization's number came out the same
        if found := await store.sandbox_of(db):
            return found
        await _open(db, settings, secret, attempt)
    if found := await store.sandbox_of(db):
        return found
    raise NumberTaken(field="phone_number_id")


async def _open(db: Tenant, settings: Settings, secret: str, attempt: int) -> None:
    phone_number_id, display_number = _sandbox_number(db.organization_id, attempt)
    channel_id, vault = new_id(), secret_files.load(settings).vault
    key, token = await sealing.data_key(db, vault, db.organization_id), simulated_token(secret, phone_number_id)
    row = {
        "id": channel_id, "kind": SIMULATOR, "name": "Sandbox number", "phone_number_id": phone_number_id,
        "display_number": display_number, "waba_id": simulated_account(phone_number_id), "scope": SANDBOX_SCOPE,
        "by_user": db.actor.user_id,
        "sealed_token": key.seal(token, context=token_context(db.organization_id, channel_id)),
    }  # fmt: skip
    if await store.connect(db, db.organization_id, row):
        details = {"number": display_number, "phone_number_id": phone_number_id, "sandbox": True}
        await audit.append(db, "channel.connected", target_type="channel", target_id=channel_id, details=details)


def _sandbox_number(organization_id: UUID, attempt: int) -> tuple[str, str]:
    """A phone number id and a number out of the range kept for fiction, always the same: asking twice is harmless."""
    drawn = int.from_bytes(hashlib.blake2b(organization_id.bytes + bytes([attempt]), digest_size=16).digest())
    line = f"{drawn // 10**11 % 10**5:05}"
    return f"1094{drawn % 10**11:011}", f"+1 555 01{line[0]} {line[1:]}"


async def renewable(db: Tenant, channel_id: UUID) -> ConnectedChannel:
    """The channel, if it can be given a new access token. Raises NoSuchChannel."""
    channel = await store.find(db, channel_id)
    if channel is None or channel.sandbox:  # a sandbox number's token follows from the simulator's secret
        raise NoSuchChannel
    return channel


async def renew_token(db: Tenant, vault: Vault, channel_id: UUID, proof: Proof) -> None:
    """Give a channel a new access token, proven for its number, and start it again. Raises NoSuchChannel."""
    channel = await renewable(db, channel_id)
    key = await sealing.data_key(db, vault, db.organization_id)
    sealed = key.seal(proof.access_token, context=token_context(db.organization_id, channel_id))
    if channel.phone_number_id != proof.phone_number_id or not await store.renew_token(db, channel_id, sealed):
        raise NoSuchChannel
    await store.forget_error(db, channel_id)
    details: dict[str, Any] = {"number": channel.display_number}
    if channel.stopped_reason:
        details["changed"] = {"stopped_reason": {"from": channel.stopped_reason, "to": None}}
    await audit.append(db, "channel.token_renewed", target_type="channel", target_id=channel_id, details=details)


async def app_addresses(db: Tenant | Platform, vault: Vault, organization_id: UUID) -> dict[UUID, AppAddress | None]:
    """What the organization's own apps must be told, by channel; nothing for a member who may not change channels.

    None stands for an address that was sealed with a key that is gone.
    """
    rows = await store.apps_of(db, organization_id)
    if not rows:
        return {}
    try:
        key = await sealing.data_key(db, vault, organization_id)
    except sealing.SecretsLocked:
        return {row["channel_id"]: None for row in rows}
    return {row["channel_id"]: opened_address(key, organization_id, row) for row in rows}


async def renew_app_secret(db: Tenant, vault: Vault, channel_id: UUID, typed: str) -> None:
    """Put a new secret of its own app in place. Raises NoSuchChannel, also if it has no app of its own, or BadInput."""
    channel = await store.find(db, channel_id)
    if channel is None:
        raise NoSuchChannel
    key = await sealing.data_key(db, vault, db.organization_id)
    sealed = key.seal(app_secret(typed), context=app_context(db.organization_id, channel_id, "app_secret"))
    if not await store.renew_app_secret(db, channel_id, sealed):
        raise NoSuchChannel
    details = {"number": channel.display_number}
    await audit.append(db, "channel.app_secret_renewed", target_type="channel", target_id=channel_id, details=details)


async def disconnect(db: Tenant, channel_id: UUID) -> ConnectedChannel:
    """Give a number up; its conversations and messages go with it. Returns what it was. Raises NoSuchChannel."""
    channel = await store.find(db, channel_id)
    if channel is None or not await store.disconnect(db, channel_id):
        raise NoSuchChannel
    details = {"number": channel.display_number, "phone_number_id": channel.phone_number_id, "name": channel.name}
    await audit.append(db, "channel.disconnected", target_type="channel", target_id=channel_id, details=details)
    return channel
