"""The simulated Graph API answers as Meta does."""

import asyncio
import time
from typing import Any

import pytest

from frontdesk.channels import cloud_api
from frontdesk.channels.simulator import Limits, Person, Recalled, access_token
from tests.channels.simulator.stage import NUMBER, SECRET, Stage, Stages

SAMPLE = "US.12345678901234567"  # somebody of the sample data


async def test_a_text_is_accepted_and_stands_on_the_phone(stage: Stage) -> None:
    await stage.write("hi")
    answer = await stage.send(text={"body": "Hello Lena"}, biz_opaque_callback_data="m:1")
    body = answer.json()
    assert answer.status_code == 200
    assert body["messaging_product"] == "whatsapp"
    assert body["contacts"] == [{"input": "4915112345678", "wa_id": "4915112345678"}]
    assert body["messages"][0]["id"].startswith("wamid.")
    (message,) = await stage.phone()
    assert (message["text"], message["from"], message["biz_opaque_callback_data"]) == ("Hello Lena", NUMBER, "m:1")
    assert message["id"] == body["messages"][0]["id"]


async def test_answers_carry_metas_headers_for_any_version(stage: Stage) -> None:
    await stage.write()
    token = {"authorization": f"Bearer {access_token(SECRET, NUMBER)}"}
    answer = await stage.client.get(f"/graph/v23.0/{NUMBER}/", headers=token)
    assert answer.headers["facebook-api-version"] == "v23.0"
    assert answer.headers["x-fb-trace-id"]


async def test_every_message_has_an_id_of_its_own(stage: Stage) -> None:
    await stage.write()
    answers = [await stage.send() for _ in range(30)]
    assert len({answer.json()["messages"][0]["id"] for answer in answers}) == 30


async def test_a_wrong_or_missing_token_is_refused_as_meta_does(stage: Stage) -> None:
    path = f"/graph/v26.0/{NUMBER}/messages"
    for headers in ({}, {"authorization": "Bearer sim_wrong"}, {"authorization": "Basic abc"}):
        answer = await stage.client.post(path, json={}, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == 190
        assert answer.json()["error"]["fbtrace_id"]


async def test_the_token_of_another_number_opens_nothing(stage: Stage) -> None:
    await stage.write(to="109400000004218")
    other = {"authorization": f"Bearer {access_token(SECRET, '109400000004218')}"}
    answer = await stage.client.post(f"/graph/v26.0/{NUMBER}/messages", json={}, headers=other)
    assert answer.status_code == 400
    assert (answer.json()["error"]["code"], answer.json()["error"]["error_subcode"]) == (100, 33)


async def test_a_number_is_proven_by_its_own_token_only(stage: Stage) -> None:
    await stage.write(to="109400000004218")
    await stage.write()
    url = cloud_api.number_url(f"{stage.url}/graph", "v26.0", NUMBER)
    async with cloud_api.Session() as session:
        tokens = access_token(SECRET, NUMBER), access_token(SECRET, "109400000004218"), "EAAG-invented"
        assert [await cloud_api.prove(session, url, token, NUMBER) for token in tokens] == ["proven", "not its number", "bad token"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"messaging_product": None}, 100, "messaging_product"),
        ({"type": "carrier_pigeon"}, 100, "carrier_pigeon"),
        ({"type": "image", "image": {"id": "1"}}, 131051, "image"),
        ({"colour": "red"}, 100, "colour"),
        ({"text": {"body": "a", "size": 3}}, 100, "size"),
        ({"text": {"body": "a", "preview_url": "yes"}}, 100, "preview_url"),
        ({"text": {}}, 131008, "body"),
        ({"text": "Hello"}, 100, "text"),
        ({"text": {"body": "x" * 4097}}, 100, "4096"),
        ({"text": {"body": 7}}, 100, "body"),
        ({"to": ""}, 131008, "to"),
        ({"to": "not a number"}, 131009, "to"),
        ({"to": "", "recipient": "nonsense"}, 131009, "recipient"),
        ({"to": "+1 555 000 4217"}, 131021, ""),
        ({"recipient_type": "group"}, 100, "recipient_type"),
        ({"biz_opaque_callback_data": "x" * 513}, 131009, "biz_opaque_callback_data"),
        ({"context": {}}, 131008, "message_id"),
        ({"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}, "text": None}, 100, "text"),
    ],
)
async def test_bad_requests_are_refused_with_metas_code(stage: Stage, change: dict[str, Any], code: int, words: str) -> None:
    await stage.write()
    answer = await stage.send(**change)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, code)
    assert words in error["message"] + error.get("error_data", {}).get("details", "")
    assert error["type"] == "OAuthException"
    assert await stage.phone() == []


