"""What Frontdesk is told, and how."""

import asyncio
import json
import time
from pathlib import Path

from frontdesk.channels.simulator import Pace, waba_id
from tests.channels.simulator.stage import NUMBER, Stage, Stages


async def test_a_message_arrives_signed_in_metas_shape(stage: Stage) -> None:
    wamid = await stage.write("Grüße 👋")
    (body,) = await stage.eventually(lambda: stage.ear.heard)
    (entry,) = body["entry"]
    (change,) = entry["changes"]
    value = change["value"]
    assert (body["object"], entry["id"], change["field"]) == ("whatsapp_business_account", waba_id(NUMBER), "messages")
    assert value["messaging_product"] == "whatsapp"
    assert value["metadata"] == {"display_phone_number": "15550004217", "phone_number_id": NUMBER}
    (contact,), (message,) = value["contacts"], value["messages"]
    assert (contact["profile"], contact["wa_id"]) == ({"name": "Lena"}, "4915112345678")
    assert contact["user_id"] == message["from_user_id"] and contact["user_id"].startswith("DE.")
    assert (message["from"], message["id"], message["type"]) == ("4915112345678", wamid, "text")
    assert message["text"] == {"body": "Grüße 👋"}
    assert isinstance(message["timestamp"], str) and abs(int(message["timestamp"]) - time.time()) < 5


async def test_the_signature_covers_the_exact_bytes(stage: Stage) -> None:
    await stage.write("Grüße 👋")
    await stage.eventually(lambda: stage.ear.bodies)
    body = stage.ear.bodies[0]
    assert stage.ear.signed_right()
    assert rb"Gr\u00fc\u00dfe \ud83d\udc4b" in body and body.isascii() and b": " not in body
    assert stage.ear.headers[0]["content-type"] == "application/json"


async def test_a_message_is_sent_then_delivered_then_read(stage: Stage) -> None:
    await stage.write()
    wamid = (await stage.send(biz_opaque_callback_data="m:7")).json()["messages"][0]["id"]
    await stage.eventually(lambda: len(stage.ear.statuses) == 3)
    assert [status["status"] for status in stage.ear.statuses] == ["sent", "delivered", "read"]
    for status in stage.ear.statuses:
        assert (status["id"], status["recipient_id"]) == (wamid, "4915112345678")
        assert status["biz_opaque_callback_data"] == "m:7"
        assert isinstance(status["timestamp"], str)
        assert "conversation" not in status
    assert ["pricing" in status for status in stage.ear.statuses] == [True, True, False]
    assert all(value["contacts"][0]["wa_id"] == "4915112345678" for value in stage.ear.values)
    assert (await stage.phone())[0]["status"] == "read"


async def test_reactions_come_and_go(stage: Stage) -> None:
    await stage.write()
    wamid = (await stage.send()).json()["messages"][0]["id"]
    await stage.write(text=None, reaction={"message_id": wamid, "emoji": "👍"})
    await stage.write(text=None, reaction={"message_id": wamid, "emoji": ""})
    await stage.eventually(lambda: len(stage.ear.messages) == 3)
    reactions = [message["reaction"] for message in stage.ear.messages[1:]]
    assert reactions == [{"message_id": wamid, "emoji": "👍"}, {"message_id": wamid, "emoji": ""}]


async def test_a_reply_quotes_the_message_it_answers(stage: Stage) -> None:
    await stage.write()
    wamid = (await stage.send()).json()["messages"][0]["id"]
    await stage.write("yes", reply_to=wamid)
    await stage.eventually(lambda: len(stage.ear.messages) == 2)
    assert stage.ear.messages[1]["context"] == {"from": "15550004217", "id": wamid}


async def test_who_hides_the_number_has_only_an_id_and_a_username(stage: Stage) -> None:
    await stage.write(**{"from": None, "username": "sheena.n", "name": "Sheena"})
    (value,) = await stage.eventually(lambda: stage.ear.values)
    (contact,), (message,) = value["contacts"], value["messages"]
    assert contact["profile"] == {"name": "Sheena", "username": "@sheena.n"}
    assert "wa_id" not in contact and "from" not in message
    assert contact["user_id"] == message["from_user_id"]


async def test_everybody_keeps_the_same_id(stage: Stage) -> None:
    for text in ("one", "two"):
        await stage.write(text)
        await stage.write(text, to="109400000004218")
    await stage.eventually(lambda: len(stage.ear.messages) == 4)
    assert len({message["from_user_id"] for message in stage.ear.messages}) == 1


