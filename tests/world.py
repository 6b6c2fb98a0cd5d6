"""The test world: two organizations that know nothing of each other, and the customer who writes to both."""

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from frontdesk.access import Actor
from frontdesk.channels import Lane, Lanes, split
from frontdesk.database import Database, new_id
from frontdesk.inbound import Place, Told, tell
from frontdesk.inbound.keeper import Keeper

APP_SECRET = "the app's own secret"
_numbers = itertools.count(1)


@dataclass(slots=True)
class Shop:
    """One organization with its owner and one connected number."""

    name: str
    organization_id: UUID
    owner_id: UUID
    channel_id: UUID
    phone_number_id: str

    @property
    def lane(self) -> Lane:
        return Lane(self.organization_id, self.channel_id)

    @property
    def actor(self) -> Actor:
        return Actor(kind="user", user_id=self.owner_id, name=f"Owner of {self.name}")


@dataclass(slots=True)
class World:
    """Two shops on one database. `owner`: a connection of the database's owner, to look behind every wall."""

    database: Database
    owner: psycopg.AsyncConnection[Any]
    shop: Shop
    neighbour: Shop
    worker: UUID = field(default_factory=new_id)

    async def keep(self, shop: Shop, *bodies: bytes, kept: Callable[[Iterable[Place]], None] = lambda places: None) -> None:
        """Keep the events of webhooks for a shop's number, as the door does after the signature."""
        await Keeper(self.database, kept).keep([(shop.lane, event) for body in bodies for event in split(body)])

    async def tell(self, *shops: Shop, per_minute: int = 6) -> Told:
        """Tell whatever is kept for these shops, as the inbound road does."""
        held = await Lanes(self.database, self.worker, "in").hold([shop.lane for shop in shops])
        return await tell(self.database, {lane: leased.channel for lane, leased in held.items()}, 500, 1000, per_minute)

    async def arrive(self, shop: Shop, *bodies: bytes) -> Told:
        """Keep and tell."""
        await self.keep(shop, *bodies)
        return await self.tell(shop)

    async def see(self, query: str, *params: Any) -> list[Any]:
        """What the owner of the database sees."""
        return await (await self.owner.execute(query, params)).fetchall()  # type: ignore[arg-type]  # literal in every test


async def make(database: Database, owner: psycopg.AsyncConnection[Any]) -> World:
    """A world with a shop and its neighbour."""
    await owner.set_autocommit(True)
    return World(database, owner, await open_shop(owner, "Lagos Glow Salon"), await open_shop(owner, "Moretti Calzature"))


async def open_shop(owner: psycopg.AsyncConnection[Any], name: str) -> Shop:
    """Sign somebody up, and connect a Cloud API number for the organization that this makes."""
    user_id, channel_id, number = new_id(), new_id(), str(106540352242000 + next(_numbers))
    await owner.execute(
        "insert into auth.users (id, email, raw_user_meta_data) values (%s, %s, jsonb_build_object('organization_name', %s::text))",
        (user_id, f"{user_id}@example.com", name),
    )
    row = await (await owner.execute("select organization_id from public.organization_members where user_id = %s", (user_id,))).fetchone()
    assert row is not None
    await owner.execute(
        "select private.connect_channel(%s, %s, 'cloud_api', 'Main number', %s, '+1 555 010 0000', '1', '1', 'sealed', null)",
        (row[0], channel_id, number),
    )
    return Shop(name, row[0], user_id, channel_id, number)


async def fold_received(owner: psycopg.AsyncConnection[Any]) -> None:
    """Bring all that has arrived into the counters, as the worker does every five seconds; beside one, whoever comes second has nothing left to do."""
    while await (await owner.execute("select 1 from private.received_counts limit 1")).fetchone():
        await owner.execute("select private.fold_received()")


def webhook(shop: Shop, *values: dict[str, Any]) -> bytes:
    """A webhook body with these values (of `changes[].value`) for the shop's number."""
    head = {"messaging_product": "whatsapp", "metadata": {"display_phone_number": "15550100000", "phone_number_id": shop.phone_number_id}}
    return json.dumps(
        {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [{"field": "messages", "value": head | v} for v in values]}]}
    ).encode()


def text(
    body: str = "hi", *, of: str = "4915112345678", name: str = "Lena", message_id: str | None = None, at: float | None = None, **more: Any
) -> dict[str, Any]:
    """The value of a text message from a phone."""
    message = {"from": of, "id": message_id or f"wamid.{new_id().hex}", "timestamp": str(int(at or time.time())), "type": "text", "text": {"body": body}}
    return {"contacts": [{"profile": {"name": name}, "wa_id": of}], "messages": [message | more]}


def status(message_id: UUID, kind: str, *, of: str = "4915112345678", **more: Any) -> dict[str, Any]:
    """The value of a status of one of our messages."""
    said = {
        "id": f"wamid.{message_id.hex}",
        "status": kind,
        "timestamp": str(int(time.time())),
        "recipient_id": of,
        "biz_opaque_callback_data": str(message_id),
    }
    return {"statuses": [said | more]}


def sign(body: bytes, secret: str = APP_SECRET) -> str:
    """The header that Meta would send along."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
