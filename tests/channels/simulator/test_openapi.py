"""Meta's own description of its API, where it speaks of what we send and of what the simulator answers."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from frontdesk.channels import cloud_api
from frontdesk.database import new_id
from tests.channels.simulator.stage import NUMBER, Stage

FILE = Path(__file__).parents[4] / "shared" / "data" / "meta-business-messaging-api_v23.0.yaml"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"Meta's OpenAPI file is not at ../shared/data/{FILE.name}")


@cache
def description() -> dict[str, Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return dict(yaml.load(FILE.read_text(), Loader=loader))


def complaints(schema: str, value: object) -> list[str]:
    """What Meta's schema of this name says against a value."""
    components = description()["components"]
    validator = Draft202012Validator({"$ref": f"#/components/schemas/{schema}", "components": components})
    return [error.message for error in validator.iter_errors(value)]


async def test_answers_to_sends(stage: Stage) -> None:
    await stage.write()
    assert complaints("MessageResponsePayload", (await stage.send()).json()) == []


async def test_our_own_requests(stage: Stage) -> None:
    wamid = await stage.write()
    ours = [
        cloud_api.text("Hello", phone="4915112345678", bsuid=None, message_id=new_id(), reply_to=wamid),
        cloud_api.reaction("👍", reacts_to=wamid, phone="4915112345678", bsuid=None, message_id=new_id()),
    ]
    for body in ours:
        assert complaints("BaseMessageProperties", body) == []
        schema = f"{body['type'].title()}Message/allOf/1/properties/{body['type']}"
        assert complaints(schema, body[body["type"]]) == []
        assert (await stage.send(body)).status_code == 200
    receipt = cloud_api.read_receipt(wamid, typing=True)
    assert complaints("MarkMessageRequestPayload", receipt) == []
    assert (await stage.send(receipt)).status_code == 200


async def test_answers_to_reading(stage: Stage) -> None:
    wamid = await stage.write()
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    assert complaints("MarkMessageRequestPayload", body) == []
    answer = await stage.send(body)
    assert complaints("MarkMessageResponsePayload", answer.json()) == []


async def test_refusals(stage: Stage) -> None:
    await stage.write()
    for change in ({"to": "x"}, {"type": "image"}, {"text": {}}, {"colour": 1}, {"to": "491515550429"}):
        answer = await stage.send(**change)
        assert answer.status_code >= 400
        assert complaints("GraphAPIError", answer.json()) == []


async def test_the_number(stage: Stage) -> None:
    from frontdesk.channels.simulator import access_token

    await stage.write()
    headers = {"authorization": f"Bearer {access_token('a secret of the app', NUMBER)}"}
    fields = {"fields": "display_phone_number,verified_name,quality_rating,code_verification_status,name_status"}
    answer = await stage.client.get(f"/graph/v23.0/{NUMBER}", params=fields, headers=headers)
    assert complaints("PhoneNumberInfo", answer.json()) == []
    question = cloud_api.number_url(f"{stage.url}/graph", "v26.0", NUMBER)
    answer = await stage.client.get(question, headers=headers)
    assert complaints("PhoneNumberInfo", answer.json()) == []
    assert answer.json().keys() == {"id", "display_phone_number", "verified_name"}
    refused = await stage.client.get(question, headers={"authorization": "Bearer EAAG-invented"})
    assert (refused.status_code, complaints("GraphAPIError", refused.json())) == (401, [])


async def test_the_examples_of_texts_and_reactions_are_accepted(stage: Stage) -> None:
    wamid = await stage.write()
    operation = description()["paths"]["/{Version}/{Phone-Number-ID}/messages"]["post"]
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    tried = 0
    for example in examples.values():
        body = dict(example["value"])
        if body.get("type") not in ("text", "reaction"):
            continue
        tried += 1
        body["to"] = "4915112345678"
        if "reaction" in body:
            body["reaction"] = body["reaction"] | {"message_id": wamid}
        answer = await stage.send(body)
        assert answer.status_code == 200, (example, answer.text)
    assert tried >= 3


async def test_webhooks_of_texts_and_reactions(stage: Stage) -> None:
    await stage.write("Grüße")
    wamid = (await stage.send()).json()["messages"][0]["id"]
    await stage.write(text=None, reaction={"message_id": wamid, "emoji": "👍"})
    await stage.eventually(lambda: len(stage.ear.messages) == 2 and len(stage.ear.statuses) == 3)
    # Both are composed with the base of messages that go out; the file means the one of messages that come in.
    schemas = {"text": "TextMessage_2/allOf/1", "reaction": "ReactionMessage_1/allOf/1"}
    for message in stage.ear.messages:
        assert complaints("BaseMessageProperties_1", message) == []
        assert complaints(schemas[message["type"]], message) == []
    for status in stage.ear.statuses:
        assert complaints("Statuses", status) == []
    for value in stage.ear.values:
        shape = "StatusMessageValue" if "statuses" in value else None
        assert shape is None or complaints(shape, value) == []
