"""Our requests, held against the description of the API that Meta publishes (where this checkout has a copy)."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from frontdesk.channels.cloud_api import reaction, read_receipt, text

DESCRIPTION = Path(__file__).parents[4] / "shared" / "data" / "meta-business-messaging-api_v23.0.yaml"


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    if not DESCRIPTION.exists():
        pytest.skip("this checkout has no copy of Meta's OpenAPI file beside it")
    found: dict[str, Any] = yaml.safe_load(DESCRIPTION.read_text())
    return found


def merged(description: dict[str, Any], name: str) -> dict[str, Any]:
    """The schema of a message as it is meant: taken literally, its two closed halves shut each other out."""
    parts = description["components"]["schemas"][name]["allOf"]
    halves = [description["components"]["schemas"][part["$ref"].split("/")[-1]] if "$ref" in part else part for part in parts]
    # Described elsewhere by Meta, but missing in this file.
    properties = {"biz_opaque_callback_data": {"type": "string", "maxLength": 512}}
    for half in halves:
        properties |= half["properties"]
    required = [key for half in halves for key in half.get("required", [])]
    return {
        "components": description["components"], "type": "object", "additionalProperties": False,
        "properties": properties, "required": required,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "request_body"),
    [
        ("TextMessage", text("Hi", phone="16505551234", bsuid=None)),
        ("TextMessage", text("Hi", phone="16505551234", bsuid=None, reply_to="wamid.1")),
        ("ReactionMessage", reaction("👍", reacts_to="wamid.1", phone="16505551234", bsuid=None)),
    ],
    ids=["text", "quoting text", "reaction"],
)
def test_what_we_send_is_what_meta_describes(name: str, request_body: dict[str, Any], description: dict[str, Any]) -> None:
    Draft202012Validator(merged(description, name)).validate(request_body)


def test_our_read_receipt_is_metas_example(description: dict[str, Any]) -> None:
    [post] = [path["post"] for name, path in description["paths"].items() if name.endswith("{Phone-Number-ID}/messages")]
    examples = post["requestBody"]["content"]["application/json"]["examples"]
    example = examples["Send typing indicator and read receipt"]["value"]
    assert read_receipt(example["message_id"], typing=True) == example
