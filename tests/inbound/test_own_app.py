"""The webhook of an organization's own app: its own address, its own secret, its own number, and nothing else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from frontdesk.channels.own_apps import AppAddress, sealed_app
from frontdesk.inbound import Keeper, OwnAppWebhook, Source, Webhook
from frontdesk.vault import Vault
from tests.world import APP_SECRET, Shop, World, sign, text, webhook

OWN_SECRET, NEIGHBOURS_SECRET = "the shop's own app secret", "the neighbour's own app secret"


@dataclass
class Doors:
    """Both webhooks on one keeper; the shop and its neighbour each have an app of their own."""

    world: World
    client: httpx.AsyncClient
    shop: AppAddress
    neighbour: AppAddress

    async def post(self, token: str, body: bytes, secret: str = OWN_SECRET) -> int:
        return (await self.client.post(f"/{token}", content=body, headers={"x-hub-signature-256": sign(body, secret)})).status_code

    async def kept(self) -> list[Any]:
        return [row[0] for row in await self.world.see("select organization_id from inbound_deliveries, generate_series(1, events) order by id")]

    async def unrouted(self) -> list[Any]:
        return await self.world.see("select source, phone_number_id, reason from private.unrouted_deliveries order by id")


async def give_app(world: World, vault: Vault, shop: Shop, secret: str) -> AppAddress:
    address = AppAddress.make()
    row = sealed_app(vault, shop.lane, address, secret)
    await world.owner.execute(
        "select private.give_channel_app(%(organization_id)s, %(channel_id)s, %(token_hash)s, %(webhook_token)s, %(verify_token)s, %(app_secret)s)", row
    )
    return address


@pytest.fixture
async def doors(world: World) -> AsyncIterator[Doors]:
    vault, keeper = Vault(Vault.make_key()), Keeper(world.database, lambda places: None)
    for_all = Webhook(world.database, keeper, [Source("cloud_api", (APP_SECRET,))], "what Meta was told")
    own = OwnAppWebhook(world.database, keeper, vault)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        token = scope["path"].removeprefix("/")
        await (own(token, scope, receive, send) if token else for_all(scope, receive, send))

    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:
        yield Doors(world, client, await give_app(world, vault, world.shop, OWN_SECRET), await give_app(world, vault, world.neighbour, NEIGHBOURS_SECRET))


async def test_the_handshake_wants_the_verify_token_of_that_address(doors: Doors) -> None:
    async def shake(address: str, verify_token: str) -> tuple[int, str]:
        query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": verify_token}
        answer = await doors.client.get(f"/{address}", params=query)
        return answer.status_code, answer.text

    assert await shake(doors.shop.webhook_token, doors.shop.verify_token) == (200, "1158201444")
    for wrong in (doors.neighbour.verify_token, "what Meta was told", ""):
        assert (await shake(doors.shop.webhook_token, wrong))[0] == 403
    assert (await shake("x" * 43, doors.shop.verify_token))[0] == 404


async def test_what_the_app_signs_for_its_number_is_kept_again_and_again(doors: Doors) -> None:
    body = webhook(doors.world.shop, text("hi"), text("there"))
    assert [await doors.post(doors.shop.webhook_token, body) for _ in range(3)] == [200] * 3
    assert await doors.kept() == [doors.world.shop.organization_id] * 6


@pytest.mark.parametrize("remembered", [False, True])
@pytest.mark.parametrize("secret", [NEIGHBOURS_SECRET, APP_SECRET, "for nobody, so that finding nobody takes as long as finding somebody", "guess"])
async def test_a_wrong_signature_is_401_and_a_wrong_address_404_and_nothing_is_stored(doors: Doors, secret: str, remembered: bool) -> None:
    body, kept = webhook(doors.world.shop, text("forged")), 0
    if remembered:
        assert await doors.post(doors.shop.webhook_token, body) == 200
        kept = 1
    assert await doors.post(doors.shop.webhook_token, body, secret) == 401
    for address in ("x" * 43, doors.shop.webhook_token[:-1], doors.shop.webhook_token + "/", "x" * 5000, "%00%FF"):
        assert await doors.post(address, body, secret) == 404
        assert await doors.post(address, body) == 404
    assert (len(await doors.kept()), await doors.unrouted()) == (kept, [])


@pytest.mark.parametrize("remembered", [False, True])
async def test_an_event_for_another_number_is_kept_aside_and_never_reaches_that_number(doors: Doors, remembered: bool) -> None:
    world, foreign = doors.world, webhook(doors.world.neighbour, text("forged by the shop"))
    both = foreign[:-2] + b"," + webhook(world.shop, text("mine")).partition(b'"entry": [')[2]
    if remembered:
        assert await doors.post(doors.shop.webhook_token, webhook(world.shop, text("before"))) == 200
    assert await doors.post(doors.shop.webhook_token, both) == 200
    assert set(await doors.kept()) == {world.shop.organization_id}
    ((source, number, reason),) = await doors.unrouted()
    assert (source, number) == ("own_app", world.neighbour.phone_number_id) and str(world.shop.channel_id) in reason
    for own_app in (True, False):  # whether that number has an app of its own or not, a replay does not deliver it
        await world.owner.execute("update private.channel_routes set own_app = %s", (own_app,))
        assert (await world.database.call("select private.replay_unrouted() as n"))[0]["n"] == 0
    assert set(await doors.kept()) == {world.shop.organization_id}


async def test_the_webhook_for_all_does_not_speak_for_a_number_with_its_own_app(doors: Doors) -> None:
    assert await doors.post("", webhook(doors.world.shop, text("forged by the platform's app")), APP_SECRET) == 200
    assert await doors.kept() == []
    assert [row[:2] for row in await doors.unrouted()] == [("cloud_api", doors.world.shop.phone_number_id)]
    assert (await doors.world.database.call("select private.replay_unrouted() as n"))[0]["n"] == 0


async def test_an_address_ends_with_its_channel_at_once(doors: Doors) -> None:
    body = webhook(doors.world.shop, text("hi"))
    assert await doors.post(doors.shop.webhook_token, body) == 200  # and is remembered
    await doors.world.owner.execute("delete from channels where id = %s", (doors.world.shop.channel_id,))
    assert [await doors.post(doors.shop.webhook_token, body) for _ in range(2)] == [404, 404]
    assert await doors.post(doors.shop.webhook_token, webhook(doors.world.neighbour, text("hi"))) == 404
    assert (await doors.kept(), await doors.unrouted()) == ([], [])


async def test_what_cannot_be_read_is_kept_as_it_came(doors: Doors) -> None:
    assert await doors.post(doors.shop.webhook_token, b"not json") == 200
    ((source, _, reason),) = await doors.unrouted()
    assert source == "own_app" and reason.startswith("not readable") and str(doors.world.shop.channel_id) in reason


async def test_a_body_over_three_mebibytes_and_another_method_are_refused(doors: Doors) -> None:
    assert await doors.post(doors.shop.webhook_token, b" " * (3 * 1024 * 1024 + 1)) == 413
    assert (await doors.client.put(f"/{doors.shop.webhook_token}")).status_code == 405


@pytest.mark.parametrize("remembered", [False, True])
async def test_without_a_database_the_answer_is_send_it_again(doors: Doors, remembered: bool) -> None:
    world, body = doors.world, webhook(doors.world.shop, text("hi"))
    if remembered:
        assert await doors.post(doors.shop.webhook_token, body) == 200
    await world.owner.execute("revoke connect on database " + world.owner.info.dbname + " from public")  # type: ignore[arg-type]
    await world.owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'frontdesk_app' and datname = current_database()")
    assert await doors.post(doors.shop.webhook_token, body) == 503
