"""An organization's own Meta app behind a channel: its secret, and the address at which it alone speaks for its number."""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

import structlog

from frontdesk.channels.lanes import Lane
from frontdesk.database import Database
from frontdesk.errors import Unavailable
from frontdesk.vault import CannotOpen, DataKey, Vault

TOKEN_BYTES = 32
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AppAddress:
    """What an own app has to be told: the token in its webhook's address, and the one that Meta gives back in the handshake."""

    webhook_token: str = field(repr=False)
    verify_token: str = field(repr=False)

    @classmethod
    def make(cls) -> Self:
        """A fresh one that nobody guesses."""
        return cls(secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES))


@dataclass(frozen=True, slots=True)
class OwnApp:
    """The app behind an address, and the only number it may speak for."""

    lane: Lane
    phone_number_id: str
    verify_token: str = field(repr=False)
    app_secret: str = field(repr=False)


def app_context(organization_id: UUID, channel_id: UUID, column: str) -> str:
    """The place that a value of an own app is sealed for."""
    return f"{organization_id}|channel_apps|{channel_id}|{column}"


def sealed_app(key: DataKey, lane: Lane, address: AppAddress, app_secret: str) -> dict[str, Any]:
    """The row of an own app."""
    given = {"webhook_token": address.webhook_token, "verify_token": address.verify_token, "app_secret": app_secret}
    sealed = {column: key.seal(value, context=app_context(*lane, column)) for column, value in given.items()}
    return sealed | lane._asdict() | {"token_hash": _hash(address.webhook_token)}


def opened_address(key: DataKey, organization_id: UUID, row: dict[str, Any]) -> AppAddress | None:
    """The address of a row, or None if it was sealed with a key that is gone."""
    try:
        return AppAddress(*(key.open(row[column], context=app_context(organization_id, row["channel_id"], column))
                            for column in ("webhook_token", "verify_token")))  # fmt: skip
    except CannotOpen:
        log.error("the address of an own app cannot be opened with these FRONTDESK_SECRET_KEYS", channel_id=str(row["channel_id"]))
        return None


async def find_own_app(database: Database, vault: Vault, webhook_token: str) -> OwnApp | None:
    """The app that is told this address, asked of the database now. Raises Unavailable if its secret cannot be opened."""
    rows = await database.call("select * from private.find_channel_app(%(token_hash)s)", {"token_hash": _hash(webhook_token)})
    if not rows:
        return None
    lane = Lane(rows[0]["organization_id"], rows[0]["channel_id"])
    try:
        key = vault.of(lane.organization_id, rows[0]["data_key"])
        verify_token, app_secret = (key.open(rows[0][column], context=app_context(*lane, column)) for column in ("verify_token", "app_secret"))
    except CannotOpen:
        log.error("the secret of an own app cannot be opened with these FRONTDESK_SECRET_KEYS", channel_id=str(lane.channel_id))
        raise Unavailable from None
    return OwnApp(lane, rows[0]["phone_number_id"], verify_token, app_secret)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
