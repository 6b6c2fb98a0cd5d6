"""The scripting door: clear answers for programs on this machine, none for anybody else."""

import time
from typing import Any

import httpx
import pytest

from frontdesk.channels.simulator import SandboxNumber
from tests.channels.simulator.stage import NUMBER, Stage, Stages

LENA = {"to": NUMBER, "from": "+49 1511 2345678", "name": "Lena", "text": "hi"}


async def test_somebody_writes_and_the_message_has_an_id(stage: Stage) -> None:
    answer = await stage.client.post("/inbound", json=LENA)
    assert answer.status_code == 202
    assert answer.json()["id"].startswith("wamid.")
    assert (answer.json()["from"], answer.json()["user_id"][:3]) == ("4915112345678", "DE.")


async def test_id_and_time_can_be_chosen(stage: Stage) -> None:
    at = int(time.time()) - 3600
    await stage.client.post("/inbound", json=LENA | {"id": "wamid.chosen", "timestamp": at})
    (message,) = await stage.eventually(lambda: stage.ear.messages)
    assert (message["id"], message["timestamp"]) == ("wamid.chosen", str(at))


@pytest.mark.parametrize("written", ["+4915112345678", "4915112345678", "+49 1511 2345678", "004915112345678"])
async def test_a_phone_is_found_however_its_number_is_written(stage: Stage, written: str) -> None:
    await stage.write()
    await stage.send()
    assert len(await stage.phone(written)) == 1


async def test_an_unescaped_plus_is_understood(stage: Stage) -> None:
    await stage.write()
    await stage.send()
    assert len((await stage.client.get("/messages?to=+4915112345678")).json()) == 1


async def test_a_phone_lists_what_it_received_newest_last(stage: Stage) -> None:
    await stage.write()
    await stage.write(to="109400000004218")
    for text in ("one", "two"):
        await stage.send(text={"body": text})
    await stage.send(number="109400000004218", text={"body": "three"})
    messages = await stage.phone()
    assert [message["text"] for message in messages] == ["one", "two", "three"]
    assert [message["text"] for message in await stage.phone(**{"from": NUMBER})] == ["one", "two"]
    assert [message["text"] for message in await stage.phone(limit="1")] == ["three"]
    assert set(messages[0]) == {
        "id", "from", "to", "type", "text", "reply_to", "biz_opaque_callback_data", "status", "error_code", "at",
    }  # fmt: skip


async def test_a_phone_that_received_nothing_is_empty(stage: Stage) -> None:
    assert await stage.phone("+491700000000") == []


async def test_everything_can_be_emptied(stage: Stage) -> None:
    await stage.write()
    await stage.send()
    await stage.faults(duplicate=True)
    assert (await stage.client.delete("/messages")).status_code == 204
    assert await stage.phone() == []
    assert (await stage.client.get(f"/faults/{NUMBER}")).json() == {}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"to": None}, "to"),
        ({"to": 109400000004217}, "to"),
        ({"to": "none"}, "to"),
        ({"from": None}, "from"),
        ({"from": "12"}, "from"),
        ({"from": "+49 not a number"}, "from"),
        ({"from": 4915112345678}, "from"),
        ({"bsuid": "US.1"}, "from"),
        ({"from": None, "bsuid": "nonsense"}, "bsuid"),
        ({"from": None, "username": "X Y"}, "username"),
        ({"name": 7}, "name"),
        ({"name": "x" * 10_000}, "name"),
        ({"text": ""}, "text"),
        ({"text": "  \n "}, "text"),
        ({"text": None}, "text"),
        ({"text": "x" * 4097}, "text"),
        ({"reaction": {"emoji": "👍"}}, "reaction.message_id"),
        ({"reaction": "👍"}, "reaction.message_id"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"timestamp": time.time() + 10**7}, "timestamp"),
        ({"id": "x" * 300}, "id"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_bad_input_is_refused_by_the_name_of_its_field(stage: Stage, change: dict[str, Any], field: str) -> None:
    answer = await stage.client.post("/inbound", json=LENA | change)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
    assert answer.json()["error"]["message"]
    assert stage.ear.heard == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"hi"', b"\xff", b"[" * 3000])
async def test_what_is_no_json_object_is_refused(stage: Stage, body: bytes) -> None:
    answer = await stage.client.post("/inbound", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422 and answer.json()["error"]["message"]


async def test_the_longest_text_fits(stage: Stage) -> None:
    await stage.write("ü" * 4096)
    await stage.eventually(lambda: stage.ear.messages)


@pytest.mark.parametrize("query", ["", "to=", "to=12", "to=%2B4915112345678&limit=0", "to=%2B4915112345678&limit=x"])
async def test_bad_questions_are_refused(stage: Stage, query: str) -> None:
    answer = await stage.client.get(f"/messages?{query}")
    assert answer.status_code == 422 and answer.json()["error"]["field"] in ("to", "limit")


async def test_where_numbers_are_known_an_unknown_one_is_refused(stages: Stages) -> None:
    async def find(phone_number_id: str) -> SandboxNumber | None:
        return SandboxNumber(NUMBER, "+1 555 010 4217", "Lagos Glow Salon") if phone_number_id == NUMBER else None

    async with stages(find=find) as stage:
        refused = await stage.client.post("/inbound", json=LENA | {"to": "109400000009999"})
        assert (refused.status_code, refused.json()["error"]["field"]) == (422, "to")
        await stage.write()
        (value,) = await stage.eventually(lambda: stage.ear.values)
        assert value["metadata"]["display_phone_number"] == "15550104217"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""])
async def test_a_form_of_another_site_is_not_json(stage: Stage, kind: str) -> None:
    answer = await stage.client.post("/inbound", content=b"{}", headers={"content-type": kind})
    assert answer.status_code == 415


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "10.0.0.7", ""])
async def test_another_host_name_is_refused(stage: Stage, host: str) -> None:
    answer = await stage.client.get("/messages?to=%2B4915112345678", headers={"host": host})
    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["localhost:3002", "127.0.0.1", "[::1]:3002", "[::1]"])
async def test_loopback_names_are_welcome(stage: Stage, host: str) -> None:
    answer = await stage.client.get("/messages?to=%2B4915112345678", headers={"host": host})
    assert answer.status_code == 200


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip", "via"])
async def test_nobody_comes_through_a_proxy(stage: Stage, header: str) -> None:
    answer = await stage.client.get("/messages?to=%2B4915112345678", headers={header: "127.0.0.1"})
    assert answer.status_code == 403


async def test_other_machines_are_refused_by_their_address(stage: Stage) -> None:
    from frontdesk.channels.simulator.app import build

    simulator = build(_settings(), development=True)
    away = httpx.ASGITransport(simulator, client=("192.0.2.7", 4711))
    async with httpx.AsyncClient(transport=away, base_url="http://127.0.0.1") as client:
        for path in ("/messages?to=%2B4915112345678", f"/faults/{NUMBER}", f"/limits/{NUMBER}"):
            assert (await client.get(path)).status_code == 403
        assert (await client.post("/inbound", json=LENA)).status_code == 403


def test_in_production_there_is_no_simulator() -> None:
    from frontdesk.channels.simulator import NotInProduction, build

    with pytest.raises(NotInProduction):
        build(_settings(), development=False)


def _settings() -> Any:
    from frontdesk.channels.simulator import SimulatorSettings

    return SimulatorSettings(app_secret="x")