async def test_what_is_not_json_is_refused(stage: Stage) -> None:
    token = {"authorization": f"Bearer {access_token(SECRET, NUMBER)}"}
    for body in (b"{", b"\xff\xfe", b"[]", b"[" * 5000):
        answer = await stage.client.post(f"/graph/v26.0/{NUMBER}/messages", content=body, headers=token)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 100)


async def test_the_longest_text_and_the_longest_callback_data_fit(stage: Stage) -> None:
    await stage.write()
    answer = await stage.send(text={"body": "ü" * 4096}, biz_opaque_callback_data="x" * 512)
    assert answer.status_code == 200


async def test_reactions_reach_the_phone_and_only_for_messages_of_the_chat(stage: Stage) -> None:
    wamid = await stage.write("look at this")
    reaction = {"type": "reaction", "reaction": {"message_id": wamid, "emoji": "❤️"}}
    body = {"messaging_product": "whatsapp", "to": "+49 151 12345678", **reaction}
    assert (await stage.send(body)).status_code == 200
    (message,) = await stage.phone()
    assert (message["type"], message["emoji"], message["message_id"]) == ("reaction", "❤️", wamid)
    refused = await stage.send(body | {"reaction": {"message_id": "wamid.unknown", "emoji": "❤️"}})
    assert refused.json()["error"]["code"] == 131009


async def test_marking_as_read_needs_a_message_that_was_received(stage: Stage) -> None:
    wamid = await stage.write()
    read = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": wamid,
        "typing_indicator": {"type": "text"},
    }
    assert (await stage.send(read)).json() == {"success": True}
    assert (await stage.send(read | {"message_id": "wamid.unknown"})).json()["error"]["code"] == 131009
    assert (await stage.send(read | {"status": "delivered"})).json()["error"]["code"] == 100


async def test_a_number_tells_about_itself(stage: Stage) -> None:
    await stage.write()
    token = {"authorization": f"Bearer {access_token(SECRET, NUMBER)}"}
    usual = (await stage.client.get(f"/graph/v26.0/{NUMBER}", headers=token)).json()
    assert usual["id"] == NUMBER and usual["quality_rating"] == "GREEN"
    some = await stage.client.get(f"/graph/v26.0/{NUMBER}", params={"fields": "name_status,status"}, headers=token)
    assert set(some.json()) == {"id", "name_status", "status"}
    wrong = await stage.client.get(f"/graph/v26.0/{NUMBER}", params={"fields": "shoe_size"}, headers=token)
    assert wrong.json()["error"]["code"] == 100


async def test_unknown_paths_are_refused_by_name(stage: Stage) -> None:
    answer = await stage.client.get("/graph/v26.0/123/message_templates")
    assert answer.status_code == 400
    assert "message_templates" in answer.json()["error"]["message"]


async def test_outside_the_window_a_message_fails_afterwards(stage: Stage) -> None:
    answer = await stage.send(biz_opaque_callback_data="m:2")
    assert answer.status_code == 200
    (status,) = await stage.eventually(lambda: stage.ear.statuses)
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131047)
    assert status["biz_opaque_callback_data"] == "m:2"
    assert "contacts" not in stage.ear.values[0]
    assert await stage.phone() == []
    assert [message["status"] for message in await stage.phone(failed="1")] == ["failed"]


async def test_the_window_closes_a_day_after_the_last_message(stage: Stage) -> None:
    await stage.write(timestamp=_hours_ago(24.1))
    await stage.send(biz_opaque_callback_data="late")
    await stage.write(timestamp=_hours_ago(23.9))
    await stage.send(biz_opaque_callback_data="in time")
    await stage.eventually(lambda: len(stage.ear.statuses) >= 4)
    told = {(status["biz_opaque_callback_data"], status["status"]) for status in stage.ear.statuses}
    assert told == {("late", "failed"), ("in time", "sent"), ("in time", "delivered"), ("in time", "read")}


async def test_the_window_may_refuse_at_once(stages: Stages) -> None:
    async with stages(window_refusal="at once") as stage:
        answer = await stage.send()
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 131047)


