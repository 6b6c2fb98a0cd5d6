"""A number that moves to another organization takes what is said to it along."""

from collections.abc import AsyncIterator

import httpx
import pytest

from frontdesk.database import new_id
from frontdesk.inbound import Keeper, Source, Webhook
from tests.world import APP_SECRET, World, sign, text, webhook


@pytest.fixture
async def door(world: World) -> AsyncIterator[httpx.AsyncClient]:
    application = Webhook(world.database, Keeper(world.database, lambda places: None), [Source("cloud_api", (APP_SECRET,))], "x")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:  # type: ignore[arg-type]
        yield client


async def post(door: httpx.AsyncClient, world: World, said: str) -> int:
    body = webhook(world.shop, text(said))
    return (await door.post("/webhooks/whatsapp", content=body, headers={"x-hub-signature-256": sign(body)})).status_code


async def leave(world: World) -> None:
    await world.owner.execute("delete from channels where id = %s", (world.shop.channel_id,))


async def arrive(world: World) -> None:
    """The neighbour connects the number that was the shop's."""
    await world.owner.execute("select private.connect_channel(%s, %s, 'cloud_api', 'x', %s, '+1', '1', '1', 'sealed', null)",
                              (world.neighbour.organization_id, new_id(), world.shop.phone_number_id))  # fmt: skip


async def test_what_arrives_right_after_a_number_moved_reaches_its_new_organization_at_once(world: World, door: httpx.AsyncClient) -> None:
    assert await post(door, world, "to the old one") == 200  # the route is remembered now
    await leave(world)
    await arrive(world)
    assert await post(door, world, "to the new one") == 200
    assert await world.see("select organization_id from inbound_deliveries") == [(world.neighbour.organization_id,)]
    assert await world.see("select count(*) from private.unrouted_deliveries") == [(0,)]


async def test_what_arrives_between_two_organizations_waits_for_the_next_one(world: World, door: httpx.AsyncClient) -> None:
    assert await post(door, world, "to the old one") == 200
    await leave(world)
    assert await post(door, world, "to nobody") == 200
    assert await world.see("select phone_number_id from private.unrouted_deliveries") == [(world.shop.phone_number_id,)]
    await arrive(world)
    assert (await world.database.call("select private.replay_unrouted() as n"))[0]["n"] == 1
    assert await world.see("select organization_id from inbound_deliveries") == [(world.neighbour.organization_id,)]
