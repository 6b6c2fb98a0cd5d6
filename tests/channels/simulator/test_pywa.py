"""An outside judge: pywa, unmodified, speaks with the simulator and understands what it is told."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pywa_async import WhatsApp
from pywa_async.errors import (
    InvalidParameter,
    MessageUndeliverable,
    RateLimitHit,
    ReEngagementMessage,
    TooManyMessages,
    WhatsAppError,
)
from pywa_async.types import Message, MessageStatus, MessageStatusType, MessageType

from frontdesk.channels.simulator import access_token
from tests.channels.simulator.stage import NUMBER, SECRET, Stage


class Rewrite(httpx.AsyncHTTPTransport):
    """Sends what is meant for Meta to the simulator."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = httpx.URL(base)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = f"{self.base.path.rstrip('/')}/graph{request.url.path}"
        request.url = request.url.copy_with(scheme="http", host=self.base.host, port=self.base.port, path=path)
        request.headers["host"] = f"{self.base.host}:{self.base.port}"
        return await super().handle_async_request(request)


@pytest.fixture
async def business(stage: Stage) -> AsyncIterator[Any]:
    async with httpx.AsyncClient(transport=Rewrite(stage.url)) as session:
        token = access_token(SECRET, NUMBER)
        yield WhatsApp(phone_id=NUMBER, token=token, session=session, server=None, app_secret=SECRET, verify_token="x")


async def test_pywa_sends_a_text(stage: Stage, business: Any) -> None:
    await stage.write()
    sent = await business.send_message(to="4915112345678", text="Hello from pywa", tracker="m:1")
    (message,) = await stage.phone()
    assert (message["text"], message["id"]) == ("Hello from pywa", sent.id)
    assert message["biz_opaque_callback_data"] == "m:1"


async def test_pywa_quotes_reacts_and_marks_as_read(stage: Stage, business: Any) -> None:
    wamid = await stage.write()
    await business.send_message(to="4915112345678", text="This one", reply_to_message_id=wamid)
    await business.send_reaction(to="4915112345678", emoji="👍", message_id=wamid)
    await business.remove_reaction(to="4915112345678", message_id=wamid)
    assert await business.mark_message_as_read(message_id=wamid)
    assert await business.indicate_typing(message_id=wamid)
    text, on, off = await stage.phone()
    assert (text["reply_to"], on["emoji"], off["emoji"]) == (wamid, "👍", "")


async def test_pywa_knows_the_number(stage: Stage, business: Any) -> None:
    await stage.write()
    number = await business.get_business_phone_number()
    assert number.id == NUMBER and number.quality_rating == "GREEN"


async def test_pywa_raises_the_right_errors(stage: Stage, business: Any) -> None:
    await stage.write()
    with pytest.raises(WhatsAppError, match="Invalid parameter"):
        await business.send_message(to="4915112345678", text="x" * 4097)
    with pytest.raises(InvalidParameter):
        await business.send_reaction(to="4915112345678", emoji="👍", message_id="wamid.unknown")
    with pytest.raises(TooManyMessages):
        await business.send_message(to="491515550056", text="x")
    await stage.faults(answer_429={"status": 400})
    with pytest.raises(RateLimitHit):
        await business.send_message(to="4915112345678", text="x")


async def test_pywa_understands_what_it_is_told(stage: Stage, business: Any) -> None:
    heard: list[Any] = []

    def hear(_: Any, update: Any) -> None:
        heard.append(update)

    business.on_message(hear)
    business.on_message_status(hear)
    await stage.write("Grüße 👋")
    wamid = (await stage.send(biz_opaque_callback_data="m:2")).json()["messages"][0]["id"]
    await stage.eventually(lambda: len(stage.ear.statuses) == 3)
    await stage.write(text=None, reaction={"message_id": wamid, "emoji": "❤️"})
    await stage.eventually(lambda: len(stage.ear.messages) == 2)
    for body in _one_event_each(stage.ear.heard):
        assert await business.webhook_update_handler(body) == ("ok", 200)
    await asyncio.sleep(0)
    messages = [update for update in heard if isinstance(update, Message)]
    statuses = [update for update in heard if isinstance(update, MessageStatus)]
    text, reaction = messages
    assert (text.text, text.from_user.name, text.from_user.wa_id) == ("Grüße 👋", "Lena", "4915112345678")
    assert [status.status for status in statuses] == [
        MessageStatusType.SENT, MessageStatusType.DELIVERED, MessageStatusType.READ,
    ]  # fmt: skip
    assert {status.tracker for status in statuses} == {"m:2"}
    assert (reaction.type, reaction.reaction.emoji) == (MessageType.REACTION, "❤️")


async def test_pywa_accepts_the_signature(stage: Stage, business: Any) -> None:
    await stage.write("Grüße 👋")
    await stage.eventually(lambda: stage.ear.bodies)
    header = stage.ear.headers[0]["x-hub-signature-256"]
    assert not await business.webhook_update_validator(stage.ear.bodies[0], header)
    assert await business.webhook_update_validator(stage.ear.bodies[0] + b" ", header)


async def test_failures_carry_the_errors_pywa_knows(stage: Stage) -> None:
    await stage.send()
    await stage.write(**{"from": "+491515550026"})
    await stage.send(to="491515550026")
    await stage.eventually(lambda: len(stage.ear.statuses) == 2)
    codes = {status["errors"][0]["code"] for status in stage.ear.statuses}
    known = {code for error in (ReEngagementMessage, MessageUndeliverable) for code in error.__error_codes__}
    assert codes <= known


def _one_event_each(bodies: list[dict[str, Any]]) -> list[bytes]:
    """pywa reads only the first event of a body."""
    return [json.dumps(body | {"entry": [entry | {"changes": [change]}]}).encode() for body in bodies for entry in body["entry"] for change in entry["changes"]]