@pytest.mark.parametrize(("hours", "recipient", "accepted"), [(23, SAMPLE, 200), (25, SAMPLE, 400), (23, "", 400)])
async def test_who_wrote_before_the_simulator_was_there_may_be_answered_in_time(stages: Stages, hours: int, recipient: str, accepted: int) -> None:
    async def recall(number: str, bsuid: str) -> Recalled | None:
        known = (number, bsuid) == (NUMBER, SAMPLE)
        return Recalled(Person(SAMPLE, username="zainab.a", name="Zainab"), time.time() - hours * 3600) if known else None

    async with stages(window_refusal="at once", recall=recall) as stage:
        answer = await stage.send(**({"to": None, "recipient": recipient} if recipient else {}))
        assert answer.status_code == accepted, answer.text
        assert len(await stage.phone(SAMPLE)) == (accepted == 200)


async def test_the_window_is_one_of_number_and_person(stage: Stage) -> None:
    await stage.write(to="109400000004218")
    await stage.send()
    await stage.eventually(lambda: [status for status in stage.ear.statuses if status["status"] == "failed"])


async def test_a_number_sends_eighty_messages_a_second(stages: Stages) -> None:
    async with stages(limits=Limits(per_second=5, pair_burst=1000)) as stage:
        await stage.write()
        codes = [(await stage.send()).status_code for _ in range(8)]
        assert codes.count(200) in (5, 6)
        refused = await stage.send()
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, 130429)


async def test_one_person_gets_forty_five_messages_at_once(stage: Stage) -> None:
    await stage.write()
    answers = await asyncio.gather(*(stage.send() for _ in range(46)))
    assert [answer.status_code for answer in answers].count(200) == 45
    (refused,) = [answer for answer in answers if answer.status_code != 200]
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, 131056)


async def test_limits_can_be_changed_for_one_number(stage: Stage) -> None:
    await stage.write()
    answer = await stage.client.put(f"/limits/{NUMBER}", json={"pair_burst": 1})
    assert answer.json() == {"per_second": 80.0, "pair_seconds": 6.0, "pair_burst": 1}
    assert [(await stage.send()).status_code for _ in range(2)] == [200, 429]
    await stage.client.delete(f"/limits/{NUMBER}")
    assert (await stage.send()).status_code == 200


@pytest.mark.parametrize(("ending", "code"), [("0026", 131026), ("0047", 131047), ("0049", 131049), ("0050", 131050)])
async def test_magic_recipients_fail_afterwards(stage: Stage, ending: str, code: int) -> None:
    await stage.write(**{"from": f"+49151555{ending}"})
    assert (await stage.send(to=f"49151555{ending}")).status_code == 200
    await stage.eventually(lambda: stage.ear.statuses)
    assert [status["errors"][0]["code"] for status in stage.ear.statuses] == [code]


@pytest.mark.parametrize(("ending", "status", "code"), [("0429", 429, 130429), ("0056", 429, 131056), ("0500", 502, None)])
async def test_magic_recipients_fail_at_once(stage: Stage, ending: str, status: int, code: int | None) -> None:
    await stage.write(**{"from": f"+49151555{ending}"})
    answer = await stage.send(to=f"49151555{ending}")
    assert answer.status_code == status
    assert code is None or answer.json()["error"]["code"] == code


async def test_who_hides_the_number_is_written_to_by_user_id(stage: Stage) -> None:
    await stage.write(**{"from": None, "username": "sheena.n", "name": "Sheena"})
    (message,) = await stage.eventually(lambda: stage.ear.messages)
    bsuid = message["from_user_id"]
    answer = await stage.send(to=None, recipient=bsuid)
    assert answer.json()["contacts"] == [{"input": bsuid, "user_id": bsuid}]
    assert [one["text"] for one in await stage.phone("@sheena.n")] == ["Hello"]
    await stage.eventually(lambda: len(stage.ear.statuses) == 3)
    assert all("recipient_id" not in status and status["recipient_user_id"] == bsuid for status in stage.ear.statuses)


async def test_a_user_id_nobody_has_cannot_be_reached(stage: Stage) -> None:
    await stage.write()
    assert (await stage.send(to=None, recipient="US.4711")).status_code == 200
    (status,) = await stage.eventually(lambda: stage.ear.statuses)
    assert (status["status"], status["errors"][0]["code"]) == ("failed", 131026)
    assert status["recipient_user_id"] == "US.4711"


def _hours_ago(hours: float) -> int:
    import time

    return int(time.time() - hours * 3600)