async def test_messages_of_a_number_arrive_in_order(stage: Stage) -> None:
    texts = [str(turn) for turn in range(60)]
    for text in texts:
        await stage.write(text)
    await stage.eventually(lambda: len(stage.ear.messages) == 60)
    assert [message["text"]["body"] for message in stage.ear.messages] == texts


async def test_what_waits_travels_together_up_to_a_limit(stages: Stages) -> None:
    async with stages(webhooks_per_request=4) as stage:
        stage.ear.slow = 0.2
        await asyncio.gather(*(stage.write(str(turn)) for turn in range(9)))
        stage.ear.slow = 0.0
        await stage.eventually(lambda: len(stage.ear.messages) == 9)
        sizes = [len(body["entry"][0]["changes"]) for body in stage.ear.heard]
        assert sum(sizes) == 9 and max(sizes) == 4


async def test_what_is_refused_comes_again_unchanged(stage: Stage) -> None:
    stage.ear.answers = [500, 503, 404]
    await stage.write()
    await stage.eventually(lambda: stage.ear.heard)
    assert len(stage.ear.bodies) == 4 and len(set(stage.ear.bodies)) == 1
    assert len({headers["x-hub-signature-256"] for headers in stage.ear.headers}) == 1


async def test_order_survives_a_short_outage(stage: Stage) -> None:
    stage.ear.answers = [503, 503]
    for text in "abc":
        await stage.write(text)
    await stage.eventually(lambda: len(stage.ear.messages) == 3)
    assert [message["text"]["body"] for message in stage.ear.messages] == ["a", "b", "c"]


async def test_what_is_refused_for_long_does_not_hold_up_the_rest(stages: Stages) -> None:
    pace = Pace(hold_for=(0.0,), retry_first=0.3, webhook_timeout=0.5)
    async with stages(pace=pace, webhooks_per_request=1) as stage:
        stage.ear.answers = [500, 500]
        await stage.write("refused")
        await stage.write("taken")
        await stage.eventually(lambda: len(stage.ear.messages) == 2)
        assert [message["text"]["body"] for message in stage.ear.messages] == ["taken", "refused"]


async def test_no_answer_in_time_is_tried_again(stage: Stage) -> None:
    stage.ear.slow = 1.0
    await stage.write()
    await asyncio.sleep(0.6)
    stage.ear.slow = 0.0
    await stage.eventually(lambda: len(stage.ear.bodies) >= 2)


async def test_what_was_not_confirmed_survives_the_simulator(stages: Stages, tmp_path: Path) -> None:
    store = tmp_path / "simulator.db"
    async with stages(store_path=store, webhook_url="http://127.0.0.1:9/nobody") as stage:
        await stage.write("not yet heard")
        await stage.send(text={"body": "answer"})
        assert {path.stat().st_mode & 0o077 for path in tmp_path.glob("simulator.db*")} == {0}  # closed to others
    async with stages(store_path=store) as stage:
        await stage.eventually(lambda: stage.ear.messages and len(stage.ear.statuses) == 3)
        assert stage.ear.messages[0]["text"]["body"] == "not yet heard"
        assert [message["text"] for message in await stage.phone()] == ["answer"]
        assert (await stage.send()).status_code == 200
        await stage.eventually(lambda: len(stage.ear.statuses) == 6)
        assert "failed" not in {status["status"] for status in stage.ear.statuses}


async def test_the_same_message_twice_is_one_on_the_phone_and_two_webhooks(stage: Stage) -> None:
    await stage.write("hi", id="wamid.mine")
    await stage.write("hi", id="wamid.mine")
    await stage.eventually(lambda: len(stage.ear.messages) == 2)
    assert {message["id"] for message in stage.ear.messages} == {"wamid.mine"}


async def test_bodies_are_json_that_reads_back(stage: Stage) -> None:
    await stage.write('quote " backslash \\ newline \n tab \t <script> / 👩‍👩‍👧')
    await stage.eventually(lambda: stage.ear.messages)
    assert stage.ear.messages[0]["text"]["body"] == 'quote " backslash \\ newline \n tab \t <script> / 👩‍👩‍👧'
    assert json.loads(stage.ear.bodies[0]) == stage.ear.heard[0]
