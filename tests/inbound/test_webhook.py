"""The webhook's door: nothing unsigned, nothing lost, 200 only when it is on disk."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from frontdesk.inbound import Keeper, Source, Webhook
from frontdesk.inbound.records import Place
from tests.world import APP_SECRET, Shop, World, sign, text, webhook

TOKEN = "what Meta was told"


@pytest.fixture
async def door(world: World) -> AsyncIterator[httpx.AsyncClient]:
    sources = [Source("cloud_api", (APP_SECRET,)), Source("simulator", ("the simulator's secret",))]
    application = Webhook(world.database, Keeper(world.database, lambda lanes: None), sources, TOKEN)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:  # type: ignore[arg-type]
        yield client


async def post(door: httpx.AsyncClient, body: bytes, secret: str = APP_SECRET) -> int:
    return (await door.post("/webhooks/whatsapp", content=body, headers={"X-Hub-Signature-256": sign(body, secret)})).status_code


async def kept(world: World) -> int:
    return int((await world.see("select coalesce(sum(events), 0) from inbound_deliveries"))[0][0])


async def test_the_handshake_gives_the_challenge_back_to_who_knows_the_token(door: httpx.AsyncClient) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": TOKEN}
    answer = await door.get("/webhooks/whatsapp", params=query)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert (await door.get("/webhooks/whatsapp", params=query | {"hub.verify_token": "guess"})).status_code == 403


async def test_what_is_signed_is_kept_and_what_is_not_is_refused(world: World, door: httpx.AsyncClient) -> None:
    body = webhook(world.shop, text("hi"))
    assert await post(door, body, "somebody else's secret") == 401
    assert (await door.post("/webhooks/whatsapp", content=body)).status_code == 401
    assert await kept(world) == 0
    assert await post(door, body) == 200
    assert await kept(world) == 1


async def test_a_batch_of_a_thousand_over_two_organizations_is_cut_and_routed(world: World, door: httpx.AsyncClient) -> None:
    first, second = (webhook(shop, *(text(f"{n}") for n in range(500))) for shop in (world.shop, world.neighbour))
    body = b'{"object":"whatsapp_business_account","entry":[' + b",".join(b[b.index(b'"entry": [') + 10 : -2] for b in (first, second)) + b"]}"
    assert await post(door, body) == 200
    rows = await world.see("select organization_id, sum(events), sum(array_length(string_to_array(payload, E'\\n'), 1)) from inbound_deliveries group by 1")
    assert sorted(rows) == sorted([(world.shop.organization_id, 500, 500), (world.neighbour.organization_id, 500, 500)])


async def test_the_simulators_secret_does_not_open_a_real_number(world: World, door: httpx.AsyncClient) -> None:
    assert await post(door, webhook(world.shop, text("forged")), "the simulator's secret") == 200
    assert await kept(world) == 0
    assert await world.see("select source, phone_number_id from private.unrouted_deliveries") == [("simulator", world.shop.phone_number_id)]


async def test_what_is_for_nobody_is_kept_and_told_once_the_number_is_connected(world: World, door: httpx.AsyncClient) -> None:
    stranger = Shop("x", world.shop.organization_id, world.shop.owner_id, world.shop.channel_id, "999")
    assert await post(door, webhook(stranger, text("anybody there?"))) == 200
    assert await kept(world) == 0
    await world.owner.execute("update private.channel_routes set phone_number_id = '999' where channel_id = %s", (world.shop.channel_id,))
    assert (await world.database.call("select private.replay_unrouted() as n"))[0]["n"] == 1
    assert (await world.tell(world.shop)).messages == 1


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"entry": [', b"not json", b'{"entry": "\xed\xa0\x80"}'], ids=["utf-8", "cut off", "no json", "surrogate"])
async def test_what_cannot_be_read_is_kept_as_it_came_with_the_reason(world: World, door: httpx.AsyncClient, body: bytes) -> None:
    assert await post(door, body) == 200
    ((raw, reason),) = await world.see("select body, reason from private.unrouted_deliveries")
    assert bytes(raw) == body and reason.startswith("not readable")


async def test_nul_and_deep_nesting_neither_break_nor_lose_anything(world: World, door: httpx.AsyncClient) -> None:
    deep = text("deep")
    deep["messages"][0]["extra"] = "["
    body = webhook(world.shop, text("a\0b \ud83d"), deep).replace(b'"["', b"[" * 200 + b"]" * 200)
    assert await post(door, body) == 200
    told = await world.tell(world.shop)
    assert (told.messages, told.failures) == (2, ())
    assert len(await world.see("select text from messages where text like 'a_b%%' or text = 'deep'")) == 2


async def test_a_body_over_three_mebibytes_is_refused(door: httpx.AsyncClient) -> None:
    assert await post(door, b" " * (3 * 1024 * 1024 + 1)) == 413


async def test_without_a_database_the_answer_is_send_it_again(world: World, door: httpx.AsyncClient) -> None:
    body = webhook(world.shop, text("hi"))
    assert await post(door, body) == 200  # the route is known now
    await world.owner.execute("revoke connect on database " + world.owner.info.dbname + " from public")  # type: ignore[arg-type]
    await world.owner.execute("revoke execute on function private.keep_packs(jsonb, text) from frontdesk_app")
    await world.owner.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'frontdesk_app' and datname = current_database()")
    assert await post(door, body) == 503
    assert await kept(world) == 1


async def test_requests_that_come_together_share_commits_and_all_are_kept(world: World) -> None:
    rung: list[set[Place]] = []
    keeper = Keeper(world.database, lambda places: rung.append(set(places)))
    application = Webhook(world.database, keeper, [Source("cloud_api", (APP_SECRET,))], TOKEN)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://test") as client:  # type: ignore[arg-type]
        codes = await asyncio.gather(*(post(client, webhook(world.shop, text(f"{n}"))) for n in range(200)))
    assert codes == [200] * 200
    assert await kept(world) == 200
    assert len(rung) < 100 and {place.lane for places in rung for place in places} == {world.shop.lane}


async def test_a_channel_disconnected_meanwhile_does_not_lose_the_others_events(world: World, door: httpx.AsyncClient) -> None:
    assert await post(door, webhook(world.shop, text("1"))) == 200
    assert await post(door, webhook(world.neighbour, text("1"))) == 200
    await world.owner.execute("delete from channels where id = %s", (world.neighbour.channel_id,))
    codes = await asyncio.gather(post(door, webhook(world.shop, text("2"))), post(door, webhook(world.neighbour, text("2"))))
    assert codes == [200, 200]
    assert await kept(world) == 2
    assert await world.see("select count(*) from private.unrouted_deliveries") == [(1,)]
