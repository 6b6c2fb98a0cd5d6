"""Everything that can be made to go wrong does go wrong, over a real connection."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from frontdesk.channels.simulator import SimulatorSettings, access_token
from frontdesk.channels.simulator.app import alone
from frontdesk.endings import StreamsThatEnd
from tests.channels.simulator.stage import NUMBER, SECRET, Stage, Stages


async def test_a_webhook_is_delivered_twice(stage: Stage) -> None:
    await stage.faults(duplicate={"count": 1})
    await stage.write("one")
    await stage.eventually(lambda: len(stage.ear.bodies) == 2)
    assert stage.ear.bodies[0] == stage.ear.bodies[1]
    await stage.write("two")
    await stage.eventually(lambda: len(stage.ear.bodies) == 3)
    assert (await stage.client.get(f"/faults/{NUMBER}")).json() == {}


async def test_statuses_overtake_each_other(stage: Stage) -> None:
    await stage.write()
    await stage.faults(reorder={"seconds": 0.05})
    await stage.send()
    await stage.eventually(lambda: len(stage.ear.statuses) == 3)
    assert [status["status"] for status in stage.ear.statuses] == ["read", "delivered", "sent"]


async def test_messages_overtake_each_other(stage: Stage) -> None:
    await stage.faults(reorder={"seconds": 0.2})
    await stage.write("first")
    await stage.write("second")
    await stage.eventually(lambda: len(stage.ear.messages) == 2)
    assert [message["text"]["body"] for message in stage.ear.messages] == ["second", "first"]


async def test_webhooks_come_late(stage: Stage) -> None:
    await stage.faults(delay={"seconds": 0.4})
    began = time.monotonic()
    await stage.write()
    await stage.eventually(lambda: stage.ear.messages)
    assert time.monotonic() - began >= 0.4


async def test_what_is_lost_comes_again(stage: Stage) -> None:
    await stage.faults(drop={"seconds": 0.3, "count": 1})
    await stage.write("lost at first")
    await stage.write("arrives")
    await stage.eventually(lambda: len(stage.ear.messages) == 2)
    assert [message["text"]["body"] for message in stage.ear.messages] == ["arrives", "lost at first"]


async def test_what_is_lost_for_good_never_comes(stage: Stage) -> None:
    await stage.faults(lose={"every": 2})
    for text in "abcd":
        await stage.write(text)
    await stage.eventually(lambda: len(stage.ear.messages) == 2)
    assert [message["text"]["body"] for message in stage.ear.messages] == ["a", "c"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"answer_429": True}, 429, 130429),
        ({"answer_429": {"status": 400}}, 400, 130429),
        ({"answer_500": True}, 500, 131000),
        ({"answer_502": True}, 502, None),
    ],
)
async def test_sends_are_answered_with_errors(stage: Stage, fault: Any, status: int, code: int | None) -> None:
    await stage.write()
    await stage.faults(**fault)
    answer = await stage.send()
    assert answer.status_code == status
    if code is None:
        assert answer.headers["content-type"].startswith("text/html") and "<html>" in answer.text
    else:
        assert answer.json()["error"]["code"] == code
    assert await stage.phone() == []


async def test_a_fault_strikes_as_often_as_it_was_told(stage: Stage) -> None:
    await stage.write()
    await stage.faults(answer_500={"count": 2})
    assert [(await stage.send()).status_code for _ in range(4)] == [500, 500, 200, 200]


async def test_the_line_is_cut_before_the_message_is_accepted(stage: Stage) -> None:
    await stage.write()
    await stage.faults(reset_before={"count": 1})
    with pytest.raises(httpx.ReadError):
        await stage.send()
    assert await stage.phone() == []
    assert (await stage.send()).status_code == 200


async def test_the_line_is_cut_after_the_message_was_accepted(stage: Stage) -> None:
    await stage.write()
    await stage.faults(reset_after={"count": 1})
    with pytest.raises(httpx.ReadError):
        await stage.send(biz_opaque_callback_data="m:9")
    assert [message["biz_opaque_callback_data"] for message in await stage.phone()] == ["m:9"]
    await stage.eventually(lambda: len(stage.ear.statuses) == 3)
    assert {status["biz_opaque_callback_data"] for status in stage.ear.statuses} == {"m:9"}


async def test_a_cut_line_is_a_reset_on_the_wire(stage: Stage) -> None:
    await stage.write()
    await stage.faults(reset_before=True)
    host, port = stage.client.base_url.host, stage.client.base_url.port
    reader, writer = await asyncio.open_connection(host, port)
    token = access_token(SECRET, NUMBER)
    body = b'{"messaging_product":"whatsapp","to":"4915112345678","type":"text","text":{"body":"hi"}}'
    head = f"POST /simulator/graph/v26.0/{NUMBER}/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    with pytest.raises(ConnectionResetError):
        await reader.read(1)
    writer.close()


async def test_the_line_is_cut_inside_the_product_too(stages: Stages) -> None:
    async with stages(wrap=lambda app: StreamsThatEnd(app, asyncio.Event())) as stage:
        await stage.write()
        await stage.faults(reset_after={"count": 1})
        with pytest.raises(httpx.ReadError):
            await stage.send()
        assert len(await stage.phone()) == 1
        assert (await stage.send()).status_code == 200


async def test_the_line_is_cut_under_uvloop_too() -> None:
    settings = SimulatorSettings(app_secret=SECRET, webhook_url="http://127.0.0.1:9/nobody")
    config = uvicorn.Config(alone(settings, development=True), port=0, loop="uvloop", log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/simulator"
    async with httpx.AsyncClient(base_url=url, trust_env=False, verify=False) as client:
        assert (await client.put(f"/faults/{NUMBER}", json={"reset_before": True})).status_code == 200
        token = {"authorization": f"Bearer {access_token(SECRET, NUMBER)}"}
        body = {"messaging_product": "whatsapp", "to": "4915112345678", "type": "text", "text": {"body": "hi"}}
        with pytest.raises(httpx.ReadError):
            await client.post(f"/graph/v26.0/{NUMBER}/messages", json=body, headers=token)
    server.should_exit = True
    await asyncio.to_thread(thread.join)


async def test_answers_are_slow_but_the_message_is_accepted(stage: Stage) -> None:
    await stage.write()
    await stage.faults(slow={"seconds": 0.5})
    sending = asyncio.create_task(stage.send())
    await stage.eventually(stage.phone)
    assert not sending.done()
    assert (await sending).status_code == 200


async def test_statuses_come_before_the_answer(stage: Stage) -> None:
    await stage.write()
    await stage.faults(early_statuses=True)
    await stage.send()
    assert [status["status"] for status in stage.ear.statuses][:2] == ["sent", "delivered"]


async def test_faults_hold_for_one_number_only_and_can_be_switched_off(stage: Stage) -> None:
    await stage.write(to="109400000004218")
    await stage.faults(answer_500=True)
    assert (await stage.send(number="109400000004218")).status_code == 200
    await stage.client.delete(f"/faults/{NUMBER}")
    await stage.write()
    assert (await stage.send()).status_code == 200


async def test_marking_as_read_is_spared(stage: Stage) -> None:
    wamid = await stage.write()
    await stage.faults(answer_500={"count": 1})
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    assert (await stage.send(read)).status_code == 200
    assert (await stage.send()).status_code == 500


async def test_faults_survive_the_simulator(stages: Stages, tmp_path: Path) -> None:
    async with stages(store_path=tmp_path / "simulator.db") as stage:
        await stage.faults(slow={"seconds": 2.5, "count": 7})
    async with stages(store_path=tmp_path / "simulator.db") as stage:
        assert (await stage.client.get(f"/faults/{NUMBER}")).json() == {"slow": {"count": 7, "seconds": 2.5}}


@pytest.mark.parametrize(
    ("switches", "field"),
    [
        ({"gravity": True}, "gravity"),
        ({"slow": 3}, "slow"),
        ({"slow": {"minutes": 3}}, "slow.minutes"),
        ({"slow": {"seconds": -1}}, "slow.seconds"),
        ({"slow": {"seconds": "3"}}, "slow.seconds"),
        ({"duplicate": {"count": 0}}, "duplicate.count"),
        ({"answer_429": {"status": 200}}, "answer_429.status"),
        ({"drop": {"every": True}}, "drop.every"),
    ],
)
async def test_unknown_switches_are_refused_by_name(stage: Stage, switches: Any, field: str) -> None:
    answer = await stage.client.put(f"/faults/{NUMBER}", json=switches)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field)
